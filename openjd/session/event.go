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
	// Origin says whose words these are.
	Origin Origin
	// Text has no line end. A line of output longer than [process.MaxLine] bytes comes as several, none more than twice as long.
	Text string
}

// Origin says where a line of the log comes from.
type Origin uint8

// The origins.
const (
	FromSession Origin = iota // a message of the session
	FromProcess               // a line of output
	CommandLine               // the command line of an action, which shows its arguments
)

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
