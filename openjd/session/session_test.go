//go:build unix

package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/session"
	"github.com/farmhand-render/farmhand/openjd/session/process"
	"github.com/farmhand-render/farmhand/openjd/session/process/processtest"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// shell is an action that runs a script. Double braces in it are references.
func shell(t *testing.T, script string) *template.Action {
	t.Helper()
	return &template.Action{Command: expr.Literal("sh"), Args: []expr.FormatString{expr.Literal("-c"), format(t, script)}}
}

func environment(t *testing.T, name, onEnter, onExit string, variables ...string) *template.Environment {
	t.Helper()
	env := &template.Environment{Name: name, Script: &template.EnvironmentScript{}}
	if onEnter != "" {
		env.Script.Actions.OnEnter = shell(t, onEnter)
	}
	if onExit != "" {
		env.Script.Actions.OnExit = shell(t, onExit)
	}
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		env.Variables = append(env.Variables, template.Variable{Name: name, Value: format(t, value)})
	}
	return env
}

func TestVariablesFollowTheScopes(t *testing.T) {
	t.Parallel()
	s, o := open(t, session.Config{
		HostEnv:   []string{"PATH=" + os.Getenv("PATH"), "HOST=host", "BOTH=host"},
		Variables: map[string]string{"BOTH": "caller", "CALLER": "caller"},
	})
	show := `echo "$1 HOST=$HOST BOTH=$BOTH CALLER=$CALLER A=$A B=$B C=${C-unset} PER=$PER_ACTION WD=$OPENJD_SESSION_WORKING_DIR"`
	at := func(place string) string { return "set -- " + place + "; " + show }
	expect(t, enter(t, s, environment(t, "outer", at("outer-enter")+`; echo "openjd_env: B=outer-directive"; echo "openjd_env: C=c"`, at("outer-exit"), "A=outer", "B=outer")), session.Succeeded)
	expect(t, enter(t, s, environment(t, "inner", at("inner-enter")+`; echo "openjd_unset_env: C"; echo "openjd_env: HOST=inner"`, at("inner-exit")+`; echo "openjd_env: B=exit"`, "A=inner")), session.Succeeded)
	expect(t, runTask(t, s, shell(t, at("task")+`; echo "openjd_env: B=task"`)), session.Succeeded)
	expect(t, runTask(t, s, shell(t, at("again"))), session.Succeeded)
	expect(t, exit(t, s, "inner"), session.Succeeded)
	expect(t, exit(t, s, "outer"), session.Succeeded)
	wd := s.WorkingDirectory()
	want := []string{
		"outer-enter HOST=host BOTH=caller CALLER=caller A=outer B=outer C=unset PER= WD=" + wd,
		"inner-enter HOST=host BOTH=caller CALLER=caller A=inner B=outer-directive C=c PER= WD=" + wd,
		"task HOST=inner BOTH=caller CALLER=caller A=inner B=outer-directive C=unset PER=yes WD=" + wd,
		"again HOST=inner BOTH=caller CALLER=caller A=inner B=outer-directive C=unset PER=yes WD=" + wd,
		"inner-exit HOST=inner BOTH=caller CALLER=caller A=inner B=outer-directive C=unset PER= WD=" + wd,
		"outer-exit HOST=host BOTH=caller CALLER=caller A=outer B=outer-directive C=c PER= WD=" + wd,
	}
	var got []string
	for _, line := range o.lines() {
		if strings.Contains(line, " HOST=") && strings.HasSuffix(line, wd) {
			got = append(got, line)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSymbolsAndFiles(t *testing.T) {
	t.Parallel()
	s, o := open(t, session.Config{
		Parameters: []job.Parameter{
			{Name: "Scene", Type: template.PathParameter, Value: "/show/scene.blend"},
			{Name: "Samples", Type: template.IntParameter, Value: "64"},
		},
		PathMappingRules: []session.PathMappingRule{{SourcePathFormat: session.PosixPaths, SourcePath: "/show", DestinationPath: "/local"}},
	})
	env := environment(t, "files", `sh {{Env.File.Setup}}`, `sh {{Env.File.Setup}}`)
	env.Script.EmbeddedFiles = []template.EmbeddedFile{{Name: "Setup", Type: template.TextFile, Data: format(t, "echo setup {{Param.Scene}} {{RawParam.Scene}} {{Param.Samples}}")}}
	expect(t, enter(t, s, env), session.Succeeded)
	o.await(t, "setup /local/scene.blend /show/scene.blend 64")

	script := &template.StepScript{
		Actions: template.StepActions{OnRun: template.Action{Command: format(t, "{{Task.File.Run}}"), Args: []expr.FormatString{format(t, "{{Task.Param.Frame}}")}}},
		EmbeddedFiles: []template.EmbeddedFile{
			{Name: "Run", Type: template.TextFile, Runnable: true, Filename: "run.sh", Data: format(t,
				"#!/bin/sh\necho task $1 {{Task.Param.Image}} {{Task.RawParam.Image}} $(cat {{Task.File.Other}}) {{Session.HasPathMappingRules}}\n"+
					"echo modes $(stat -c %a {{Task.File.Run}} {{Task.File.Other}} {{Session.WorkingDirectory}})\necho cwd $(pwd)\necho rules $(cat {{Session.PathMappingRulesFile}})")},
			{Name: "Other", Type: template.TextFile, Data: format(t, "content of other")},
		},
	}
	r, err := s.RunTask(t.Context(), session.Task{Name: "step", Script: script, Parameters: job.TaskParameters{
		{Name: "Frame", Type: template.IntTaskParameter, Value: "7"}, {Name: "Image", Type: template.PathTaskParameter, Value: "/show/out/"},
	}}, session.ActionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, r, session.Succeeded)
	if got, want := o.await(t, "task "), "7 /local/out/ /show/out/ content of other true"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := o.await(t, "modes "); got != "700 600 700" {
		t.Errorf("modes %q", got)
	}
	if got := o.await(t, "cwd "); got != s.WorkingDirectory() {
		t.Errorf("cwd %q", got)
	}
	var rules struct {
		Version string                    `json:"version"`
		Rules   []session.PathMappingRule `json:"path_mapping_rules"`
	}
	if err := json.Unmarshal([]byte(o.await(t, "rules ")), &rules); err != nil || rules.Version != "pathmapping-1.0" || len(rules.Rules) != 1 {
		t.Errorf("rules %+v, error %v", rules, err)
	}
	expect(t, exit(t, s, "files"), session.Succeeded)
}

func TestFailureAllowsExitsOnly(t *testing.T) {
	t.Parallel()
	s, _ := open(t, session.Config{})
	expect(t, enter(t, s, environment(t, "outer", "", "exit 4")), session.Succeeded)
	expect(t, enter(t, s, environment(t, "inner", "exit 3", "true")), session.Failed)
	if _, err := s.EnterEnvironment(t.Context(), "x", environment(t, "x", "true", ""), session.ActionOptions{}); !errors.Is(err, session.ErrState) {
		t.Errorf("enter after a failure: %v", err)
	}
	if _, err := s.RunTask(t.Context(), session.Task{}, session.ActionOptions{}); !errors.Is(err, session.ErrState) {
		t.Errorf("task after a failure: %v", err)
	}
	if _, err := s.ExitEnvironment(t.Context(), "outer", session.ActionOptions{}); !errors.Is(err, session.ErrOrder) {
		t.Errorf("exit out of order: %v", err)
	}
	expect(t, exit(t, s, "inner"), session.Succeeded)
	r := exit(t, s, "outer")
	expect(t, r, session.Failed)
	if r.ExitCode == nil || *r.ExitCode != 4 {
		t.Errorf("exit code %v, want 4", r.ExitCode)
	}
	if _, err := s.ExitEnvironment(t.Context(), "outer", session.ActionOptions{}); !errors.Is(err, session.ErrOrder) {
		t.Errorf("exit of what is not entered: %v", err)
	}
}

func TestResults(t *testing.T) {
	t.Parallel()
	code := func(n int) *int { return &n }
	tests := []struct {
		name   string
		action template.Action
		want   session.Result
	}{
		{"success with status", *shell(t, "echo 'openjd_status: one'; echo 'openjd_status: two'"), session.Result{Status: session.Succeeded, ExitCode: code(0), StatusMessage: "two"}},
		{"fail message does not fail", *shell(t, "echo 'openjd_fail: odd'"), session.Result{Status: session.Succeeded, ExitCode: code(0), FailMessage: "odd"}},
		{"fail message", *shell(t, "echo 'openjd_fail: no licence'; exit 2"), session.Result{Status: session.Failed, ExitCode: code(2), FailMessage: "no licence", Reason: "the command ended with exit code 2"}},
		{"signal", *shell(t, "kill -SEGV $$"), session.Result{Status: session.Failed, ExitCode: code(-11), Reason: "the command was ended by signal 11 (segmentation fault)"}},
		{"not found", template.Action{Command: expr.Literal("no-such-command-anywhere")}, session.Result{Status: session.Failed, Reason: `exec: "no-such-command-anywhere": executable file not found in $PATH`}},
		{"undefined", template.Action{Command: format(t, "{{Param.Nothing}}")}, session.Result{Status: session.Failed, Reason: "resolve the command: Param.Nothing is not defined here"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, _ := open(t, session.Config{})
			got := runTask(t, s, &tt.action)
			got.Started, got.Ended = time.Time{}, time.Time{}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestBadDirectiveEndsTheAction(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"openjd_env: bad name=1", "openjd_unset_env: a b", " openjd_env: A=b", "openjd_redacted_env: nothing"} {
		s, _ := open(t, session.Config{})
		r := enter(t, s, environment(t, "bad", "echo '"+line+"'; exec sleep 1000", ""))
		if r.Status != session.Failed || !strings.HasPrefix(r.Reason, "openjd_") {
			t.Errorf("%q: %+v", line, r)
		}
	}
	s, _ := open(t, session.Config{})
	expect(t, enter(t, s, environment(t, "bad at the end", "echo 'openjd_env: 1=2'", "")), session.Failed)
}

func TestRedaction(t *testing.T) {
	t.Parallel()
	for _, extensions := range []template.ExtensionSet{nil, {template.RedactedEnvVars}} {
		s, o := open(t, session.Config{Extensions: extensions})
		expect(t, enter(t, s, environment(t, "secrets", `s=s3; s=${s}cret; echo "openjd_redacted_env: TOKEN=$s"; echo "plain $s"; echo "openjd_status: at $s"`, "")), session.Succeeded)
		expect(t, runTask(t, s, shell(t, `echo "token ${TOKEN-unset}" s3cret`)), session.Succeeded)
		for _, e := range o.snapshot() {
			if text, err := json.Marshal(e); err != nil || strings.Contains(string(text), "s3cret") {
				t.Errorf("the secret shows in %s (%v)", text, err)
			}
		}
		want := "unset ********"
		if extensions != nil {
			want = "******** ********"
		}
		if got := o.await(t, "token "); got != want {
			t.Errorf("extensions %v: got %q, want %q", extensions, got, want)
		}
	}
}

// TestSecretsInLongLines prints a secret on both sides of where long lines are cut, and a secret that is too long itself.
func TestSecretsInLongLines(t *testing.T) {
	t.Parallel()
	s, o := open(t, session.Config{Extensions: template.ExtensionSet{template.RedactedEnvVars}})
	expect(t, enter(t, s, environment(t, "secrets", `echo "openjd_redacted_env: TOKEN=s3cret-s3cret"`, "")), session.Succeeded)
	expect(t, runTask(t, s, shell(t, `head -c 65530 /dev/zero | tr '\0' x; echo "$TOKEN<end"; head -c 131000 /dev/zero | tr '\0' y; echo "$TOKEN>"`)), session.Succeeded)
	expect(t, runTask(t, s, shell(t, `printf 'openjd_redacted_env: LONG='; for i in 1 2 3 4 5 6 7 8 9 10; do head -c 9000 /dev/zero | tr '\0' z; done; echo`)), session.Succeeded)
	var output strings.Builder
	for _, e := range o.snapshot() {
		if l, ok := e.(session.LogLine); ok && l.Origin == session.FromProcess {
			output.WriteString(l.Text)
		}
	}
	got := output.String()
	if strings.Contains(got, "s3cret") || strings.Contains(got, "zz") {
		t.Error("a secret shows")
	}
	if !strings.Contains(got, "xx********<end") || !strings.Contains(got, "yy********>") || strings.Count(got, "y") != 131000 {
		t.Errorf("the output is damaged: %d bytes", len(got))
	}
}

// TestLongDirective prints a variable that does not fit a line: it must not be set to its beginning.
func TestLongDirective(t *testing.T) {
	t.Parallel()
	s, _ := open(t, session.Config{})
	result := enter(t, s, environment(t, "long", `printf 'openjd_env: LONG='; head -c 70000 /dev/zero | tr '\0' z; echo; sleep 100`, ""))
	expect(t, result, session.Failed)
	if !strings.Contains(result.Reason, "longer than 65536 bytes") {
		t.Errorf("the reason is %q", result.Reason)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	s, o := open(t, session.Config{})
	action := shell(t, `trap 'echo notified; cat cancel_info.json; echo; exit 0' TERM; echo ready; sleep 1000 & wait`)
	action.Timeout = template.Integer(1)
	action.Cancelation = &template.Cancelation{Mode: expr.Literal(string(template.NotifyThenTerminate))}
	expect(t, runTask(t, s, action), session.TimedOut)
	o.await(t, "notified")
	var info struct{ NotifyEnd time.Time }
	if err := json.Unmarshal([]byte(`{"NotifyEnd`+o.await(t, `{"NotifyEnd`)), &info); err != nil || time.Until(info.NotifyEnd) < time.Minute {
		t.Errorf("cancel_info.json: %+v, %v", info, err)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	second, zero := time.Second, time.Duration(0)
	tests := []struct {
		name   string
		mode   template.CancelationMode
		limit  *time.Duration
		script string
		code   int
		line   string
	}{
		{"terminate", template.Terminate, nil, `trap "echo notified" TERM; echo ready; sleep 1000 & wait; wait`, -9, ""},
		{"notify", template.NotifyThenTerminate, nil, `trap "echo notified; exit 9" TERM; echo ready; sleep 1000 & wait`, 9, "notified"},
		{"notify in vain", template.NotifyThenTerminate, &second, `trap "" TERM; echo ready; sleep 1000; sleep 1000`, -9, ""},
		{"no time", template.NotifyThenTerminate, &zero, `trap "echo notified; exit 9" TERM; echo ready; sleep 1000 & wait`, -9, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, o := open(t, session.Config{})
			cancelWhen(t, s, o, "ready", session.CancelOptions{Limit: tt.limit})
			action := shell(t, tt.script)
			action.Cancelation = &template.Cancelation{Mode: expr.Literal(string(tt.mode))}
			r := runTask(t, s, action)
			expect(t, r, session.Canceled)
			if *r.ExitCode != tt.code {
				t.Errorf("exit code %d, want %d", *r.ExitCode, tt.code)
			}
			if tt.line != "" {
				o.await(t, tt.line)
			}
			if s.Cancel(session.CancelOptions{}) {
				t.Error("Cancel found a running action after the end")
			}
		})
	}
}

func TestContextEndsTheAction(t *testing.T) {
	t.Parallel()
	s, o := open(t, session.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { o.await(t, "ready"); cancel() })
	defer wg.Wait()
	env := environment(t, "endless", `trap "" TERM; echo ready; sleep 1000`, "")
	r, err := s.EnterEnvironment(ctx, "endless", env, session.ActionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, r, session.Canceled)
}

func TestDaemonLivesAsLongAsTheSession(t *testing.T) {
	t.Parallel()
	s, o := open(t, session.Config{})
	expect(t, enter(t, s, environment(t, "daemon", `sleep 1000 & echo "daemon $!"`, "")), session.Succeeded)
	pid, err := strconv.Atoi(o.await(t, "daemon "))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, runTask(t, s, shell(t, "kill -0 "+strconv.Itoa(pid))), session.Succeeded)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); err == nil && !isZombie(pid) {
		t.Error("the daemon survived the session")
	}
}

func isZombie(pid int) bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(text), ") Z ")
}

func TestFilesStayInTheDirectory(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	s, _ := open(t, session.Config{})
	expect(t, runTask(t, s, shell(t, "rm -rf embedded_files; ln -s "+outside+" embedded_files")), session.Succeeded)
	expect(t, runTask(t, s, shell(t, "true")), session.Failed)
	entries, err := os.ReadDir(outside)
	if err != nil || len(entries) != 0 {
		t.Errorf("files were written outside: %v, %v", entries, err)
	}
}

func TestReadOnlyLeftoversAreRemoved(t *testing.T) {
	t.Parallel()
	s, _ := open(t, session.Config{}) // its clean-up checks the removal
	expect(t, runTask(t, s, shell(t, "mkdir -p locked/in; touch locked/in/file; chmod 0 locked/in locked")), session.Succeeded)
}

func TestRetain(t *testing.T) {
	t.Parallel()
	s, _ := open(t, session.Config{RetainWorkingDirectory: true})
	expect(t, runTask(t, s, shell(t, "echo kept > kept")), session.Succeeded)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(s.WorkingDirectory(), "kept")); err != nil {
		t.Error(err)
	}
}

func TestLogLevel(t *testing.T) {
	t.Parallel()
	s, o := open(t, session.Config{})
	expect(t, runTask(t, s, shell(t, "echo 'openjd_session_runtime_loglevel: ERROR'; echo hidden; echo 'openjd_progress: 50'; exit 1")), session.Failed)
	progress := 0
	for _, e := range o.snapshot() {
		switch e := e.(type) {
		case session.LogLine:
			if e.Text == "hidden" {
				t.Error("output shows below the level")
			}
		case session.Progress:
			progress++
		}
	}
	if progress != 1 {
		t.Errorf("%d progress events, want 1", progress)
	}
	o.await(t, "the command ended with exit code 1")
}

func TestAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can run sessions as another user")
	}
	user, err := process.LookupUser("nobody", "")
	if err != nil {
		t.Skip(err)
	}
	root, err := os.MkdirTemp("", "sessions-") // t.TempDir is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(root); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	s, o := open(t, session.Config{Root: root, User: user})
	env := environment(t, "own", `{{Env.File.Tool}}; echo "openjd_env: A=b"; echo "who $(stat -c %U:%a . {{Env.File.Tool}} {{Session.PathMappingRulesFile}} | tr '\n' ' ')"; echo "home $HOME $USER"`, "")
	env.Script.EmbeddedFiles = []template.EmbeddedFile{{Name: "Tool", Type: template.TextFile, Runnable: true, Data: format(t, "#!/bin/sh\necho tool $(id -un)\n")}}
	expect(t, enter(t, s, env), session.Succeeded)
	if got := o.await(t, "tool "); got != "nobody" {
		t.Errorf("the tool ran as %s", got)
	}
	got := strings.Fields(o.await(t, "who "))
	if diff := cmp.Diff([]string{"nobody:700", "nobody:700", "nobody:600"}, got); diff != "" {
		t.Errorf("owners and modes (-want +got):\n%s", diff)
	}
	if got := o.await(t, "home "); got != user.Home+" nobody" {
		t.Errorf("home %q", got)
	}
	cancelWhen(t, s, o, "ready", session.CancelOptions{})
	action := shell(t, `trap 'cat cancel_info.json; exit 1' TERM; echo ready; sleep 1000 & wait`)
	action.Cancelation = &template.Cancelation{Mode: expr.Literal(string(template.NotifyThenTerminate))}
	expect(t, runTask(t, s, action), session.Canceled)
	o.await(t, `{"NotifyEnd"`)
}

// TestThroughSudo runs a session of a program that is not root, whose jobs are another user's.
func TestThroughSudo(t *testing.T) {
	jobs := processtest.ThroughSudo(t)
	if jobs == nil {
		return // the test ran as another user
	}
	root := filepath.Join(os.Getenv("TMPDIR"), "sessions")
	s, o := open(t, session.Config{Root: root, User: jobs, PathMappingRules: []session.PathMappingRule{
		{SourcePathFormat: session.PosixPaths, SourcePath: "/show", DestinationPath: "/local"},
	}})
	env := environment(t, "own", `{{Env.File.Tool}}; echo "openjd_env: A=it's b"; echo "who $(stat -c %U:%G:%a . {{Env.File.Tool}} {{Session.PathMappingRulesFile}} | tr '\n' ' ')"; echo "home $HOME $USER"`, `echo "exit $A"`)
	env.Script.EmbeddedFiles = []template.EmbeddedFile{{Name: "Tool", Type: template.TextFile, Runnable: true, Data: format(t, "#!/bin/sh\necho tool $(id -un)\n")}}
	expect(t, enter(t, s, env), session.Succeeded)
	if got := o.await(t, "tool "); got != processtest.Jobs {
		t.Errorf("the tool ran as %s", got)
	}
	owner := processtest.Agent + ":" + processtest.Jobs + ":"
	if diff := cmp.Diff([]string{owner + "770", owner + "750", owner + "640"}, strings.Fields(o.await(t, "who "))); diff != "" {
		t.Errorf("owners and modes (-want +got):\n%s", diff)
	}
	if got := o.await(t, "home "); got != jobs.Home+" "+jobs.Name {
		t.Errorf("home %q", got)
	}
	// What the job makes is its own, and may be closed even to itself.
	expect(t, runTask(t, s, shell(t, `echo "task $A"; umask 077; mkdir -p made/locked; echo > made/locked/file; chmod 0 made/locked made; (setsid sleep 1000 &)`)), session.Succeeded)
	if got := o.await(t, "task "); got != "it's b" {
		t.Errorf("the task saw %q", got)
	}
	cancelWhen(t, s, o, "ready", session.CancelOptions{})
	action := shell(t, `trap 'cat cancel_info.json; echo; exit 1' TERM; echo ready; sleep 1000 & wait`)
	action.Cancelation = &template.Cancelation{Mode: expr.Literal(string(template.NotifyThenTerminate))}
	expect(t, runTask(t, s, action), session.Canceled)
	o.await(t, `{"NotifyEnd"`)
	expect(t, exit(t, s, "own"), session.Succeeded)
	o.await(t, "exit it's b")
}

func TestUnsafeRootIsTold(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	_, o := open(t, session.Config{Root: root})
	if got := o.lines(); len(got) != 0 {
		t.Errorf("a safe root: %q", got)
	}
	if err := os.Chmod(root, 0o777); err != nil {
		t.Fatal(err)
	}
	_, o = open(t, session.Config{Root: root})
	o.await(t, "The session's files are not safe from other users of this host: "+root+" can be written by anybody")
}
