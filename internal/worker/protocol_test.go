//go:build unix

package worker_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/worker"
)

func TestOrderOfTheFirstCalls(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	state := t.TempDir()
	w := s.start(state, nil)
	s.await("the worker polls", func() bool { return s.count("UpdateWorkerSchedule") > 0 })
	w.end(nil)
	want := []string{"CreateWorker", "AssumeFleetRoleForWorker", "UpdateWorker STARTED", "UpdateWorkerSchedule"}
	if diff := cmp.Diff(want, s.made()[:4]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if last := s.made(); last[len(last)-1] != "UpdateWorker STOPPED" {
		t.Errorf("the last call was not STOPPED: %q", last)
	}
	s.tell(func() { s.calls = nil })
	again := s.start(state, nil)
	defer again.end(nil)
	s.await("the worker polls again", func() bool { return s.count("UpdateWorkerSchedule") > 0 })
	if slices.Contains(s.made(), "CreateWorker") {
		t.Error("the worker registered again")
	}
}

func trimmed(calls []string) []string {
	out := slices.Clone(calls)
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return out
}

// The statuses of final reports, for short tables.
const (
	succeeded   = deadline.CompletedStatusSucceeded
	failed      = deadline.CompletedStatusFailed
	canceled    = deadline.CompletedStatusCanceled
	interrupted = deadline.CompletedStatusInterrupted
	never       = deadline.CompletedStatusNeverAttempted
)

func TestFailureRules(t *testing.T) {
	t.Parallel()
	const unknownStep, bigStep = "step-99999999999999999999999999999999", "step-88888888888888888888888888888888"
	tests := []struct {
		name    string
		step    string
		actions []string
		change  func(*deadline.JobDetailsEntity)
		want    []deadline.CompletedStatus
		message string // of the first action that failed
	}{
		{"all well", "true", []string{"enter", "run", "run", "exit"}, nil, []deadline.CompletedStatus{succeeded, succeeded, succeeded, succeeded}, ""},
		{"a task fails", "exit 3", []string{"enter", "run", "run", "exit"}, nil, []deadline.CompletedStatus{succeeded, failed, never, succeeded}, "exit code 3"},
		{"an exit of what was not entered", "true", []string{"run", "exit"}, nil, []deadline.CompletedStatus{succeeded, never}, ""},
		{"no attachments", "true", []string{"sync", "enter", "run", "exit"}, nil, []deadline.CompletedStatus{failed, never, never, never}, "the queue has no job attachment settings"},
		{"no details of the step", "true", []string{"enter", "run:" + unknownStep, "run", "exit"}, nil, []deadline.CompletedStatus{succeeded, failed, never, succeeded}, "not yours"},
		{"details too large for a shared answer", "true", []string{"enter", "run:" + bigStep, "exit"}, nil, []deadline.CompletedStatus{succeeded, succeeded, succeeded}, ""},
		{
			"nobody to run as", "true",
			[]string{"enter", "run", "exit"},
			func(d *deadline.JobDetailsEntity) { d.JobRunAsUser = nil },
			[]deadline.CompletedStatus{failed, never, failed},
			"jobRunAsUser",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newScript(t)
			s.step = tt.step
			if tt.change != nil {
				tt.change(&s.job)
			}
			s.assign(tt.actions...)
			w := s.start(t.TempDir(), nil)
			s.await("everything is reported", s.finished(len(tt.actions)))
			if diff := cmp.Diff(tt.want, s.statuses(len(tt.actions))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if i := slices.Index(tt.want, failed); i >= 0 {
				info := s.report(i)
				if info.ProgressMessage == nil || !strings.Contains(*info.ProgressMessage, tt.message) {
					t.Errorf("the message of the failure lacks %q: %v", tt.message, info.ProgressMessage)
				}
			}
			for i := range tt.actions {
				info := s.report(i)
				if attempted := info.CompletedStatus != never; attempted != (info.StartedAt != nil) || attempted != (info.EndedAt != nil) {
					t.Errorf("%s of action %d: started %v, ended %v", info.CompletedStatus, i, info.StartedAt, info.EndedAt)
				}
			}
			s.tell(func() { s.listed = false })
			w.end(nil)
		})
	}
}

func TestDetailsAreAskedForTogether(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.assign("enter", "run", "run", "exit")
	s.start(t.TempDir(), nil)
	s.await("everything is reported", s.finished(4))
	s.tell(func() {
		if len(s.asked) != 1 || len(s.asked[0]) != 3 {
			t.Errorf("asked %d times, first for %d entities; want once for the job, the environment and the step", len(s.asked), len(s.asked[0]))
		}
	})
}

// running makes each task note that it runs, in a file of the given directory, and then wait.
func running(dir string) string { return "touch " + dir + "/runs; exec sleep 1000" }

func untilRuns(t *testing.T, dir string) {
	t.Helper()
	until(t, "the task runs", func() bool {
		_, err := os.Stat(filepath.Join(dir, "runs"))
		return err == nil
	})
}

func TestCancelNamesRunningAndQueued(t *testing.T) {
	t.Parallel()
	s, dir := newScript(t), t.TempDir()
	s.step = running(dir)
	s.assign("enter", "run", "run", "exit")
	s.start(t.TempDir(), nil)
	untilRuns(t, dir)
	s.tell(func() { s.cancels = []string{actionID(1), actionID(2)} })
	s.await("everything is reported", s.finished(4))
	if diff := cmp.Diff([]deadline.CompletedStatus{succeeded, canceled, never, succeeded}, s.statuses(4)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	s.tell(func() {
		if running, queued := slices.Index(s.order, actionID(1)), slices.Index(s.order, actionID(2)); running > queued {
			t.Errorf("the queued action was reported first: %v", s.order)
		}
	})
}

func TestQueuedCancelWaitsForTheRunningAction(t *testing.T) {
	t.Parallel()
	s, dir := newScript(t), t.TempDir()
	s.step = "touch " + dir + "/runs; while ! test -e " + dir + "/go; do sleep 0.01; done"
	s.assign("run", "run", "run")
	s.start(t.TempDir(), nil)
	untilRuns(t, dir)
	s.tell(func() { s.cancels = []string{actionID(1)} })
	s.await("the cancel is delivered", func() bool { return s.cancels == nil })
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.await("everything is reported", s.finished(3))
	if diff := cmp.Diff([]deadline.CompletedStatus{succeeded, never, succeeded}, s.statuses(3)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	s, dir := newScript(t), t.TempDir()
	s.step = running(dir)
	s.assign("enter", "run", "run")
	w := s.start(t.TempDir(), nil)
	untilRuns(t, dir)
	w.stop()
	s.await("the tasks are given back", s.finished(3))
	s.assign("exit")
	s.await("the environment is exited", s.finished(4))
	s.tell(func() { s.listed = false })
	w.end(nil)
	if diff := cmp.Diff([]deadline.CompletedStatus{succeeded, interrupted, never, succeeded}, s.statuses(4)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if calls := s.made(); !slices.Contains(calls, "UpdateWorker STOPPING") || calls[len(calls)-1] != "UpdateWorker STOPPED" {
		t.Errorf("calls: %q", calls)
	}
}

func TestHurryKills(t *testing.T) {
	t.Parallel()
	s, dir := newScript(t), t.TempDir()
	s.step = `trap "" TERM; touch ` + dir + "/runs; while :; do sleep 1000; done"
	s.assign("run", "run")
	w := s.start(t.TempDir(), func(c *worker.Config) { c.Grace = 1 << 40 })
	untilRuns(t, dir)
	w.stop()
	w.Hurry()
	w.end(nil)
	if diff := cmp.Diff([]deadline.CompletedStatus{interrupted, never}, s.statuses(2)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestResultOutlivesTheWorker lets a worker end while the service is away. The next one reports the result before it says STARTED, which
// would give the task to another worker.
func TestResultOutlivesTheWorker(t *testing.T) {
	t.Parallel()
	s, dir, state := newScript(t), t.TempDir(), t.TempDir()
	s.step = "touch " + dir + "/runs; while ! test -e " + dir + "/go; do sleep 0.01; done; touch " + dir + "/ended"
	s.assign("run")
	w := s.start(state, func(c *worker.Config) { c.Grace = 100 * time.Millisecond })
	untilRuns(t, dir)
	s.tell(func() { s.away, s.calls = true, nil })
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "the result is on disk", func() bool {
		text, err := os.ReadFile(filepath.Join(state, "reports.jsonl"))
		return err == nil && strings.Contains(string(text), actionID(0))
	})
	w.end(nil)
	s.tell(func() { s.away, s.listed = false, false })
	s.start(state, nil)
	s.await("the next worker is started", func() bool { return s.count("UpdateWorker STARTED") == 1 })
	s.tell(func() {
		want := []string{"AssumeFleetRoleForWorker", "UpdateWorkerSchedule " + actionID(0), "UpdateWorker STARTED"}
		if diff := cmp.Diff(want, s.calls[:3]); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	if got := s.statuses(1)[0]; got != succeeded {
		t.Errorf("the result is %s", got)
	}
}

func TestOfflineDropsAllWork(t *testing.T) {
	t.Parallel()
	s, dir := newScript(t), t.TempDir()
	s.step = running(dir)
	s.assign("run")
	s.start(t.TempDir(), nil)
	untilRuns(t, dir)
	s.tell(func() {
		s.listed, s.pending = false, nil
		s.answer = func(call string) error {
			if !strings.HasPrefix(call, "UpdateWorkerSchedule") {
				return nil
			}
			s.answer = nil
			return &deadline.ConflictException{
				Message: "offline", Reason: deadline.ConflictExceptionReasonStatusConflict, ResourceId: scriptLife, ResourceType: "worker",
				Context: map[string]string{"status": "NOT_RESPONDING"},
			}
		}
	})
	s.await("the worker starts again", func() bool { return s.count("UpdateWorker STARTED") == 2 })
	polls := 0
	s.tell(func() { polls = s.count("UpdateWorkerSchedule") })
	s.await("the worker polls", func() bool { return s.count("UpdateWorkerSchedule") > polls })
	if got := s.statuses(1)[0]; got != "" {
		t.Errorf("work that was given to others was reported %s", got)
	}
}

func TestServiceStopsTheWorker(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.desired = deadline.DesiredWorkerStatusStopped
	w := s.start(t.TempDir(), nil)
	if err := <-w.done; !errors.Is(err, worker.ErrShutdown) {
		t.Errorf("Run ended with %v", err)
	}
	if last := s.made(); last[len(last)-1] != "UpdateWorker STOPPED" {
		t.Errorf("the last call was not STOPPED: %q", last)
	}
}

func TestErrorsOfTheService(t *testing.T) {
	t.Parallel()
	conflict := func(resource, status string) error {
		return &deadline.ConflictException{
			Message: "no", Reason: deadline.ConflictExceptionReasonStatusConflict, ResourceId: resource, ResourceType: "worker", Context: map[string]string{"status": status},
		}
	}
	tests := []struct {
		name   string
		answer map[string][]error // by call, one after another
		want   []string           // the first calls
		ends   bool
	}{
		{
			"the fleet is being created",
			map[string][]error{"CreateWorker": {conflict(scriptFleet, "CREATE_IN_PROGRESS")}},
			[]string{"CreateWorker", "CreateWorker", "AssumeFleetRoleForWorker"},
			false,
		},
		{"the fleet is gone", map[string][]error{"CreateWorker": {conflict(scriptFleet, "DELETE_IN_PROGRESS")}}, []string{"CreateWorker"}, true},
		{"not allowed", map[string][]error{"AssumeFleetRoleForWorker": {&deadline.AccessDeniedException{Message: "no"}}}, []string{"CreateWorker", "AssumeFleetRoleForWorker"}, true},
		{
			"still stopping",
			map[string][]error{"UpdateWorker STARTED": {conflict(scriptLife, "STOPPING")}},
			[]string{"CreateWorker", "AssumeFleetRoleForWorker", "UpdateWorker STARTED", "UpdateWorker STOPPED", "UpdateWorker STARTED"},
			false,
		},
		{
			"not known at the start",
			map[string][]error{"AssumeFleetRoleForWorker": {&deadline.ResourceNotFoundException{Message: "no", ResourceId: scriptLife, ResourceType: "worker"}}},
			[]string{"CreateWorker", "AssumeFleetRoleForWorker", "CreateWorker", "AssumeFleetRoleForWorker"},
			false,
		},
		{
			"busy",
			map[string][]error{"UpdateWorkerSchedule": {&deadline.ThrottlingException{Message: "slow"}, &deadline.InternalServerErrorException{Message: "oops"}}},
			[]string{"CreateWorker", "AssumeFleetRoleForWorker", "UpdateWorker STARTED", "UpdateWorkerSchedule", "UpdateWorkerSchedule", "UpdateWorkerSchedule"},
			false,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newScript(t)
			s.answer = func(call string) error {
				call = strings.TrimSpace(call)
				if left := tt.answer[call]; len(left) > 0 {
					tt.answer[call] = left[1:]
					return left[0]
				}
				return nil
			}
			w := s.start(t.TempDir(), nil)
			if tt.ends {
				if err := <-w.done; err == nil {
					t.Error("Run ended without an error")
				}
			}
			s.await("the calls are made", func() bool { return len(s.calls) >= len(tt.want) })
			s.tell(func() {
				if diff := cmp.Diff(tt.want, trimmed(s.calls)[:len(tt.want)]); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestOneWorkerPerStateDirectory(t *testing.T) {
	t.Parallel()
	s, state := newScript(t), t.TempDir()
	s.start(state, nil)
	s.await("the first works", func() bool { return s.count("UpdateWorkerSchedule") > 0 })
	if err := <-s.start(state, nil).done; !errors.Is(err, worker.ErrInUse) {
		t.Errorf("the second ended with %v", err)
	}
}

func TestQueueRoleReachesTheJob(t *testing.T) {
	t.Parallel()
	s, dir := newScript(t), t.TempDir()
	s.job.QueueRoleArn = new("arn:aws:iam::000000000000:role/queue")
	s.step = `echo "$AWS_PROFILE" > ` + dir + `/profile; cat "$AWS_CONFIG_FILE" > ` + dir + `/config; sh -c "$(sed -n 's/^credential_process = //p' "$AWS_CONFIG_FILE")" > ` + dir + `/secret; env > ` + dir + `/env`
	s.assign("run")
	s.start(t.TempDir(), nil)
	s.await("the task is reported", s.finished(1))
	if got := s.statuses(1)[0]; got != succeeded {
		t.Fatalf("the task %s", got)
	}
	for name, wants := range map[string][]string{
		"profile": {"deadline-" + scriptQueue}, "config": {"region = us-west-2", "endpoint_url = " + *s.aws.BaseEndpoint},
		"secret": {`"AccessKeyId":"KEY2"`, `"Version":1`},
		"env":    {"DEADLINE_SESSION_ID=" + scriptSession, "DEADLINE_WORKER_ID=" + scriptLife, "DEADLINE_STEP_ID=" + scriptStep, "DEADLINE_SESSIONACTION_ID=" + actionID(0)},
	} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s lacks %q:\n%s", name, want, text)
			}
		}
	}
}
