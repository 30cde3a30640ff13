package schedtest

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// TestNobodyStarves: while work of a higher priority never ends, every job of a balanced queue without a worker gets one: once it has
// waited for MaxWait, after eight assignments for each job that waits as well, itself included.
func TestNobodyStarves(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const maxWait = 10 * time.Minute
		x := newStarving(t, scheduler.Config{MaxWait: maxWait})
		poor := rapid.IntRange(1, 6).Draw(t, "poor jobs")
		for i := range poor {
			x.submit(fmt.Sprintf("poor%d", i), int32(rapid.IntRange(1, 50).Draw(t, "priority")), 3)
		}
		x.submit("rich", 90, 1_000_000)
		workers := rapid.IntRange(1, 4).Draw(t, "workers")
		for i := range workers {
			x.join(fmt.Sprintf("w%d", i))
		}
		waiting := map[string]int{} // job -> assignments since it waited too long
		for i := range poor {
			waiting[fmt.Sprintf("poor%d", i)] = 0
		}
		for round := 0; len(waiting) > 0; round++ {
			x.now.Wall += time.Second.Microseconds()
			x.now.Mono += time.Second
			x.do(scheduler.Tick{})
			for _, got := range x.turn(rapid.IntRange(0, workers-1).Draw(t, "worker")) {
				delete(waiting, got)
				if x.now.Mono-beginning.Mono < maxWait+time.Second {
					continue
				}
				for job := range waiting {
					waiting[job]++
					if waiting[job] > 8*poor+workers {
						t.Fatalf("%s has waited for %d assignments since it waited for %s", job, waiting[job], maxWait)
					}
				}
			}
			if round > 20_000 {
				t.Fatalf("%v never got a worker", waiting)
			}
		}
	})
}

// starving is a farm with a balanced queue whose workers finish a task with every turn.
type starving struct {
	t    *rapid.T
	core *scheduler.Core
	now  scheduler.Instant
	ids  []string
	held []*scheduler.Schedule
}

func newStarving(t *rapid.T, config scheduler.Config) *starving {
	x := &starving{t: t, core: scheduler.New(config, [32]byte{1}), now: beginning}
	order := scheduler.QueueOrder{PriorityBalanced: &scheduler.PriorityBalanced{RenderingTaskBuffer: 1}}
	if rapid.Bool().Draw(t, "weighted") {
		order = scheduler.QueueOrder{WeightedBalanced: &scheduler.WeightedBalanced{PriorityWeight: 10_000, RenderingTaskWeight: -1}}
	}
	if err := x.core.Restore(x.now, NewMemStore().Snapshot(farmID)); err != nil {
		t.Fatal(err)
	}
	x.do(putQueue(0, scheduler.QueueScheduling{Order: order}))
	x.do(putFleet(0, 4, nil))
	x.do(scheduler.PutAssociation{FarmID: farmID, QueueID: queueID(0), FleetID: fleetID(0), Status: status.AssociationActive})
	return x
}

func (x *starving) do(command scheduler.Command) scheduler.Result {
	result, _, err := x.core.Apply(x.now, command)
	if err != nil {
		x.t.Fatal(err)
	}
	return result
}

func (x *starving) submit(id string, priority int32, tasks int64) {
	x.do(scheduler.CreateJob{
		Job: row.Job{
			FarmID: farmID, QueueID: queueID(0), JobID: id, Priority: priority, MaxWorkers: -1, MaxFailedTasks: 9, Target: status.TaskReady,
		},
		Document: row.JobDocument{JobID: id}, Steps: []row.Step{{JobID: id, StepID: id + ".a", Tasks: tasks}},
		StepDocuments: []row.StepDocument{{JobID: id, StepID: id + ".a"}},
	})
}

func (x *starving) join(id string) {
	x.do(scheduler.CreateWorker{Worker: row.Worker{FarmID: farmID, FleetID: fleetID(0), WorkerID: id}})
	x.do(scheduler.UpdateWorker{FleetID: fleetID(0), WorkerID: id, Status: status.WorkerStarted})
	x.ids, x.held = append(x.ids, id), append(x.held, &scheduler.Schedule{})
}

// turn lets all workers be heard and one of them finish a task, and returns the jobs of which it then was given tasks, once for each time
// that it was given some.
func (x *starving) turn(worker int) (given []string) {
	for i, id := range x.ids {
		poll := scheduler.UpdateWorkerSchedule{FleetID: fleetID(0), WorkerID: id}
		for _, s := range x.held[i].Sessions {
			if i == worker && len(s.Actions) > 0 {
				poll.Reports = append(poll.Reports, scheduler.ActionReport{
					SessionID: s.SessionID, ActionIndex: s.Actions[0].ActionIndex, Completed: status.ActionSucceeded,
					StartedAt: x.now.Wall - 90_000_000, EndedAt: x.now.Wall, UpdatedAt: x.now.Wall,
				})
			}
		}
		before := newest(x.held[i])
		x.held[i] = x.do(poll).Schedule
		if after := newest(x.held[i]); after != before {
			for _, s := range x.held[i].Sessions {
				given = append(given, s.JobID)
			}
		}
	}
	return given
}

// newest names the latest action of an answer.
func newest(answer *scheduler.Schedule) string {
	for _, s := range answer.Sessions {
		if n := len(s.Actions); n > 0 {
			return scheduler.ActionID(s.SessionID, s.Actions[n-1].ActionIndex)
		}
	}
	return ""
}
