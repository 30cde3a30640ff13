package template

import (
	"errors"
	"slices"
	"strings"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

// Bounds of a parameter space (2023-09 §3.4).
const (
	MaxTaskParameters = 16
	MaxRangeItems     = 1024
)

func (d *decoder) parameterSpace(n *node, inTemplate *scope) *ParameterSpace {
	o, ok := d.object(n, "a parameter space", "taskParameterDefinitions", "combination")
	if !ok {
		return nil
	}
	s := &ParameterSpace{}
	definitions := o.required("taskParameterDefinitions")
	distinct := d.distinct("a task parameter")
	chunked := ""
	for _, item := range d.list(definitions, "task parameters", 1, MaxTaskParameters) {
		p := d.taskParameter(item, inTemplate)
		distinct(p.Name, item.get("name"))
		s.TaskParameterDefinitions = append(s.TaskParameterDefinitions, p)
		if p.Type == ChunkIntTaskParameter {
			if chunked != "" {
				d.at(item, "a step has one parameter of type %s, %s is one already", ChunkIntTaskParameter, chunked)
			}
			chunked = p.Name
		}
	}
	if n := o.optional("combination"); n != nil {
		s.Combination = d.combination(n, s.TaskParameterDefinitions, chunked)
	}
	return s
}

func (d *decoder) taskParameter(n *node, inTemplate *scope) TaskParameterDefinition {
	var p TaskParameterDefinition
	o, ok := d.object(n, aTaskParameter, d.fields([]string{"name", "type", "range"}, TaskChunking, "chunks")...)
	if !ok {
		return p
	}
	p.Name = d.identifier(o.required("name"), "the name of a task parameter")
	p.Type = d.taskParameterType(o.required("type"))
	switch chunks := o.optional("chunks"); {
	case !d.extensions.Has(TaskChunking):
	case p.Type == ChunkIntTaskParameter:
		if n := o.required("chunks"); n != nil {
			p.Chunks = d.chunks(n, inTemplate)
		}
	case p.Type != "" && chunks != nil:
		d.key(chunks, "only a parameter of type %s has chunks", ChunkIntTaskParameter)
	}
	if n := o.required("range"); n != nil && p.Type != "" {
		p.Range = d.taskRange(n, p.Type, inTemplate)
	}
	return p
}

func (d *decoder) chunks(n *node, inTemplate *scope) *Chunks {
	o, ok := d.object(n, "chunks", "defaultTaskCount", "targetRuntimeSeconds", "rangeConstraint")
	if !ok {
		return nil
	}
	c := &Chunks{}
	if n := o.required("defaultTaskCount"); n != nil {
		if count := d.integerText(n, inTemplate, 1, 0, false); count != nil {
			c.DefaultTaskCount = *count
		}
	}
	if n := o.optional("targetRuntimeSeconds"); n != nil {
		c.TargetRuntimeSeconds = d.integerText(n, inTemplate, 0, 0, true)
	}
	c.RangeConstraint = choose(d, o.required("rangeConstraint"), Contiguous, Noncontiguous)
	return c
}

func (d *decoder) taskParameterType(n *node) TaskParameterType {
	if n == nil {
		return ""
	}
	known := []TaskParameterType{IntTaskParameter, FloatTaskParameter, StringTaskParameter, PathTaskParameter}
	if d.extensions.Has(TaskChunking) {
		known = append(known, ChunkIntTaskParameter)
	} else if n.kind == stringNode && strings.EqualFold(n.text, string(ChunkIntTaskParameter)) {
		d.at(n, "The CHUNK[INT] task parameter requires the %s extension.", TaskChunking) // the service's own words
		return ""
	}
	if upper := TaskParameterType(strings.ToUpper(n.text)); d.extensions.Has(Expr) && n.kind == stringNode && slices.Contains(known, upper) {
		return upper
	}
	return choose(d, n, known...)
}

func (d *decoder) taskRange(n *node, t TaskParameterType, inTemplate *scope) TaskRange {
	if n.kind != listNode {
		return TaskRange{Expression: d.rangeExpression(n, t, inTemplate)}
	}
	r := TaskRange{Items: []Scalar{}}
	for _, item := range d.list(n, "range values", 1, MaxRangeItems) {
		r.Items = append(r.Items, d.rangeItem(item, t, inTemplate))
	}
	return r
}

func (d *decoder) rangeExpression(n *node, t TaskParameterType, inTemplate *scope) expr.FormatString {
	if !t.isInteger() && !d.extensions.Has(Expr) {
		d.at(n, "expected a list of values, found %s; only INT can have a range expression", n.describe())
		return expr.FormatString{}
	}
	if n.kind != stringNode && !n.loose {
		d.at(n, "expected a list of values or a range expression such as \"1-10\", found %s", n.describe())
		return expr.FormatString{}
	}
	target := expr.ListOf(t.itemType())
	if t.isInteger() {
		target |= expr.TypeRange | expr.TypeInt
	}
	f, ok := d.format(n, inTemplate, target)
	switch {
	case !ok:
	case f.IsLiteral() && t.isInteger():
		if _, err := expr.ParseRange(f.String()); err != nil {
			d.at(n, "%s is not a range expression: %s", quote(f.String()), err)
		}
	case !f.IsExpression() && !t.isInteger():
		d.at(n, "expected a list of values or one expression that gives a list, found %s", n.describe())
	}
	return f
}

func (d *decoder) rangeItem(n *node, t TaskParameterType, inTemplate *scope) Scalar {
	text := t == StringTaskParameter || t == PathTaskParameter
	if text || n.kind == stringNode {
		f, ok := d.format(n, inTemplate, t.itemType())
		if ok && f.IsLiteral() {
			if _, err := CheckTaskValue(t, f.String()); err != nil {
				d.at(n, "%s", err)
			}
		}
		return Scalar{Format: f}
	}
	_, isInt := n.intOf()
	_, isFloat := n.floatOf()
	if (t.isInteger() && !isInt) || (t == FloatTaskParameter && !isFloat) {
		d.at(n, "expected a value of type %s, found %s", t, n.describe())
		return Scalar{}
	}
	l := n.literal()
	return Scalar{Kind: l.Kind, Format: expr.Literal(l.Text)}
}

// CheckTaskValue returns the text that a resolved range item has as a value of the type: an INT in plain decimal, a FLOAT with its
// own digits. The error says why it cannot be one.
func CheckTaskValue(t TaskParameterType, text string) (string, error) {
	switch t {
	case IntTaskParameter, ChunkIntTaskParameter:
		return (&JobParameterDefinition{Type: IntParameter}).ValueText(text)
	case FloatTaskParameter:
		return (&JobParameterDefinition{Type: FloatParameter}).ValueText(text)
	}
	return text, TaskValueRule().Check(text)
}

// combination reads a combination expression, which must hold every parameter once.
func (d *decoder) combination(n *node, parameters []TaskParameterDefinition, chunked string) string {
	text, ok := d.text(n)
	if !ok {
		return ""
	}
	names := make([]string, len(parameters))
	for i, p := range parameters {
		names[i] = p.Name
	}
	c, err := ParseCombination(text)
	if err == nil {
		err = c.Covers(names)
	}
	if err != nil {
		d.at(n, "%s is not a combination of the task parameters: %s", quote(text), err)
		return text
	}
	if chunked != "" && c.associates(chunked) {
		d.at(n, "%s has chunks and cannot be part of an association", chunked)
	}
	return text
}

// associates says whether the parameter lies inside an association.
func (c *Combination) associates(name string) bool {
	for _, part := range c.Parts {
		if c.Kind == CombineAssociation && slices.ContainsFunc(part.Parameters(), func(p *Combination) bool { return p.Name == name }) {
			return true
		}
		if part.associates(name) {
			return true
		}
	}
	return false
}

// Covers says whether the expression holds each of the named parameters once, and no other.
func (c *Combination) Covers(names []string) error {
	uses := map[string]int{}
	for _, name := range names {
		uses[name] = 0
	}
	var all []error
	for _, part := range c.Parameters() {
		count, known := uses[part.Name]
		uses[part.Name] = count + 1
		switch {
		case !known && count == 0:
			message := "there is no task parameter " + part.Name
			if near := nearest(part.Name, names); near != "" {
				message += "; did you mean " + near + "?"
			}
			all = append(all, &expr.SyntaxError{Offset: part.Offset, Message: message})
		case known && count == 1:
			all = append(all, &expr.SyntaxError{Offset: part.Offset, Message: part.Name + " occurs more than once"})
		}
	}
	for _, name := range names {
		if name != "" && uses[name] == 0 {
			all = append(all, errors.New(name+" is missing"))
		}
	}
	return joinErrors(all)
}

// joinErrors makes one error of several, on one line.
func joinErrors(all []error) error {
	if len(all) <= 1 {
		return errors.Join(all...)
	}
	texts := make([]string, len(all))
	for i, err := range all {
		texts[i] = err.Error()
	}
	return errors.New(strings.Join(texts, "; "))
}
