package expr

import (
	"encoding/json"
	"errors"
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

// segment is a part of a format string: literal text, which may be empty, and the expression after it.
type segment struct {
	literal    string
	expression expression // nil after the last expression
	name       *name      // the expression when it is a name
}

// newSegment makes the segment of an expression.
func newSegment(literal string, e expression) segment {
	s := segment{literal: literal, expression: e}
	switch e := e.(type) {
	case *name:
		s.name = e
	case *symbolExpression:
		s.name = e.name
	}
	return s
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
	// evaluate returns the value of the expression, of one of the types in target unless that is 0.
	evaluate(symbols *SymbolTable, target Type) (Value, error)
}

// Parse parses a format string of the base language. The error is a *SyntaxError.
//
// The first }} closes an expression; single braces are text; there is no way to escape a double brace.
func Parse(text string) (FormatString, error) {
	return parseFormat(text, func(inner string, offset int) (expression, error) { return parseName(inner, offset) })
}

// ParseExtended parses a format string whose expressions are those of the expression language (extension EXPR). The error is a
// *SyntaxError or, for a mistake inside an expression, an *EvaluationError.
func ParseExtended(text string) (FormatString, error) {
	return parseFormat(text, func(inner string, offset int) (expression, error) {
		trimmed := strings.TrimLeft(inner, blanks)
		offset += len(inner) - len(trimmed)
		trimmed = strings.TrimRight(trimmed, blanks)
		if trimmed == "" {
			return nil, &SyntaxError{offset, "nothing between {{ and }}: an expression such as Param.Frame + 1 must stand there"}
		}
		if IsIdentifier(strings.ReplaceAll(trimmed, ".", "")) {
			// Most expressions are names, which need no machine.
			if n, err := parseName(trimmed, offset); err == nil && !IsReserved(beginning(trimmed)) {
				return &symbolExpression{n, &Expression{text: trimmed, root: newName(span{0, len(trimmed), 0}, trimmed)}}, nil
			}
		}
		return ParseExpression(trimmed)
	})
}

// beginning returns a dotted name up to its first dot.
func beginning(name string) string {
	first, _, _ := strings.Cut(name, ".")
	return first
}

func parseFormat(text string, parse func(inner string, offset int) (expression, error)) (FormatString, error) {
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
			if f.segments != nil && literal != "" {
				f.segments = append(f.segments, segment{literal: literal})
			}
			return f, nil
		}
		inner := rest[open+2:]
		end := strings.Index(inner, "}}")
		if end < 0 {
			return FormatString{}, &SyntaxError{offset + open, "{{ is never closed by }}"}
		}
		n, err := parse(inner[:end], offset+open+2)
		if err != nil {
			return FormatString{}, err
		}
		f.segments = append(f.segments, newSegment(literal, n))
		if len(f.segments) > MaxExpressions {
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

// Resolve replaces every expression by the text of its value. The error is an *UndefinedError, or, in the expression language, an
// *EvaluationError or a *LimitError.
func (f FormatString) Resolve(symbols *SymbolTable) (string, error) {
	if f.segments == nil {
		return f.text, nil
	}
	buffer, err := f.Append(nil, symbols)
	return string(buffer), err
}

// Append appends what [FormatString.Resolve] returns to dst, so that a loop can reuse memory.
func (f FormatString) Append(dst []byte, symbols *SymbolTable) ([]byte, error) {
	if f.segments == nil {
		return append(dst, f.text...), nil
	}
	for i := range f.segments {
		s := &f.segments[i]
		dst = append(dst, s.literal...)
		if s.name != nil {
			v := s.name.guess(symbols)
			if v == nil {
				v = s.name.search(symbols)
			}
			if v != nil && !v.unresolved {
				switch v.typ {
				case TypeString:
					dst = append(dst, v.text...)
				case TypeInt:
					dst = appendInt(dst, int64(v.number))
				default:
					dst = v.appendText(dst)
				}
				continue
			}
		}
		if s.expression != nil {
			var err error
			if dst, err = f.appendValue(dst, s.expression, symbols); err != nil {
				return dst, err
			}
		}
	}
	return dst, nil
}

// appendValue appends the text of what e gives.
func (f FormatString) appendValue(dst []byte, e expression, symbols *SymbolTable) ([]byte, error) {
	v, err := e.evaluate(symbols, 0)
	if err != nil {
		return dst, err
	}
	if v.unresolved {
		return dst, fmt.Errorf("%s is not known yet", quote(f.text))
	}
	dst = v.appendText(dst)
	if len(dst) > MaxResolvedLength {
		return dst, &LimitError{fmt.Sprintf("the text is longer than %d bytes after its expressions are evaluated", MaxResolvedLength)}
	}
	return dst, nil
}

// MaxResolvedLength bounds the text that a format string resolves to, in bytes.
const MaxResolvedLength = 100_000_000

// IsExpression says whether the whole text is one expression, so that its value keeps its type.
func (f FormatString) IsExpression() bool {
	return len(f.segments) == 1 && f.segments[0].literal == ""
}

// Value resolves the string to a value of one of the types in target, 0 for any: the value of the expression when the whole text is one
// expression, otherwise the text, which is converted if target holds no string. The errors are those of [FormatString.Resolve].
func (f FormatString) Value(symbols *SymbolTable, target Type) (Value, error) {
	if f.IsExpression() {
		return f.segments[0].expression.evaluate(symbols, target)
	}
	text, err := f.Resolve(symbols)
	if err != nil {
		return Value{}, err
	}
	return convertText(text, target)
}

func convertText(text string, target Type) (Value, error) {
	if target == 0 {
		return String(text), nil
	}
	v, ok := String(text).convert(target)
	if !ok {
		return Value{}, fmt.Errorf("expected %s, found %s", target, quote(text))
	}
	return v, nil
}

// Check evaluates every expression with symbols of which some are unresolved, and returns the types that [FormatString.Value] can give.
// All mistakes are in the error, joined by [errors.Join].
func (f FormatString) Check(symbols *SymbolTable, target Type) (Type, error) {
	if f.IsExpression() {
		v, err := f.segments[0].expression.evaluate(symbols, target)
		return v.typ, err
	}
	var all []error
	resolved := true
	for _, s := range f.segments {
		if s.expression != nil {
			v, err := s.expression.evaluate(symbols, 0)
			resolved = resolved && !v.unresolved
			if err != nil {
				all = append(all, err)
			}
		}
	}
	if all != nil {
		return 0, errors.Join(all...)
	}
	if !resolved {
		types := targets(TypeString, target)
		if target == 0 {
			types = TypeString
		}
		return types, nil
	}
	v, err := f.Value(symbols, target)
	return v.typ, err
}

// MarshalJSON gives the text as authored.
func (f FormatString) MarshalJSON() ([]byte, error) { return json.Marshal(f.text) }

// Equal says whether both strings were written the same.
func (f FormatString) Equal(other FormatString) bool { return f.text == other.text }
