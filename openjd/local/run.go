package local

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/session"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// Config describes a run. Job is required.
type Config struct {
	Job *job.Job
	// Environments surround the job's own, outermost first.
	Environments []*template.EnvironmentTemplate
	// Steps are the indexes in Job.Steps of the steps to run, in order; nil runs all, in the order of [job.Job.Order].
	Steps []int
	// First are steps that are run whole before.
	First []int
	// Tasks are run instead of all tasks of each step in Steps.
	Tasks []job.TaskParameters
	// MaximumTasks bounds how many tasks, or chunks, of each step in Steps run; 0 or less sets no bound.
	MaximumTasks int64
	// Session configures the session. ID, Parameters, Extensions and OnEvent are set by Run.
	Session session.Config
	// Observer is told what happens; nil is nobody.
	Observer Observer
}

// Observer is told what happens during a run. Its methods are called one at a time, but from several goroutines.
type Observer interface {
	// Started is called once, when the session has its working directory.
	Started(workingDirectory string)
	// StepBegins is called before the environments of a step are entered.
	StepBegins(step *job.Step)
	// ActionBegins and ActionEnds surround each action of the session.
	ActionBegins(action Action)
	ActionEnds(action Action, result session.Result)
	// Event passes on what the session tells.
	Event(e session.Event)
}

// Action is what a session does at a time.
type Action struct {
	Kind ActionKind
	// Environment is the name of the environment that is entered or exited.
	Environment string
	// Step and Parameters say which task runs.
	Step       *job.Step
	Parameters job.TaskParameters
}

// ActionKind is the kind of an action.
type ActionKind string

// The kinds of actions.
const (
	EnterEnvironment ActionKind = "enter"
	ExitEnvironment  ActionKind = "exit"
	RunTask          ActionKind = "task"
)

// Result tells how a run ended.
type Result struct {
	// Tasks counts the tasks, or chunks, that were run, the failed one included.
	Tasks int64
	// Failed is the first action that did not succeed, nil when all did, with its result.
	Failed       *Action
	FailedResult session.Result
	// Duration is the time from the first action to the last.
	Duration time.Duration
}

// Run runs a job. When ctx is done the running action is canceled by its own method and the environments are exited. That actions fail
// is told in the result; the error says that there was no session, or that it could not be ended cleanly.
func Run(ctx context.Context, cfg Config) (Result, error) {
	r := &runner{cfg: cfg, observer: cfg.Observer}
	if r.observer == nil {
		r.observer = nobody{}
	}
	if cfg.Steps == nil {
		r.cfg.Steps = cfg.Job.Order()
	}
	settings := cfg.Session
	settings.ID = "openjd"
	settings.Parameters = cfg.Job.Parameters
	settings.Extensions = r.extensions()
	settings.OnEvent = r.observer.Event
	s, err := session.New(settings)
	if err != nil {
		return Result{}, err
	}
	r.session = s
	r.observer.Started(s.WorkingDirectory())
	// Actions run under a context of their own: the end of ctx is a cancelation, not a kill.
	background := context.WithoutCancel(ctx)
	started := time.Now()
	err = r.run(ctx, background)
	r.result.Duration = time.Since(started)
	return r.result, errors.Join(err, s.Close(background))
}

// nobody hears nothing.
type nobody struct{}

func (nobody) Started(string)                    {}
func (nobody) StepBegins(*job.Step)              {}
func (nobody) ActionBegins(Action)               {}
func (nobody) ActionEnds(Action, session.Result) {}
func (nobody) Event(session.Event)               {}

// runner is one run.
type runner struct {
	cfg      Config
	observer Observer
	session  *session.Session
	entered  []entered // innermost last
	result   Result
}

type entered struct{ id, name string }

// extensions are those of all documents together, as a session runs the actions of all.
func (r *runner) extensions() template.ExtensionSet {
	all := append(template.ExtensionSet{}, r.cfg.Job.Extensions...)
	for _, e := range r.cfg.Environments {
		all = append(all, e.Extensions...)
	}
	return all
}

// run runs everything and exits what was entered.
func (r *runner) run(ctx, background context.Context) error {
	err := r.steps(ctx, background)
	return errors.Join(err, r.exitTo(background, 0))
}

func (r *runner) steps(ctx, background context.Context) error {
	for i, e := range r.cfg.Environments {
		if ok, err := r.enter(ctx, background, "external-"+strconv.Itoa(i), &e.Environment, job.ExternalSymbols(e, r.cfg.Job)); !ok || err != nil {
			return err
		}
	}
	if ok, err := r.enterAll(ctx, background, "job", r.cfg.Job.Environments, r.cfg.Job.Symbols); !ok || err != nil {
		return err
	}
	outer := len(r.entered)
	for n, i := range slices.Concat(r.cfg.First, r.cfg.Steps) {
		if err := r.step(ctx, background, i, n >= len(r.cfg.First)); err != nil || r.result.Failed != nil {
			return err
		}
		if err := r.exitTo(background, outer); err != nil || r.result.Failed != nil {
			return err
		}
	}
	return nil
}

func (r *runner) step(ctx, background context.Context, index int, wanted bool) error {
	s := &r.cfg.Job.Steps[index]
	r.observer.StepBegins(s)
	if ok, err := r.enterAll(ctx, background, fmt.Sprintf("step-%d", index), s.Environments, s.Symbols); !ok || err != nil {
		return err
	}
	tasks, err := r.tasks(s, wanted)
	if err != nil {
		return err
	}
	for {
		parameters, ok, err := tasks.next()
		if !ok || err != nil {
			return err
		}
		result, err := r.act(ctx, Action{Kind: RunTask, Step: s, Parameters: parameters}, func() (session.Result, error) {
			return r.session.RunTask(background, r.task(s, parameters), session.ActionOptions{Canceled: ctx.Done(), Symbols: s.Symbols})
		})
		if err != nil || r.result.Failed != nil {
			return err
		}
		r.result.Tasks++
		tasks.took(result.Ended.Sub(result.Started))
	}
}

func (r *runner) task(s *job.Step, parameters job.TaskParameters) session.Task {
	return session.Task{Name: s.Name, Script: s.Template.TaskScript(), Parameters: parameters, Extensions: r.cfg.Job.Extensions}
}

// enterAll enters environments; ok is false when one failed.
func (r *runner) enterAll(
	ctx, background context.Context, id string, all []template.Environment, symbols *expr.SymbolTable,
) (ok bool, err error) {
	for i := range all {
		if ok, err := r.enter(ctx, background, fmt.Sprintf("%s-%d", id, i), &all[i], symbols); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (r *runner) enter(
	ctx, background context.Context, id string, e *template.Environment, symbols *expr.SymbolTable,
) (ok bool, err error) {
	result, err := r.act(ctx, Action{Kind: EnterEnvironment, Environment: e.Name}, func() (session.Result, error) {
		result, err := r.session.EnterEnvironment(background, id, e, session.ActionOptions{Canceled: ctx.Done(), Symbols: symbols})
		if err == nil {
			r.entered = append(r.entered, entered{id, e.Name})
		}
		return result, err
	})
	return result.Status == session.Succeeded, err
}

// exitTo exits environments until count are left.
func (r *runner) exitTo(background context.Context, count int) error {
	var errs []error
	for len(r.entered) > count {
		e := r.entered[len(r.entered)-1]
		r.entered = r.entered[:len(r.entered)-1]
		// An exit is not given up when the run is canceled.
		_, err := r.act(background, Action{Kind: ExitEnvironment, Environment: e.name}, func() (session.Result, error) {
			return r.session.ExitEnvironment(background, e.id, session.ActionOptions{})
		})
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// act does one action and notes the first that does not succeed. A run that is canceled between two actions begins no other.
func (r *runner) act(ctx context.Context, a Action, do func() (session.Result, error)) (session.Result, error) {
	r.observer.ActionBegins(a)
	result := session.Result{Status: session.Canceled, Reason: "canceled"}
	if ctx.Err() == nil {
		var err error
		if result, err = do(); err != nil {
			return result, err
		}
	}
	if a.Kind == RunTask && result.Status != session.Succeeded {
		r.result.Tasks++
	}
	if result.Status != session.Succeeded && r.result.Failed == nil {
		r.result.Failed, r.result.FailedResult = &a, result
	}
	r.observer.ActionEnds(a, result)
	return result, nil
}
