package template

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

// maxParameterValue bounds a STRING or PATH value, in characters (2023-09 §2.1).
const maxParameterValue = 1024

// maxRangeText bounds a RANGE_EXPR value whose definition sets no bound, in characters.
const maxRangeText = 1024

// ValueText returns the text that a value written as text has for this parameter: an INT in plain decimal, a FLOAT with its own
// digits, a BOOL as true or false, a list as JSON with a blank after each comma, everything else unchanged. The error says why the
// text is not of the parameter's type.
func (d *JobParameterDefinition) ValueText(text string) (string, error) {
	return d.Type.valueText(text)
}

func (t JobParameterType) valueText(text string) (string, error) {
	switch t {
	case StringParameter, PathParameter:
		return text, nil
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
	case BoolParameter:
		v, ok := expr.BoolText(text)
		if !ok {
			return "", fmt.Errorf("%s is not a boolean, expected true, yes, on, 1, false, no, off or 0", quote(text))
		}
		return strconv.FormatBool(v), nil
	case RangeParameter:
		if _, err := expr.ParseRange(text); err != nil {
			return "", fmt.Errorf("%s is not a range expression: %w", quote(text), err)
		}
		return text, nil
	}
	if t.Element() == "" {
		return text, nil
	}
	const deepest = 2
	l, err := parseLiteral([]byte(text), deepest)
	if err != nil {
		return "", fmt.Errorf("%s is not a list in JSON: %w", quote(text), err)
	}
	return t.literalText(l)
}

// LiteralText returns the text that a literal of the definition, for instance its default, has as a value. An INT may be written as
// a float without a fraction, but not as a string with one.
func (d *JobParameterDefinition) LiteralText(l Literal) (string, error) { return d.Type.literalText(l) }

func (t JobParameterType) literalText(l Literal) (string, error) {
	element := t.Element()
	switch {
	case element != "" && l.Kind == ListLiteral:
		return element.listText(l.Items)
	case element != "" || l.Kind == ListLiteral:
		return "", fmt.Errorf("expected a value of type %s, found %s", t, l.describe())
	case t == IntParameter && l.Kind == FloatLiteral:
		n := node{kind: floatNode, text: l.Text}
		if v, ok := n.intOf(); ok {
			return strconv.FormatInt(v, 10), nil
		}
	case t == BoolParameter && (l.Kind == FloatLiteral || l.Kind == IntLiteral):
		if v, ok := parseFloat(l.Text); ok && (v == 0 || v == 1) {
			return strconv.FormatBool(v == 1), nil
		}
		return "", fmt.Errorf("%s is not a boolean", l.Text)
	case (t.isText() || t == RangeParameter) && l.Kind != StringLiteral:
		return "", fmt.Errorf("expected a string, found %s; put it in quotes", l.Text)
	case t.isNumber() && l.Kind == BoolLiteral:
		return "", fmt.Errorf("expected a number, found the boolean %s", l.Text)
	}
	return t.valueText(l.Text)
}

// listText returns the JSON text of a list whose items have type t.
func (t JobParameterType) listText(items []Literal) (string, error) {
	var b []byte
	b = append(b, '[')
	for i, item := range items {
		text, err := t.literalText(item)
		if err != nil {
			return "", fmt.Errorf("item %d: %w", i, err)
		}
		if t.isText() {
			quoted, err := json.Marshal(text)
			if err != nil {
				return "", fmt.Errorf("item %d: %w", i, err)
			}
			text = string(quoted)
		}
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, text...)
	}
	return string(append(b, ']')), nil
}

// itemTexts takes a list's text apart.
func (t JobParameterType) itemTexts(text string) ([]string, error) {
	const deepest = 2
	l, err := parseLiteral([]byte(text), deepest)
	if err != nil {
		return nil, err
	}
	all := make([]string, len(l.Items))
	for i, item := range l.Items {
		if all[i], err = t.Element().literalText(item); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Items takes the text of a list value apart, for instance to make paths absolute. It returns nil when the parameter is no list.
func (t JobParameterType) Items(text string) ([]string, error) {
	if t.Element() == "" {
		return nil, nil
	}
	return t.itemTexts(text)
}

// JoinItems makes the text of a list value of its items' texts.
func (t JobParameterType) JoinItems(items []string) (string, error) {
	literals := make([]Literal, len(items))
	for i, item := range items {
		literals[i] = Literal{Text: item}
	}
	return t.Element().listText(literals)
}

// CheckValue says whether the parameter's constraints allow a value, given as [JobParameterDefinition.ValueText] returns it.
func (d *JobParameterDefinition) CheckValue(text string) error { return d.check(d.Type, text) }

func (c *Constraints) check(t JobParameterType, text string) error {
	if err := c.checkBounds(t, text); err != nil {
		return err
	}
	if c.AllowedValues == nil {
		return nil
	}
	var allowed []string
	for _, l := range c.AllowedValues {
		if t.same(text, l.Text) {
			return nil
		}
		if len(allowed) < 10 {
			allowed = append(allowed, shorten(l.Text))
		}
	}
	if len(c.AllowedValues) > len(allowed) {
		allowed = append(allowed, "…")
	}
	return fmt.Errorf("%s is not one of the allowed values: %s", quote(text), strings.Join(allowed, ", "))
}

// checkBounds checks lengths, the least and greatest value and the items of a list, but not the allowed values.
func (c *Constraints) checkBounds(t JobParameterType, text string) error {
	switch {
	case t.isText():
		return c.checkLength(t, int64(utf8.RuneCountInString(text)), maxParameterValue, text)
	case t == RangeParameter:
		return c.checkLength(t, int64(utf8.RuneCountInString(text)), maxRangeText, text)
	case t.Element() != "":
		return c.checkItems(t, text)
	}
	if c.MinValue != nil && t.compare(text, c.MinValue.Text) < 0 {
		return fmt.Errorf("%s is less than the minimum %s", shorten(text), c.MinValue.Text)
	}
	if c.MaxValue != nil && t.compare(text, c.MaxValue.Text) > 0 {
		return fmt.Errorf("%s is greater than the maximum %s", shorten(text), c.MaxValue.Text)
	}
	return nil
}

func (c *Constraints) checkLength(t JobParameterType, length, most int64, text string) error {
	if t == RangeParameter && c.MaxLength != nil {
		most = *c.MaxLength
	}
	switch {
	case length > most && (c.MaxLength == nil || t != RangeParameter):
		return fmt.Errorf("a %s has at most %d characters, this one has %d", t, most, length)
	case c.MinLength != nil && length < *c.MinLength:
		return fmt.Errorf("%s has the length %d, less than the minimum %d", quote(text), length, *c.MinLength)
	case c.MaxLength != nil && length > *c.MaxLength:
		return fmt.Errorf("%s has the length %d, more than the maximum %d", quote(text), length, *c.MaxLength)
	}
	return nil
}

func (c *Constraints) checkItems(t JobParameterType, text string) error {
	items, err := t.itemTexts(text)
	if err != nil {
		return err
	}
	switch n := int64(len(items)); {
	case c.MinLength != nil && n < *c.MinLength:
		return fmt.Errorf("the list has %d items, fewer than the minimum %d", n, *c.MinLength)
	case c.MaxLength != nil && n > *c.MaxLength:
		return fmt.Errorf("the list has %d items, more than the maximum %d", n, *c.MaxLength)
	}
	item := c.Item
	if item == nil {
		item = &Constraints{}
	}
	for i, one := range items {
		if err := item.check(t.Element(), one); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
	}
	return nil
}

// compare orders two values of INT or FLOAT, which both are known to be numbers.
func (t JobParameterType) compare(a, b string) int {
	if t == IntParameter {
		return compareNumbers(a, b, intValue)
	}
	return compareNumbers(a, b, parseFloat)
}

// intValue reads an INT in any of its notations.
func intValue(text string) (int64, bool) {
	if v, ok := parseInt(text); ok {
		return v, true
	}
	n := node{kind: floatNode, text: text}
	return n.intOf()
}

func compareNumbers[T int64 | float64](a, b string, parse func(string) (T, bool)) int {
	x, _ := parse(a)
	y, _ := parse(b)
	return cmp.Compare(x, y)
}

// same says whether two texts are the same value.
func (t JobParameterType) same(a, b string) bool {
	if t.isNumber() {
		return t.compare(a, b) == 0
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
	m.Constraints = *d.merge(d.Type, &later.Constraints)
	return m, m.Satisfiable()
}

// merge returns the constraints that hold when both do.
func (c *Constraints) merge(t JobParameterType, later *Constraints) *Constraints {
	switch {
	case c == nil:
		return later
	case later == nil:
		return c
	}
	m := *c
	m.MinLength = tighter(c.MinLength, later.MinLength, func(a, b int64) bool { return a > b })
	m.MaxLength = tighter(c.MaxLength, later.MaxLength, func(a, b int64) bool { return a < b })
	m.MinValue = tighter(c.MinValue, later.MinValue, func(a, b Literal) bool { return t.compare(a.Text, b.Text) > 0 })
	m.MaxValue = tighter(c.MaxValue, later.MaxValue, func(a, b Literal) bool { return t.compare(a.Text, b.Text) < 0 })
	m.Item = c.Item.merge(t.Element(), later.Item)
	if later.AllowedValues != nil {
		m.AllowedValues = later.AllowedValues
		if c.AllowedValues != nil {
			m.AllowedValues = c.intersect(t, later.AllowedValues)
		}
	}
	return &m
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

// intersect returns c's allowed values that are among others, in c's order.
func (c *Constraints) intersect(t JobParameterType, others []Literal) []Literal {
	both := []Literal{}
	for _, mine := range c.AllowedValues {
		if slices.ContainsFunc(others, func(other Literal) bool { return t.same(mine.Text, other.Text) }) {
			both = append(both, mine)
		}
	}
	return both
}

// Satisfiable says whether any value can meet the constraints.
func (d *JobParameterDefinition) Satisfiable() error { return d.satisfiable(d.Type) }

func (c *Constraints) satisfiable(t JobParameterType) error {
	if c.MinLength != nil && c.MaxLength != nil && *c.MinLength > *c.MaxLength {
		return fmt.Errorf("minLength %d is greater than maxLength %d", *c.MinLength, *c.MaxLength)
	}
	if c.MinValue != nil && c.MaxValue != nil && t.compare(c.MinValue.Text, c.MaxValue.Text) > 0 {
		return fmt.Errorf("minValue %s is greater than maxValue %s", c.MinValue.Text, c.MaxValue.Text)
	}
	if c.Item != nil && (c.MinLength == nil || *c.MinLength > 0) {
		if err := c.Item.satisfiable(t.Element()); err != nil {
			return fmt.Errorf("item: %w", err)
		}
	}
	if c.AllowedValues == nil {
		return nil
	}
	for _, l := range c.AllowedValues {
		if c.checkBounds(t, l.Text) == nil {
			return nil
		}
	}
	return errors.New("no allowed value is left")
}
