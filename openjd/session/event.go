package session

import (
	"log/slog"
	"time"
)

// Event is something that a session tells while it works: [LogLine], [Progress], [StatusMessage], [FailMessage], [VariableChange].
type Event interface{ event() }

// LogLine is a line of the session's log: output of a process, or a message of the session itself. Secrets are redacted.
type LogLine struct {
	Time time.Time
	// Level is Info for output.
	Level slog.Level
	// Text has no line end and at most [process.MaxLine] bytes when it is output.
	Text string
}

// Progress is openjd_progress.
type Progress struct {
	// Percent is 0 to 100.
	Percent float64
}

// StatusMessage is openjd_status.
type StatusMessage struct{ Text string }

// FailMessage is openjd_fail.
type FailMessage struct{ Text string }

// VariableChange is openjd_env, openjd_redacted_env or openjd_unset_env that took effect: printed while an environment was entered.
type VariableChange struct {
	// EnvironmentID is the environment whose exit takes the change back.
	EnvironmentID string
	Name          string
	// Unset says that the variable is removed.
	Unset bool
}

func (LogLine) event()        {}
func (Progress) event()       {}
func (StatusMessage) event()  {}
func (FailMessage) event()    {}
func (VariableChange) event() {}
