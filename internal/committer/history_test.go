package committer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/sqlite"
	"github.com/farmhand-render/farmhand/internal/store/storetest"
)

// TestHistory runs random farms with the real core, on a store that fails at random and with
// restarts in between. What was acknowledged is what the store has, at every moment and in the end.
func TestHistory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		h := newHistory(t, r)
		defer h.end()
		r.Repeat(map[string]func(*rapid.T){
			"create job": h.createJob,
			"rename job": h.renameJob,
			"target job": h.targetJob,
			"poll":       h.poll,
			"restart":    func(*rapid.T) { h.restart() },
		})
		h.restart()
		h.verify(r)
	})
}

type history struct {
	t       *testing.T
	dir     string
	faults  []storetest.Fault // of the commits, in turn
	store   *sqlite.Store
	faulty  *storetest.Faulty
	stop    func()
	c       *Committer
	counter int

	names   map[string]map[string]bool     // job -> what its name may be
	order   []string                       // jobs, some perhaps not stored
	certain map[string]bool                // jobs whose creation was acknowledged
	held    map[string]*scheduler.Schedule // worker -> latest answer
	over    map[actionKey]status.Action    // actions seen to be over
}

func newHistory(t *testing.T, r *rapid.T) *history {
	t.Helper()
	h := &history{
		t: t, dir: t.TempDir(), names: map[string]map[string]bool{}, certain: map[string]bool{},
		held: map[string]*scheduler.Schedule{}, over: map[actionKey]status.Action{},
		faults: rapid.SliceOfN(rapid.SampledFrom([]storetest.Fault{
			storetest.None, storetest.None, storetest.None, storetest.Before, storetest.After,
		}), 0, 20).Draw(r, "faults"),
	}
	h.faults = append(h.faults, storetest.None) // or nothing would ever be acknowledged
	h.open()
	h.retry(r, scheduler.PutResource{Resource: row.Resource{Kind: row.KindQueue, ID: "queue-1", FarmID: "farm-1", ParentID: "farm-1", Doc: []byte(`{"scheduling":{}}`)}})
	h.retry(r, scheduler.PutResource{Resource: row.Resource{Kind: row.KindFleet, ID: "fleet-1", FarmID: "farm-1", ParentID: "farm-1", Doc: []byte(`{"scheduling":{"maxWorkers":10}}`)}})
	h.retry(r, scheduler.PutAssociation{FarmID: "farm-1", QueueID: "queue-1", FleetID: "fleet-1", Status: status.AssociationActive})
	for _, id := range []string{"worker-1", "worker-2"} {
		h.retry(r, scheduler.CreateWorker{Worker: row.Worker{FarmID: "farm-1", FleetID: "fleet-1", WorkerID: id}})
		h.retry(r, scheduler.UpdateWorker{FleetID: "fleet-1", WorkerID: id, Status: status.WorkerStarted, Capabilities: []byte(`{"amounts":[],"attributes":[]}`)})
	}
	return h
}

func (h *history) open() {
	h.t.Helper()
	s, err := sqlite.Open(h.t.Context(), filepath.Join(h.dir, "farm.db"), sqlite.Options{Relaxed: true, Readers: 1})
	if err != nil {
		h.t.Fatal(err)
	}
	h.store = s
	h.faulty = storetest.NewFaulty(s, func(operation string, n int) storetest.Fault {
		if operation != "Commit" {
			return storetest.None
		}
		return h.faults[n%len(h.faults)]
	})
	h.c = New(h.faulty, Options{Config: scheduler.Config{SweepFrom: 1}, Logger: slog.New(slog.DiscardHandler), RetryAfter: time.Microsecond})
	ctx, cancel := context.WithCancel(context.WithoutCancel(h.t.Context()))
	done := make(chan error)
	go func() { done <- h.c.Run(ctx) }()
	h.stop = func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Errorf("Run: %v", err)
		}
	}
}

func (h *history) end() {
	h.stop()
	if err := h.store.Close(); err != nil {
		h.t.Error(err)
	}
}

func (h *history) restart() {
	h.end()
	h.open()
}

// try applies a command once; acknowledged is false when nobody knows whether it happened.
func (h *history) try(r *rapid.T, command scheduler.Command) (result scheduler.Result, acknowledged bool, err error) {
	reply, err := h.c.Do(h.t.Context(), Request{FarmID: "farm-1", Command: command})
	if errors.Is(err, ErrNotCommitted) {
		return scheduler.Result{}, false, nil
	}
	if errors.Is(err, ErrInternal) {
		r.Fatal(err)
	}
	return reply.Result, true, err
}

// retry applies a command until it is known to have happened. One that a repetition finds done is done.
func (h *history) retry(r *rapid.T, command scheduler.Command) {
	for first := true; ; first = false {
		_, acknowledged, err := h.try(r, command)
		var conflict *scheduler.ConflictError
		switch {
		case errors.As(err, &conflict) && !first:
			return
		case err != nil:
			r.Fatalf("%T: %v", command, err)
		case acknowledged:
			return
		}
	}
}

func (h *history) createJob(r *rapid.T) {
	h.counter++
	id := fmt.Sprintf("job-%d", h.counter)
	tasks := rapid.Int64Range(1, 5).Draw(r, "tasks")
	step := row.Step{JobID: id, StepID: "step-" + id, Name: "render", Tasks: tasks}
	document := row.StepDocument{JobID: id, StepID: step.StepID, Template: []byte(`{}`)}
	document.Space = fmt.Appendf(nil, `{"parameters":[{"name":"Frame","type":"INT","range":"1-%d"}]}`, tasks)
	_, acknowledged, err := h.try(r, scheduler.CreateJob{
		Job:      row.Job{FarmID: "farm-1", QueueID: "queue-1", JobID: id, Name: id, Target: status.TaskReady, Priority: 50, MaxFailedTasks: 100, MaxRetries: 1},
		Document: row.JobDocument{JobID: id, TemplateType: "JSON", Template: "{}"},
		Steps:    []row.Step{step}, StepDocuments: []row.StepDocument{document},
	})
	if err != nil {
		r.Fatalf("create: %v", err)
	}
	h.order = append(h.order, id)
	h.names[id] = map[string]bool{id: true}
	h.certain[id] = acknowledged
}

func (h *history) pick(r *rapid.T) string {
	if len(h.order) == 0 {
		r.Skip("no jobs yet")
	}
	return rapid.SampledFrom(h.order).Draw(r, "job")
}

func (h *history) renameJob(r *rapid.T) {
	id := h.pick(r)
	h.counter++
	name := fmt.Sprint("name ", h.counter)
	_, acknowledged, err := h.try(r, scheduler.UpdateJob{JobID: id, Name: &name})
	switch {
	case h.refused(r, id, err):
	case acknowledged:
		h.names[id] = map[string]bool{name: true}
		h.certain[id] = true
		if got := h.job(r, id); got.Name != name {
			r.Fatalf("the name of %s is %q, acknowledged was %q", id, got.Name, name)
		}
	default:
		h.names[id][name] = true
	}
}

// refused deals with a command that was refused: only jobs that perhaps never came to be may be unknown.
func (h *history) refused(r *rapid.T, id string, err error) bool {
	var missing *scheduler.NotFoundError
	if errors.As(err, &missing) && h.certain[id] {
		r.Fatalf("job %s was acknowledged and is gone", id)
	}
	return err != nil
}

func (h *history) targetJob(r *rapid.T) {
	id := h.pick(r)
	target := rapid.SampledFrom([]status.Task{
		status.TaskReady, status.TaskPending, status.TaskSuspended, status.TaskCanceled, status.TaskSucceeded, status.TaskFailed,
	}).Draw(r, "target")
	_, acknowledged, err := h.try(r, scheduler.UpdateJob{JobID: id, Target: target})
	if !h.refused(r, id, err) && acknowledged {
		if got := h.job(r, id); got.Target != target {
			r.Fatalf("the target of %s is %v, acknowledged was %v", id, got.Target, target)
		}
	}
}

// poll is a worker: it reports something on what it holds until that is acknowledged, and takes what it gets.
func (h *history) poll(r *rapid.T) {
	worker := rapid.SampledFrom([]string{"worker-1", "worker-2"}).Draw(r, "worker")
	command := scheduler.UpdateWorkerSchedule{FleetID: "fleet-1", WorkerID: worker}
	if schedule := h.held[worker]; schedule != nil {
		for _, s := range schedule.Sessions {
			for _, index := range schedule.Cancel[s.SessionID] {
				command.Reports = append(command.Reports, scheduler.ActionReport{SessionID: s.SessionID, ActionIndex: index, Completed: status.ActionCanceled})
			}
			if len(s.Actions) > 0 && len(schedule.Cancel[s.SessionID]) == 0 {
				completed := rapid.SampledFrom([]status.Action{
					status.ActionNone, status.ActionSucceeded, status.ActionSucceeded, status.ActionFailed,
				}).Draw(r, "completed")
				command.Reports = append(command.Reports, scheduler.ActionReport{
					SessionID: s.SessionID, ActionIndex: s.Actions[0].ActionIndex, Completed: completed, StartedAt: 1, EndedAt: 2,
				})
			}
		}
	}
	for {
		result, acknowledged, err := h.try(r, command)
		if err != nil {
			r.Fatalf("poll: %v", err)
		}
		if acknowledged {
			h.held[worker] = result.Schedule
			break
		}
	}
	for _, s := range h.held[worker].Sessions {
		for _, a := range s.Actions {
			if got := h.action(r, s.SessionID, a.ActionIndex); got.Status.Terminal() {
				r.Fatalf("%s %d was delivered and is %v", s.SessionID, a.ActionIndex, got.Status)
			}
		}
	}
	for _, report := range command.Reports {
		a := h.action(r, report.SessionID, report.ActionIndex)
		key := actionKey{a.JobID, a.SessionSeq, a.ActionIndex}
		if before, known := h.over[key]; known && before != a.Status {
			r.Fatalf("%v was over as %v and is %v", key, before, a.Status)
		}
		if a.Status.Terminal() {
			h.over[key] = a.Status
		} else if report.Completed != status.ActionNone {
			r.Fatalf("the report that %v is %v was acknowledged, but it is %v", key, report.Completed, a.Status)
		}
	}
}

func (h *history) job(r *rapid.T, id string) *row.Job {
	job, err := h.store.Job(h.t.Context(), id)
	if err != nil {
		r.Fatal(err)
	}
	return job
}

func (h *history) action(r *rapid.T, sessionID string, index int64) *row.SessionAction {
	session, err := h.store.SessionByID(h.t.Context(), sessionID)
	if err != nil {
		r.Fatalf("session %s: %v", sessionID, err)
	}
	a, err := h.store.Action(h.t.Context(), session.JobID, session.Seq, index)
	if err != nil {
		r.Fatalf("action %d of session %s: %v", index, sessionID, err)
	}
	return a
}

// verify compares the whole history with the store.
func (h *history) verify(r *rapid.T) {
	for _, id := range h.order {
		job, err := h.store.Job(h.t.Context(), id)
		switch {
		case errors.Is(err, store.ErrNotFound) && !h.certain[id]:
		case err != nil:
			r.Errorf("job %s: %v", id, err)
		case !h.names[id][job.Name]:
			r.Errorf("job %s is called %q, want one of %v", id, job.Name, h.names[id])
		}
	}
	for key, want := range h.over {
		a, err := h.store.Action(h.t.Context(), key.job, key.seq, key.index)
		if err != nil || a.Status != want {
			r.Errorf("action %v is %v %v, want %v", key, a, err, want)
		}
	}
}
