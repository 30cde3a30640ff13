package job

import (
	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// Job is a job template with its parameters applied (openjd "How jobs are constructed").
type Job struct {
	Name         string
	Description  string
	Extensions   template.ExtensionSet
	Parameters   []Parameter            // every bound parameter, in the order they were given to Create
	Environments []template.Environment // the job environments as authored, outermost first
	Steps        []Step                 // in template order
	// Symbols is what is known of the job everywhere: its parameters without paths that a host must map, and with [template.Expr]
	// Job.Name. What of it a worker needs, [EnvironmentSymbols] says.
	Symbols *expr.SymbolTable
}

// Step is one step of a job.
type Step struct {
	Name        string
	Description string
	// Dependencies holds the indexes in Job.Steps of the steps that must succeed first, in the order of the template.
	Dependencies []int
	// HostRequirements is nil when the template asks for nothing.
	HostRequirements *HostRequirements
	// Space is the tasks of the step. It is never nil.
	Space *ParameterSpace
	// Environments holds the step environments as authored, outermost first. It is Template.StepEnvironments.
	Environments []template.Environment
	// Symbols is what is known of the step when the job is created: with [template.Expr] that of the job, Step.Name and what the step's let
	// binds. What of it a worker needs, [StepSymbols] says.
	Symbols *expr.SymbolTable
	// Template is the step as authored, with its format strings unresolved. It marshals to the object that workers receive.
	Template *template.Step
}

// HostRequirements is what a host must offer to run a step, resolved. Names are in lower case, as they compare without case.
type HostRequirements struct {
	Amounts    []AmountRequirement    `json:"amounts,omitempty"`
	Attributes []AttributeRequirement `json:"attributes,omitempty"`
}

// AmountRequirement asks for at least Min, which a session reserves, and at most Max. A nil bound is absent.
type AmountRequirement struct {
	Name string   `json:"name"`
	Min  *float64 `json:"min,omitempty"`
	Max  *float64 `json:"max,omitempty"`
}

// AttributeRequirement asks that the host's values meet AnyOf and hold all of AllOf. Values compare without case.
type AttributeRequirement struct {
	Name  string   `json:"name"`
	AnyOf []string `json:"anyOf,omitempty"`
	AllOf []string `json:"allOf,omitempty"`
}

// Limits bounds what one job may be. A zero field sets no bound.
type Limits struct {
	Steps               int
	Environments        int // job environments and all step environments
	DependenciesPerStep int
	ConsumersPerStep    int
	TasksPerStep        int64
	TasksPerChunk       int64 // by default; how large chunks become that adapt to a run time is the scheduler's to say
	Tasks               int64
	StepScriptBytes     int // of the script of one step, as JSON
	EnvironmentBytes    int // of one environment, as JSON
}
