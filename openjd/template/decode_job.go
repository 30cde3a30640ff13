package template

import (
	"regexp"
	"slices"
	"strings"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

func (d *decoder) jobTemplate(root *node) *JobTemplate {
	o, _ := d.object(root, "a job template",
		"specificationVersion", "$schema", "extensions", "name", "description", "parameterDefinitions", "jobEnvironments", "steps")
	t := &JobTemplate{SpecificationVersion: JobTemplateVersion, Extensions: d.extensions}
	t.Schema, _ = d.text(o.optional("$schema"))
	parameters, complete := d.parameterDefinitions(o.optional("parameterDefinitions"), true)
	t.ParameterDefinitions = parameters
	inTemplate, inSession := d.documentScopes(root, parameters, complete)
	t.Name, _ = d.formatRule(o.required("name"), inTemplate, JobNameRule(d.extensions), expr.TypeString)
	t.Description = d.description(o)
	d.defineJobName(inTemplate)
	distinct := d.distinct("a job environment")
	environments := map[string]bool{}
	for _, item := range d.list(o.optional("jobEnvironments"), "job environments", 1, 0) {
		e := d.environment(item, inTemplate, inSession)
		distinct(e.Name, item.get("name"))
		environments[e.Name] = true
		t.JobEnvironments = append(t.JobEnvironments, e)
	}
	d.wrappers(o.optional("jobEnvironments"), t.JobEnvironments, 0)
	steps := d.list(o.required("steps"), "steps", 1, 0)
	distinct = d.distinct("a step")
	for _, item := range steps {
		s := d.step(item, inTemplate, inSession)
		distinct(s.Name, item.get("name"))
		for i, e := range s.StepEnvironments {
			if e.Name != "" && environments[e.Name] {
				d.at(item.get("stepEnvironments").children[i], "there is a job environment called %s too", quote(e.Name))
			}
		}
		d.wrappers(item.get("stepEnvironments"), s.StepEnvironments, countWrappers(t.JobEnvironments))
		t.Steps = append(t.Steps, s)
	}
	d.dependencyGraph(steps, t.Steps)
	return t
}

// defineJobName adds what the extension Expr knows of the job, after its name is read.
func (d *decoder) defineJobName(s *scope) {
	if d.extensions.Has(Expr) {
		s.define("Job.Name", expr.TypeString)
	}
}

func countWrappers(environments []Environment) int {
	n := 0
	for i := range environments {
		if environments[i].Wraps() {
			n++
		}
	}
	return n
}

// wrappers checks that at most one environment of a session wraps the others; outer is how many do already.
func (d *decoder) wrappers(n *node, environments []Environment, outer int) {
	for i := range environments {
		if !environments[i].Wraps() {
			continue
		}
		if outer++; outer > 1 {
			d.at(n.children[i], "another environment wraps the actions of this session already, only one can")
		}
	}
}

// documentScopes adds to the scopes of correct parameters the names of those with mistakes, so that one mistake is reported once.
func (d *decoder) documentScopes(root *node, parameters []JobParameterDefinition, complete bool) (inTemplate, inSession *scope) {
	inTemplate, inSession = d.jobScopes(parameters, complete)
	list := root.get("parameterDefinitions")
	if list == nil || list.kind != listNode {
		return inTemplate, inSession
	}
	for _, item := range list.children {
		name := item.get("name")
		if name == nil || slices.ContainsFunc(parameters, func(p JobParameterDefinition) bool { return p.Name == name.text }) {
			continue
		}
		inTemplate.define("Param."+name.text, expr.TypeAny)
		inTemplate.define("RawParam."+name.text, expr.TypeAny)
	}
	return inTemplate, inSession
}

func (d *decoder) environmentTemplate(root *node) *EnvironmentTemplate {
	o, _ := d.object(root, "an environment template", "specificationVersion", "$schema", "extensions", "parameterDefinitions", "environment")
	t := &EnvironmentTemplate{SpecificationVersion: EnvironmentTemplateVersion, Extensions: d.extensions}
	t.Schema, _ = d.text(o.optional("$schema"))
	parameters, complete := d.parameterDefinitions(o.optional("parameterDefinitions"), false)
	t.ParameterDefinitions = parameters
	inTemplate, inSession := d.documentScopes(root, parameters, complete)
	d.defineJobName(inTemplate)
	if n := o.required("environment"); n != nil {
		t.Environment = d.environment(n, inTemplate, inSession)
	}
	return t
}

// version checks specificationVersion; false means that the rest cannot be judged.
func (d *decoder) version(root *node, want string) bool {
	n := object{root, d}.required("specificationVersion")
	if n == nil {
		return true
	}
	got, ok := d.text(n)
	switch {
	case !ok:
		return true
	case got == want:
		return true
	case got == EnvironmentTemplateVersion:
		d.at(n, "expected a job template, %s, found an environment template", want)
	case got == JobTemplateVersion:
		d.at(n, "expected an environment template, %s, found a job template", want)
	default:
		d.at(n, "the specification version %s is not supported, expected %s", quote(got), want)
	}
	return false
}

var extensionName = regexp.MustCompile(`^[A-Z_0-9]{3,128}$`)

// readExtensions puts the document's extensions in force. It returns false when one is not supported: what follows may depend on it.
func (d *decoder) readExtensions(root *node, supported []Extension) bool {
	n := object{root, d}.optional("extensions")
	if n == nil {
		return true
	}
	known := true
	distinct := d.distinct("an extension")
	for _, item := range d.list(n, "extensions", 1, 0) {
		name, ok := d.text(item)
		if !ok {
			continue
		}
		distinct(name, item)
		e := Extension(name)
		switch {
		case !extensionName.MatchString(name):
			d.at(item, "%s is not the name of an extension, expected 3 to 128 upper-case letters, digits and _", quote(name))
		case !slices.Contains(Extensions(), e):
			known = false
			d.at(item, "there is no extension called %s; those of 2023-09 are %s", name, joinWords(Extensions()))
		case !slices.Contains(supported, e) || !slices.Contains(ImplementedExtensions(), e):
			known = false
			d.at(item, "the extension %s is not supported here", name)
		case !d.extensions.Has(e):
			d.extensions = append(d.extensions, e)
		}
	}
	if d.extensions.Has(WrapActions) && !d.extensions.Has(Expr) {
		d.at(n, "the extension %s needs %s to be listed too", WrapActions, Expr)
	}
	return known
}

// dependencyGraph checks the dependencies of all steps together: unknown, repeated, on itself, in a cycle.
func (d *decoder) dependencyGraph(nodes []*node, steps []Step) {
	index := make(map[string]int, len(steps))
	names := make([]string, len(steps))
	for i, s := range steps {
		names[i] = s.Name
		if _, repeated := index[s.Name]; !repeated && s.Name != "" {
			index[s.Name] = i
		}
	}
	g := graph{edges: make([][]edge, len(steps)), names: names}
	for i, s := range steps {
		list := nodes[i].get("dependencies")
		distinct := d.distinct("a dependency")
		for j, dep := range s.Dependencies {
			if dep.DependsOn == "" {
				continue
			}
			at := list.children[j].get("dependsOn")
			distinct(dep.DependsOn, at)
			target, known := index[dep.DependsOn]
			switch {
			case !known && !d.exhausted():
				message := "there is no step called " + quote(dep.DependsOn)
				if near := nearest(dep.DependsOn, names); near != "" {
					message += "; did you mean " + near + "?"
				}
				d.at(at, "%s", message)
			case known && target == i:
				d.at(at, "a step cannot depend on itself")
			case known:
				g.edges[i] = append(g.edges[i], edge{target, at})
			}
		}
	}
	g.cycles(func(at *node, cycle []string) {
		d.at(at, "the steps depend on each other in a cycle: %s", strings.Join(cycle, " -> "))
	})
}

// graph is the dependencies between steps.
type graph struct {
	edges [][]edge
	names []string
}

// edge leads to the step that must come first; at is where the template says so.
type edge struct {
	target int
	at     *node
}

// cycles reports every edge that closes a cycle in a depth-first walk, with the names along it. The walk keeps its own stack,
// because a chain of steps can be as long as the document.
func (g *graph) cycles(report func(at *node, names []string)) {
	const unseen, onStack, done = 0, 1, 2
	type frame struct{ step, next int }
	state := make([]uint8, len(g.edges))
	for start := range g.edges {
		if state[start] != unseen {
			continue
		}
		stack := []frame{{start, 0}}
		state[start] = onStack
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			if top.next == len(g.edges[top.step]) {
				state[top.step] = done
				stack = stack[:len(stack)-1]
				continue
			}
			e := g.edges[top.step][top.next]
			top.next++
			switch state[e.target] {
			case unseen:
				state[e.target] = onStack
				stack = append(stack, frame{e.target, 0})
			case onStack:
				var cycle []string
				from := slices.IndexFunc(stack, func(f frame) bool { return f.step == e.target })
				for _, f := range stack[from:] {
					cycle = append(cycle, g.names[f.step])
				}
				report(e.at, shortCycle(append(cycle, g.names[e.target])))
			}
		}
	}
}

// shortCycle cuts the middle out of a long cycle.
func shortCycle(names []string) []string {
	const most = 12
	if len(names) <= most {
		return names
	}
	return slices.Concat(names[:most/2], []string{"…"}, names[len(names)-most/2:])
}
