package session_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/session"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// batch is an action that runs a line of cmd.
func batch(t *testing.T, line string) *template.Action {
	t.Helper()
	return &template.Action{Command: expr.Literal("cmd"), Args: []expr.FormatString{expr.Literal("/C"), format(t, line)}}
}

func TestVariablesIgnoreCase(t *testing.T) {
	t.Parallel()
	s, o := open(t, session.Config{
		HostEnv:   append(os.Environ(), "FarmhandHost=host", "FarmhandBoth=host"),
		Variables: map[string]string{"FARMHANDBOTH": "caller"},
	})
	env := &template.Environment{Name: "env", Variables: template.Variables{{Name: "farmhandhost", Value: expr.Literal("environment")}}}
	env.Script = &template.EnvironmentScript{Actions: template.EnvironmentActions{
		OnEnter: batch(t, "echo enter %FarmhandHost% %FarmhandBoth%& echo openjd_env: fArMhAnDbOtH=directive"),
	}}
	expect(t, enter(t, s, env), session.Succeeded)
	expect(t, runTask(t, s, batch(t, "echo task %FarmhandHost% %FarmhandBoth% in %OPENJD_SESSION_WORKING_DIR%")), session.Succeeded)
	if got := o.await(t, "enter "); got != "environment caller" {
		t.Errorf("onEnter saw %q", got)
	}
	if got, want := o.await(t, "task "), "environment directive in "+s.WorkingDirectory(); got != want {
		t.Errorf("the task saw %q, want %q", got, want)
	}
	expect(t, exit(t, s, "env"), session.Succeeded)
}

func TestFilesHaveTheHostsLineEnds(t *testing.T) {
	t.Parallel()
	s, o := open(t, session.Config{
		Parameters: []job.Parameter{{Name: "Scene", Type: template.PathParameter, Value: "/show/a/scene.blend"}},
		PathMappingRules: []session.PathMappingRule{
			{SourcePathFormat: session.PosixPaths, SourcePath: "/show", DestinationPath: `S:\Show`},
		},
		RetainWorkingDirectory: true,
	})
	file := func(name string, eol template.EndOfLine, text string) template.EmbeddedFile {
		return template.EmbeddedFile{Name: name, Filename: name + ".bat", Type: template.TextFile, EndOfLine: eol, Data: format(t, text)}
	}
	script := &template.StepScript{
		Actions: template.StepActions{OnRun: *batch(t, "{{Task.File.auto}}")},
		EmbeddedFiles: []template.EmbeddedFile{
			file("auto", "", "@echo off\necho scene {{Param.Scene}} {{RawParam.Scene}}\necho own {{Session.WorkingDirectory}}\n"),
			file("lf", template.EndOfLineLF, "a\r\nb\n"),
			file("crlf", template.EndOfLineCRLF, "a\r\nb\n"),
		},
	}
	r, err := s.RunTask(t.Context(), session.Task{Name: "step", Script: script}, session.ActionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, r, session.Succeeded)
	if got := o.await(t, "scene "); got != `S:\Show\a\scene.blend /show/a/scene.blend` {
		t.Errorf("paths %q", got)
	}
	if got := o.await(t, "own "); got != s.WorkingDirectory() {
		t.Errorf("working directory %q, want %q", got, s.WorkingDirectory())
	}
	got := map[string]string{}
	for _, name := range []string{"auto", "lf", "crlf"} {
		text, err := os.ReadFile(filepath.Join(s.WorkingDirectory(), "embedded_files", "task", name+".bat"))
		if err != nil {
			t.Fatal(err)
		}
		got[name] = strings.Join(strings.SplitAfter(string(text), "\n")[:2], "")
	}
	want := map[string]string{"auto": "@echo off\r\necho scene S:\\Show\\a\\scene.blend /show/a/scene.blend\r\n", "lf": "a\nb\n", "crlf": "a\r\nb\r\n"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("contents (-want +got):\n%s", diff)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestEndsOfActions(t *testing.T) {
	t.Parallel()
	endless := &template.Action{Command: expr.Literal(os.Args[0])}
	timed := *endless
	timed.Timeout = template.Integer(1)
	for _, tt := range []struct {
		name   string
		action *template.Action
		limit  time.Duration
		want   session.Status
	}{
		{"fails", batch(t, "exit 3"), 0, session.Failed},
		{"unknown command", &template.Action{Command: expr.Literal("no-such-command-anywhere")}, 0, session.Failed},
		{"times out", &timed, 0, session.TimedOut},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, _ := open(t, session.Config{HostEnv: append(os.Environ(), sleeperVariable+"=1")})
			expect(t, runTask(t, s, tt.action), tt.want)
		})
	}
	t.Run("canceled", func(t *testing.T) {
		t.Parallel()
		s, o := open(t, session.Config{HostEnv: append(os.Environ(), sleeperVariable+"=1")})
		cancelWhen(t, s, o, "ready", session.CancelOptions{})
		expect(t, runTask(t, s, endless), session.Canceled)
	})
}

// sleeperVariable makes this test binary a command that does not end by itself.
const sleeperVariable = "SESSION_TEST_SLEEPER"

func TestMain(m *testing.M) {
	if os.Getenv(sleeperVariable) == "" {
		os.Exit(m.Run())
	}
	os.Stdout.WriteString("ready\n")
	<-time.After(time.Hour)
}

func TestDefaultRoot(t *testing.T) {
	if got, want := session.DefaultRoot(), filepath.Join(os.Getenv("PROGRAMDATA"), "Amazon", "OpenJD"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
