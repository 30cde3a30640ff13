package server

import (
	"errors"

	"github.com/farmhand-render/farmhand/deadline"
)

// Unimplemented implements [Service] with methods that all answer that the operation is not built. A service embeds it, so that it links and answers in the
// API's own terms before every operation exists. [IsNotBuilt] recognises the answer.
type Unimplemented struct{}

var _ Service = Unimplemented{}

// notBuiltError is a modelled error with a mark that [IsNotBuilt] finds.
type notBuiltError struct {
	*deadline.ValidationException
}

func (e notBuiltError) Unwrap() error { return e.ValidationException }

func notBuilt(operation string) error {
	return notBuiltError{&deadline.ValidationException{
		Message: operation + " is not built in this version of Farmhand",
		Reason:  deadline.ValidationExceptionReasonUnknownOperation,
	}}
}

// IsNotBuilt says whether err is the answer of a method of [Unimplemented].
func IsNotBuilt(err error) bool {
	var e notBuiltError
	return errors.As(err, &e)
}
