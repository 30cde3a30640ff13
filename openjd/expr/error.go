package expr

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// EvaluationError says what went wrong in an expression, and where in its text.
type EvaluationError struct {
	// Expression is the text of the expression.
	Expression string
	// Start, Mark and End are bytes of it: the part that failed, and what in it the message is about.
	Start, Mark, End int
	// Message says what is wrong, without the position.
	Message string
	// Undefined is the name that is not defined, when that is what is wrong.
	Undefined string
}

// Error returns the message, the line of the expression, and a line that points into it:
//
//	cannot add string and int
//	  Param.Name + 1
//	  ~~~~~~~~~~~^~~
func (e *EvaluationError) Error() string {
	const widest = 100
	lineStart := strings.LastIndexByte(e.Expression[:e.Mark], '\n') + 1
	line := e.Expression[lineStart:]
	if i := strings.IndexByte(line, '\n'); i >= 0 {
		line = line[:i]
	}
	from, to := max(e.Start-lineStart, 0), min(max(e.End-lineStart, 0), len(line))
	if utf8.RuneCountInString(line) > widest {
		return fmt.Sprintf("%s (at character %d)", e.Message, utf8.RuneCountInString(e.Expression[:e.Mark])+1)
	}
	var under strings.Builder
	for i, c := range line {
		switch {
		case i == e.Mark-lineStart:
			under.WriteByte('^')
		case c == '\t' && i < from:
			under.WriteByte('\t')
		case i >= from && i < to:
			under.WriteByte('~')
		default:
			under.WriteByte(' ')
		}
	}
	if e.Mark-lineStart >= len(line) {
		under.WriteByte('^')
	}
	return e.Message + "\n  " + line + "\n  " + strings.TrimRight(under.String(), " ")
}

// syntaxAt turns a syntax error of an expression into the form that shows the text.
func syntaxAt(text string, err *SyntaxError) error {
	at := min(err.Offset, len(text))
	return &EvaluationError{Expression: text, Start: at, Mark: at, End: min(at+1, len(text)), Message: err.Message}
}

// LimitError says that an evaluation would cost more than it may; see [Limits].
type LimitError struct{ Message string }

// Error returns the message.
func (e *LimitError) Error() string { return e.Message }
