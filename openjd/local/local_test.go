//go:build unix

package local_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/local"
	"github.com/farmhand-render/farmhand/openjd/session"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// recorder writes down what happens, in words.
type recorder struct {
	mu    sync.Mutex
	lines []string
	heard func(line string) // output, may be nil
}

func (r *recorder) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

func (r *recorder) Started(string)            {}
func (r *recorder) StepBegins(step *job.Step) { r.note("step %s", step.Name) }
func (r *recorder) ActionBegins(a local.Action) {
	text := string(a.Kind) + " " + a.Environment
	for _, p := range a.Parameters {
		text += p.Name + "=" + p.Value
	}
	r.note("%s", strings.TrimSpace(text))
}

func (r *recorder) ActionEnds(_ local.Action, result session.Result) {
	if result.Status != session.Succeeded {
		r.note("%s", result.Status)
	}
}

func (r *recorder) Event(e session.Event) {
	line, ok := e.(session.LogLine)
	if !ok || line.Origin != session.FromProcess {
		return
	}
	r.note("> %s", line.Text)
	if r.heard != nil {
		r.heard(line.Text)
	}
}

func create(t *testing.T, text string) *job.Job {
	t.Helper()
	tmpl, err := template.DecodeJobTemplate([]byte("specificationVersion: jobtemplate-2023-09\nname: Test\n"+text), template.YAML,
		template.Options{SupportedExtensions: template.ImplementedExtensions()})
	if err != nil {
		t.Fatal(err)
	}
	created, err := job.Create(tmpl, nil, job.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return created
}

const twoSteps = `
jobEnvironments:
- {name: J, script: {actions: {onEnter: {command: echo, args: [in J]}, onExit: {command: echo, args: [out J]}}}}
steps:
- name: Second
  dependencies: [{dependsOn: First}]
  stepEnvironments:
  - {name: S, script: {actions: {onEnter: {command: echo, args: [in S]}, onExit: {command: echo, args: [out S]}}}}
  script: {actions: {onRun: {command: echo, args: [two]}}}
- name: First
  parameterSpace: {taskParameterDefinitions: [{name: N, type: INT, range: 1-3}]}
  script: {actions: {onRun: {command: sh, args: [-c, "test {{Task.Param.N}} != $FAIL"]}}}
`

func run(t *testing.T, cfg local.Config, fail string) (local.Result, []string) {
	t.Helper()
	r := &recorder{}
	cfg.Observer = r
	cfg.Session.Root = t.TempDir()
	cfg.Session.HostEnv = append(os.Environ(), "FAIL="+fail)
	result, err := local.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(cfg.Session.Root, "*")); err != nil || len(left) > 0 {
		t.Errorf("the session left %v, %v", left, err)
	}
	return result, r.lines
}

func TestRunAll(t *testing.T) {
	t.Parallel()
	external := &template.EnvironmentTemplate{Environment: template.Environment{Name: "X", Variables: template.Variables{}}}
	result, lines := run(t, local.Config{Job: create(t, twoSteps), Environments: []*template.EnvironmentTemplate{external}}, "none")
	want := []string{
		"enter X", "enter J", "> in J", "step First", "task N=1", "task N=2", "task N=3",
		"step Second", "enter S", "> in S", "task", "> two", "exit S", "> out S", "exit J", "> out J", "exit X",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	if result.Failed != nil || result.Tasks != 4 {
		t.Errorf("got %+v", result)
	}
}

func TestFailureEndsTheRun(t *testing.T) {
	t.Parallel()
	result, lines := run(t, local.Config{Job: create(t, twoSteps)}, "2")
	if diff := cmp.Diff([]string{"enter J", "> in J", "step First", "task N=1", "task N=2", "FAILED", "exit J", "> out J"}, lines); diff != "" {
		t.Error(diff)
	}
	if result.Failed == nil || result.Failed.Parameters[0].Value != "2" || result.Tasks != 2 || *result.FailedResult.ExitCode != 1 {
		t.Errorf("got %+v", result)
	}
}

func TestChosenTasks(t *testing.T) {
	t.Parallel()
	j := create(t, twoSteps)
	task := job.TaskParameters{{Name: "N", Type: template.IntTaskParameter, Value: "3"}}
	_, lines := run(t, local.Config{Job: j, Steps: []int{1}, Tasks: []job.TaskParameters{task, task}}, "none")
	if diff := cmp.Diff([]string{"enter J", "> in J", "step First", "task N=3", "task N=3", "exit J", "> out J"}, lines); diff != "" {
		t.Error(diff)
	}
	_, lines = run(t, local.Config{Job: j, First: []int{1}, Steps: []int{0}, MaximumTasks: 1}, "none")
	if n := strings.Count(strings.Join(lines, "\n"), "task N="); n != 3 {
		t.Errorf("%d tasks of the dependency ran", n)
	}
	_, lines = run(t, local.Config{Job: j, Steps: []int{1}, MaximumTasks: 2}, "none")
	if n := strings.Count(strings.Join(lines, "\n"), "task N="); n != 2 {
		t.Errorf("%d tasks ran", n)
	}
}

// TestCancel ends a run from outside: the running task is asked to end, environments are exited.
func TestCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	r := &recorder{heard: func(line string) {
		if line == "running" {
			cancel()
		}
	}}
	j := create(t, `
jobEnvironments:
- {name: J, script: {actions: {onExit: {command: echo, args: [out J]}}}}
steps:
- name: Long
  script:
    actions:
      onRun: {command: sh, args: [-c, "trap 'echo asked; exit 3' TERM; echo running; sleep 100 & wait"], cancelation: {mode: NOTIFY_THEN_TERMINATE}}
`)
	result, err := local.Run(ctx, local.Config{Job: j, Observer: r, Session: session.Config{Root: t.TempDir()}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"enter J", "step Long", "task", "> running", "> asked", "CANCELED", "exit J", "> out J"}, r.lines); diff != "" {
		t.Error(diff)
	}
	if result.Failed == nil || result.FailedResult.Status != session.Canceled {
		t.Errorf("got %+v", result)
	}
}

// TestCanceledBefore runs nothing at all.
func TestCanceledBefore(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := &recorder{}
	result, err := local.Run(ctx, local.Config{Job: create(t, twoSteps), Observer: r, Session: session.Config{Root: t.TempDir()}})
	if err != nil || result.Failed == nil || strings.Contains(strings.Join(r.lines, "\n"), ">") {
		t.Errorf("got %+v, %v: %q", result, err, r.lines)
	}
}

func Example() {
	tmpl, err := template.DecodeJobTemplate([]byte(`
specificationVersion: jobtemplate-2023-09
name: Greet
steps:
- name: Hello
  parameterSpace: {taskParameterDefinitions: [{name: Who, type: STRING, range: [world, farm]}]}
  script: {actions: {onRun: {command: echo, args: ["hello {{Task.Param.Who}}"]}}}
`), template.YAML, template.Options{})
	if err != nil {
		panic(err)
	}
	greet, err := job.Create(tmpl, nil, job.Limits{})
	if err != nil {
		panic(err)
	}
	result, err := local.Run(context.Background(), local.Config{Job: greet, Observer: printer{}})
	fmt.Println(result.Tasks, result.Failed == nil, err)
	// Output:
	// hello world
	// hello farm
	// 2 true <nil>
}

// printer prints the output of tasks.
type printer struct{ recorderOfNothing }

func (printer) Event(e session.Event) {
	if line, ok := e.(session.LogLine); ok && line.Origin == session.FromProcess {
		fmt.Println(line.Text)
	}
}

type recorderOfNothing struct{}

func (recorderOfNothing) Started(string)                          {}
func (recorderOfNothing) StepBegins(*job.Step)                    {}
func (recorderOfNothing) ActionBegins(local.Action)               {}
func (recorderOfNothing) ActionEnds(local.Action, session.Result) {}
