package session

import (
	"errors"
	"time"
)

// Status is how an action ended.
type Status string

// The ends of an action.
const (
	Succeeded Status = "SUCCEEDED"
	Failed    Status = "FAILED"
	Canceled  Status = "CANCELED"
	TimedOut  Status = "TIMED_OUT" // a failure for every purpose but telling why
)

// Result tells how an action ended.
type Result struct {
	Status Status
	// ExitCode is nil when no process ran. A process ended by signal n has exit code -n.
	ExitCode *int
	// Reason is the session's own explanation of a status other than Succeeded.
	Reason string
	// FailMessage and StatusMessage are the last openjd_fail and openjd_status, "" without one.
	FailMessage, StatusMessage string
	// Started and Ended enclose the action, with the writing of its files.
	Started, Ended time.Time
}

// Message returns the best single text about the end: of a failure the job's own message before the session's reason, of a success the last status.
func (r Result) Message() string {
	switch {
	case r.Status == Succeeded:
		return r.StatusMessage
	case r.FailMessage != "":
		return r.FailMessage
	case r.Reason != "":
		return r.Reason
	}
	return r.StatusMessage
}

// Errors of calls that a session refuses: nothing was run, and its state is as before.
var (
	// ErrState means that the session has failed, is running something else, or has ended.
	ErrState = errors.New("the session is not in a state for this")
	// ErrDuplicate means that an environment of the same id is entered.
	ErrDuplicate = errors.New("the environment is entered already")
	// ErrWrapped means that an environment that wraps actions is entered inside another one that does (extension WRAP_ACTIONS).
	ErrWrapped = errors.New("another environment of the session wraps actions already, only one can")
	// ErrOrder means that another environment has to be exited first, or that this one was never entered.
	ErrOrder = errors.New("environments are exited in reverse order of entering")
)
