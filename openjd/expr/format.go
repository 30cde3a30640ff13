package expr

import (
	"encoding/json"
	"fmt"
	"strings"
)

// MaxExpressions bounds the expressions in one format string.
const MaxExpressions = 1000

// FormatString is a text with expressions between {{ and }} (Open Job Description 2023-09, format strings).
// The zero value is the empty text. Format strings are immutable and compare by [FormatString.String].
type FormatString struct {
	text     string
	segments []segment // nil when the text holds no expression
}

// segment is a part of a format string: literal text, or one expression.
type segment struct {
	literal    string
	expression expression // nil for literal text
}

// Reference is one symbol that a format string needs.
type Reference struct {
	// Name is the symbol as written, for instance "Task.Param.Frame".
	Name string
	// Offset is where the name begins in the text, in bytes.
	Offset int
}

// SyntaxError tells where a text stops being a format string, a range expression or another small language of Open Job Description.
type SyntaxError struct {
	// Offset is the position of the mistake in the text, in bytes.
	Offset int
	// Message says what is wrong there, without the position.
	Message string
}

// Error returns the message followed by the position, counted from 1 as people do.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s (at character %d)", e.Message, e.Offset+1)
}

// UndefinedError reports a reference that the symbol table does not bind.
type UndefinedError struct{ Name string }

// Error names the symbol.
func (e *UndefinedError) Error() string { return e.Name + " is not defined here" }

// expression is what stands between the braces. The base language has one implementation, name.
type expression interface {
	// references appends the symbols that the expression needs.
	references(dst []Reference) []Reference
	// evaluate returns the value of the expression, or an *UndefinedError.
	evaluate(symbols *SymbolTable) (Value, error)
}

// Parse parses a format string of the base language. The error is a *SyntaxError.
//
// The first }} closes an expression; single braces are text; there is no way to escape a double brace.
func Parse(text string) (FormatString, error) {
	f := FormatString{text: text}
	rest, offset := text, 0
	for rest != "" {
		open := strings.Index(rest, "{{")
		literal := rest
		if open >= 0 {
			literal = rest[:open]
		}
		if stray := strings.Index(literal, "}}"); stray >= 0 {
			return FormatString{}, &SyntaxError{offset + stray, "}} closes no {{"}
		}
		if open < 0 {
			if f.segments != nil {
				f.segments = append(f.segments, segment{literal: literal})
			}
			return f, nil
		}
		inner := rest[open+2:]
		end := strings.Index(inner, "}}")
		if end < 0 {
			return FormatString{}, &SyntaxError{offset + open, "{{ is never closed by }}"}
		}
		n, err := parseName(inner[:end], offset+open+2)
		if err != nil {
			return FormatString{}, err
		}
		if literal != "" {
			f.segments = append(f.segments, segment{literal: literal})
		}
		f.segments = append(f.segments, segment{expression: n})
		if len(f.segments) > 2*MaxExpressions {
			return FormatString{}, &SyntaxError{offset + open, fmt.Sprintf("more than %d expressions in one format string", MaxExpressions)}
		}
		consumed := open + 2 + end + 2
		rest, offset = rest[consumed:], offset+consumed
	}
	return f, nil
}

// Literal returns a format string without expressions. It panics when the text holds a double brace, because such a text could
// not be parsed back: it is for text known to the program.
func Literal(text string) FormatString {
	if strings.Contains(text, "{{") || strings.Contains(text, "}}") {
		panic("expr: a literal cannot hold double braces: " + text) //nolint:forbidigo // documented, as regexp.MustCompile's is
	}
	return FormatString{text: text}
}

// String returns the text as authored.
func (f FormatString) String() string { return f.text }

// IsLiteral says whether the text has no expressions, so that it resolves to itself.
func (f FormatString) IsLiteral() bool { return f.segments == nil }

// References returns the symbols needed to resolve the string, in order, with repetitions.
func (f FormatString) References() []Reference {
	var refs []Reference
	for _, s := range f.segments {
		if s.expression != nil {
			refs = s.expression.references(refs)
		}
	}
	return refs
}

// Resolve replaces every expression by the text of its value. The error is an *UndefinedError.
func (f FormatString) Resolve(symbols *SymbolTable) (string, error) {
	if f.segments == nil {
		return f.text, nil
	}
	var b strings.Builder
	for _, s := range f.segments {
		if s.expression == nil {
			b.WriteString(s.literal)
			continue
		}
		v, err := s.expression.evaluate(symbols)
		if err != nil {
			return "", err
		}
		b.WriteString(v.Text())
	}
	return b.String(), nil
}

// MarshalJSON gives the text as authored.
func (f FormatString) MarshalJSON() ([]byte, error) { return json.Marshal(f.text) }

// Equal says whether both strings were written the same.
func (f FormatString) Equal(other FormatString) bool { return f.text == other.text }
