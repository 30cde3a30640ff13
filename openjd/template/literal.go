package template

import (
	"encoding/json"

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
)

// Literal is a scalar as authored, with every digit. The zero value is the empty string.
type Literal struct {
	Kind LiteralKind
	// Text is the string, or the number or boolean in JSON notation.
	Text string
}

// MarshalJSON gives the scalar back as it was written: "5" stays a string, 5 a number.
func (l Literal) MarshalJSON() ([]byte, error) {
	if l.Kind == StringLiteral {
		return json.Marshal(l.Text)
	}
	return []byte(l.Text), nil
}

// Scalar is a scalar as authored whose string form may hold expressions, for instance one item of a range.
type Scalar struct {
	Kind   LiteralKind
	Format expr.FormatString
}

// MarshalJSON gives the scalar back as it was written.
func (s Scalar) MarshalJSON() ([]byte, error) {
	return Literal{Kind: s.Kind, Text: s.Format.String()}.MarshalJSON()
}
