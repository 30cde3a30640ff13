package template

import (
	"slices"
	"strings"
)

// maxJobParameters bounds the parameter definitions of one document; with FEATURE_BUNDLE_1 a job template can have more.
const (
	maxJobParameters       = 50
	maxJobParametersRaised = 200
)

// parameterDefinitions reads the job parameters of a document. complete is false when what they define is not fully known, so that
// references to them cannot be judged.
func (d *decoder) parameterDefinitions(n *node, inJob bool) (all []JobParameterDefinition, complete bool) {
	if n == nil {
		return nil, true
	}
	complete = n.kind == listNode
	distinct := d.distinct("a job parameter")
	most := maxJobParameters
	if inJob {
		most = d.extensions.limit(maxJobParameters, maxJobParametersRaised)
	}
	for _, item := range d.list(n, "parameter definitions", 1, most) {
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
	d.bounds(o, p.Type, &p.Constraints)
	p.ObjectType = chooseOptional(d, o, "objectType", File, Directory)
	p.DataFlow = chooseOptional(d, o, "dataFlow", FlowNone, FlowIn, FlowOut, FlowInOut)
	d.allowed(o, p.Type, &p.Constraints, before)
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
	known := baseParameterTypes()
	if d.extensions.Has(Expr) {
		known = JobParameterTypes()
	}
	upper := JobParameterType(strings.ToUpper(field.text))
	switch {
	case slices.Contains(known, JobParameterType(field.text)):
		return JobParameterType(field.text)
	case slices.Contains(known, upper) && d.extensions.Has(Expr):
		return upper
	case slices.Contains(known, upper):
		d.at(field, "expected %s, found %s: types are in upper case unless the extension %s is used", upper, quote(field.text), Expr)
	case slices.Contains(JobParameterTypes(), upper):
		d.at(field, "the job parameter type %s needs the extension %s", shorten(field.text), Expr)
	default:
		d.at(field, "expected one of %s, found %s", joinWords(known), quote(field.text))
	}
	return ""
}

func parameterFields(t JobParameterType) []string {
	names := []string{"name", "type", "description", "default", "userInterface"}
	if t == "" { // of an unknown type: any field may be right
		return append(names, "allowedValues", "minLength", "maxLength", "minValue", "maxValue", "objectType", "dataFlow", "item")
	}
	names = append(names, constraintFields(t)...)
	if t.HoldsPaths() {
		names = append(names, "objectType", "dataFlow")
	}
	return names
}

// constraintFields returns the constraints that values of a type can have.
func constraintFields(t JobParameterType) []string {
	switch t {
	case StringParameter, PathParameter:
		return []string{"allowedValues", "minLength", "maxLength"}
	case IntParameter, FloatParameter:
		return []string{"allowedValues", "minValue", "maxValue"}
	case BoolParameter:
		return nil
	case RangeParameter, ListBoolParameter:
		return []string{"minLength", "maxLength"}
	default:
		return []string{"minLength", "maxLength", "item"}
	}
}

func chooseOptional[T ~string](d *decoder, o object, name string, words ...T) T {
	if n := o.optional(name); n != nil {
		return choose(d, n, words...)
	}
	return ""
}

// bounds reads the constraints of a type other than allowed values.
func (d *decoder) bounds(o object, t JobParameterType, c *Constraints) {
	least := int64(0)
	if t == RangeParameter {
		least = 1
	}
	has := func(name string) bool { return slices.Contains(constraintFields(t), name) }
	if has("minLength") {
		if v, ok := d.integer(o.optional("minLength"), least, 0); ok {
			c.MinLength = &v
		}
		leastMax := int64(1)
		if t.Element() != "" {
			leastMax = 0
		}
		if v, ok := d.integer(o.optional("maxLength"), leastMax, 0); ok {
			c.MaxLength = &v
		}
	}
	if has("minValue") {
		c.MinValue = d.bound(o, "minValue", t)
		c.MaxValue = d.bound(o, "maxValue", t)
	}
	if n := o.optional("item"); n != nil && has("item") {
		c.Item = d.item(n, t.Element())
	}
}

// item reads the constraints of a list's items.
func (d *decoder) item(n *node, t JobParameterType) *Constraints {
	before := len(d.errors) + d.dropped
	o, ok := d.object(n, "the item constraints of type "+string(t), constraintFields(t)...)
	if !ok {
		return nil
	}
	c := &Constraints{}
	d.bounds(o, t, c)
	d.allowed(o, t, c, before)
	return c
}

// literal reads a literal of a type.
func (d *decoder) literal(n *node, t JobParameterType) (Literal, bool) {
	if t.Element() != "" && n.kind == listNode {
		return d.listLiteral(n, t.Element())
	}
	if n.kind == listNode || n.kind == mapNode || n.kind == nullNode || t.Element() != "" {
		d.at(n, "expected a value of type %s, found %s", t, n.describe())
		return Literal{}, false
	}
	if _, finite := n.floatOf(); n.kind == floatNode && !finite {
		d.at(n, "expected a finite number, found %s", n.describe())
		return Literal{}, false
	}
	l := n.literal()
	if n.loose && (t.isText() || t == RangeParameter) {
		l = Literal{Text: n.text}
	}
	if _, err := t.literalText(l); err != nil {
		d.at(n, "%s", err)
		return Literal{}, false
	}
	return l, true
}

func (d *decoder) listLiteral(n *node, element JobParameterType) (Literal, bool) {
	l, fine := Literal{Kind: ListLiteral, Items: []Literal{}}, true
	for _, item := range n.children {
		one, ok := d.literal(item, element)
		l.Items = append(l.Items, one)
		fine = fine && ok
	}
	return l, fine
}

func (d *decoder) bound(o object, name string, t JobParameterType) *Literal {
	n := o.optional(name)
	if n == nil {
		return nil
	}
	if l, ok := d.literal(n, t); ok {
		return &l
	}
	return nil
}

// allowed reads allowed values and checks that the constraints agree with each other, unless there were mistakes since before.
func (d *decoder) allowed(o object, t JobParameterType, c *Constraints, before int) {
	allowed := d.allowedValues(o, t)
	if len(d.errors)+d.dropped == before {
		d.consistency(o, t, c, allowed)
	}
	c.AllowedValues = allowed
}

func (d *decoder) allowedValues(o object, t JobParameterType) []Literal {
	n := o.get("allowedValues")
	if n == nil || !slices.Contains(constraintFields(t), "allowedValues") {
		return nil
	}
	if n.kind == nullNode && t.isText() {
		return nil
	}
	var all []Literal
	for _, item := range d.list(n, "allowed values", 1, 0) {
		if l, ok := d.literal(item, t); ok {
			all = append(all, l)
		}
	}
	return all
}

// consistency checks that the constraints agree with each other. The allowed values are not part of c yet.
func (d *decoder) consistency(o object, t JobParameterType, c *Constraints, allowed []Literal) {
	if err := c.satisfiable(t); err != nil {
		d.at(o.node, "%s", err)
		return
	}
	for i, l := range allowed {
		if err := c.checkLiteral(t, l); err != nil {
			d.at(o.get("allowedValues").children[i], "the allowed value breaks a constraint: %s", err)
		}
	}
}

// checkLiteral checks a literal against the constraints.
func (c *Constraints) checkLiteral(t JobParameterType, l Literal) error {
	text, err := t.literalText(l)
	if err != nil {
		return err
	}
	return c.check(t, text)
}

func (d *decoder) defaultValue(o object, p *JobParameterDefinition) {
	n := o.optional("default")
	if n == nil {
		return
	}
	l, ok := d.literal(n, p.Type)
	if !ok {
		return
	}
	p.Default = &l
	if err := p.checkLiteral(p.Type, l); err != nil {
		d.at(n, "the default breaks a constraint: %s", err)
	}
}
