//go:build unix

package differential

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
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

var sessions = flag.Int("sessions", 60, "how many sessions to run with both")

type commandRequest struct {
	Args   []string `json:"args"`
	Cancel string   `json:"cancel,omitempty"`
}

type commandAnswer struct {
	Code   int    `json:"code"`
	Output string `json:"output"`
}

// ended is how an action ended.
type ended struct {
	State    string   `json:"state"`
	Exit     *int     `json:"exit"`
	Progress *float64 `json:"progress"`
	Status   *string  `json:"status"`
	Fail     *string  `json:"fail"`
}

func (e ended) String() string {
	text := "## " + e.State
	if e.Exit != nil {
		text += fmt.Sprintf(" exit=%d", *e.Exit)
	}
	if e.Progress != nil {
		text += fmt.Sprintf(" progress=%g", *e.Progress)
	}
	if e.Status != nil && *e.Status != "" {
		text += " status=" + *e.Status
	}
	if e.Fail != nil && *e.Fail != "" {
		text += " fail=" + *e.Fail
	}
	return text
}

// told says whether a line of a log is one that scripts wrote to be compared.
func told(line string) bool {
	return strings.HasPrefix(line, "@@ ") || strings.Contains(strings.ToLower(line), "openjd_")
}

// TestSessions runs generated jobs with both: the same actions run in the same order, see the same variables and files, say the same,
// and end in the same way.
func TestSessions(t *testing.T) {
	t.Parallel()
	o := startProgram(t, ".venv-openjd", "cli.py")
	r := &runs{Rand: rand.New(rand.NewPCG(*seed, 3)), used: map[string]int{}}
	all := make([]run, *sessions)
	requests := make([]commandRequest, *sessions)
	directory := t.TempDir()
	for i := range all {
		all[i] = r.submission()
		requests[i] = commandRequest{Args: all[i].write(t, filepath.Join(directory, fmt.Sprint(i))), Cancel: all[i].cancel}
	}
	accepted := map[string]int{}
	failed := 0
	ask(o, requests, func(i int, a commandAnswer) {
		theirs, err := readTranscript(a)
		if err != nil {
			t.Errorf("session %d: %v", i, err)
			return
		}
		ours := all[i].run(t)
		if ours.failed {
			failed++
		}
		for _, row := range reconcile(&theirs, &ours) {
			accepted[row]++
		}
		if diff := cmp.Diff(theirs.lines, ours.lines); diff != "" || theirs.failed != ours.failed {
			t.Errorf("seed %d, session %d (- theirs, + ours; failed: %v, %v):\n%s\n%s", *seed, i, theirs.failed, ours.failed, diff, all[i])
		}
	})
	t.Logf("%d sessions, %d of them fail, accepted: %v", len(all), failed, accepted)
	reportCoverage(t, r.used, []string{
		"EXPR", "FEATURE_BUNDLE_1", "REDACTED_ENV_VARS", "TASK_CHUNKING", "WRAP_ACTIONS", "cancel", "chunks", "dependency", "embedded file",
		"environment template", "failure", "job environment", "let", "no directive", "no such command", "onEnter", "onExit", "openjd_env",
		"openjd_env bad", "openjd_env empty", "openjd_env json", "openjd_fail", "openjd_progress", "openjd_progress bad", "openjd_redacted_env",
		"openjd_session_runtime_loglevel", "openjd_status", "openjd_unset_env", "parameters", "path mapping", "runnable file", "secret",
		"step environment", "task parameters", "timeout", "timeout reached", "variables",
	})
}

func (s run) String() string {
	data, err := json.Marshal(map[string]any{"job": s.job, "environments": s.environments, "parameters": s.parameters})
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// write puts the templates into a directory and returns the arguments of the command that runs them.
func (s run) write(t *testing.T, directory string) []string {
	t.Helper()
	if err := os.MkdirAll(directory, 0o755); err != nil {
		t.Fatal(err)
	}
	file := func(name string, v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(directory, name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	args := []string{"run", file("job.json", s.job)}
	for i, e := range s.environments {
		args = append(args, "--environment", file(fmt.Sprintf("environment%d.json", i), e))
	}
	for name, value := range s.parameters {
		args = append(args, "-p", name+"="+value)
	}
	if s.mapped {
		args = append(args, "--path-mapping-rules", "file://"+file("rules.json", object{"version": "pathmapping-1.0", "path_mapping_rules": mappings[:3]}))
	}
	return args
}

// readTranscript reads what their command printed.
func readTranscript(a commandAnswer) (transcript, error) {
	tr := transcript{failed: a.Code != 0, lines: []string{}}
	for line := range strings.Lines(a.Output) {
		line = strings.TrimRight(line, "\n")
		if text, ok := strings.CutPrefix(line, "## "); ok {
			var e ended
			if err := json.Unmarshal([]byte(text), &e); err != nil {
				return tr, err
			}
			tr.lines = append(tr.lines, e.String())
			continue
		}
		if _, text, ok := strings.Cut(line, "\t"); ok && told(text) {
			tr.lines = append(tr.lines, text)
		}
	}
	if len(tr.lines) == 0 {
		return tr, fmt.Errorf("their command says nothing of a session:\n%s", a.Output)
	}
	return tr, nil
}

// observer writes our transcript.
type observer struct {
	mu       sync.Mutex // guards the rest
	lines    []string
	kinds    []local.ActionKind
	progress *float64
	cancel   string
	stop     context.CancelFunc
}

func (o *observer) Started(string)            {}
func (o *observer) StepBegins(*job.Step)      {}
func (o *observer) ActionBegins(local.Action) { o.progress = nil }

func (o *observer) ActionEnds(a local.Action, result session.Result) {
	o.mu.Lock()
	defer o.mu.Unlock()
	states := map[session.Status]string{session.Succeeded: "success", session.Failed: "failed", session.Canceled: "canceled", session.TimedOut: "timeout"}
	e := ended{State: states[result.Status], Exit: result.ExitCode, Progress: o.progress, Status: &result.StatusMessage, Fail: &result.FailMessage}
	o.lines, o.kinds = append(o.lines, e.String()), append(o.kinds, a.Kind)
}

func (o *observer) Event(e session.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch e := e.(type) {
	case session.Progress:
		o.progress = &e.Percent
	case session.LogLine:
		if e.Origin != session.FromProcess || !told(e.Text) {
			return
		}
		o.lines = append(o.lines, e.Text)
		if o.cancel != "" && strings.Contains(e.Text, o.cancel) {
			o.stop()
		}
	}
}

// run runs it with our engine.
func (s run) run(t *testing.T) transcript {
	t.Helper()
	options := template.Options{SupportedExtensions: template.Extensions()}
	text := func(v any) []byte {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	refused := func(err error) transcript {
		return transcript{failed: true, lines: []string{"refused: " + err.Error()}}
	}
	decoded, err := template.DecodeJobTemplate(text(s.job), template.JSON, options)
	if err != nil {
		return refused(err)
	}
	var environments []*template.EnvironmentTemplate
	for _, e := range s.environments {
		environment, err := template.DecodeEnvironmentTemplate(text(e), template.JSON, options)
		if err != nil {
			return refused(err)
		}
		environments = append(environments, environment)
	}
	definitions, err := job.MergeParameterDefinitions(environments, decoded)
	if err != nil {
		return refused(err)
	}
	values := map[string]job.Value{}
	for name, value := range s.parameters {
		values[name] = job.Value{Text: value}
	}
	parameters, err := job.BindParameters(definitions, values, job.PathOptions{WorkingDirectory: "/", TemplateDirectory: "/"})
	if err != nil {
		return refused(err)
	}
	made, err := job.Create(decoded, parameters, job.Limits{})
	if err != nil {
		return refused(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	o := &observer{cancel: s.cancel, stop: stop, lines: []string{}}
	cfg := local.Config{Job: made, Environments: environments, Observer: o, Session: session.Config{Root: t.TempDir()}}
	if s.mapped {
		cfg.Session.PathMappingRules = mappings[:3]
	}
	result, err := local.Run(ctx, cfg)
	if err != nil {
		return refused(err)
	}
	return transcript{failed: result.Failed != nil, lines: o.lines, kinds: o.kinds}
}
