//go:build unix

package local_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/local"
	"github.com/farmhand-render/farmhand/openjd/session"
	"github.com/farmhand-render/farmhand/openjd/template"
)

func allExtensions() template.Options {
	return template.Options{SupportedExtensions: template.ImplementedExtensions()}
}

// wrapper is an environment template whose hooks print what they know and run what they wrap.
const wrapper = `
specificationVersion: environment-2023-09
extensions: [WRAP_ACTIONS, EXPR, FEATURE_BUNDLE_1]
environment:
  name: W
  variables: {WRAPPER: w}
  script:
    let: ["tag = 'hook of ' + Job.Name"]
    actions:
      onEnter: {command: echo, args: [own enter]}
      onWrapEnvEnter: &hook
        command: sh
        args:
        - -c
        - |
          echo "{{tag}}: {{WrappedEnv.Name}} T=<{{WrappedAction.Timeout}}> M=<{{WrappedAction.Cancelation.Mode}}> N=<{{WrappedAction.Cancelation.NotifyPeriodInSeconds}}>"
          echo "env {{ WrappedAction.Environment.join(' ') }}"
          exec {{ repr_sh(WrappedAction.Command) }} {{ repr_sh(WrappedAction.Args) }}
      onWrapTaskRun:
        command: "{{Env.File.Run}}"
        args: ["{{WrappedStep.Name}}", "{{ WrappedAction.Environment.join(' ') }}", "{{WrappedAction.Timeout}}", "{{WrappedAction.Command}}", "{{WrappedAction.Args}}"]
        timeout: "{{WrappedAction.Timeout}}"
        cancelation: {mode: "{{WrappedAction.Cancelation.Mode}}", notifyPeriodInSeconds: "{{WrappedAction.Cancelation.NotifyPeriodInSeconds}}"}
      onWrapEnvExit: *hook
      onExit: {command: echo, args: [own exit]}
    embeddedFiles:
    - {name: Run, type: TEXT, runnable: true, data: "#!/bin/sh\necho \"{{tag}}: $*\"\nif [ \"$3\" = 60 ]; then shift; fi\nshift 2\nexec \"$@\"\n"}
`

const wrapped = `
extensions: [EXPR]
jobEnvironments:
- name: Inner
  variables: {STATIC: s}
  script:
    actions:
      onEnter: {command: sh, args: [-c, "echo 'openjd_env: DYNAMIC=d'"], timeout: 5, cancelation: {mode: NOTIFY_THEN_TERMINATE}}
- name: Silent
  variables: {UNUSED: u}
steps:
- name: S
  let: ["word = 'from ' + Step.Name"]
  script:
    let: ["loud = word.upper()"]
    embeddedFiles:
    - {name: F, type: TEXT, data: "{{loud}}"}
    actions:
      onRun: {command: sh, args: [-c, "cat \"$1\"; echo \" $2 $DYNAMIC\"; echo 'openjd_env: EXPORT=x'", sh, "{{Task.File.F}}", "{{ ['a', 'b'].join('+') }}"], timeout: 60}
- name: T
  dependencies: [{dependsOn: S}]
  script: {actions: {onRun: {command: echo, args: [two]}}}
`

func decodeEnvironment(t *testing.T, text string) *template.EnvironmentTemplate {
	t.Helper()
	e, err := template.DecodeEnvironmentTemplate([]byte(text), template.YAML, allExtensions())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestWrappedActions(t *testing.T) {
	t.Parallel()
	e := decodeEnvironment(t, wrapper)
	j := create(t, wrapped)
	if err := job.CheckEnvironment(e, j, job.Limits{}); err != nil {
		t.Fatal(err)
	}
	result, lines := run(t, local.Config{Job: j, Environments: []*template.EnvironmentTemplate{e}}, "")
	want := []string{
		"enter W", "> own enter",
		"enter Inner", "> hook of Test: Inner T=<5> M=<NOTIFY_THEN_TERMINATE> N=<30>", "> env STATIC=s WRAPPER=w", "> openjd_env: DYNAMIC=d",
		"enter Silent",
		"step S", "task", "> hook of Test: S DYNAMIC=d STATIC=s UNUSED=u WRAPPER=w 60 sh -c …", "> FROM S a+b d", "> openjd_env: EXPORT=x",
		"step T", "task", "> hook of Test: T DYNAMIC=d EXPORT=x STATIC=s UNUSED=u WRAPPER=w echo two", "> two",
		"exit Silent", "exit Inner", "exit W", "> own exit",
	}
	for i, line := range lines {
		if before, _, ok := strings.Cut(line, " 60 sh -c "); ok {
			lines[i] = before + " 60 sh -c …"
		}
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	if result.Failed != nil {
		t.Errorf("%+v: %+v", result.Failed, result.FailedResult)
	}
}

// TestLaterVariablesWin shows that hooks are told what processes see: a variable of an environment that was entered after a task had set
// it is that of the environment.
func TestLaterVariablesWin(t *testing.T) {
	t.Parallel()
	e := decodeEnvironment(t, wrapper)
	_, lines := run(t, local.Config{Job: create(t, `
extensions: [EXPR]
steps:
- name: S
  script: {actions: {onRun: {command: sh, args: [-c, "echo 'openjd_env: X=task'; echo 'openjd_env: Y=task'"]}}}
- name: T
  stepEnvironments: [{name: Later, variables: {X: later}}]
  script: {actions: {onRun: {command: echo, args: ["$X"]}}}
`), Environments: []*template.EnvironmentTemplate{e}}, "")
	const want = "> hook of Test: T WRAPPER=w X=later Y=task echo $X"
	if !slices.Contains(lines, want) {
		t.Errorf("got %q, want %q", lines, want)
	}
}

// TestOneWrapper refuses a second environment that wraps, before anything runs and when it is entered.
func TestOneWrapper(t *testing.T) {
	t.Parallel()
	e := decodeEnvironment(t, wrapper)
	two := []*template.EnvironmentTemplate{e, e}
	tmpl := &template.JobTemplate{}
	if err := job.CheckWrappers(two, tmpl); err == nil || !strings.Contains(err.Error(), `["W" "W"]`) {
		t.Errorf("got %v", err)
	}
	if err := job.CheckWrappers(two[:1], tmpl); err != nil {
		t.Error(err)
	}
	tmpl.Steps = []template.Step{{}, {StepEnvironments: []template.Environment{e.Environment}}}
	if err := job.CheckWrappers(two[:1], tmpl); err == nil || !strings.Contains(err.Error(), "steps[1]") {
		t.Errorf("got %v", err)
	}
	_, err := local.Run(t.Context(), local.Config{Job: create(t, twoSteps), Environments: two, Session: session.Config{Root: t.TempDir()}})
	if !errors.Is(err, session.ErrWrapped) {
		t.Errorf("got %v", err)
	}
}

// TestChunks runs the chunks of a step; without EXPR their value is text, with it a range.
func TestChunks(t *testing.T) {
	t.Parallel()
	const chunked = `
steps:
- name: C
  parameterSpace:
    taskParameterDefinitions:
    - {name: F, type: "CHUNK[INT]", range: "1-3,5", chunks: {defaultTaskCount: 2, rangeConstraint: CONTIGUOUS}}
  script: {actions: {onRun: {command: echo, args: ["{{%s}}"]}}}
`
	for text, want := range map[string]string{
		"extensions: [TASK_CHUNKING]" + strings.Replace(chunked, "%s", "Task.Param.F", 1):            "1-2 3-3 5-5",
		"extensions: [TASK_CHUNKING, EXPR]" + strings.Replace(chunked, "%s", "len(Task.Param.F)", 1): "2 1 1",
	} {
		_, lines := run(t, local.Config{Job: create(t, text)}, "")
		var got []string
		for _, line := range lines {
			if rest, ok := strings.CutPrefix(line, "> "); ok {
				got = append(got, rest)
			}
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Error(diff)
		}
	}
}

// TestFilesAndLimits shows line ends, permissions, short forms of scripts, and limits that are expressions.
func TestFilesAndLimits(t *testing.T) {
	t.Parallel()
	_, lines := run(t, local.Config{Job: create(t, `
extensions: [FEATURE_BUNDLE_1, EXPR]
steps:
- name: Files
  let: ["seconds = 30"]
  script:
    actions: {onRun: {command: sh, args: [-c, "od -An -c {{Task.File.A}}; od -An -c {{Task.File.B}}; ls -l {{Task.File.A}} {{Task.File.B}} | cut -c1-10"], timeout: "{{ seconds * 2 }}"}}
    embeddedFiles:
    - {name: A, type: TEXT, data: "1\n2\r\n", endOfLine: CRLF}
    - {name: B, type: TEXT, data: "1\n2\r\n", endOfLine: LF, runnable: true}
- name: Short
  bash: {script: 'echo "$0 $1" | sed "s,.*/,,"; echo "{{kind}}"', args: ["{{ null }}", one], let: ["kind = 'short'"]}
- name: Slow
  dependencies: [{dependsOn: Short}, {dependsOn: Files}]
  let: ["seconds = 1"]
  bash: {script: "sleep 100", timeout: "{{seconds}}"}
`)}, "")
	want := []string{
		"step Files", "task", `>    1  \r  \n   2  \r  \n`, `>    1  \n   2  \n`, "> -rw-------", "> -rwx------",
		"step Short", "task", "> script.sh one", "> short", "step Slow", "task", "TIMED_OUT",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
}
