package template

import (
	"fmt"
	"strings"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

// MaxCombinationLength bounds a combination expression, in characters.
const MaxCombinationLength = 1280

// CombinationKind is the kind of one part of a combination expression.
type CombinationKind uint8

// The kinds.
const (
	// CombineParameter is one task parameter.
	CombineParameter CombinationKind = iota
	// CombineProduct takes every combination of its parts; the last part varies fastest.
	CombineProduct
	// CombineAssociation takes the parts in step; all must be of one length.
	CombineAssociation
)

// Combination is a parsed combination expression, such as "Frame * (Layer, Output)" (2023-09 §3.4.3).
type Combination struct {
	Kind   CombinationKind
	Name   string         // of a parameter
	Offset int            // where the part begins in the text, in bytes
	Parts  []*Combination // of a product or an association
}

// ParseCombination parses a combination expression. The error is an *expr.SyntaxError.
//
//	product = element *("*" element)
//	element = identifier / "(" product *("," product) ")"
func ParseCombination(text string) (*Combination, error) {
	if len(text) > MaxCombinationLength { // only ASCII is legal, so bytes are characters
		return nil, &expr.SyntaxError{Offset: MaxCombinationLength, Message: fmt.Sprintf("longer than %d characters", MaxCombinationLength)}
	}
	p := combinationParser{text: text}
	product, err := p.product()
	if err != nil {
		return nil, err
	}
	if p.peek() != 0 {
		return nil, p.unexpected("* or the end")
	}
	return product, nil
}

// Parameters returns the parameter parts in the order of writing.
func (c *Combination) Parameters() []*Combination {
	if c.Kind == CombineParameter {
		return []*Combination{c}
	}
	var all []*Combination
	for _, part := range c.Parts {
		all = append(all, part.Parameters()...)
	}
	return all
}

type combinationParser struct {
	text string
	pos  int
}

// peek skips blanks and returns the next character, 0 at the end.
func (p *combinationParser) peek() byte {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
	if p.pos == len(p.text) {
		return 0
	}
	return p.text[p.pos]
}

func (p *combinationParser) product() (*Combination, error) {
	return p.parts(CombineProduct, '*', p.element)
}

// parts parses one or more parts with a separator between them; one part alone stands for itself.
func (p *combinationParser) parts(kind CombinationKind, separator byte, part func() (*Combination, error)) (*Combination, error) {
	first, err := part()
	if err != nil || p.peek() != separator {
		return first, err
	}
	c := &Combination{Kind: kind, Offset: first.Offset, Parts: []*Combination{first}}
	for p.peek() == separator {
		p.pos++
		next, err := part()
		if err != nil {
			return nil, err
		}
		c.Parts = append(c.Parts, next)
	}
	return c, nil
}

func (p *combinationParser) element() (*Combination, error) {
	c := p.peek()
	start := p.pos
	if c == '(' {
		p.pos++
		inner, err := p.parts(CombineAssociation, ',', p.product)
		if err != nil {
			return nil, err
		}
		if p.peek() != ')' {
			return nil, p.unexpected(", or )")
		}
		p.pos++
		return inner, nil
	}
	for p.pos < len(p.text) && expr.IsIdentifier(p.text[start:p.pos+1]) {
		p.pos++
	}
	if p.pos == start {
		return nil, p.unexpected("a task parameter or (")
	}
	return &Combination{Kind: CombineParameter, Name: p.text[start:p.pos], Offset: start}, nil
}

func (p *combinationParser) unexpected(wanted string) error {
	found := "the end"
	if p.pos < len(p.text) {
		found = quote(string([]rune(p.text[p.pos:])[:1]))
	}
	return &expr.SyntaxError{Offset: p.pos, Message: "expected " + wanted + ", found " + found}
}
