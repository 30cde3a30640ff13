package template

import (
	"regexp"
	"strings"
)

func (d *decoder) environment(n *node, session *scope) Environment {
	var e Environment
	o, ok := d.object(n, anEnvironment, "name", "description", "script", "variables")
	if !ok {
		return e
	}
	e.Name = d.textRule(o.required("name"), nameRule("an environment name"))
	e.Description = d.description(o)
	if script := o.optional("script"); script != nil {
		e.Script = d.environmentScript(script, session)
	}
	if variables := o.optional("variables"); variables != nil {
		e.Variables = d.variables(variables, session)
	}
	if o.optional("script") == nil && o.optional("variables") == nil {
		d.at(n, "an environment needs a script, variables or both")
	}
	return e
}

func (d *decoder) environmentScript(n *node, session *scope) *EnvironmentScript {
	o, ok := d.object(n, anEnvironmentScript, "actions", "embeddedFiles")
	if !ok {
		return nil
	}
	s := &EnvironmentScript{}
	inner := newScope(session)
	s.EmbeddedFiles = d.embeddedFiles(o.optional("embeddedFiles"), "Env.File.", inner)
	actions, ok := d.object(o.required("actions"), environmentActions, "onEnter", "onExit")
	if !ok {
		return s
	}
	if n := actions.optional("onEnter"); n != nil {
		s.Actions.OnEnter = new(d.action(n, inner))
	}
	if n := actions.optional("onExit"); n != nil {
		s.Actions.OnExit = new(d.action(n, inner))
	}
	if s.Actions.OnEnter == nil && s.Actions.OnExit == nil {
		d.at(actions.node, "the actions of an environment need onEnter, onExit or both")
	}
	return s
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (d *decoder) variables(n *node, session *scope) Variables {
	if n.kind != mapNode {
		d.at(n, "expected a mapping of environment variables, found %s", n.describe())
		return nil
	}
	if len(n.children) == 0 {
		d.at(n, "the mapping of environment variables cannot be empty")
	}
	rule := TextRule{What: "the value of an environment variable", Max: 2048}
	var all Variables
	for _, child := range n.children {
		switch {
		case !variableName.MatchString(child.key):
			d.key(child, "%s is not the name of an environment variable, expected a letter or _ and then letters, digits and _", quote(child.key))
		case len(child.key) > 256:
			d.key(child, "the name of an environment variable has at most 256 characters, this one has %d", len(child.key))
		}
		value, _ := d.formatRule(child, session, rule)
		all = append(all, Variable{Name: child.key, Value: value})
	}
	return all
}

func (d *decoder) stepScript(n *node, session *scope, space *ParameterSpace) StepScript {
	var s StepScript
	o, ok := d.object(n, aStepScript, "actions", "embeddedFiles")
	if !ok {
		return s
	}
	inner := taskScope(session, space)
	s.EmbeddedFiles = d.embeddedFiles(o.optional("embeddedFiles"), "Task.File.", inner)
	actions, ok := d.object(o.required("actions"), "the actions of a step", "onRun")
	if !ok {
		return s
	}
	if n := actions.required("onRun"); n != nil {
		s.Actions.OnRun = d.action(n, inner)
	}
	return s
}

// taskScope adds the symbols of a task to those of its session.
func taskScope(session *scope, space *ParameterSpace) *scope {
	s := newScope(session)
	if space == nil {
		return s
	}
	for _, p := range space.TaskParameterDefinitions {
		s.define("Task.Param."+p.Name, "Task.RawParam."+p.Name)
	}
	return s
}

// embeddedFiles reads the files of one script and defines them in its scope, because the files may refer to each other.
func (d *decoder) embeddedFiles(n *node, prefix string, inner *scope) []EmbeddedFile {
	items := d.list(n, "embedded files", 1, 0)
	distinct := d.distinct("an embedded file")
	for _, item := range items {
		if item.kind != mapNode {
			continue
		}
		if name := item.get("name"); name != nil && (name.kind == stringNode || name.loose) {
			distinct(name.text, name)
			inner.define(prefix + name.text)
		}
	}
	var all []EmbeddedFile
	for _, item := range items {
		all = append(all, d.embeddedFile(item, inner))
	}
	return all
}

func (d *decoder) embeddedFile(n *node, inner *scope) EmbeddedFile {
	var f EmbeddedFile
	o, ok := d.object(n, anEmbeddedFile, "name", "type", "data", "filename", "runnable")
	if !ok {
		return f
	}
	f.Name = d.identifier(o.required("name"), "the name of an embedded file")
	f.Type = choose(d, o.required("type"), TextFile)
	f.Data, _ = d.formatRule(o.required("data"), inner, TextRule{What: "the data of an embedded file", Min: 1})
	f.Runnable = d.boolean(o.optional("runnable"))
	if n := o.optional("filename"); n != nil {
		f.Filename = d.textRule(n, TextRule{What: "a file name", Min: 1, Max: 64, NoControl: true})
		if f.Filename == "." || f.Filename == ".." || strings.ContainsAny(f.Filename, `/\`) {
			d.at(n, "%s is not a file name without directories", quote(f.Filename))
		}
	}
	return f
}

func (d *decoder) action(n *node, inner *scope) Action {
	var a Action
	o, ok := d.object(n, anAction, "command", "args", "timeout", "cancelation")
	if !ok {
		return a
	}
	a.Command, _ = d.formatRule(o.required("command"), inner, CommandRule())
	rule := TextRule{What: "an argument", NoControl: true, Except: "\n\r"}
	if d.extensions.Has(Expr) {
		rule.Except += "\t"
	}
	for _, item := range d.list(o.optional("args"), "arguments", 1, 0) {
		arg, _ := d.formatRule(item, inner, rule)
		a.Args = append(a.Args, arg)
	}
	a.TimeoutSeconds = d.seconds(o.optional("timeout"), 0)
	if n := o.optional("cancelation"); n != nil {
		a.Cancelation = d.cancelation(n)
	}
	return a
}

// seconds reads a positive number of seconds, at most most unless that is 0.
func (d *decoder) seconds(n *node, most int64) int64 {
	if n != nil && n.kind == stringNode {
		d.at(n, "expected an integer, found %s; a string needs the extension %s", n.describe(), FeatureBundle1)
		return 0
	}
	v, _ := d.integer(n, 1, most)
	return v
}

func (d *decoder) cancelation(n *node) *Cancelation {
	const most = 600
	o, ok := d.object(n, "a cancelation", "mode", "notifyPeriodInSeconds")
	if !ok {
		return nil
	}
	c := &Cancelation{}
	mode := o.required("mode")
	if mode != nil && mode.kind == stringNode && strings.Contains(mode.text, "{{") {
		d.at(mode, "a format string as mode needs the extension %s", FeatureBundle1)
		return c
	}
	c.Mode = choose(d, mode, Terminate, NotifyThenTerminate)
	period := o.optional("notifyPeriodInSeconds")
	if period != nil && c.Mode == Terminate {
		d.key(period, "the mode %s has no notify period", Terminate)
		return c
	}
	c.NotifyPeriodSeconds = d.seconds(period, most)
	return c
}
