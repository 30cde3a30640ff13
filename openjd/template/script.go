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
	Actions       EnvironmentActions `json:"actions"`
	EmbeddedFiles []EmbeddedFile     `json:"embeddedFiles,omitempty"`
}

// EnvironmentActions holds at least one of the two actions.
type EnvironmentActions struct {
	OnEnter *Action `json:"onEnter,omitempty"`
	OnExit  *Action `json:"onExit,omitempty"`
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

// Action is a command line (2023-09 §5).
type Action struct {
	Command expr.FormatString   `json:"command"`
	Args    []expr.FormatString `json:"args,omitempty"`
	// TimeoutSeconds is 0 when the template gives none; see [DefaultOnExitTimeout].
	TimeoutSeconds int64 `json:"timeout,omitempty"`
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

// Cancelation says how a running action is stopped.
type Cancelation struct {
	Mode CancelationMode `json:"mode"`
	// NotifyPeriodSeconds is 1 to 600, or 0 when the template gives none or the mode is [Terminate]; see
	// [DefaultOnRunNotifyPeriod] and [DefaultEnvironmentNotifyPeriod].
	NotifyPeriodSeconds int64 `json:"notifyPeriodInSeconds,omitempty"`
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
}
