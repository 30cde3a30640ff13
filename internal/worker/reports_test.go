package worker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
)

func newBook(t *testing.T, path string) *reports {
	t.Helper()
	r, err := openReports(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func finish(t *testing.T, r *reports, id string, status deadline.CompletedStatus) {
	t.Helper()
	if err := r.finish(id, deadline.UpdatedSessionActionInfo{CompletedStatus: status, ProgressMessage: clip("of " + id)}); err != nil {
		t.Fatal(err)
	}
}

// said is the status, or the progress, of everything in the book.
func said(r *reports) map[string]string {
	out := map[string]string{}
	for id, each := range r.collect() {
		switch {
		case each.final():
			out[id] = string(each.info.CompletedStatus)
		case each.info.ProgressMessage != nil:
			out[id] = *each.info.ProgressMessage
		default:
			out[id] = "running"
		}
	}
	return out
}

func TestReportsAreKeptUntilConfirmed(t *testing.T) {
	t.Parallel()
	r := newBook(t, filepath.Join(t.TempDir(), "reports"))
	started := time.Now()
	r.begin("a", started)
	r.begin("b", started)
	sent := r.collect()
	r.progress("a", started, new(float32(20)), "further")
	finish(t, r, "c", deadline.CompletedStatusFailed)
	if err := r.confirm(sent); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a": "further", "c": "FAILED"}, said(r)); diff != "" {
		t.Errorf("newer word was lost, or old word kept (-want +got):\n%s", diff)
	}
	r.progress("c", started, new(float32(99)), "too late")
	finish(t, r, "c", deadline.CompletedStatusSucceeded)
	if got := said(r)["c"]; got != "FAILED" {
		t.Errorf("the final word was replaced by %s", got)
	}
	select {
	case <-r.urgent:
	default:
		t.Error("a result does not ask for a poll")
	}
	if err := r.confirm(r.collect()); err != nil {
		t.Fatal(err)
	}
	if got := said(r); len(got) != 0 || r.waiting() != 0 {
		t.Errorf("after confirmation: %v, %d waiting", got, r.waiting())
	}
}

func TestFinalWordKeepsTheProgress(t *testing.T) {
	t.Parallel()
	r := newBook(t, filepath.Join(t.TempDir(), "reports"))
	r.progress("a", time.Now(), new(float32(50)), "half")
	finish(t, r, "a", deadline.CompletedStatusFailed)
	got := r.collect()["a"].info
	if got.ProgressPercent == nil || *got.ProgressPercent != 50 {
		t.Errorf("a failure that follows its progress at once lost it: %v", got.ProgressPercent)
	}
}

func TestResultsSurviveTheProgram(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "reports")
	r := newBook(t, path)
	r.begin("running", time.Now())
	finish(t, r, "first", deadline.CompletedStatusSucceeded)
	sent := r.collect()
	finish(t, r, "second", deadline.CompletedStatusFailed)
	if err := r.confirm(sent); err != nil {
		t.Fatal(err)
	}
	torn, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := torn.WriteString(`{"id":"third","info":{"completedSt`); err != nil {
		t.Fatal(err)
	}
	if err := torn.Close(); err != nil {
		t.Fatal(err)
	}

	again := newBook(t, path)
	got := said(again)
	if got["second"] != "FAILED" || got["running"] != "" || got["third"] != "" {
		t.Errorf("an earlier program's results: %v", got)
	}
	if message := again.collect()["second"].info.ProgressMessage; message == nil || *message != "of second" {
		t.Errorf("message %v", message)
	}
	if err := again.confirm(again.collect()); err != nil {
		t.Fatal(err)
	}
	if got := said(newBook(t, path)); len(got) != 0 {
		t.Errorf("confirmed results come back: %v", got)
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	if clip("") != nil {
		t.Error("an empty message is present")
	}
	if got := []rune(*clip(strings.Repeat("é", 5000))); len(got) != maxMessage {
		t.Errorf("%d characters", len(got))
	}
	if got := *clip("short"); got != "short" {
		t.Error(got)
	}
}
