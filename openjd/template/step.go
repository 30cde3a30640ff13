package template

import (
	"encoding/json"
	"slices"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

// Step is one step of a job template (2023-09 §3).
type Step struct {
	Name             string            `json:"name"`
	Description      string            `json:"description,omitempty"`
	Dependencies     []StepDependency  `json:"dependencies,omitempty"`
	StepEnvironments []Environment     `json:"stepEnvironments,omitempty"`
	HostRequirements *HostRequirements `json:"hostRequirements,omitempty"`
	ParameterSpace   *ParameterSpace   `json:"parameterSpace,omitempty"` // nil: one task without parameters
	// Let binds names for the whole step when a job is created (extension [Expr]).
	Let []LetBinding `json:"let,omitempty"`
	// Script is what tasks run, unless Simple is given. TaskScript returns either.
	Script *StepScript `json:"script,omitempty"`
	// Simple is a script in one of the short forms (extension [FeatureBundle1]).
	Simple *SimpleAction `json:"-"`
}

// MarshalJSON gives the step as authored: a short form stays one.
func (s Step) MarshalJSON() ([]byte, error) {
	type plain Step
	if s.Simple == nil {
		return json.Marshal(plain(s))
	}
	outer, err := json.Marshal(plain(s))
	if err != nil {
		return nil, err
	}
	inner, err := json.Marshal(s.Simple)
	if err != nil {
		return nil, err
	}
	return slices.Concat(outer[:len(outer)-1], []byte(`,"`+string(s.Simple.Interpreter)+`":`), inner, []byte("}")), nil
}

// StepDependency names a step whose tasks must all have succeeded before any task of the dependent step may run.
type StepDependency struct {
	DependsOn string `json:"dependsOn"`
}

// HostRequirements says which hosts can run a step (2023-09 §3.3).
type HostRequirements struct {
	Amounts    []AmountRequirement    `json:"amounts,omitempty"`
	Attributes []AttributeRequirement `json:"attributes,omitempty"`
}

// AmountRequirement asks for a quantity that a session reserves. Min, Max or both are present.
type AmountRequirement struct {
	Name expr.FormatString `json:"name"`
	Min  *Scalar           `json:"min,omitempty"`
	Max  *Scalar           `json:"max,omitempty"`
}

// AttributeRequirement asks for properties of the host. AnyOf, AllOf or both are present.
type AttributeRequirement struct {
	Name  expr.FormatString   `json:"name"`
	AnyOf []expr.FormatString `json:"anyOf,omitempty"`
	AllOf []expr.FormatString `json:"allOf,omitempty"`
}

// ParameterSpace defines the tasks of a step (2023-09 §3.4).
type ParameterSpace struct {
	TaskParameterDefinitions []TaskParameterDefinition `json:"taskParameterDefinitions"`
	// Combination is the combination expression as authored, "" for the product in order of definition.
	Combination string `json:"combination,omitempty"`
}

// TaskParameterType is the type of a task parameter.
type TaskParameterType string

// The task parameter types of the base language.
const (
	IntTaskParameter    TaskParameterType = "INT"
	FloatTaskParameter  TaskParameterType = "FLOAT"
	StringTaskParameter TaskParameterType = "STRING"
	PathTaskParameter   TaskParameterType = "PATH"
)

// TaskParameterDefinition defines one dimension of a parameter space.
type TaskParameterDefinition struct {
	Name   string            `json:"name"`
	Type   TaskParameterType `json:"type"`
	Range  TaskRange         `json:"range"`
	Chunks *Chunks           `json:"chunks,omitempty"` // of CHUNK[INT]
}

// TaskRange is the values of a task parameter: a list, or for INT a range expression such as "1-100". Its Resolve gives the values.
type TaskRange struct {
	// Items is the list, nil when Expression is used.
	Items []Scalar
	// Expression is a format string that resolves to a range expression or, with [Expr], to a list.
	Expression expr.FormatString
}

// MarshalJSON gives the list or the expression, as authored.
func (r TaskRange) MarshalJSON() ([]byte, error) {
	if r.Items != nil {
		return json.Marshal(r.Items)
	}
	return json.Marshal(r.Expression)
}
