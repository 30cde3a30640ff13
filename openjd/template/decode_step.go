package template

import (
	"strings"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

func (d *decoder) step(n *node, inTemplate, inSession *scope) Step {
	var s Step
	names := []string{"name", "description", "dependencies", "stepEnvironments", "hostRequirements", "parameterSpace", "script"}
	names = d.fields(d.fields(names, Expr, "let"), FeatureBundle1, "bash", "cmd", "node", "powershell", "python")
	o, ok := d.object(n, aStep, names...)
	if !ok {
		return s
	}
	s.Name = d.textRule(o.required("name"), d.extensions.nameRule("a step name"))
	if strings.Contains(s.Name, "{{") {
		d.at(o.get("name"), "a step name cannot hold expressions")
	}
	s.Description = d.description(o)
	s.Dependencies = d.dependencies(o.optional("dependencies"))
	inTemplate, inSession = d.stepScopes(inTemplate, inSession)
	if let := o.optional("let"); let != nil {
		s.Let = d.let(let, inTemplate)
		// The session's scope does not lie within the step's, so it gets the names too.
		for _, b := range s.Let {
			v, _ := inTemplate.symbols.Lookup(b.Name)
			inSession.define(b.Name, v.Type())
		}
	}
	distinct := d.distinct("a step environment")
	for _, item := range d.list(o.optional("stepEnvironments"), "step environments", 1, 0) {
		e := d.environment(item, inTemplate, inSession)
		distinct(e.Name, item.get("name"))
		s.StepEnvironments = append(s.StepEnvironments, e)
	}
	if n := o.optional("hostRequirements"); n != nil {
		s.HostRequirements = d.hostRequirements(n, inTemplate)
	}
	space := o.optional("parameterSpace")
	if space != nil {
		s.ParameterSpace = d.parameterSpace(space, inTemplate)
	}
	inTask := d.taskScope(inSession, s.ParameterSpace)
	if space != nil && !knowsTaskParameters(space) {
		inTask.symbols.SetOpen()
	}
	d.script(o, &s, inTemplate, inTask)
	return s
}

// stepScopes returns the scopes of one step within those of the job.
func (d *decoder) stepScopes(inTemplate, inSession *scope) (*scope, *scope) {
	inTemplate, inSession = newScope(inTemplate), newScope(inSession)
	if d.extensions.Has(Expr) {
		inTemplate.define("Step.Name", expr.TypeString)
		inSession.define("Step.Name", expr.TypeString)
	}
	return inTemplate, inSession
}

// script reads what tasks run: exactly one of the script and its short forms.
func (d *decoder) script(o object, s *Step, inTemplate, inTask *scope) {
	given := o.optional("script")
	var short []*node
	for _, i := range Interpreters() {
		if n := o.optional(string(i)); n != nil && d.extensions.Has(FeatureBundle1) {
			short = append(short, n)
			s.Simple = d.simpleAction(n, i, inTemplate, inTask)
		}
	}
	switch {
	case len(short) > 1:
		d.key(short[1], "a step has one script, there is %s already", short[0].key)
	case len(short) == 1 && given != nil:
		d.key(given, "a step has one script, there is %s already", short[0].key)
	case len(short) == 0 && (given != nil || !hasSimpleScript(o.node)):
		// A short form without its extension was reported with its field.
		if n := o.required("script"); n != nil {
			s.Script = d.stepScript(n, inTemplate, inTask)
		}
	}
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
			dep.DependsOn = d.textRule(o.required("dependsOn"), d.extensions.nameRule("a step name"))
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
	var minimum, maximum *float64
	a.Min, minimum = d.amountBound(low, inTemplate)
	a.Max, maximum = d.amountBound(high, inTemplate)
	if minimum != nil && *minimum < 0 {
		d.at(low, "min must be at least 0, found %s", low.text)
	}
	if maximum != nil && *maximum <= 0 {
		d.at(high, "max must be greater than 0, found %s", high.text)
	}
	if minimum != nil && maximum != nil && *minimum > *maximum {
		d.at(low, "min %s is greater than max %s", low.text, high.text)
	}
	return a
}

// amountBound reads a finite number, or, with FEATURE_BUNDLE_1, a string that is one or resolves to one. The number is nil when it is
// not known yet.
func (d *decoder) amountBound(n *node, inTemplate *scope) (*Scalar, *float64) {
	switch {
	case n == nil:
		return nil, nil
	case n.kind == stringNode && !d.extensions.Has(FeatureBundle1):
		d.at(n, "expected a number, found %s; a string needs the extension %s", n.describe(), FeatureBundle1)
		return nil, nil
	case n.kind == stringNode:
		f, ok := d.format(n, inTemplate, expr.TypeFloat)
		if !ok || !f.IsLiteral() {
			return &Scalar{Format: f}, nil
		}
		v, ok := parseFloat(f.String())
		if !ok {
			d.at(n, "expected a number, found %s", n.describe())
			return nil, nil
		}
		return &Scalar{Format: f}, &v
	}
	v, ok := n.floatOf()
	if !ok {
		d.at(n, "expected a finite number, found %s", n.describe())
		return nil, nil
	}
	l := n.literal()
	return &Scalar{Kind: l.Kind, Format: expr.Literal(l.Text)}, &v
}

// capabilityName reads a name, which is checked now if it is literal and when the job is created if not.
func (d *decoder) capabilityName(n *node, inTemplate *scope, check func(string) error) expr.FormatString {
	f, ok := d.format(n, inTemplate, expr.TypeString)
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
		f, ok := d.format(item, inTemplate, expr.TypeString)
		if ok && f.IsLiteral() {
			if err := CheckAttributeValue(name.String(), f.String()); err != nil {
				d.at(item, "%s", err)
			}
		}
		all = append(all, f)
	}
	return all
}
