package session_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/session"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// observer collects events and lets a test wait for a line.
type observer struct {
	mu     sync.Mutex
	events []session.Event
	added  chan struct{}
}

func (o *observer) add(e session.Event) {
	o.mu.Lock()
	o.events = append(o.events, e)
	o.mu.Unlock()
	select {
	case o.added <- struct{}{}:
	default:
	}
}

func (o *observer) snapshot() []session.Event {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]session.Event(nil), o.events...)
}

func (o *observer) lines() []string {
	var out []string
	for _, e := range o.snapshot() {
		if l, ok := e.(session.LogLine); ok {
			out = append(out, l.Text)
		}
	}
	return out
}

// await returns what follows prefix on the first line that begins with it.
func (o *observer) await(t *testing.T, prefix string) string {
	t.Helper()
	for {
		for _, line := range o.lines() {
			if rest, ok := strings.CutPrefix(line, prefix); ok {
				return rest
			}
		}
		select {
		case <-o.added:
		case <-t.Context().Done():
			t.Fatalf("no line %q in %q", prefix, o.lines())
		}
	}
}

// awaitCount returns when so many lines begin with prefix.
func (o *observer) awaitCount(t *testing.T, prefix string, count int) {
	t.Helper()
	for {
		n := 0
		for _, line := range o.lines() {
			if strings.HasPrefix(line, prefix) {
				n++
			}
		}
		if n >= count {
			return
		}
		select {
		case <-o.added:
		case <-t.Context().Done():
			t.Fatalf("%d lines %q in %q", n, prefix, o.lines())
		}
	}
}

func open(t *testing.T, cfg session.Config) (*session.Session, *observer) {
	t.Helper()
	o := &observer{added: make(chan struct{}, 1)}
	cfg.OnEvent = o.add
	if cfg.ID == "" {
		cfg.ID = "session-test"
	}
	if cfg.Root == "" {
		cfg.Root = t.TempDir()
	}
	s, err := session.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Errorf("Close: %v", err)
		}
		if _, err := os.Stat(s.WorkingDirectory()); !cfg.RetainWorkingDirectory && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the working directory is still there: %v", err)
		}
	})
	return s, o
}

func format(t *testing.T, text string) expr.FormatString {
	t.Helper()
	f, err := expr.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func enter(t *testing.T, s *session.Session, env *template.Environment) session.Result {
	t.Helper()
	r, err := s.EnterEnvironment(t.Context(), env.Name, env, session.ActionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func exit(t *testing.T, s *session.Session, name string) session.Result {
	t.Helper()
	r, err := s.ExitEnvironment(t.Context(), name, session.ActionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func runTask(t *testing.T, s *session.Session, action *template.Action, params ...job.TaskParameter) session.Result {
	t.Helper()
	r, err := s.RunTask(t.Context(), session.Task{
		Name: "step", Script: &template.StepScript{Actions: template.StepActions{OnRun: *action}}, Parameters: params,
	}, session.ActionOptions{Variables: map[string]string{"PER_ACTION": "yes"}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func expect(t *testing.T, r session.Result, want session.Status) {
	t.Helper()
	if r.Status != want {
		t.Fatalf("result %+v, want %s", r, want)
	}
	if r.Started.IsZero() || r.Ended.Before(r.Started) {
		t.Errorf("started %v, ended %v", r.Started, r.Ended)
	}
}

// cancelWhen cancels the action once the line has been printed.
func cancelWhen(t *testing.T, s *session.Session, o *observer, line string, opts session.CancelOptions) {
	t.Helper()
	var wg sync.WaitGroup
	wg.Go(func() {
		o.await(t, line)
		if !s.Cancel(opts) {
			t.Error("nothing to cancel")
		}
	})
	t.Cleanup(wg.Wait)
}
