package job

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// What a worker resolves was checked with the types of parameters when the template was decoded. Here it is evaluated again with their
// values, as far as that goes without a host (2023-09, job creation): an expression that divides by a parameter that is 0 fails the
// submission, not the hundredth task.

// Types of the fields that workers resolve.
const anyText = expr.TypeString

var argument = expr.TypeString | expr.TypeNull | expr.ListOf(expr.TypeString)

func (c *creator) environments(path string, all []template.Environment, symbols *expr.SymbolTable) {
	for i := range all {
		c.environment(fmt.Sprintf("%s[%d]", path, i), &all[i], symbols)
	}
}

// size checks how large something is as JSON.
func (c *creator) size(path, what string, v any, most int) {
	if most <= 0 {
		return
	}
	text, err := json.Marshal(v)
	if c.check(path, err) && len(text) > most {
		c.report(path, "%s has %d bytes, at most %d are allowed", what, len(text), most)
	}
}

// onHost returns a table of what is known of a session before there is one.
func (c *creator) onHost(symbols *expr.SymbolTable) *expr.SymbolTable {
	t := expr.NewSymbolTable(symbols)
	t.SetHost(expr.Host{})
	for _, p := range c.params {
		if p.Type.HoldsPaths() {
			t.Set("Param."+p.Name, expr.Unresolved(p.Type.ExprType(false)))
		}
	}
	t.Set("Session.WorkingDirectory", expr.Unresolved(expr.TypePath))
	t.Set("Session.PathMappingRulesFile", expr.Unresolved(expr.TypePath))
	t.Set("Session.HasPathMappingRules", expr.Unresolved(expr.TypeBool))
	return t
}

// environment checks an environment and its size.
func (c *creator) environment(path string, e *template.Environment, symbols *expr.SymbolTable) {
	c.size(path, "the environment", e, c.limits.EnvironmentBytes)
	for _, v := range e.Variables {
		// Where the value depends on the host, the session does this.
		if text, err := v.Value.Resolve(symbols); err == nil && !v.Value.IsLiteral() {
			c.check(path+" -> variables -> "+v.Name, template.VariableValueRule().Check(text))
		}
	}
	if !c.extensions.Has(template.Expr) && !c.extensions.Has(template.FeatureBundle1) {
		return
	}
	host := c.onHost(symbols)
	for _, v := range e.Variables {
		c.recheck(path+" -> variables -> "+v.Name, v.Value, host, anyText)
	}
	if e.Script == nil {
		return
	}
	path += " -> script"
	if !c.scriptSymbols(path, "Env.File.", e.Script.Let, e.Script.EmbeddedFiles, host) {
		return
	}
	actions := &e.Script.Actions
	c.action(path+" -> actions -> onEnter", actions.OnEnter, host, symbols)
	c.action(path+" -> actions -> onExit", actions.OnExit, host, symbols)
	hook := wrappedUnknown(host)
	// The limits of a hook can be those of the action that it replaces, which is not known.
	c.action(path+" -> actions -> onWrapEnvEnter", actions.OnWrapEnvEnter, hook, nil)
	c.action(path+" -> actions -> onWrapTaskRun", actions.OnWrapTaskRun, hook, nil)
	c.action(path+" -> actions -> onWrapEnvExit", actions.OnWrapEnvExit, hook, nil)
}

// wrappedUnknown adds what a hook knows of the action that it runs in place of.
func wrappedUnknown(host *expr.SymbolTable) *expr.SymbolTable {
	t := expr.NewSymbolTable(host)
	for name, typ := range map[string]expr.Type{
		"WrappedAction.Command": expr.TypeString, "WrappedAction.Args": expr.ListOf(expr.TypeString), "WrappedAction.Environment": expr.ListOf(expr.TypeString),
		"WrappedAction.Timeout": expr.TypeInt | expr.TypeNull, "WrappedAction.Cancelation.Mode": expr.TypeString | expr.TypeNull,
		"WrappedAction.Cancelation.NotifyPeriodInSeconds": expr.TypeInt | expr.TypeNull, "WrappedEnv.Name": expr.TypeString, "WrappedStep.Name": expr.TypeString,
	} {
		t.Set(name, expr.Unresolved(typ))
	}
	return t
}

// script checks what the tasks of a step run.
func (c *creator) script(path string, t *template.Step) {
	script := t.TaskScript()
	c.size(path+" -> script", "the script", script, c.limits.StepScriptBytes)
	if !c.extensions.Has(template.Expr) && !c.extensions.Has(template.FeatureBundle1) {
		return
	}
	host := c.onHost(c.symbols)
	if t.ParameterSpace != nil {
		for _, p := range t.ParameterSpace.TaskParameterDefinitions {
			host.Set("Task.Param."+p.Name, expr.Unresolved(c.taskType(p.Type, false)))
			host.Set("Task.RawParam."+p.Name, expr.Unresolved(c.taskType(p.Type, true)))
		}
	}
	path += " -> script"
	if c.scriptSymbols(path, "Task.File.", script.Let, script.EmbeddedFiles, host) {
		c.action(path+" -> actions -> onRun", &script.Actions.OnRun, host, c.symbols)
	}
}

func (c *creator) taskType(t template.TaskParameterType, raw bool) expr.Type {
	switch t {
	case template.IntTaskParameter:
		return expr.TypeInt
	case template.FloatTaskParameter:
		return expr.TypeFloat
	case template.PathTaskParameter:
		if !raw {
			return expr.TypePath
		}
	case template.ChunkIntTaskParameter:
		if c.extensions.Has(template.Expr) {
			return expr.TypeRange
		}
	}
	return expr.TypeString
}

// scriptSymbols binds the files and the let of a script, and checks the files. It answers whether the rest can be checked.
func (c *creator) scriptSymbols(path, prefix string, let []template.LetBinding, files []template.EmbeddedFile, host *expr.SymbolTable) bool {
	for _, f := range files {
		host.Set(prefix+f.Name, expr.Unresolved(expr.TypePath))
	}
	if !c.check(path+" -> let", template.BindLet(host, let)) {
		return false
	}
	for i, f := range files {
		c.recheck(fmt.Sprintf("%s -> embeddedFiles[%d] -> data", path, i), f.Data, host, anyText)
	}
	return true
}

// action checks an action, nil for none. inTemplate is what its timeout and cancelation are resolved with, nil when that is not known yet.
func (c *creator) action(path string, a *template.Action, host, inTemplate *expr.SymbolTable) {
	if a == nil {
		return
	}
	c.recheck(path+" -> command", a.Command, host, anyText)
	for i, arg := range a.Args {
		c.recheck(fmt.Sprintf("%s -> args[%d]", path, i), arg, host, argument)
	}
	if inTemplate == nil {
		return
	}
	_, err := a.ResolveTimeout(inTemplate)
	c.check(path+" -> timeout", err)
	_, _, err = a.Cancelation.Resolve(inTemplate)
	c.check(path+" -> cancelation", err)
}

func (c *creator) recheck(path string, f expr.FormatString, symbols *expr.SymbolTable, target expr.Type) {
	if f.IsLiteral() || !c.extensions.Has(template.Expr) {
		return
	}
	_, err := f.Check(symbols, target)
	c.check(path, err)
}

// CheckEnvironment does for the environment of an environment template what [Create] does for those of a job. params are all bound
// parameters of the job, and j is the job. The error is a [template.Errors].
func CheckEnvironment(e *template.EnvironmentTemplate, j *Job, limits Limits) error {
	c := creator{symbols: externalSymbols(e, j), params: j.Parameters, extensions: e.Extensions, limits: limits}
	c.environment("environment", &e.Environment, c.symbols)
	if c.errors != nil {
		return c.errors
	}
	return nil
}

// externalSymbols is what the environment of a template outside of the job may use.
func externalSymbols(e *template.EnvironmentTemplate, j *Job) *expr.SymbolTable {
	t := expr.NewSymbolTable(TemplateSymbols(j.Parameters))
	if e.Extensions.Has(template.Expr) {
		t.Set("Job.Name", expr.String(j.Name))
	}
	return t
}

// ErrTwoWrappers says that two environments of one session would wrap the actions inside them; only one can (extension WRAP_ACTIONS).
var ErrTwoWrappers = errors.New("only one environment of a session can wrap the actions of others")

// CheckWrappers says whether the sessions of a job have at most one environment that wraps actions: of environments around the job, the
// job's, and those of each step.
func CheckWrappers(outer []*template.EnvironmentTemplate, t *template.JobTemplate) error {
	var names []string
	add := func(names []string, e *template.Environment) []string {
		if e.Wraps() {
			names = append(names, e.Name)
		}
		return names
	}
	for _, e := range outer {
		names = add(names, &e.Environment)
	}
	for i := range t.JobEnvironments {
		names = add(names, &t.JobEnvironments[i])
	}
	if len(names) > 1 {
		return template.Errors{{Message: fmt.Sprintf("%s, and %q do", ErrTwoWrappers, names)}}
	}
	for i := range t.Steps {
		all := slices.Clip(names)
		for k := range t.Steps[i].StepEnvironments {
			all = add(all, &t.Steps[i].StepEnvironments[k])
		}
		if len(all) > 1 {
			return template.Errors{{Path: fmt.Sprintf("steps[%d]", i), Message: fmt.Sprintf("%s, and %q do", ErrTwoWrappers, all)}}
		}
	}
	return nil
}
