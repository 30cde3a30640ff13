package template

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxParameterValue bounds a STRING or PATH value, in characters (2023-09 §2.1).
const maxParameterValue = 1024

// ValueText returns the text that a value written as text has for this parameter: an INT in plain decimal, a FLOAT with its own
// digits, everything else unchanged. The error says why the text is not of the parameter's type.
func (d *JobParameterDefinition) ValueText(text string) (string, error) {
	switch d.Type {
	case IntParameter:
		v, ok := parseInt(text)
		if !ok {
			return "", fmt.Errorf("%s is not a 64-bit integer", quote(text))
		}
		return strconv.FormatInt(v, 10), nil
	case FloatParameter:
		if _, ok := parseFloat(text); !ok {
			return "", fmt.Errorf("%s is not a finite number", quote(text))
		}
		return strings.TrimSpace(text), nil
	}
	return text, nil
}

// LiteralText returns the text that a literal of the definition, for instance its default, has as a value. An INT may be written as
// a float without a fraction, but not as a string with one.
func (d *JobParameterDefinition) LiteralText(l Literal) (string, error) {
	switch {
	case d.Type == IntParameter && l.Kind == FloatLiteral:
		n := node{kind: floatNode, text: l.Text}
		if v, ok := n.intOf(); ok {
			return strconv.FormatInt(v, 10), nil
		}
	case (d.Type == StringParameter || d.Type == PathParameter) && l.Kind != StringLiteral:
		return "", fmt.Errorf("expected a string, found %s; put it in quotes", l.Text)
	case l.Kind == BoolLiteral:
		return "", fmt.Errorf("expected a number, found the boolean %s", l.Text)
	}
	return d.ValueText(l.Text)
}

// CheckValue says whether the parameter's constraints allow a value, given as [JobParameterDefinition.ValueText] returns it.
func (d *JobParameterDefinition) CheckValue(text string) error {
	if err := d.checkBounds(text); err != nil {
		return err
	}
	if d.AllowedValues == nil {
		return nil
	}
	var allowed []string
	for _, l := range d.AllowedValues {
		if d.sameValue(text, l.Text) {
			return nil
		}
		if len(allowed) < 10 {
			allowed = append(allowed, shorten(l.Text))
		}
	}
	if len(d.AllowedValues) > len(allowed) {
		allowed = append(allowed, "…")
	}
	return fmt.Errorf("%s is not one of the allowed values: %s", quote(text), strings.Join(allowed, ", "))
}

// checkBounds checks lengths and the least and greatest value, but not the allowed values.
func (d *JobParameterDefinition) checkBounds(text string) error {
	if d.Type == StringParameter || d.Type == PathParameter {
		return d.checkLength(text)
	}
	if d.MinValue != nil && d.compare(text, d.MinValue.Text) < 0 {
		return fmt.Errorf("%s is less than the minimum %s", shorten(text), d.MinValue.Text)
	}
	if d.MaxValue != nil && d.compare(text, d.MaxValue.Text) > 0 {
		return fmt.Errorf("%s is greater than the maximum %s", shorten(text), d.MaxValue.Text)
	}
	return nil
}

func (d *JobParameterDefinition) checkLength(text string) error {
	length := int64(utf8.RuneCountInString(text))
	switch {
	case length > maxParameterValue:
		return fmt.Errorf("a %s has at most %d characters, this one has %d", d.Type, maxParameterValue, length)
	case d.MinLength != nil && length < *d.MinLength:
		return fmt.Errorf("%s has %d characters, fewer than the minimum %d", quote(text), length, *d.MinLength)
	case d.MaxLength != nil && length > *d.MaxLength:
		return fmt.Errorf("%s has %d characters, more than the maximum %d", quote(text), length, *d.MaxLength)
	}
	return nil
}

// compare orders two values of an INT or FLOAT parameter, which both are known to be numbers.
func (d *JobParameterDefinition) compare(a, b string) int {
	if d.Type == IntParameter {
		return compareNumbers(a, b, d.intValue)
	}
	return compareNumbers(a, b, parseFloat)
}

// intValue reads an INT in any of its notations.
func (d *JobParameterDefinition) intValue(text string) (int64, bool) {
	if v, ok := parseInt(text); ok {
		return v, true
	}
	n := node{kind: floatNode, text: text}
	return n.intOf()
}

func compareNumbers[T int64 | float64](a, b string, parse func(string) (T, bool)) int {
	x, _ := parse(a)
	y, _ := parse(b)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func (d *JobParameterDefinition) sameValue(a, b string) bool {
	if d.Type == IntParameter || d.Type == FloatParameter {
		return d.compare(a, b) == 0
	}
	return a == b
}

// Merge returns the definition that allows what both d and later allow (2023-09 §1.2.1). The later default, description and user
// interface win. The error says what contradicts.
func (d JobParameterDefinition) Merge(later JobParameterDefinition) (JobParameterDefinition, error) {
	if d.Type != later.Type {
		return d, fmt.Errorf("the types %s and %s differ", d.Type, later.Type)
	}
	m := d
	if d.ObjectType != "" && later.ObjectType != "" && d.ObjectType != later.ObjectType {
		return d, fmt.Errorf("the object types %s and %s differ", d.ObjectType, later.ObjectType)
	}
	if d.DataFlow != "" && later.DataFlow != "" && d.DataFlow != later.DataFlow {
		return d, fmt.Errorf("the data flows %s and %s differ", d.DataFlow, later.DataFlow)
	}
	m.ObjectType = ObjectType(firstText(string(later.ObjectType), string(d.ObjectType)))
	m.DataFlow = DataFlow(firstText(string(later.DataFlow), string(d.DataFlow)))
	m.Description = firstText(later.Description, d.Description)
	if later.Default != nil {
		m.Default = later.Default
	}
	if later.UserInterface != nil {
		m.UserInterface = later.UserInterface
	}
	m.MinLength = tighter(d.MinLength, later.MinLength, func(a, b int64) bool { return a > b })
	m.MaxLength = tighter(d.MaxLength, later.MaxLength, func(a, b int64) bool { return a < b })
	m.MinValue = tighter(d.MinValue, later.MinValue, func(a, b Literal) bool { return d.compare(a.Text, b.Text) > 0 })
	m.MaxValue = tighter(d.MaxValue, later.MaxValue, func(a, b Literal) bool { return d.compare(a.Text, b.Text) < 0 })
	if later.AllowedValues != nil {
		m.AllowedValues = later.AllowedValues
		if d.AllowedValues != nil {
			m.AllowedValues = d.intersect(later.AllowedValues)
		}
	}
	return m, m.Satisfiable()
}

func firstText(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// tighter returns the bound that allows less; an absent one allows everything.
func tighter[T any](a, b *T, less func(a, b T) bool) *T {
	if a == nil || (b != nil && less(*b, *a)) {
		return b
	}
	return a
}

// intersect returns d's allowed values that are among others, in d's order.
func (d *JobParameterDefinition) intersect(others []Literal) []Literal {
	both := []Literal{}
	for _, mine := range d.AllowedValues {
		for _, other := range others {
			if d.sameValue(mine.Text, other.Text) {
				both = append(both, mine)
				break
			}
		}
	}
	return both
}

// Satisfiable says whether any value can meet the constraints.
func (d *JobParameterDefinition) Satisfiable() error {
	if d.MinLength != nil && d.MaxLength != nil && *d.MinLength > *d.MaxLength {
		return fmt.Errorf("minLength %d is greater than maxLength %d", *d.MinLength, *d.MaxLength)
	}
	if d.MinValue != nil && d.MaxValue != nil && d.compare(d.MinValue.Text, d.MaxValue.Text) > 0 {
		return fmt.Errorf("minValue %s is greater than maxValue %s", d.MinValue.Text, d.MaxValue.Text)
	}
	if d.AllowedValues == nil {
		return nil
	}
	for _, l := range d.AllowedValues {
		if d.checkBounds(l.Text) == nil {
			return nil
		}
	}
	return fmt.Errorf("no allowed value is left")
}
