package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

// LiteralKind says how a scalar was written.
type LiteralKind uint8

// The ways to write a scalar.
const (
	StringLiteral LiteralKind = iota
	IntLiteral
	FloatLiteral
	BoolLiteral
	ListLiteral
)

// Literal is a scalar, or a list of literals, as authored, with every digit. The zero value is the empty string.
type Literal struct {
	Kind LiteralKind
	// Text is the string, or the number or boolean in JSON notation; "" of a list.
	Text string
	// Items is the list.
	Items []Literal
}

// MarshalJSON gives the literal back as it was written: "5" stays a string, 5 a number.
func (l Literal) MarshalJSON() ([]byte, error) {
	switch {
	case l.Kind == StringLiteral:
		return json.Marshal(l.Text)
	case l.Kind == ListLiteral && l.Items == nil:
		return []byte("[]"), nil
	case l.Kind == ListLiteral:
		return json.Marshal(l.Items)
	}
	return []byte(l.Text), nil
}

// describe names the literal, for "expected …, found …".
func (l Literal) describe() string {
	switch l.Kind {
	case ListLiteral:
		return "a list"
	case BoolLiteral:
		return "the boolean " + l.Text
	case StringLiteral:
		return "the string " + quote(l.Text)
	default:
		return "the number " + shorten(l.Text)
	}
}

// parseLiteral reads a literal from JSON. It nests as deep as parameters do.
func parseLiteral(data []byte, depth int) (Literal, error) {
	data = bytes.TrimSpace(data)
	switch {
	case len(data) == 0 || bytes.Equal(data, []byte("null")) || data[0] == '{':
		return Literal{}, fmt.Errorf("%s cannot be a value", quote(string(data)))
	case data[0] == '"':
		var text string
		err := json.Unmarshal(data, &text)
		return Literal{Text: text}, err
	case data[0] == 't' || data[0] == 'f':
		return Literal{Kind: BoolLiteral, Text: string(data)}, nil
	case data[0] != '[':
		if isInteger(string(data)) {
			return Literal{Kind: IntLiteral, Text: string(data)}, nil
		}
		return Literal{Kind: FloatLiteral, Text: string(data)}, nil
	case depth == 0:
		return Literal{}, errors.New("the lists are nested too deep")
	}
	var items []json.RawMessage
	if err := json.Unmarshal(data, &items); err != nil {
		return Literal{}, err
	}
	l := Literal{Kind: ListLiteral}
	for _, item := range items {
		one, err := parseLiteral(item, depth-1)
		if err != nil {
			return Literal{}, err
		}
		l.Items = append(l.Items, one)
	}
	return l, nil
}

// Scalar is a scalar as authored whose string form may hold expressions, for instance one item of a range.
type Scalar struct {
	Kind   LiteralKind
	Format expr.FormatString
}

// Integer is a scalar that is an integer.
func Integer(i int64) *Scalar {
	return &Scalar{Kind: IntLiteral, Format: expr.Literal(strconv.FormatInt(i, 10))}
}

// MarshalJSON gives the scalar back as it was written.
func (s Scalar) MarshalJSON() ([]byte, error) {
	return Literal{Kind: s.Kind, Text: s.Format.String()}.MarshalJSON()
}
