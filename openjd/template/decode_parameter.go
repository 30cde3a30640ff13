package template

import (
	"slices"
	"strings"
)

// maxJobParameters bounds the parameter definitions of one document.
const maxJobParameters = 50

// parameterDefinitions reads the job parameters of a document. complete is false when what they define is not fully known, so that
// references to them cannot be judged.
func (d *decoder) parameterDefinitions(n *node) (all []JobParameterDefinition, complete bool) {
	if n == nil {
		return nil, true
	}
	complete = n.kind == listNode
	distinct := d.distinct("a job parameter")
	for _, item := range d.list(n, "parameter definitions", 1, maxJobParameters) {
		p, ok := d.parameterDefinition(item)
		complete = complete && p.Name != "" && p.Type != ""
		if p.Name != "" {
			distinct(p.Name, item.get("name"))
		}
		if ok {
			all = append(all, p)
		}
	}
	return all, complete
}

// parameterDefinition reads one definition; ok is false when it has any mistake.
func (d *decoder) parameterDefinition(n *node) (p JobParameterDefinition, ok bool) {
	before := len(d.errors) + d.dropped
	if n.kind != mapNode {
		d.object(n, "a parameter definition")
		return p, false
	}
	p.Type = d.parameterType(n)
	o, _ := d.object(n, "a parameter definition", parameterFields(p.Type)...)
	p.Name = d.identifier(o.required("name"), "the name of a job parameter")
	p.Description = d.description(o)
	if p.Type == "" {
		return p, false
	}
	if p.Type == StringParameter || p.Type == PathParameter {
		d.lengths(o, &p)
	} else {
		p.MinValue = d.bound(o, "minValue", &p)
		p.MaxValue = d.bound(o, "maxValue", &p)
	}
	p.ObjectType = chooseOptional(d, o, "objectType", File, Directory)
	p.DataFlow = chooseOptional(d, o, "dataFlow", FlowNone, FlowIn, FlowOut, FlowInOut)
	allowed := d.allowedValues(o, &p)
	if len(d.errors)+d.dropped == before {
		d.consistency(o, &p, allowed)
	}
	p.AllowedValues = allowed
	d.defaultValue(o, &p)
	if ui := o.optional("userInterface"); ui != nil {
		p.UserInterface = d.userInterface(ui, &p)
	}
	return p, len(d.errors)+d.dropped == before
}

// parameterType reads the type first, because it decides which fields there can be.
func (d *decoder) parameterType(n *node) JobParameterType {
	field := n.get("type")
	if field == nil || field.kind != stringNode {
		if field != nil && field.kind != nullNode {
			d.text(field)
		} else {
			object{n, d}.required("type")
		}
		return ""
	}
	base := []JobParameterType{StringParameter, PathParameter, IntParameter, FloatParameter}
	upper := strings.ToUpper(field.text)
	switch {
	case slices.Contains(base, JobParameterType(field.text)):
		return JobParameterType(field.text)
	case slices.Contains(base, JobParameterType(upper)):
		d.at(field, "expected %s, found %s: types are in upper case unless the extension %s is used", upper, quote(field.text), Expr)
	case upper == "BOOL" || upper == "RANGE_EXPR" || strings.HasPrefix(upper, "LIST["):
		d.at(field, "the job parameter type %s needs the extension %s", shorten(field.text), Expr)
	default:
		d.at(field, "expected one of %s, found %s", joinWords(base), quote(field.text))
	}
	return ""
}

func parameterFields(t JobParameterType) []string {
	names := []string{"name", "type", "description", "default", "allowedValues", "userInterface"}
	lengths, values := []string{"minLength", "maxLength"}, []string{"minValue", "maxValue"}
	switch t {
	case StringParameter:
		return append(names, lengths...)
	case PathParameter:
		return append(append(names, lengths...), "objectType", "dataFlow")
	case IntParameter, FloatParameter:
		return append(names, values...)
	}
	// Of an unknown type: any field may be right.
	return append(append(append(names, lengths...), values...), "objectType", "dataFlow", "item")
}

func chooseOptional[T ~string](d *decoder, o object, name string, words ...T) T {
	if n := o.optional(name); n != nil {
		return choose(d, n, words...)
	}
	return ""
}

func (d *decoder) lengths(o object, p *JobParameterDefinition) {
	if v, ok := d.integer(o.optional("minLength"), 0, 0); ok {
		p.MinLength = &v
	}
	if v, ok := d.integer(o.optional("maxLength"), 1, 0); ok {
		p.MaxLength = &v
	}
}

// literal reads a scalar that is of the parameter's type.
func (d *decoder) literal(n *node, p *JobParameterDefinition) (Literal, bool) {
	if n.kind == listNode || n.kind == mapNode || n.kind == nullNode {
		d.at(n, "expected a value of type %s, found %s", p.Type, n.describe())
		return Literal{}, false
	}
	if _, finite := n.floatOf(); n.kind == floatNode && !finite {
		d.at(n, "expected a finite number, found %s", n.describe())
		return Literal{}, false
	}
	l := n.literal()
	if n.loose && (p.Type == StringParameter || p.Type == PathParameter) {
		l = Literal{Text: n.text}
	}
	if _, err := p.LiteralText(l); err != nil {
		d.at(n, "%s", err)
		return Literal{}, false
	}
	return l, true
}

func (d *decoder) bound(o object, name string, p *JobParameterDefinition) *Literal {
	n := o.optional(name)
	if n == nil {
		return nil
	}
	if l, ok := d.literal(n, p); ok {
		return &l
	}
	return nil
}

func (d *decoder) allowedValues(o object, p *JobParameterDefinition) []Literal {
	n := o.get("allowedValues")
	if n == nil {
		return nil
	}
	if n.kind == nullNode && (p.Type == StringParameter || p.Type == PathParameter) {
		return nil
	}
	var all []Literal
	for _, item := range d.list(n, "allowed values", 1, 0) {
		if l, ok := d.literal(item, p); ok {
			all = append(all, l)
		}
	}
	return all
}

// consistency checks that the constraints of p agree with each other. p's allowed values are not set yet.
func (d *decoder) consistency(o object, p *JobParameterDefinition, allowed []Literal) {
	if err := p.Satisfiable(); err != nil {
		d.at(o.node, "%s", err)
		return
	}
	for i, l := range allowed {
		if err := p.checkLiteral(l); err != nil {
			d.at(o.get("allowedValues").children[i], "the allowed value breaks a constraint: %s", err)
		}
	}
}

// checkLiteral checks a literal against the constraints.
func (d *JobParameterDefinition) checkLiteral(l Literal) error {
	text, err := d.LiteralText(l)
	if err != nil {
		return err
	}
	return d.CheckValue(text)
}

func (d *decoder) defaultValue(o object, p *JobParameterDefinition) {
	n := o.optional("default")
	if n == nil {
		return
	}
	l, ok := d.literal(n, p)
	if !ok {
		return
	}
	p.Default = &l
	if err := p.checkLiteral(l); err != nil {
		d.at(n, "the default breaks a constraint: %s", err)
	}
}
