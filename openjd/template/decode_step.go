package template

import (
	"strings"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

func (d *decoder) step(n *node, inTemplate, inSession *scope) Step {
	var s Step
	o, ok := d.object(n, aStep, "name", "description", "dependencies", "stepEnvironments", "hostRequirements", "parameterSpace", "script")
	if !ok {
		return s
	}
	s.Name = d.textRule(o.required("name"), nameRule("a step name"))
	if strings.Contains(s.Name, "{{") {
		d.at(o.get("name"), "a step name cannot hold expressions")
	}
	s.Description = d.description(o)
	s.Dependencies = d.dependencies(o.optional("dependencies"))
	distinct := d.distinct("a step environment")
	for _, item := range d.list(o.optional("stepEnvironments"), "step environments", 1, 0) {
		e := d.environment(item, inSession)
		distinct(e.Name, item.get("name"))
		s.StepEnvironments = append(s.StepEnvironments, e)
	}
	if n := o.optional("hostRequirements"); n != nil {
		s.HostRequirements = d.hostRequirements(n, inTemplate)
	}
	space := o.optional("parameterSpace")
	if space != nil {
		if s.ParameterSpace = d.parameterSpace(space, inTemplate); !knowsTaskParameters(space) {
			inSession = newScope(inSession)
			inSession.open = true
		}
	}
	// A step of another form needs an extension, which was reported with its field.
	if o.get("script") != nil || !hasSimpleScript(n) {
		s.Script = d.stepScript(o.required("script"), inSession, s.ParameterSpace)
	}
	return s
}

func hasSimpleScript(n *node) bool {
	for _, child := range n.children {
		if extensionOfField(aStep, child.key) == FeatureBundle1 {
			return true
		}
	}
	return false
}

// knowsTaskParameters says whether every task parameter has at least a name.
func knowsTaskParameters(space *node) bool {
	list := space.get("taskParameterDefinitions")
	if list == nil || list.kind != listNode {
		return false
	}
	for _, item := range list.children {
		if name := item.get("name"); name == nil || name.kind != stringNode {
			return false
		}
	}
	return true
}

// dependencies reads the names; whether the steps exist is checked when all steps are known.
func (d *decoder) dependencies(n *node) []StepDependency {
	var all []StepDependency
	for _, item := range d.list(n, "dependencies", 1, 0) {
		var dep StepDependency
		if o, ok := d.object(item, "a dependency", "dependsOn"); ok {
			dep.DependsOn = d.textRule(o.required("dependsOn"), nameRule("a step name"))
		}
		all = append(all, dep)
	}
	return all
}

func (d *decoder) hostRequirements(n *node, inTemplate *scope) *HostRequirements {
	const most = 50
	o, ok := d.object(n, "host requirements", "amounts", "attributes")
	if !ok {
		return nil
	}
	h := &HostRequirements{}
	distinctAmounts, distinctAttributes := d.distinct("an amount"), d.distinct("an attribute")
	for _, item := range d.list(o.optional("amounts"), "amounts", 1, 0) {
		a := d.amount(item, inTemplate)
		distinctAmounts(strings.ToLower(a.Name.String()), item.get("name"))
		h.Amounts = append(h.Amounts, a)
	}
	for _, item := range d.list(o.optional("attributes"), "attributes", 1, 0) {
		a := d.attribute(item, inTemplate)
		distinctAttributes(strings.ToLower(a.Name.String()), item.get("name"))
		h.Attributes = append(h.Attributes, a)
	}
	switch total := len(h.Amounts) + len(h.Attributes); {
	case o.optional("amounts") == nil && o.optional("attributes") == nil:
		d.at(n, "host requirements need amounts, attributes or both")
	case total > most:
		d.at(n, "there are %d host requirements, at most %d are allowed", total, most)
	}
	return h
}

func (d *decoder) amount(n *node, inTemplate *scope) AmountRequirement {
	var a AmountRequirement
	o, ok := d.object(n, "an amount requirement", "name", "min", "max")
	if !ok {
		return a
	}
	a.Name = d.capabilityName(o.required("name"), inTemplate, CheckAmountName)
	low, high := o.optional("min"), o.optional("max")
	if low == nil && high == nil {
		d.at(n, "an amount requirement needs min, max or both")
	}
	minimum, okMin := d.amountBound(low)
	maximum, okMax := d.amountBound(high)
	if okMin {
		a.Min = &Scalar{Kind: low.literal().Kind, Format: expr.Literal(low.literal().Text)}
		if minimum < 0 {
			d.at(low, "min must be at least 0, found %s", low.text)
		}
	}
	if okMax {
		a.Max = &Scalar{Kind: high.literal().Kind, Format: expr.Literal(high.literal().Text)}
		if maximum <= 0 {
			d.at(high, "max must be greater than 0, found %s", high.text)
		}
	}
	if okMin && okMax && minimum > maximum {
		d.at(low, "min %s is greater than max %s", low.text, high.text)
	}
	return a
}

// amountBound reads a finite number.
func (d *decoder) amountBound(n *node) (float64, bool) {
	if n == nil {
		return 0, false
	}
	v, ok := n.floatOf()
	switch {
	case n.kind == stringNode:
		d.at(n, "expected a number, found %s; a string needs the extension %s", n.describe(), FeatureBundle1)
	case !ok:
		d.at(n, "expected a finite number, found %s", n.describe())
	}
	return v, ok
}

// capabilityName reads a name, which is checked now if it is literal and when the job is created if not.
func (d *decoder) capabilityName(n *node, inTemplate *scope, check func(string) error) expr.FormatString {
	f, ok := d.format(n, inTemplate)
	if ok && f.IsLiteral() {
		if err := check(f.String()); err != nil {
			d.at(n, "%s", err)
		}
	}
	return f
}

func (d *decoder) attribute(n *node, inTemplate *scope) AttributeRequirement {
	var a AttributeRequirement
	o, ok := d.object(n, "an attribute requirement", "name", "anyOf", "allOf")
	if !ok {
		return a
	}
	a.Name = d.capabilityName(o.required("name"), inTemplate, CheckAttributeName)
	anyOf, allOf := o.optional("anyOf"), o.optional("allOf")
	if anyOf == nil && allOf == nil {
		d.at(n, "an attribute requirement needs anyOf, allOf or both")
	}
	a.AnyOf = d.attributeValues(anyOf, a.Name, inTemplate)
	a.AllOf = d.attributeValues(allOf, a.Name, inTemplate)
	if len(a.AllOf) > 1 && standardAttribute(strings.ToLower(a.Name.String())) != nil {
		d.at(allOf, "no host has more than one value of %s", a.Name.String())
	}
	return a
}

func (d *decoder) attributeValues(n *node, name expr.FormatString, inTemplate *scope) []expr.FormatString {
	const most = 50
	var all []expr.FormatString
	for _, item := range d.list(n, "attribute values", 1, most) {
		f, ok := d.format(item, inTemplate)
		if ok && f.IsLiteral() {
			if err := CheckAttributeValue(name.String(), f.String()); err != nil {
				d.at(item, "%s", err)
			}
		}
		all = append(all, f)
	}
	return all
}
