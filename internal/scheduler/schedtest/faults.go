package schedtest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

var targets = []status.Task{
	status.TaskReady, status.TaskPending, status.TaskSuspended, status.TaskCanceled, status.TaskFailed, status.TaskSucceeded,
}

// act does one random thing.
func (s *simulation) act() error {
	r := s.random
	s.pass(time.Duration(r.IntN(8000)) * time.Millisecond)
	switch n := r.IntN(100); {
	case n < 8 && len(s.jobs) < 12:
		cmd := s.newJob()
		_, done, err := s.try(cmd)
		if done {
			s.jobs = append(s.jobs, cmd.Job.JobID)
		}
		return err
	case n < 70:
		return s.work(s.agents[r.IntN(len(s.agents))], true)
	case n < 76:
		return s.disturbAgent(s.agents[r.IntN(len(s.agents))])
	case n < 90:
		return s.update()
	case n < 96:
		return s.reconfigure()
	case n < 97:
		s.log = append(s.log, "restart")
		return s.restart()
	default:
		s.pass(time.Duration(r.IntN(60)) * time.Second)
		_, _, err := s.try(scheduler.Tick{})
		return err
	}
}

// work lets an agent do something and ask for more.
func (s *simulation) work(a *agent, faulty bool) error {
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
	if faulty && s.random.IntN(10) == 0 {
		poll.Reports = append(slices.Clip(poll.Reports), s.nonsense(a))
	}
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
	case faulty && s.random.IntN(8) == 0:
		s.log = append(s.log, "  (the answer was lost)")
		return nil
	}
	return a.learn(result.Schedule)
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

func (s *simulation) disturbAgent(a *agent) error {
	update := scheduler.UpdateWorker{FleetID: a.fleet, WorkerID: a.id}
	switch s.random.IntN(5) {
	case 0: // it dies and nobody hears of it
		a.reset()
		return nil
	case 1:
		update.Status = status.WorkerStopping
	case 2:
		a.reset()
		update.Status = status.WorkerStopped
	case 3: // it is silent for long
		for range 80 {
			s.pass(5 * time.Second)
			if _, _, err := s.try(scheduler.Tick{}); err != nil {
				return err
			}
		}
		return nil
	default:
		a.reset()
		_, done, err := s.try(scheduler.DeleteWorker{FleetID: a.fleet, WorkerID: a.id})
		if done && err == nil {
			return s.mend()
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
		priority, workers := int32(r.IntN(3)), int32(r.IntN(3))
		cmd = scheduler.UpdateJob{JobID: id, Priority: &priority, MaxWorkers: &workers}
	case 8:
		cmd = scheduler.UpdateJob{JobID: id, Archive: r.IntN(4) == 0}
	default:
		cmd = scheduler.UpdateSession{JobID: id, SessionID: s.anySession(snapshot), By: "wrangler"}
	}
	_, _, err := s.try(cmd)
	return err
}

func (s *simulation) anySession(snapshot *row.JobSnapshot) string {
	if len(snapshot.Sessions) == 0 {
		return "session-unknown"
	}
	best := snapshot.Sessions[0]
	for _, other := range snapshot.Sessions {
		if other.Seq < best.Seq {
			best = other
		}
	}
	return best.SessionID
}

// reconfigure changes queues, fleets and associations.
func (s *simulation) reconfigure() error {
	r := s.random
	var cmd scheduler.Command
	i := r.IntN(2)
	switch r.IntN(6) {
	case 0:
		cmd = scheduler.PutResource{Resource: resource(row.KindQueue, queueID(i), farmID, scheduler.QueueScheduling{NeedsBudget: r.IntN(2) == 0, CancelTasks: r.IntN(2) == 0, Order: s.order()})}
	case 1:
		cmd = scheduler.PutResource{Resource: resource(row.KindFleet, fleetID(i), farmID, fleetOf(float64(1+r.IntN(4))))}
	case 2:
		cmd = scheduler.PutResource{Resource: resource(row.KindQueueEnvironment, fmt.Sprintf("queueenv-%d", r.IntN(3)), queueID(i),
			scheduler.QueueEnvironmentScheduling{Name: fmt.Sprintf("Queue%d", r.IntN(100)), Priority: int32(r.IntN(5))})}
	case 3:
		cmd = scheduler.DeleteAssociation{FarmID: farmID, QueueID: queueID(i), FleetID: fleetID(1)}
	default:
		to := []status.Association{status.AssociationActive, status.AssociationStopComplete, status.AssociationStopCancel}[r.IntN(3)]
		cmd = scheduler.PutAssociation{FarmID: farmID, QueueID: queueID(i), FleetID: fleetID(1), Status: to}
	}
	if put, ok := cmd.(scheduler.PutResource); ok && put.Resource.Kind == row.KindQueueEnvironment {
		if old, exists := s.store.Resources[row.ResourceKey{Kind: row.KindQueueEnvironment, ID: put.Resource.ID}]; exists {
			cmd = scheduler.DeleteResource{FarmID: farmID, Kind: old.Kind, ID: old.ID}
		}
	}
	_, _, err := s.try(cmd)
	return err
}

// comeToRest stops all faults: everything that can run must run.
func (s *simulation) comeToRest() error {
	s.log = append(s.log, "faults stop")
	for i := range 2 {
		if err := s.must(scheduler.PutResource{Resource: resource(row.KindQueue, queueID(i), farmID, scheduler.QueueScheduling{})}); err != nil {
			return err
		}
		if err := s.must(scheduler.PutResource{Resource: resource(row.KindFleet, fleetID(i), farmID, fleetOf(4))}); err != nil {
			return err
		}
	}
	if err := s.mend(); err != nil {
		return err
	}
	for _, a := range s.agents {
		if s.store.Workers[a.id].Status == status.WorkerStopping { // it finishes what it had begun to do
			a.reset()
			if err := s.must(scheduler.UpdateWorker{FleetID: a.fleet, WorkerID: a.id, Status: status.WorkerStopped}); err != nil {
				return err
			}
		}
	}
	for range 400 {
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

// resting reports work that could go on.
func (s *simulation) resting() error {
	for id, j := range s.store.Jobs {
		c := &j.Counts
		if j.Lifecycle == status.LifecycleArchived {
			continue
		}
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

func (s *simulation) recent() string {
	return strings.Join(s.log[max(0, len(s.log)-12):], "\n")
}

func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			other := "nothing"
			if i < len(b) {
				other = b[i]
			}
			return "live:     " + a[i] + "\nrestored: " + other
		}
	}
	return fmt.Sprintf("%d lines more", len(b)-len(a))
}
