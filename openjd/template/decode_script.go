package template

import (
	"regexp"
	"strings"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

// environment reads an environment. Timeouts and the like are resolved in the template's scope, the rest in the session's.
func (d *decoder) environment(n *node, inTemplate, inSession *scope) Environment {
	var e Environment
	o, ok := d.object(n, anEnvironment, "name", "description", "script", "variables")
	if !ok {
		return e
	}
	e.Name = d.textRule(o.required("name"), d.extensions.nameRule("an environment name"))
	e.Description = d.description(o)
	if script := o.optional("script"); script != nil {
		e.Script = d.environmentScript(script, inTemplate, inSession)
	}
	if variables := o.optional("variables"); variables != nil {
		e.Variables = d.variables(variables, inSession)
	}
	if o.optional("script") == nil && o.optional("variables") == nil {
		d.at(n, "an environment needs a script, variables or both")
	}
	return e
}

func (d *decoder) environmentScript(n *node, inTemplate, inSession *scope) *EnvironmentScript {
	o, ok := d.object(n, anEnvironmentScript, d.fields([]string{"actions", "embeddedFiles"}, Expr, "let")...)
	if !ok {
		return nil
	}
	s := &EnvironmentScript{}
	inner := newScope(inSession)
	d.defineFiles(o.optional("embeddedFiles"), "Env.File.", inner)
	if let := o.optional("let"); let != nil {
		s.Let = d.let(let, inner)
	}
	s.EmbeddedFiles = d.embeddedFiles(o.optional("embeddedFiles"), inner)
	names := d.fields([]string{"onEnter", "onExit"}, WrapActions, "onWrapEnvEnter", "onWrapTaskRun", "onWrapEnvExit")
	actions, ok := d.object(o.required("actions"), environmentActions, names...)
	if !ok {
		return s
	}
	action := func(name, wrapped string) *Action {
		n := actions.optional(name)
		if n == nil {
			return nil
		}
		return new(d.action(n, hookScope(inTemplate, wrapped), hookScope(inner, wrapped)))
	}
	a := &s.Actions
	a.OnEnter, a.OnExit = action("onEnter", ""), action("onExit", "")
	if d.extensions.Has(WrapActions) {
		a.OnWrapEnvEnter, a.OnWrapTaskRun = action("onWrapEnvEnter", "WrappedEnv.Name"), action("onWrapTaskRun", "WrappedStep.Name")
		a.OnWrapEnvExit = action("onWrapEnvExit", "WrappedEnv.Name")
	}
	d.wholeActions(actions, a)
	return s
}

// wholeActions checks that there are onEnter or onExit, or all the hooks.
func (d *decoder) wholeActions(o object, a *EnvironmentActions) {
	hooks := 0
	for _, hook := range []*Action{a.OnWrapEnvEnter, a.OnWrapTaskRun, a.OnWrapEnvExit} {
		if hook != nil {
			hooks++
		}
	}
	switch {
	case hooks != 0 && hooks != 3:
		d.at(o.node, "onWrapEnvEnter, onWrapTaskRun and onWrapEnvExit go together: give all three or none")
	case hooks == 0 && a.OnEnter == nil && a.OnExit == nil:
		d.at(o.node, "the actions of an environment need onEnter, onExit or both")
	}
}

// hookScope adds what a hook knows of the action that it runs in place of; own is the symbol that names its environment or step, "" for
// what is no hook.
func hookScope(outer *scope, own string) *scope {
	if own == "" {
		return outer
	}
	s := newScope(outer)
	s.define("WrappedAction.Command", expr.TypeString)
	s.define("WrappedAction.Args", expr.ListOf(expr.TypeString))
	s.define("WrappedAction.Environment", expr.ListOf(expr.TypeString))
	s.define("WrappedAction.Timeout", expr.TypeInt|expr.TypeNull)
	s.define("WrappedAction.Cancelation.Mode", expr.TypeString|expr.TypeNull)
	s.define("WrappedAction.Cancelation.NotifyPeriodInSeconds", expr.TypeInt|expr.TypeNull)
	s.define(own, expr.TypeString)
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
	rule := VariableValueRule()
	var all Variables
	for _, child := range n.children {
		switch {
		case !variableName.MatchString(child.key):
			d.key(child, "%s is not the name of an environment variable, expected a letter or _ and then letters, digits and _", quote(child.key))
		case len(child.key) > 256:
			d.key(child, "the name of an environment variable has at most 256 characters, this one has %d", len(child.key))
		}
		value, _ := d.formatRule(child, session, rule, expr.TypeString)
		all = append(all, Variable{Name: child.key, Value: value})
	}
	return all
}

// stepScript reads the script of a step; inTask is the scope of the tasks.
func (d *decoder) stepScript(n *node, inTemplate, inTask *scope) *StepScript {
	o, ok := d.object(n, aStepScript, d.fields([]string{"actions", "embeddedFiles"}, Expr, "let")...)
	if !ok {
		return nil
	}
	s := &StepScript{}
	inner := newScope(inTask)
	d.defineFiles(o.optional("embeddedFiles"), "Task.File.", inner)
	if let := o.optional("let"); let != nil {
		s.Let = d.let(let, inner)
	}
	s.EmbeddedFiles = d.embeddedFiles(o.optional("embeddedFiles"), inner)
	actions, ok := d.object(o.required("actions"), "the actions of a step", "onRun")
	if !ok {
		return s
	}
	if n := actions.required("onRun"); n != nil {
		s.Actions.OnRun = d.action(n, inTemplate, inner)
	}
	return s
}

// taskScope adds the symbols of a task to those of its session.
func (d *decoder) taskScope(inSession *scope, space *ParameterSpace) *scope {
	s := newScope(inSession)
	s.tasks = true
	if space == nil {
		return s
	}
	for _, p := range space.TaskParameterDefinitions {
		t := p.Type.itemType()
		if p.Type == ChunkIntTaskParameter {
			t = expr.TypeRange
		}
		s.define("Task.RawParam."+p.Name, t)
		if p.Type == PathTaskParameter {
			t = expr.TypePath
		}
		s.define("Task.Param."+p.Name, t)
	}
	return s
}

// defineFiles defines the files of one script before their data is read, because files may refer to each other.
func (d *decoder) defineFiles(n *node, prefix string, inner *scope) {
	inner.files = prefix
	if n == nil || n.kind != listNode {
		return
	}
	distinct := d.distinct("an embedded file")
	for _, item := range n.children {
		if item.kind != mapNode {
			continue
		}
		if name := item.get("name"); name != nil && (name.kind == stringNode || name.loose) {
			distinct(name.text, name)
			inner.define(prefix+name.text, expr.TypePath)
		}
	}
}

func (d *decoder) embeddedFiles(n *node, inner *scope) []EmbeddedFile {
	var all []EmbeddedFile
	for _, item := range d.list(n, "embedded files", 1, 0) {
		all = append(all, d.embeddedFile(item, inner))
	}
	return all
}

func (d *decoder) embeddedFile(n *node, inner *scope) EmbeddedFile {
	var f EmbeddedFile
	o, ok := d.object(n, anEmbeddedFile, d.fields([]string{"name", "type", "data", "filename", "runnable"}, FeatureBundle1, "endOfLine")...)
	if !ok {
		return f
	}
	f.Name = d.identifier(o.required("name"), "the name of an embedded file")
	f.Type = choose(d, o.required("type"), TextFile)
	f.Data, _ = d.formatRule(o.required("data"), inner, TextRule{What: "the data of an embedded file", Min: 1}, expr.TypeString)
	f.Runnable = d.boolean(o.optional("runnable"))
	if d.extensions.Has(FeatureBundle1) {
		f.EndOfLine = chooseOptional(d, o, "endOfLine", EndOfLineAuto, EndOfLineLF, EndOfLineCRLF)
	}
	if n := o.optional("filename"); n != nil {
		f.Filename = d.textRule(n, TextRule{What: "a file name", Min: 1, Max: d.extensions.limit(64, 256), NoControl: true})
		if f.Filename == "." || f.Filename == ".." || strings.ContainsAny(f.Filename, `/\`) {
			d.at(n, "%s is not a file name without directories", quote(f.Filename))
		}
	}
	return f
}

// action reads an action. Its timeout and its cancelation are resolved in another scope than its command line.
func (d *decoder) action(n *node, inTemplate, inner *scope) Action {
	var a Action
	o, ok := d.object(n, anAction, "command", "args", "timeout", "cancelation")
	if !ok {
		return a
	}
	a.Command, _ = d.formatRule(o.required("command"), inner, CommandRule(), expr.TypeString)
	a.Args = d.arguments(o.optional("args"), inner)
	a.Timeout, a.Cancelation = d.limits(o, inTemplate)
	return a
}

func (d *decoder) arguments(n *node, inner *scope) []expr.FormatString {
	rule := TextRule{What: "an argument", NoControl: true, Except: "\n\r"}
	if d.extensions.Has(Expr) {
		rule.Except += "\t"
	}
	var all []expr.FormatString
	for _, item := range d.list(n, "arguments", 1, 0) {
		arg, _ := d.formatRule(item, inner, rule, argumentType)
		all = append(all, arg)
	}
	return all
}

// limits reads timeout and cancelation.
func (d *decoder) limits(o object, inTemplate *scope) (*Scalar, *Cancelation) {
	timeout := d.integerFormat(o.optional("timeout"), inTemplate, 1, 0, true)
	if n := o.optional("cancelation"); n != nil {
		return timeout, d.cancelation(n, inTemplate)
	}
	return timeout, nil
}

// integerFormat reads an integer between least and most, 0 for no bound, or, with FEATURE_BUNDLE_1, a string that is one or resolves to
// one. With optional, null is a value too.
func (d *decoder) integerFormat(n *node, s *scope, least, most int64, optional bool) *Scalar {
	if n == nil {
		return nil
	}
	if n.kind == stringNode && !d.extensions.Has(FeatureBundle1) {
		d.at(n, "expected an integer, found %s; a string needs the extension %s", n.describe(), FeatureBundle1)
		return nil
	}
	return d.integerText(n, s, least, most, optional)
}

// integerText reads an integer, or a string that is one or resolves to one.
func (d *decoder) integerText(n *node, s *scope, least, most int64, optional bool) *Scalar {
	if n.kind != stringNode {
		v, ok := d.integer(n, least, most)
		if !ok {
			return nil
		}
		return Integer(v)
	}
	target := expr.TypeInt
	if optional {
		target |= expr.TypeNull
	}
	f, ok := d.format(n, s, target)
	if ok && f.IsLiteral() {
		v, isInt := parseInt(f.String())
		switch {
		case !isInt:
			d.at(n, "expected an integer, found %s", n.describe())
		case v < least:
			d.at(n, "must be at least %d, found %d", least, v)
		case most > 0 && v > most:
			d.at(n, "must be at most %d, found %d", most, v)
		}
	}
	return &Scalar{Format: f}
}

func (d *decoder) cancelation(n *node, inTemplate *scope) *Cancelation {
	o, ok := d.object(n, "a cancelation", "mode", "notifyPeriodInSeconds")
	if !ok {
		return nil
	}
	c := &Cancelation{}
	mode := o.required("mode")
	var literal CancelationMode
	switch {
	case mode == nil || mode.kind != stringNode || !strings.Contains(mode.text, "{{"):
		if literal = choose(d, mode, Terminate, NotifyThenTerminate); literal != "" {
			c.Mode = expr.Literal(string(literal))
		}
	case !d.extensions.Has(FeatureBundle1):
		d.at(mode, "a format string as mode needs the extension %s", FeatureBundle1)
		return c
	default:
		c.Mode, _ = d.format(mode, inTemplate, expr.TypeString|expr.TypeNull)
	}
	period := o.optional("notifyPeriodInSeconds")
	if period != nil && literal == Terminate {
		d.key(period, "the mode %s has no notify period", Terminate)
		return c
	}
	c.NotifyPeriod = d.integerFormat(period, inTemplate, 1, maxNotifyPeriod, true)
	return c
}
