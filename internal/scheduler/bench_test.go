package scheduler_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/scheduler/schedtest"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// bench is a farm with workers and jobs of the given numbers of tasks.
type bench struct {
	core    *scheduler.Core
	now     scheduler.Instant
	workers []string
	store   *schedtest.MemStore // nil: changes are thrown away
}

func newBench(b testing.TB, workers int, store *schedtest.MemStore) *bench {
	b.Helper()
	x := &bench{core: scheduler.New(scheduler.Config{OnViolation: func(v scheduler.Violation) { b.Error(v) }}, [32]byte{1}), store: store}
	x.now = scheduler.Instant{Wall: 1_800_000_000_000_000, Mono: time.Hour}
	x.do(b, put(row.KindQueue, "q", farm, scheduler.QueueScheduling{}))
	x.do(b, put(row.KindFleet, "f", farm, scheduler.FleetScheduling{MaxWorkers: 100_000}))
	x.do(b, scheduler.PutAssociation{FarmID: farm, QueueID: "q", FleetID: "f", Status: status.AssociationActive})
	for i := range workers {
		id := fmt.Sprintf("worker-%032x", i)
		x.workers = append(x.workers, id)
		x.do(b, scheduler.CreateWorker{Worker: row.Worker{FarmID: farm, FleetID: "f", WorkerID: id}})
		x.do(b, scheduler.UpdateWorker{FleetID: "f", WorkerID: id, Status: status.WorkerStarted})
	}
	return x
}

func (x *bench) do(b testing.TB, command scheduler.Command) scheduler.Result {
	b.Helper()
	result, changes, err := x.core.Apply(x.now, command)
	if err != nil {
		b.Fatal(err)
	}
	if x.store != nil {
		x.store.Write(changes)
	}
	return result
}

func jobOf(n int, tasks int64) scheduler.CreateJob {
	id := fmt.Sprintf("job-%032x", n)
	step := fmt.Sprintf("step-%032x", n)
	return scheduler.CreateJob{
		Job:           row.Job{FarmID: farm, QueueID: "q", JobID: id, Priority: 50, MaxWorkers: -1, MaxRetries: 5, Target: status.TaskReady},
		Document:      row.JobDocument{JobID: id},
		Steps:         []row.Step{{JobID: id, StepID: step, Tasks: tasks}},
		StepDocuments: []row.StepDocument{{JobID: id, StepID: step}},
	}
}

// turn lets a worker finish one task, begin the next and ask for more, as a real one does.
func (x *bench) turn(b testing.TB, worker string, held map[string]scheduler.AssignedSession) {
	b.Helper()
	x.now.Wall += 1000
	x.now.Mono += time.Millisecond
	cmd := scheduler.UpdateWorkerSchedule{FleetID: "f", WorkerID: worker}
	if s := held[worker]; len(s.Actions) > 0 {
		for i, result := range [...]status.Action{status.ActionSucceeded, status.ActionNone} {
			if i < len(s.Actions) {
				cmd.Reports = append(cmd.Reports, scheduler.ActionReport{
					SessionID: s.SessionID, ActionIndex: s.Actions[i].ActionIndex, Completed: result,
					StartedAt: x.now.Wall - 900, EndedAt: x.now.Wall, UpdatedAt: x.now.Wall,
				})
			}
		}
	}
	answer := x.do(b, cmd).Schedule
	delete(held, worker)
	if len(answer.Sessions) > 0 {
		held[worker] = answer.Sessions[0]
	}
}

// BenchmarkTaskLifeCycle is a task's way through the core: assigned, running, succeeded.
func BenchmarkTaskLifeCycle(b *testing.B) {
	for _, jobs := range []int{1, 100, 10_000} {
		for _, queued := range []int64{10_000, 1_000_000, 100_000_000} {
			b.Run(fmt.Sprintf("queued=%d/jobs=%d", queued, jobs), func(b *testing.B) {
				x := newBench(b, 64, nil)
				for i := range jobs {
					x.do(b, jobOf(i, queued/int64(jobs)))
				}
				held := map[string]scheduler.AssignedSession{}
				b.ReportAllocs()
				next := jobs
				for i := 0; b.Loop(); i++ {
					if i%1000 == 0 { // keep the queue as long as it is
						x.do(b, jobOf(next, 1000))
						next++
					}
					x.turn(b, x.workers[i%64], held)
				}
			})
		}
	}
}

// BenchmarkFill gives work to 1,500 idle workers, as for 57,000 cores, from 200 jobs in a balanced queue: one poll of each.
func BenchmarkFill(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		x := newBench(b, 1500, nil)
		x.do(b, put(row.KindQueue, "q", farm, scheduler.QueueScheduling{Order: scheduler.QueueOrder{PriorityBalanced: &scheduler.PriorityBalanced{}}}))
		for i := range 200 {
			x.do(b, jobOf(i, 1000))
		}
		held := map[string]scheduler.AssignedSession{}
		b.StartTimer()
		for _, w := range x.workers {
			x.turn(b, w, held)
		}
		if len(held) != 1500 {
			b.Fatalf("%d workers have work", len(held))
		}
	}
}

// BenchmarkIdlePoll is the heartbeat of a worker for which there is nothing.
func BenchmarkIdlePoll(b *testing.B) {
	x := newBench(b, 10_000, nil)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		x.do(b, scheduler.UpdateWorkerSchedule{FleetID: "f", WorkerID: x.workers[i%10_000]})
	}
}

func BenchmarkCreateJob(b *testing.B) {
	for _, tasks := range []int64{1, 1_000_000} {
		b.Run(fmt.Sprintf("tasks=%d", tasks), func(b *testing.B) {
			x := newBench(b, 1, nil)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				x.do(b, jobOf(i, tasks))
			}
		})
	}
}

// BenchmarkCancelJob cancels a job of ten million tasks of which 64 run, and requeues it.
func BenchmarkCancelJob(b *testing.B) {
	x := newBench(b, 64, nil)
	create := jobOf(1, 10_000_000)
	x.do(b, create)
	for _, w := range x.workers {
		x.turn(b, w, map[string]scheduler.AssignedSession{})
	}
	b.ReportAllocs()
	for b.Loop() {
		x.do(b, scheduler.UpdateJob{JobID: create.Job.JobID, Target: status.TaskSuspended})
		x.do(b, scheduler.UpdateJob{JobID: create.Job.JobID, Target: status.TaskPending})
	}
}

// BenchmarkRestore takes over a farm of a million queued tasks in a thousand jobs with 1,000 busy workers.
func BenchmarkRestore(b *testing.B) {
	store := schedtest.NewMemStore()
	x := newBench(b, 1000, store)
	for i := range 1000 {
		x.do(b, jobOf(i, 1000))
	}
	held := map[string]scheduler.AssignedSession{}
	for _, w := range x.workers {
		x.turn(b, w, held)
		x.turn(b, w, held)
	}
	snapshot := store.Snapshot(farm)
	b.ReportAllocs()
	for b.Loop() {
		if err := scheduler.New(scheduler.Config{}, [32]byte{2}).Restore(x.now, snapshot); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMemory reports what 10,000 busy workers, 1,000 jobs and a million queued tasks hold.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		x := newBench(b, 10_000, nil)
		for i := range 1000 {
			x.do(b, jobOf(i, 1000))
		}
		held := map[string]scheduler.AssignedSession{}
		for range 3 {
			for _, w := range x.workers {
				x.turn(b, w, held)
			}
		}
		clear(held)
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB")
		runtime.KeepAlive(x)
	}
}

// BenchmarkRequeue requeues a finished job of 300,000 tasks, and reports how long its core loads it before.
func BenchmarkRequeue(b *testing.B) {
	x := newBench(b, 0, nil)
	create := jobOf(1, 300_000)
	snapshot := &row.JobSnapshot{Job: create.Job, Document: create.Document, Steps: create.Steps, StepDocuments: create.StepDocuments}
	var all status.Counts
	all[status.TaskSucceeded] = 300_000
	snapshot.Job.Counts, snapshot.Job.TaskStatus, snapshot.Job.Lifecycle = all, status.TaskSucceeded, status.LifecycleCreateComplete
	s := &snapshot.Steps[0]
	s.Counts, s.TaskStatus, s.Rest, s.Cursor, s.Lifecycle = all, status.TaskSucceeded, status.TaskReady, s.Tasks, status.LifecycleCreateComplete
	for i := range s.Tasks {
		snapshot.Tasks = append(snapshot.Tasks, row.Task{
			JobID: create.Job.JobID, TaskIndex: i, Status: status.TaskSucceeded, EndedAt: x.now.Wall,
			LatestAction: scheduler.ActionID(fmt.Sprintf("session-%032x", i/10), i%10),
		})
	}
	var loading time.Duration
	for b.Loop() {
		began := time.Now()
		if err := x.core.LoadJob(snapshot); err != nil {
			b.Fatal(err)
		}
		loading += time.Since(began)
		x.do(b, scheduler.UpdateJob{JobID: create.Job.JobID, Target: status.TaskPending})
		x.do(b, scheduler.UpdateJob{JobID: create.Job.JobID, Target: status.TaskSucceeded})
	}
	b.ReportMetric(float64(loading.Milliseconds())/float64(b.N), "load-ms/op")
}
