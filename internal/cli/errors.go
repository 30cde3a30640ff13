package cli

import (
	"errors"
	"fmt"
	"io"

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

func printError(w io.Writer, err error) {
	fmt.Fprintf(w, "farmhand: %v\n", err)
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
	var denied *deadline.AccessDeniedException
	if errors.As(err, &denied) {
		return `check the credentials: eval "$(farmhand env)" sets those of the farm that runs in --data-dir`
	}
	var validation *deadline.ValidationException
	if errors.As(err, &validation) && len(validation.FieldList) > 0 {
		field := validation.FieldList[0]
		return fmt.Sprintf("%s: %s", field.Name, field.Message)
	}
	return ""
}
