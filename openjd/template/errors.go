package template

import (
	"strconv"
	"strings"
)

// Error is one mistake in a template.
type Error struct {
	// Path leads to the offending value, such as "steps[0] -> script -> actions -> onRun -> command"; "" is the whole document.
	Path string
	// Line and Column are the position in the document, counted from 1; both are 0 when the mistake has no place in a text.
	Line, Column int
	// Message says what is wrong and what was expected.
	Message string
}

// Error returns "line 3, column 7: path: message", without the parts that are not known.
func (e Error) Error() string {
	var b strings.Builder
	if e.Line > 0 {
		b.WriteString("line " + strconv.Itoa(e.Line) + ", column " + strconv.Itoa(e.Column) + ": ")
	}
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Message)
	return b.String()
}

// Errors is every mistake found, in the order of checking. Functions that return it as an error return at least one.
type Errors []Error

// Error returns the only mistake on one line, or a headline and one line for each.
func (e Errors) Error() string {
	if len(e) == 1 {
		return e[0].Error()
	}
	var b strings.Builder
	b.WriteString(strconv.Itoa(len(e)) + " validation errors:")
	for _, one := range e {
		b.WriteString("\n  " + strings.ReplaceAll(one.Error(), "\n", "\n  "))
	}
	return b.String()
}

// Unwrap gives each mistake to errors.As.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i := range e {
		all[i] = e[i]
	}
	return all
}
