//go:build unix

package session_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/session"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// notifiedUntil reads the ends of the notifications that an action has printed from cancel_info.json.
func notifiedUntil(t *testing.T, o *observer) (ends []time.Time) {
	t.Helper()
	for _, line := range o.lines() {
		if text, ok := strings.CutPrefix(line, "told "); ok {
			var info struct{ NotifyEnd time.Time }
			if err := json.Unmarshal([]byte(text), &info); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			ends = append(ends, info.NotifyEnd)
		}
	}
	return ends
}

// TestNotifiedAgain cancels an action several times: a more urgent request tells it the new end, a less urgent one changes nothing.
func TestNotifiedAgain(t *testing.T) {
	t.Parallel()
	s, o := open(t, session.Config{})
	action := shell(t, `trap 'echo "told $(cat cancel_info.json)"' TERM; echo ready; while :; do sleep 1000 & wait; done`)
	action.Cancelation = &template.Cancelation{Mode: expr.Literal(string(template.NotifyThenTerminate)), NotifyPeriod: template.Integer(500)}
	began := time.Now()
	done := make(chan session.Result, 1)
	go func() { done <- runTask(t, s, action) }()
	o.await(t, "ready")
	cancel := func(limit time.Duration) {
		if !s.Cancel(session.CancelOptions{Limit: &limit}) {
			t.Error("nothing to cancel")
		}
	}
	s.Cancel(session.CancelOptions{})
	o.awaitCount(t, "told ", 1)
	cancel(400 * time.Second)
	o.awaitCount(t, "told ", 2)
	cancel(450 * time.Second) // later than what was told
	cancel(300 * time.Second)
	o.awaitCount(t, "told ", 3)
	cancel(0)
	r := <-done
	expect(t, r, session.Canceled)
	if *r.ExitCode != -9 {
		t.Errorf("exit code %d, want -9", *r.ExitCode)
	}
	ends := notifiedUntil(t, o)
	for i, seconds := range []int{500, 400, 300} {
		if i >= len(ends) {
			t.Fatalf("told %v", ends)
		}
		least := began.Add(time.Duration(seconds) * time.Second).Truncate(time.Second)
		if ends[i].Before(least) || ends[i].After(least.Add(time.Since(began)+2*time.Second)) {
			t.Errorf("notification %d ends at %v, want %d s after %v", i, ends[i], seconds, began)
		}
	}
}

// TestNotifyPeriodIsHonoured cancels an action that does not end by itself: it lives, and its output counts, until the period is over.
func TestNotifyPeriodIsHonoured(t *testing.T) {
	t.Parallel()
	s, o := open(t, session.Config{})
	action := shell(t, `trap "echo 'openjd_status: told'" TERM; echo ready; while :; do sleep 0.2; echo alive; done`)
	action.Cancelation = &template.Cancelation{Mode: expr.Literal(string(template.NotifyThenTerminate)), NotifyPeriod: template.Integer(2)}
	var canceled time.Time
	done := make(chan session.Result, 1)
	go func() { done <- runTask(t, s, action) }()
	o.await(t, "ready")
	canceled = time.Now()
	s.Cancel(session.CancelOptions{})
	r := <-done
	expect(t, r, session.Canceled)
	if lived := r.Ended.Sub(canceled); lived < 2*time.Second {
		t.Errorf("the action was ended %v after the cancelation, its period is 2 s", lived)
	}
	if r.StatusMessage != "told" || *r.ExitCode != -9 {
		t.Errorf("got %+v", r)
	}
}
