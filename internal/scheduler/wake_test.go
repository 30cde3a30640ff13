package scheduler_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// TestPollInterval: few workers ask often, many as seldom as every 15 seconds, so that all of them together ask 100 times a second at most.
func TestPollInterval(t *testing.T) {
	t.Parallel()
	for workers, want := range map[int]time.Duration{1: time.Second, 100: time.Second, 700: 7 * time.Second, 2000: 15 * time.Second} {
		x := newBench(t, workers, nil)
		if got := x.do(t, scheduler.UpdateWorkerSchedule{FleetID: "f", WorkerID: x.workers[0]}).Schedule.Interval; got != want {
			t.Errorf("%d workers: %s, want %s", workers, got, want)
		}
	}
}

// TestWakes: a command says which workers should ask now: as many idle ones as there is work for, and those whose session it changed.
func TestWakes(t *testing.T) {
	t.Parallel()
	x := newBench(t, 3, nil)
	check := func(command scheduler.Command, want ...scheduler.Wake) {
		t.Helper()
		got := x.do(t, command).Wake
		if diff := cmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
			t.Errorf("%T wakes (-want +got):\n%s", command, diff)
		}
	}
	poll := func(i int) scheduler.Command {
		return scheduler.UpdateWorkerSchedule{FleetID: "f", WorkerID: x.workers[i]}
	}
	for i := range 3 {
		check(poll(i))
	}
	first, second := jobOf(1, 1), jobOf(2, 5)
	check(first, scheduler.Wake{FleetID: "f", Workers: 1})
	check(second, scheduler.Wake{FleetID: "f", Workers: 1}) // for the first job; who gets that wakes the next
	check(poll(0), scheduler.Wake{FleetID: "f", Workers: 2})
	check(poll(1), scheduler.Wake{FleetID: "f", Workers: 1})
	check(poll(2)) // nobody is idle any more
	check(scheduler.UpdateJob{JobID: first.Job.JobID, Target: status.TaskCanceled}, scheduler.Wake{FleetID: "f", WorkerID: x.workers[0]})
	check(scheduler.UpdateWorker{FleetID: "f", WorkerID: x.workers[1], Status: status.WorkerStopped},
		scheduler.Wake{FleetID: "f", WorkerID: x.workers[1]})
}

// TestLimitsWake: whatever frees some of a limit wakes those that wait for it, in other queues and fleets too.
func TestLimitsWake(t *testing.T) {
	t.Parallel()
	x := newBench(t, 1, nil)
	associate := func(queue string, to status.Association) scheduler.Command {
		return scheduler.PutLimitAssociation{FarmID: farm, QueueID: queue, LimitID: "l", Status: to}
	}
	wakes := func(what string, want bool, command scheduler.Command) scheduler.Result {
		t.Helper()
		result := x.do(t, command)
		if got := slices.Contains(result.Wake, scheduler.Wake{FleetID: "g", Workers: 1}); got != want {
			t.Errorf("%s: a worker is woken: %t, want %t", what, got, want)
		}
		return result
	}
	poll := func(fleet, worker string, reports ...scheduler.ActionReport) scheduler.Command {
		return scheduler.UpdateWorkerSchedule{FleetID: fleet, WorkerID: worker, Reports: reports}
	}
	x.do(t, put(row.KindLimit, "l", farm, scheduler.LimitScheduling{AmountName: "amount.seat", MaxCount: 1}))
	x.do(t, put(row.KindQueue, "p", farm, scheduler.QueueScheduling{}))
	x.do(t, put(row.KindFleet, "g", farm, scheduler.FleetScheduling{MaxWorkers: 1}))
	x.do(t, scheduler.PutAssociation{FarmID: farm, QueueID: "p", FleetID: "g", Status: status.AssociationActive})
	x.do(t, scheduler.CreateWorker{Worker: row.Worker{FarmID: farm, FleetID: "g", WorkerID: "other"}})
	x.do(t, scheduler.UpdateWorker{FleetID: "g", WorkerID: "other", Status: status.WorkerStarted})
	for n, queue := range []string{"q", "p"} {
		x.do(t, associate(queue, status.AssociationActive))
		job := jobOf(n+1, 1)
		job.Job.QueueID = queue
		job.StepDocuments[0].Requirements = []byte(`{"amounts":[{"name":"amount.seat"}]}`)
		x.do(t, job)
	}
	session := wakes("the limit is used up", false, poll("f", x.workers[0])).Schedule.Sessions[0].SessionID
	wakes("it is still", false, poll("g", "other"))
	wakes("the limit is raised", true, put(row.KindLimit, "l", farm, scheduler.LimitScheduling{AmountName: "amount.seat", MaxCount: 2}))
	wakes("it is lowered", false, put(row.KindLimit, "l", farm, scheduler.LimitScheduling{AmountName: "amount.seat", MaxCount: 1}))
	done := scheduler.ActionReport{SessionID: session, ActionIndex: 0, Completed: status.ActionSucceeded}
	wakes("a task gives it back", true, poll("f", x.workers[0], done))
	wakes("its association stops", false, associate("p", status.AssociationStopComplete))
	wakes("its association is ACTIVE again", true, associate("p", status.AssociationActive))
}

// TestSurplusWorkersAreWoken: a worker that is to stop hears of it at once.
func TestSurplusWorkersAreWoken(t *testing.T) {
	t.Parallel()
	x := newBench(t, 1, nil)
	x.do(t, put(row.KindFleet, "f", farm, scheduler.FleetScheduling{MaxWorkers: 1, Scaling: &scheduler.FleetScaling{IdleSeconds: 1}}))
	x.now.Mono += 2 * time.Second
	want := []scheduler.Wake{{FleetID: "f", WorkerID: x.workers[0]}}
	if diff := cmp.Diff(want, x.do(t, scheduler.Tick{}).Wake); diff != "" {
		t.Errorf("wakes (-want +got):\n%s", diff)
	}
}

// TestLostWorkersWakeOthers: the work of a worker that is lost is offered to those that wait.
func TestLostWorkersWakeOthers(t *testing.T) {
	t.Parallel()
	x := newBench(t, 2, nil)
	x.do(t, jobOf(1, 1))
	x.do(t, scheduler.UpdateWorkerSchedule{FleetID: "f", WorkerID: x.workers[0]})
	var wakes []scheduler.Wake
	for range 70 {
		x.now.Mono += 5 * time.Second
		wakes = append(wakes, x.do(t, scheduler.Tick{}).Wake...)
		x.do(t, scheduler.UpdateWorkerSchedule{FleetID: "f", WorkerID: x.workers[1]})
	}
	if !slices.Contains(wakes, scheduler.Wake{FleetID: "f", Workers: 1}) {
		t.Errorf("nobody was woken: %v", wakes)
	}
}
