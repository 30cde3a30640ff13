package session

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// environment is one entry of the stack.
type environment struct {
	id        string
	number    int // among all that the session ever entered
	env       *template.Environment
	dir       string            // of its embedded files, below the working directory
	known     *expr.SymbolTable // see [ActionOptions]
	variables []variable
	changes   []variable // by openjd_env and openjd_unset_env, in order; they win over variables
}

// export is a variable that a task set, after so many environments had been entered.
type export struct {
	variable
	after int
}

// variable sets or removes an environment variable.
type variable struct {
	name, value string
	unset       bool
}

// EnterEnvironment makes an environment the innermost one and runs its onEnter. id is the caller's name for it. When the result is not
// Succeeded the environment counts as entered all the same and can be exited. An error is one of [ErrState], [ErrDuplicate] and
// [ErrWrapped]. When ctx is done the action is ended at once, as canceled.
func (s *Session) EnterEnvironment(ctx context.Context, id string, env *template.Environment, opts ActionOptions) (Result, error) {
	r, err := s.begin(false)
	if err != nil {
		return Result{}, fmt.Errorf("enter environment %s: %w", env.Name, err)
	}
	for _, entered := range s.environments {
		switch {
		case entered.id == id:
			err = ErrDuplicate
		case entered.env.Wraps() && env.Wraps():
			err = ErrWrapped
		}
	}
	if err != nil {
		s.finish(r, Result{Status: Succeeded}) // nothing happened: back to the state before
		return Result{}, fmt.Errorf("enter environment %s: %w", env.Name, err)
	}
	s.entered++
	e := &environment{id: id, number: s.entered, env: env, dir: fmt.Sprintf("%s/environment-%d", embeddedDirName, s.entered), known: opts.Symbols}
	s.environments = append(s.environments, e)
	s.log.line(slog.LevelInfo, "Entering environment "+env.Name)
	result := r.do(ctx, func() (*invocation, error) {
		if err := e.resolve(s.scope(e.known)); err != nil {
			return nil, err
		}
		call := s.environmentCall(e, opts)
		call.target = e
		if env.Script != nil {
			call.action = env.Script.Actions.OnEnter
		}
		return s.wrapped(call, e, hookEnter)
	})
	return s.finish(r, result), nil
}

// ExitEnvironment runs the onExit of the innermost environment, which must be id, and takes back its variables whatever the result.
// It is allowed after failures. An error is one of [ErrState] and [ErrOrder].
func (s *Session) ExitEnvironment(ctx context.Context, id string, opts ActionOptions) (Result, error) {
	r, err := s.begin(true)
	if err != nil {
		return Result{}, fmt.Errorf("exit environment %s: %w", id, err)
	}
	top := len(s.environments) - 1
	if top < 0 || s.environments[top].id != id {
		s.finish(r, Result{Status: Succeeded}) // nothing happened
		return Result{}, fmt.Errorf("exit environment %s: %w", id, ErrOrder)
	}
	e := s.environments[top]
	s.log.line(slog.LevelInfo, "Exiting environment "+e.env.Name)
	result := r.do(ctx, func() (*invocation, error) {
		call := s.environmentCall(e, opts)
		call.timeout = template.DefaultOnExitTimeout * time.Second
		if e.env.Script != nil {
			call.action = e.env.Script.Actions.OnExit
		}
		return s.wrapped(call, e, hookExit)
	})
	s.environments = s.environments[:top]
	return s.finish(r, result), nil
}

// Task is one run of a step's script.
type Task struct {
	// Name is the step's.
	Name string
	// Script is the step's, see [template.Step.TaskScript].
	Script *template.StepScript
	// Parameters are the task's, PATH values as submitted.
	Parameters job.TaskParameters
	// Extensions are those of the job template; see [job.TaskSymbols].
	Extensions template.ExtensionSet
}

// RunTask runs onRun of a step's script. An error is [ErrState]. When ctx is done the action is ended at once, as canceled.
func (s *Session) RunTask(ctx context.Context, task Task, opts ActionOptions) (Result, error) {
	r, err := s.begin(false)
	if err != nil {
		return Result{}, fmt.Errorf("run a task of %s: %w", task.Name, err)
	}
	r.isTask = true
	s.log.line(slog.LevelInfo, "Running task of "+task.Name+describe(task.Parameters))
	result := r.do(ctx, func() (*invocation, error) {
		mapPath := s.mapper.Map
		if !task.Extensions.Has(template.Expr) {
			mapPath = s.mapper.mapNoURI
		}
		call := &invocation{
			owner:     task.Name,
			action:    &task.Script.Actions.OnRun,
			let:       task.Script.Let,
			files:     task.Script.EmbeddedFiles,
			dir:       embeddedDirName + "/task",
			prefix:    "Task.File.",
			symbols:   job.TaskSymbols(s.scope(opts.Symbols), task.Parameters, mapPath, task.Extensions),
			notify:    template.DefaultOnRunNotifyPeriod * time.Second,
			variables: opts.Variables,
			canceled:  opts.Canceled,
		}
		return s.wrapped(call, nil, hookTask)
	})
	return s.finish(r, result), nil
}

// describe writes parameters as " (Frame=1, Camera=left)".
func describe(params job.TaskParameters) string {
	text := ""
	for _, p := range params {
		if text == "" {
			text = " ("
		} else {
			text += ", "
		}
		text += p.Name + "=" + p.Value
	}
	if text != "" {
		text += ")"
	}
	return text
}

// environmentCall is what onEnter and onExit have in common.
func (s *Session) environmentCall(e *environment, opts ActionOptions) *invocation {
	call := &invocation{
		owner:     e.env.Name,
		dir:       e.dir,
		prefix:    "Env.File.",
		symbols:   s.scope(e.known),
		notify:    template.DefaultEnvironmentNotifyPeriod * time.Second,
		variables: opts.Variables,
		canceled:  opts.Canceled,
	}
	if e.env.Script != nil {
		call.let, call.files = e.env.Script.Let, e.env.Script.EmbeddedFiles
	}
	return call
}

// resolve computes the variables that the environment declares.
func (e *environment) resolve(symbols *expr.SymbolTable) error {
	for _, v := range e.env.Variables {
		value, err := v.Value.Resolve(symbols)
		if err != nil {
			return fmt.Errorf("resolve variable %s: %w", v.Name, err)
		}
		if err := template.VariableValueRule().Check(value); err != nil {
			return fmt.Errorf("variable %s: %w", v.Name, err)
		}
		e.variables = append(e.variables, variable{name: v.Name, value: value})
	}
	return nil
}
