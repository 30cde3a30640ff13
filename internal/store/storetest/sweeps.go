package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/search"
)

// sweptJob is a job of two steps, with what reads must say of its tasks: as if every sweep were done to all of them at once.
type sweptJob struct {
	id     string
	sweeps [2]int64 // how many there were of each step
	tasks  [2]map[int64]row.Task
}

// newSweptJob writes a job.
func newSweptJob(t testingT, s store.Store, id string) *sweptJob {
	c := &row.Changes{Jobs: []row.Job{{FarmID: "farm", QueueID: "queue", JobID: id}}, JobDocuments: []row.JobDocument{{JobID: id}}}
	for i := range int32(2) {
		step := fmt.Sprintf("step-%s-%d", id, i)
		c.Steps = append(c.Steps, row.Step{JobID: id, StepIndex: i, StepID: step})
		c.StepDocuments = append(c.StepDocuments, row.StepDocument{JobID: id, StepIndex: i, StepID: step})
	}
	commit(t, s, c)
	return &sweptJob{id: id, tasks: [2]map[int64]row.Task{{}, {}}}
}

// written notes tasks that are written now.
func (j *sweptJob) written(tasks ...row.Task) []row.Task {
	for i := range tasks {
		t := &tasks[i]
		t.JobID, t.Sweep = j.id, j.sweeps[t.StepIndex]
		j.tasks[t.StepIndex][t.TaskIndex] = *t
	}
	return tasks
}

// swept notes a sweep that is written now.
func (j *sweptJob) swept(s row.Sweep) row.Sweep {
	j.sweeps[s.StepIndex]++
	s.JobID, s.Seq = j.id, j.sweeps[s.StepIndex]
	for i, t := range j.tasks[s.StepIndex] {
		if s.Apply(&t) {
			j.tasks[s.StepIndex][i] = t
		}
	}
	return s
}

// want is the tasks of a step, in order.
func (j *sweptJob) want(step int) []row.Task {
	var all []row.Task
	for _, i := range slices.Sorted(maps.Keys(j.tasks[step])) {
		all = append(all, j.tasks[step][i])
	}
	return all
}

// listed compares what reads give that do not look for tasks by what they are.
func (j *sweptJob) listed(ctx context.Context, t testingT, s store.Store) {
	t.Helper()
	for step := range j.tasks {
		got, err := s.Tasks(ctx, j.id, int32(step), 0, math.MaxInt64)
		same(t, "Tasks", j.want(step), must(t, got, err))
	}
	got, err := s.JobSnapshot(ctx, j.id)
	same(t, "JobSnapshot", slices.Concat(j.want(0), j.want(1)), must(t, got, err).Tasks)
}

// found compares what searches find, which do all sweeps of the job first.
func (j *sweptJob) found(ctx context.Context, t testingT, s store.Store, one status.Task) {
	t.Helper()
	for step := range j.tasks {
		search := &store.TaskSearch{JobID: j.id, StepIndex: int32(step), Statuses: []status.Task{one}}
		want := slices.DeleteFunc(j.want(step), func(t row.Task) bool { return t.Status != one })
		if one != status.TaskFailed { // Statuses are a hint, for those that few tasks have
			want = j.want(step)
		}
		n, err := s.CountTasks(ctx, search, 1000)
		same(t, "CountTasks", int64(len(want)), must(t, n, err))
		got, err := s.FindTasks(ctx, search, 1000)
		same(t, "FindTasks", want, must(t, got, err))
	}
}

// foundOf compares what searches find in several steps at once, which do all sweeps of their jobs first.
func (j *sweptJob) foundOf(ctx context.Context, t testingT, s store.Store, one status.Task) {
	t.Helper()
	var ids []string
	want := map[string][]row.Task{}
	var touched, met int64
	for step := range j.tasks {
		id := fmt.Sprintf("step-%s-%d", j.id, step)
		ids = append(ids, id)
		if tasks := j.want(step); len(tasks) > 0 {
			want[id] = tasks
		}
		for _, t := range j.tasks[step] {
			touched++
			if t.Status == one {
				met++
			}
		}
	}
	where := &store.TaskCondition{Row: &search.Condition{
		Group: search.Comparison, Column: search.Status, Operator: search.Equal, Values: []any{one.String()},
	}}
	gotTouched, gotMet, err := s.CountTasksOf(ctx, ids, where)
	same(t, "CountTasksOf", [2]int64{touched, met}, must(t, [2]int64{gotTouched, gotMet}, err))
	got, err := s.TasksOf(ctx, ids)
	same(t, "TasksOf", want, must(t, got, err))
}

// sweep draws a sweep of a step.
func (r *Random) sweep(step int32) row.Sweep {
	return row.Sweep{
		StepIndex: step, From: rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) status.Task {
			return status.Task(rapid.IntRange(1, status.NumTask-1).Draw(t, "from"))
		}), 1, 6, rapid.ID).Draw(r.T, "statuses"),
		To: r.task(), Target: r.task(), By: r.text(), At: r.integer(), MaxRetries: rapid.Int32Range(0, 2).Draw(r.T, "retries"),
	}
}

// testSweeps: however much of the sweeps is done, whatever is written meanwhile, reads say what they would if all were done at once.
func testSweeps(t *testing.T, s store.Store) {
	t.Helper()
	ctx := t.Context()
	check(t, func(r *Random) {
		j := newSweptJob(r, s, r.ID("job"))
		step := func() int32 { return rapid.Int32Range(0, 1).Draw(r.T, "step") }
		tasks := func() (some []row.Task) {
			of := step()
			for _, i := range rapid.SliceOfNDistinct(rapid.Int64Range(0, 9), 0, 4, rapid.ID).Draw(r.T, "tasks") {
				some = append(some, r.Task("", of, i))
			}
			return some
		}
		for range rapid.IntRange(1, 20).Draw(r.T, "writes") {
			c := &row.Changes{}
			switch rapid.IntRange(0, 4).Draw(r.T, "what") {
			case 0:
				c.Tasks = j.written(tasks()...)
			case 1: // written before the sweep, in the same transaction
				c.Tasks = slices.Clone(j.written(tasks()...))
				c.Sweeps = []row.Sweep{j.swept(r.sweep(step()))}
			case 2: // and after it
				c.Sweeps = []row.Sweep{j.swept(r.sweep(step())), j.swept(r.sweep(step()))}
				c.Tasks = j.written(tasks()...)
			default:
				_, err := s.SweepTasks(ctx, rapid.IntRange(1, 4).Draw(r.T, "limit"))
				must(r, 0, err)
			}
			commit(r, s, c)
			j.listed(ctx, r, s)
			one := rapid.SampledFrom([]status.Task{status.TaskFailed, status.TaskReady}).Draw(r.T, "status")
			switch rapid.IntRange(0, 9).Draw(r.T, "search") {
			case 0:
				j.found(ctx, r, s, one)
			case 1:
				j.foundOf(ctx, r, s, one)
			}
		}
		for left := true; left; {
			var err error
			left, err = s.SweepTasks(ctx, 3)
			must(r, 0, err)
		}
		j.listed(ctx, r, s)
		j.found(ctx, r, s, status.TaskFailed)
	})
}

// RunSweepFaults is the crash matrix of sweeps: each write that does them fails, in each way. Whatever the way, reads say what the sweeps
// are to come to, those of a server that starts anew too, and the next tries end them.
func RunSweepFaults(t *testing.T, engine store.Engine, lose func()) {
	t.Helper()
	faulty := &FaultyEngine{Engine: engine}
	s := store.New(faulty)
	faulty.eachFault(lose, func(round int, arm func()) (fired bool) {
		j := newSweptJob(t, s, fmt.Sprint("job-", round))
		c := &row.Changes{}
		for i := range int64(7) {
			c.Tasks = append(c.Tasks, row.Task{TaskIndex: i, Status: status.TaskSucceeded, EndedAt: 5})
		}
		c.Tasks = slices.Clone(j.written(c.Tasks...))
		c.Sweeps = []row.Sweep{
			j.swept(row.Sweep{From: []status.Task{status.TaskSucceeded}, To: status.TaskReady, Target: status.TaskPending, By: "somebody", At: 6}),
			j.swept(row.Sweep{From: []status.Task{status.TaskReady}, To: status.TaskCanceled, Target: status.TaskCanceled, By: "somebody", At: 7}),
		}
		insist(t, s, c)
		arm()
		for range 100 { // each error is one of a caller that tries again later
			left, err := s.SweepTasks(t.Context(), 3)
			if err == nil && !left {
				break
			}
			j.listed(t.Context(), t, s)
			j.listed(t.Context(), t, store.New(engine))
		}
		fired = faulty.Fired()
		left, err := store.New(engine).SweepTasks(t.Context(), 3)
		if errors.Is(err, store.ErrIO) { // the last that failed was a connection, which is found out now
			left, err = store.New(engine).SweepTasks(t.Context(), 3)
		}
		if err != nil || left {
			t.Fatalf("round %d: something is left: %t, %v", round, left, err)
		}
		j.listed(t.Context(), t, s)
		return fired
	})
}
