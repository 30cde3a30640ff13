package schedtest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

var targets = []status.Task{
	status.TaskReady, status.TaskPending, status.TaskSuspended, status.TaskCanceled, status.TaskFailed, status.TaskSucceeded,
}

const maxJobs = 12

// happen plays one event.
func (s *simulation) happen(kind Kind) error {
	r := s.random
	s.pass(time.Duration(r.IntN(8000)) * time.Millisecond)
	switch kind {
	case Submit:
		if len(s.jobs) >= maxJobs {
			return nil
		}
		cmd := s.newJob()
		_, done, err := s.try(cmd)
		if done {
			s.jobs = append(s.jobs, cmd.Job.JobID)
		}
		return err
	case Work:
		return s.work(s.agents[r.IntN(len(s.agents))], true)
	case Disturb:
		return s.disturb(s.agents[r.IntN(len(s.agents))])
	case Update:
		return s.update()
	case Reconfigure:
		_, _, err := s.try(s.reconfigure())
		return err
	case Restart:
		s.note("restart")
		return s.restart()
	default:
		s.pass(time.Duration(r.IntN(60)) * time.Second)
		return s.tick()
	}
}

// work lets an agent do something and ask for more.
func (s *simulation) work(a *agent, faulty bool) error {
	if a.told && (!faulty || s.random.IntN(4) > 0) { // it stops, and begins anew some time
		a.reset()
		_, _, err := s.try(scheduler.UpdateWorker{FleetID: a.fleet, WorkerID: a.id, Status: status.WorkerStopped})
		return err
	}
	if !a.online {
		_, done, err := s.try(scheduler.UpdateWorker{FleetID: a.fleet, WorkerID: a.id, Status: status.WorkerStarted})
		if err != nil || !done {
			if !done && err == nil { // perhaps it is STOPPING
				_, _, err = s.try(scheduler.UpdateWorker{FleetID: a.fleet, WorkerID: a.id, Status: status.WorkerStopped})
			}
			return err
		}
		a.reset()
		a.online = true
	}
	a.step(s.random, s.now.Wall, faulty)
	poll := scheduler.UpdateWorkerSchedule{FleetID: a.fleet, WorkerID: a.id, Reports: a.reports}
	var late []scheduler.ActionReport
	if faulty && s.random.IntN(12) == 0 { // they come with the next poll
		late, a.reports, poll.Reports = a.reports, nil, nil
	} else if faulty {
		poll.Reports = s.disorder(a)
	}
	defer func() { a.reports = append(late, a.reports...) }()
	expected := s.expected(a, poll.Reports)
	result, err := s.apply(poll)
	switch {
	case isLost(err):
		return nil
	case err != nil:
		if conflict, ok := errors.AsType[*scheduler.ConflictError](err); ok && conflict.ResourceID == a.id {
			a.reset()
			return nil
		}
		return err
	}
	if err := s.checkTaken(expected); err != nil {
		return err
	}
	if faulty && s.random.IntN(8) == 0 { // the answer is lost
		return nil
	}
	return a.learn(result.Schedule)
}

// disorder lets reports come twice, in any order, or about what the worker does not hold.
func (s *simulation) disorder(a *agent) []scheduler.ActionReport {
	r := s.random
	reports := slices.Clone(a.reports)
	switch r.IntN(12) {
	case 1:
		reports = append(reports, a.reports...)
	case 2:
		reports = append(reports, a.sent...) // of earlier polls, too
	case 3:
		reports = append(reports, s.nonsense(a))
	}
	if r.IntN(3) == 0 {
		r.Shuffle(len(reports), func(i, k int) { reports[i], reports[k] = reports[k], reports[i] })
	}
	return reports
}

// nonsense is a report on something that the worker does not hold: a session that is over, another worker's or nobody's.
func (s *simulation) nonsense(a *agent) scheduler.ActionReport {
	report := scheduler.ActionReport{SessionID: "session-unknown", ActionIndex: s.random.Int64N(8), Completed: status.ActionSucceeded}
	foreign := slices.SortedFunc(maps.Values(s.store.Sessions), func(x, y row.Session) int { return cmp.Compare(x.SessionID, y.SessionID) })
	foreign = slices.DeleteFunc(foreign, func(r row.Session) bool { return r.WorkerID == a.id && r.Lifecycle != status.SessionEnded })
	if len(foreign) > 0 {
		report.SessionID = foreign[s.random.IntN(len(foreign))].SessionID
	}
	return report
}

// expected is the results among reports that must count: of actions that the worker holds and that are not over.
func (s *simulation) expected(a *agent, reports []scheduler.ActionReport) map[ActionKey]status.Action {
	want := map[ActionKey]status.Action{}
	for _, session := range s.store.Sessions {
		if session.WorkerID != a.id || session.Lifecycle == status.SessionEnded {
			continue
		}
		for i := range reports {
			key := ActionKey{session.JobID, session.Seq, reports[i].ActionIndex}
			if held := s.store.Actions[key]; reports[i].SessionID == session.SessionID && reports[i].Completed != status.ActionNone &&
				held.SessionID == session.SessionID && !held.Status.Terminal() && held.Status != status.ActionScheduled {
				want[key] = reports[i].Completed
			}
		}
	}
	return want
}

// checkTaken makes sure that no result was lost.
func (s *simulation) checkTaken(expected map[ActionKey]status.Action) error {
	for key, want := range expected {
		got := s.store.Actions[key].Status
		if !got.Terminal() || want == status.ActionSucceeded && got != want {
			return fmt.Errorf("action %+v was reported as %s and is %s", key, want, got)
		}
	}
	return nil
}

func (s *simulation) disturb(a *agent) error {
	update := scheduler.UpdateWorker{FleetID: a.fleet, WorkerID: a.id}
	switch s.random.IntN(6) {
	case 5:
		how := []row.Drain{row.DrainNone, row.DrainEventual, row.DrainImmediate}[s.random.IntN(3)]
		_, _, err := s.try(scheduler.DrainWorker{FleetID: a.fleet, WorkerID: a.id, Drain: how, By: "wrangler"})
		return err
	case 0: // it dies and nobody hears of it
		a.reset()
		return nil
	case 1:
		update.Status = status.WorkerStopping
	case 2:
		a.reset()
		update.Status = status.WorkerStopped
	case 3: // all are silent for long
		for range 25 {
			s.pass(15 * time.Second)
			if err := s.tick(); err != nil {
				return err
			}
		}
		return nil
	default:
		a.reset()
		_, done, err := s.try(scheduler.DeleteWorker{FleetID: a.fleet, WorkerID: a.id})
		if done && err == nil {
			return s.must(scheduler.CreateWorker{Worker: row.Worker{FarmID: farmID, FleetID: a.fleet, WorkerID: a.id}})
		}
		return err
	}
	_, _, err := s.try(update)
	return err
}

// update changes a job or a part of it.
func (s *simulation) update() error {
	if len(s.jobs) == 0 {
		return nil
	}
	r := s.random
	id := s.jobs[r.IntN(len(s.jobs))]
	snapshot := s.store.JobSnapshot(id)
	if snapshot == nil || len(snapshot.Steps) == 0 {
		return nil
	}
	step := snapshot.Steps[r.IntN(len(snapshot.Steps))]
	target := targets[r.IntN(len(targets))]
	var cmd scheduler.Command
	switch r.IntN(10) {
	case 0, 1, 2:
		cmd = scheduler.UpdateJob{JobID: id, Target: target, By: "wrangler"}
	case 3, 4:
		cmd = scheduler.UpdateStep{JobID: id, StepID: step.StepID, Target: target, By: "wrangler"}
	case 5, 6:
		cmd = scheduler.UpdateTask{JobID: id, StepID: step.StepID, TaskIndex: r.Int64N(step.Tasks), Target: target, By: "wrangler"}
	case 7:
		priority, workers := int32(r.IntN(3)), int32(1+r.IntN(3))
		cmd = scheduler.UpdateJob{JobID: id, Priority: &priority, MaxWorkers: &workers}
	case 8:
		cmd = scheduler.UpdateJob{JobID: id, Archive: r.IntN(4) == 0}
	default:
		cmd = scheduler.UpdateSession{JobID: id, SessionID: anySession(snapshot), By: "wrangler"}
	}
	_, _, err := s.try(cmd)
	return err
}

func anySession(snapshot *row.JobSnapshot) string {
	if len(snapshot.Sessions) == 0 {
		return "session-unknown"
	}
	return slices.MinFunc(snapshot.Sessions, func(a, b row.Session) int { return cmp.Compare(a.Seq, b.Seq) }).SessionID
}

// reconfigure changes a queue, a fleet, a limit, an environment or an association.
func (s *simulation) reconfigure() scheduler.Command {
	r := s.random
	q, f := r.IntN(s.shape.queues), r.IntN(s.shape.fleets)
	to := []status.Association{status.AssociationActive, status.AssociationStopComplete, status.AssociationStopCancel}[r.IntN(3)]
	switch n := r.IntN(12); {
	case n > 8 && s.shape.budgets > 0:
		return s.budget()
	case n > 8:
		return putFleet(f, 4, s.scaling())
	case n == 0:
		s.orders[q] = s.order()
		return putQueue(q, scheduler.QueueScheduling{NeedsBudget: r.IntN(2) == 0, CancelTasks: r.IntN(2) == 0, Order: s.orders[q]})
	case n == 1:
		return putFleet(f, float64(1+r.IntN(4)), s.scaling())
	case n == 2:
		id := fmt.Sprintf("Queue%d", r.IntN(3))
		if old, exists := s.store.Resources[row.ResourceKey{Kind: row.KindQueueEnvironment, ID: id}]; exists {
			return scheduler.DeleteResource{FarmID: farmID, Kind: old.Kind, ID: old.ID}
		}
		return putResource(row.KindQueueEnvironment, id, queueID(q), scheduler.QueueEnvironmentScheduling{Name: id, Priority: int32(r.IntN(5))})
	case n == 3:
		return scheduler.DeleteAssociation{FarmID: farmID, QueueID: queueID(q), FleetID: fleetID(f)}
	case n < 6 || s.shape.limits == 0:
		return scheduler.PutAssociation{FarmID: farmID, QueueID: queueID(q), FleetID: fleetID(f), Status: to}
	}
	l := r.IntN(s.shape.limits)
	switch r.IntN(4) {
	case 0:
		return putLimit(l, int64(1+r.IntN(4)))
	case 1:
		return scheduler.DeleteLimitAssociation{FarmID: farmID, QueueID: queueID(q), LimitID: limitID(l)}
	default:
		return scheduler.PutLimitAssociation{FarmID: farmID, QueueID: queueID(q), LimitID: limitID(l), Status: to}
	}
}

// comeToRest stops all faults: everything that can run must run.
func (s *simulation) comeToRest() error {
	s.calm = true
	if err := s.mend(); err != nil {
		return err
	}
	for _, a := range s.agents {
		if w := s.store.Workers[a.id]; w.Drain != row.DrainNone && w.Status.Online() {
			if err := s.must(scheduler.DrainWorker{FleetID: a.fleet, WorkerID: a.id}); err != nil {
				return err
			}
		}
		if s.store.Workers[a.id].Status == status.WorkerStopping { // it finishes what it had begun to do
			a.reset()
			if err := s.must(scheduler.UpdateWorker{FleetID: a.fleet, WorkerID: a.id, Status: status.WorkerStopped}); err != nil {
				return err
			}
		}
	}
	for range 4000 {
		for _, a := range s.agents {
			s.pass(time.Second)
			if err := s.work(a, false); err != nil {
				return err
			}
		}
		if s.resting() == nil {
			return s.check()
		}
	}
	return s.resting()
}

// resting reports work that could go on. A queue of whose fleets none has a worker waits for ever.
func (s *simulation) resting() error {
	for _, id := range slices.Sorted(maps.Keys(s.store.Jobs)) {
		j := s.store.Jobs[id]
		if j.Lifecycle == status.LifecycleArchived || !s.served(j.QueueID) {
			continue
		}
		c := &j.Counts
		for st := status.TaskRunning; st <= status.TaskReady; st++ {
			if c[st] > 0 {
				return fmt.Errorf("job %s still has %d tasks %s", id, c[st], st)
			}
		}
		if c[status.TaskPending] > 0 && c[status.TaskSuspended] == 0 {
			return fmt.Errorf("job %s is PENDING but nothing is left that it could wait for", id)
		}
	}
	for _, session := range s.store.Sessions {
		if session.Lifecycle != status.SessionEnded {
			return fmt.Errorf("session %s does not end", session.SessionID)
		}
	}
	return nil
}

// served reports whether a fleet of the queue has workers.
func (s *simulation) served(queue string) bool {
	return slices.ContainsFunc(s.agents, func(a *agent) bool {
		return s.store.Associations[row.AssociationKey{FarmID: farmID, QueueID: queue, FleetID: a.fleet}].Status == status.AssociationActive
	})
}
