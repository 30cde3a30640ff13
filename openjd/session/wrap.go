package session

import (
	"fmt"
	"time"

	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// An environment with hooks wraps the actions of what is inside it (extension WRAP_ACTIONS): the inner action is made ready as ever, its
// files written and its command line resolved, and then the hook runs in its place, told about it by the symbols WrappedAction.*.
// What the hook prints counts as the inner action's output.

// hook is one of the three places that an environment can wrap.
type hook struct {
	action  func(a *template.EnvironmentActions) *template.Action
	symbol  string // that names the owner of the inner action
	timeout time.Duration
}

var (
	hookEnter = hook{func(a *template.EnvironmentActions) *template.Action { return a.OnWrapEnvEnter }, "WrappedEnv.Name", 0}
	hookTask  = hook{func(a *template.EnvironmentActions) *template.Action { return a.OnWrapTaskRun }, "WrappedStep.Name", 0}
	hookExit  = hook{func(a *template.EnvironmentActions) *template.Action { return a.OnWrapEnvExit }, "WrappedEnv.Name", template.DefaultOnExitTimeout * time.Second}
)

// wrapped returns the call of a hook in place of an inner one, or the inner call itself when nothing wraps it. e is the environment whose
// action it is, nil for a task. An environment without the action has nothing to wrap.
func (s *Session) wrapped(inner *invocation, e *environment, h hook) (*invocation, error) {
	wrapper := s.wrapper(e)
	if wrapper == nil || inner.action == nil {
		return inner, nil
	}
	action := h.action(&wrapper.env.Script.Actions)
	if action == nil {
		return inner, nil
	}
	known, err := s.describeWrapped(inner, h)
	if err != nil {
		return nil, err
	}
	outer := s.environmentCall(wrapper, ActionOptions{Variables: inner.variables, Canceled: inner.canceled})
	outer.action, outer.wrapped, outer.target, outer.timeout = action, known, inner.target, h.timeout
	return outer, nil
}

// wrapper returns the environment that wraps the actions of e, nil when none does. It lies outside of e, and outside of every task.
func (s *Session) wrapper(e *environment) *environment {
	for _, candidate := range s.environments {
		if candidate == e {
			return nil
		}
		if candidate.env.Wraps() {
			return candidate
		}
	}
	return nil
}

// describeWrapped makes an inner action ready and returns what its hook is told.
func (s *Session) describeWrapped(inner *invocation, h hook) (*expr.SymbolTable, error) {
	fail := func(err error) (*expr.SymbolTable, error) {
		return nil, fmt.Errorf("the wrapped action of %s: %w", inner.owner, err)
	}
	r := &run{session: s}
	defaults := *inner
	command, args, err := r.materialise(inner)
	if err != nil {
		return fail(err)
	}
	t := expr.NewSymbolTable(nil)
	t.Set(h.symbol, expr.String(inner.owner))
	t.Set("WrappedAction.Command", expr.String(command))
	t.Set("WrappedAction.Args", texts(args))
	t.Set("WrappedAction.Environment", texts(s.defined()))
	seconds, err := inner.action.ResolveTimeout(inner.symbols)
	if err != nil {
		return fail(err)
	}
	t.Set("WrappedAction.Timeout", optionalSeconds(seconds))
	mode, period, err := declaredCancelation(inner.action.Cancelation, inner.symbols, defaults.notify)
	if err != nil {
		return fail(err)
	}
	t.Set("WrappedAction.Cancelation.Mode", mode)
	t.Set("WrappedAction.Cancelation.NotifyPeriodInSeconds", period)
	return t, nil
}

// declaredCancelation returns the mode that an action declares, null when it declares none, and the period of its notification.
func declaredCancelation(c *template.Cancelation, symbols *expr.SymbolTable, usual time.Duration) (mode, period expr.Value, err error) {
	if c == nil {
		return expr.Null(), expr.Null(), nil
	}
	declared, err := c.Mode.Value(symbols, expr.TypeString|expr.TypeNull)
	if err != nil || declared.IsNull() {
		return expr.Null(), expr.Null(), err
	}
	resolved, seconds, err := c.Resolve(symbols)
	if err != nil {
		return expr.Null(), expr.Null(), err
	}
	if resolved == template.NotifyThenTerminate && seconds == 0 {
		seconds = int64(usual / time.Second)
	}
	return expr.String(string(resolved)), optionalSeconds(seconds), nil
}

func optionalSeconds(seconds int64) expr.Value {
	if seconds == 0 {
		return expr.Null()
	}
	return expr.Int(seconds)
}

func texts(all []string) expr.Value {
	values := make([]expr.Value, len(all))
	for i, text := range all {
		values[i] = expr.String(text)
	}
	return expr.List(expr.TypeString, values...)
}

// defined lists the variables that the session's environments and tasks have set, NAME=value, sorted: not those of the host.
func (s *Session) defined() []string {
	v := variableSet{}
	exports := s.exports
	apply := func(before int) {
		for len(exports) > 0 && exports[0].after < before {
			v.apply([]variable{exports[0].variable})
			exports = exports[1:]
		}
	}
	for _, e := range s.environments {
		apply(e.number) // what is set later wins
		v.apply(e.variables, e.changes)
	}
	apply(s.entered + 1)
	return v.list()
}
