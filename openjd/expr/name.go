package expr

import "strings"

// name is the base language's only expression: identifiers joined by dots, blanks around the whole.
type name struct {
	Reference
	finder
}

func (n *name) references(dst []Reference) []Reference { return append(dst, n.Reference) }

func (n *name) evaluate(symbols *SymbolTable, target Type) (Value, error) {
	var v Value
	switch found := n.find(symbols); {
	case found != nil:
		v = *found
	case symbols.IsOpen():
		v = Unresolved(TypeAny)
	default:
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
	*name
	*Expression
}

func (s *symbolExpression) references(dst []Reference) []Reference {
	return append(dst, s.Reference)
}

func (s *symbolExpression) evaluate(symbols *SymbolTable, target Type) (Value, error) {
	if target == 0 {
		if v := s.find(symbols); v != nil {
			return *v, nil
		}
	}
	return s.Eval(symbols, target)
}

// parseName parses the text between the braces; offset is where that text begins in the format string.
func parseName(inner string, offset int) (*name, error) {
	trimmed := strings.TrimLeft(inner, blanks)
	offset += len(inner) - len(trimmed)
	trimmed = strings.TrimRight(trimmed, blanks)
	if trimmed == "" {
		return nil, &SyntaxError{offset, "nothing between {{ and }}: a name such as Param.Frame must stand there"}
	}
	for rest, at := trimmed, offset; ; {
		part, tail, more := strings.Cut(rest, ".")
		if !IsIdentifier(part) {
			return nil, &SyntaxError{at, quote(trimmed) + " is not a dotted name such as Param.Frame, and anything more needs the EXPR extension"}
		}
		if !more {
			return &name{Reference{Name: trimmed, Offset: offset}, finder{symbol: symbolOf(trimmed)}}, nil
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
