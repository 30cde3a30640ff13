package restjson

import (
	"fmt"
	"strings"
)

// FieldError is one fault of a request.
type FieldError struct {
	// Name is the member's path in the model's words, such as jobs[0].priority; "" is the body itself.
	Name string
	// Message says what must hold, without the value.
	Message string
	// Missing says that a required member is absent, Excess that a list or map has more elements than the model allows. Both are
	// constraints that the value violates; all other faults are of its form.
	Missing, Excess bool
}

// DecodeError says why a request or an answer could not be decoded.
type DecodeError struct {
	// Malformed is the fault of a text that is not JSON as the protocol allows it, nil when it is.
	Malformed error
	// Fields are the members with missing or ill-typed values.
	Fields []FieldError
}

// Error lists the faults.
func (e *DecodeError) Error() string {
	var b strings.Builder
	if e.Malformed != nil {
		fmt.Fprintf(&b, "malformed JSON: %v", e.Malformed)
	}
	for _, f := range e.Fields {
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		if f.Name == "" {
			b.WriteString("the body ")
		} else {
			b.WriteString(f.Name + " ")
		}
		b.WriteString(f.Message)
	}
	return b.String()
}

// Unwrap returns the fault of malformed JSON.
func (e *DecodeError) Unwrap() error { return e.Malformed }
