package template

import (
	"bytes"
	"encoding/json"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

// Environment is what is set up before and torn down after the actions of a session (2023-09 §4).
type Environment struct {
	Name        string             `json:"name"`
	Description string             `json:"description,omitempty"`
	Script      *EnvironmentScript `json:"script,omitempty"`
	Variables   Variables          `json:"variables,omitempty"`
}

// EnvironmentScript is the actions of an environment and the files they need.
type EnvironmentScript struct {
	Let           []LetBinding       `json:"let,omitempty"` // extension Expr
	Actions       EnvironmentActions `json:"actions"`
	EmbeddedFiles []EmbeddedFile     `json:"embeddedFiles,omitempty"`
}

// EnvironmentActions holds at least one of onEnter and onExit, or the three hooks, which run in place of the actions of inner
// environments and of tasks (extension [WrapActions]).
type EnvironmentActions struct {
	OnEnter        *Action `json:"onEnter,omitempty"`
	OnWrapEnvEnter *Action `json:"onWrapEnvEnter,omitempty"`
	OnWrapTaskRun  *Action `json:"onWrapTaskRun,omitempty"`
	OnWrapEnvExit  *Action `json:"onWrapEnvExit,omitempty"`
	OnExit         *Action `json:"onExit,omitempty"`
}

// Wraps says whether the environment wraps the actions of others.
func (e *Environment) Wraps() bool {
	return e.Script != nil && (e.Script.Actions.OnWrapEnvEnter != nil || e.Script.Actions.OnWrapTaskRun != nil || e.Script.Actions.OnWrapEnvExit != nil)
}

// Variables is environment variables in the order of the template.
type Variables []Variable

// Variable sets one environment variable. The value may resolve to the empty text.
type Variable struct {
	Name  string
	Value expr.FormatString
}

// MarshalJSON gives the object of names and unresolved values, in order.
func (v Variables) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, variable := range v {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(variable.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(variable.Value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// StepScript is what each task of a step runs (2023-09 §3.5).
type StepScript struct {
	Let           []LetBinding   `json:"let,omitempty"` // extension Expr
	Actions       StepActions    `json:"actions"`
	EmbeddedFiles []EmbeddedFile `json:"embeddedFiles,omitempty"`
}

// StepActions holds the action of a task.
type StepActions struct {
	OnRun Action `json:"onRun"`
}

// Defaults of an action, in seconds (2023-09 §5). Actions other than onExit have no default timeout.
const (
	DefaultOnExitTimeout           = 300
	DefaultOnRunNotifyPeriod       = 120
	DefaultEnvironmentNotifyPeriod = 30
)

// Action is a command line (2023-09 §5). ResolveArgs and ResolveTimeout give its parts for one run.
type Action struct {
	Command expr.FormatString   `json:"command"`
	Args    []expr.FormatString `json:"args,omitempty"`
	// Timeout is nil when the template gives none; see [DefaultOnExitTimeout]. With [FeatureBundle1] it can hold expressions.
	Timeout *Scalar `json:"timeout,omitempty"`
	// Cancelation is nil when the template gives none, which means [Terminate].
	Cancelation *Cancelation `json:"cancelation,omitempty"`
}

// CancelationMode says how a running action is stopped.
type CancelationMode string

// The cancelation modes.
const (
	Terminate           CancelationMode = "TERMINATE"
	NotifyThenTerminate CancelationMode = "NOTIFY_THEN_TERMINATE"
)

// Cancelation says how a running action is stopped. Its Resolve gives mode and period for one run.
type Cancelation struct {
	// Mode resolves to a [CancelationMode]. With [FeatureBundle1] it can hold expressions.
	Mode expr.FormatString `json:"mode"`
	// NotifyPeriod is 1 to 600 seconds, nil when the template gives none or the mode is [Terminate]; see
	// [DefaultOnRunNotifyPeriod] and [DefaultEnvironmentNotifyPeriod].
	NotifyPeriod *Scalar `json:"notifyPeriodInSeconds,omitempty"`
}

// EmbeddedFileType is the type of an embedded file.
type EmbeddedFileType string

// TextFile is the only type there is.
const TextFile EmbeddedFileType = "TEXT"

// EmbeddedFile is a file written to the session before the actions of its script run (2023-09 §6).
type EmbeddedFile struct {
	Name string           `json:"name"`
	Type EmbeddedFileType `json:"type"`
	// Filename is a base name, or "" to let the session choose one.
	Filename string            `json:"filename,omitempty"`
	Runnable bool              `json:"runnable,omitempty"`
	Data     expr.FormatString `json:"data"`
	// EndOfLine says how lines end in the file, "" for [EndOfLineAuto] (extension [FeatureBundle1]).
	EndOfLine EndOfLine `json:"endOfLine,omitempty"`
}

// EndOfLine says how lines end in an embedded file.
type EndOfLine string

// The line ends; auto is that of the host.
const (
	EndOfLineAuto EndOfLine = "AUTO"
	EndOfLineLF   EndOfLine = "LF"
	EndOfLineCRLF EndOfLine = "CRLF"
)
