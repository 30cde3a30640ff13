package cli

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/farmhand-render/farmhand/deadline"
)

// usageError is a command line that makes no sense.
type usageError struct {
	err  error
	hint string
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }
func (e *usageError) Hint() string  { return e.hint }

// hinted is an error with what to do next.
type hinted struct {
	err  error
	hint string
}

func (e *hinted) Error() string { return e.err.Error() }
func (e *hinted) Unwrap() error { return e.err }
func (e *hinted) Hint() string  { return e.hint }

// errJob: the command worked, the job it waited for did not succeed. It has been reported already.
var errJob = errors.New("the job did not succeed")

func printError(w io.Writer, program string, err error) {
	if errors.Is(err, errShown) {
		return
	}
	if _, ok := errors.AsType[*openjdError](err); ok {
		fmt.Fprintf(w, "ERROR: %v\n", err)
		return
	}
	if program == "openjd" {
		program = "ERROR"
	}
	fmt.Fprintf(w, "%s: %v\n", program, err)
	if hint := hintFor(err); hint != "" {
		fmt.Fprintf(w, "  %s\n", hint)
	}
}

// hintFor gives the next step after an error: what the error says itself, else what its kind suggests.
func hintFor(err error) string {
	var withHint interface{ Hint() string }
	if errors.As(err, &withHint) {
		return withHint.Hint()
	}
	if _, ok := errors.AsType[*deadline.AccessDeniedException](err); ok {
		return `check the credentials: eval "$(farmhand env)" sets those of the farm that runs in --data-dir`
	}
	if reach, ok := errors.AsType[*net.OpError](err); ok && reach.Op == "dial" {
		return "nothing answers there: start the farm again, or name another one with --endpoint-url"
	}
	if validation, ok := errors.AsType[*deadline.ValidationException](err); ok {
		return fieldsText(validation)
	}
	return ""
}

// fieldsText lists the fields of a refused request that its message does not explain already.
func fieldsText(e *deadline.ValidationException) string {
	var texts []string
	for _, field := range e.FieldList {
		if !strings.Contains(e.Message, field.Message) {
			texts = append(texts, field.Name+": "+field.Message)
		}
	}
	return strings.Join(texts, "\n  ")
}
