package expr

import "strings"

// name is the base language's only expression: identifiers joined by dots, blanks around the whole.
type name Reference

func (n name) references(dst []Reference) []Reference { return append(dst, Reference(n)) }

func (n name) evaluate(symbols *SymbolTable, target Type) (Value, error) {
	v, ok := symbols.Lookup(n.Name)
	switch {
	case !ok && symbols.IsOpen():
		v = Unresolved(TypeAny)
	case !ok:
		return Value{}, &UndefinedError{Name: n.Name}
	}
	if target == 0 || v.typ&target != 0 && !v.unresolved {
		return v, nil
	}
	// The base language knows texts only.
	if v.unresolved {
		return Unresolved(target), nil
	}
	return convertText(v.Text(), target)
}

// symbolExpression is an expression of the expression language that is just a name.
type symbolExpression struct {
	name
	*Expression
}

func (s *symbolExpression) references(dst []Reference) []Reference {
	return append(dst, Reference(s.name))
}

func (s *symbolExpression) evaluate(symbols *SymbolTable, target Type) (Value, error) {
	if target == 0 {
		if v, ok := symbols.Lookup(s.Name); ok {
			return v, nil
		}
	}
	return s.Eval(symbols, target)
}

// parseName parses the text between the braces; offset is where that text begins in the format string.
func parseName(inner string, offset int) (name, error) {
	trimmed := strings.TrimLeft(inner, blanks)
	offset += len(inner) - len(trimmed)
	trimmed = strings.TrimRight(trimmed, blanks)
	if trimmed == "" {
		return name{}, &SyntaxError{offset, "nothing between {{ and }}: a name such as Param.Frame must stand there"}
	}
	for rest, at := trimmed, offset; ; {
		part, tail, more := strings.Cut(rest, ".")
		if !IsIdentifier(part) {
			return name{}, &SyntaxError{at, quote(trimmed) + " is not a dotted name such as Param.Frame, and anything more needs the EXPR extension"}
		}
		if !more {
			return name{Name: trimmed, Offset: offset}, nil
		}
		rest, at = tail, at+len(part)+1
	}
}

// blanks may surround the name inside the braces, and the tokens of a range expression.
const blanks = " \t\r\n"

// quote returns s in quotation marks, cut where it is too long for a message.
func quote(s string) string {
	const most = 60
	if runes := []rune(s[:min(len(s), 4*most)]); len(runes) > most {
		return `"` + string(runes[:most]) + `…"`
	}
	return `"` + s + `"`
}

// IsIdentifier says whether s matches [A-Za-z_][A-Za-z0-9_]*, the form of every name that can be referred to.
// The length is not limited here; templates limit it.
func IsIdentifier(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c == '_', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case '0' <= c && c <= '9' && i > 0:
		default:
			return false
		}
	}
	return s != ""
}
