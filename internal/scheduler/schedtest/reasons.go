package schedtest

import (
	"fmt"
	"maps"
	"slices"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// checkReasons holds a core to what it says of waiting work: a worker without a session then asks for work, and must get what was
// said to be next; where nothing was, it must get nothing, and all that is READY must have said why. The core is used up by it.
func (s *simulation) checkReasons(twin *scheduler.Core) error {
	var idle []string
	for _, id := range slices.Sorted(maps.Keys(s.store.Workers)) {
		w := s.store.Workers[id]
		if w.Drain == row.DrainNone && (w.Status == status.WorkerIdle || w.Status == status.WorkerStarted) {
			idle = append(idle, id)
		}
	}
	ready, err := s.explained(twin)
	if err != nil || len(idle) == 0 {
		return err
	}
	w := s.store.Workers[idle[s.random.IntN(len(idle))]]
	said := map[string]scheduler.Reason{} // step -> why it waits, for this fleet
	for step, reasons := range ready {
		for _, r := range reasons {
			if aboutReady(r.Code) && (r.FleetID == w.FleetID || r.FleetID == "") {
				said[step] = r
			}
		}
	}
	result, _, err := twin.Apply(s.now, scheduler.UpdateWorkerSchedule{FleetID: w.FleetID, WorkerID: w.WorkerID})
	if err != nil {
		return fmt.Errorf("an idle worker was refused: %w", err)
	}
	got := ""
	for _, session := range result.Schedule.Sessions {
		for _, a := range session.Actions {
			if a.Space != nil || a.TaskIndex >= 0 {
				got = a.StepID
			}
		}
	}
	for step, r := range said {
		switch {
		case step == got && r.Code != scheduler.WhyNext:
			return fmt.Errorf("worker %s got a task of %s, which was said to wait: %s %s", w.WorkerID, step, r.Code, r.Message)
		case step != got && r.Code == scheduler.WhyNext:
			return fmt.Errorf("worker %s got %q, but %s was said to be next", w.WorkerID, got, step)
		case got == "" && !r.Waits():
			return fmt.Errorf("worker %s got nothing, but %s was said to wait for its turn: %s %s", w.WorkerID, step, r.Code, r.Message)
		}
	}
	if _, known := said[got]; got != "" && !known {
		return fmt.Errorf("worker %s got a task of %s, which was not said to be READY for its fleet", w.WorkerID, got)
	}
	return nil
}

// aboutReady tells the reasons of READY tasks from those of others in the same step.
func aboutReady(code scheduler.Code) bool {
	switch code {
	case scheduler.WhyOver, scheduler.WhyRunning, scheduler.WhyDependency, scheduler.WhySuspended:
		return false
	default:
		return true
	}
}

// explained is why each READY step waits. Every job and step must have a reason for being where it is.
func (s *simulation) explained(core *scheduler.Core) (map[string][]scheduler.Reason, error) {
	ready := map[string][]scheduler.Reason{}
	for _, id := range slices.Sorted(maps.Keys(s.store.Jobs)) {
		if j := s.store.Jobs[id]; j.TaskStatus.Terminal() || j.Lifecycle == status.LifecycleArchived {
			continue
		}
		result, changes, err := core.Apply(s.now, scheduler.Why{JobID: id, TaskIndex: -1})
		if err != nil {
			return nil, fmt.Errorf("job %s cannot be explained: %w", id, err)
		}
		if n := len(changes.Jobs) + len(changes.Steps) + len(changes.Tasks); n > 0 {
			return nil, fmt.Errorf("to explain job %s changed %d rows", id, n)
		}
		e := result.Explanation
		if len(e.Reasons) == 0 || e.Status != s.store.Jobs[id].TaskStatus {
			return nil, fmt.Errorf("job %s is explained as %s with %d reasons", id, e.Status, len(e.Reasons))
		}
		for _, step := range e.Steps {
			if err := checkReason(&step); err != nil {
				return nil, err
			}
			if step.Counts[status.TaskReady] > 0 {
				ready[step.StepID] = step.Reasons
			}
		}
	}
	return ready, nil
}

// checkReason makes sure that what tasks of a step wait for is among its reasons, and that nothing else is.
func checkReason(step *scheduler.StepExplanation) error {
	has := func(code scheduler.Code) bool {
		return slices.ContainsFunc(step.Reasons, func(r scheduler.Reason) bool { return r.Code == code })
	}
	active := false
	for at := status.TaskRunning; at <= status.TaskAssigned; at++ {
		active = active || step.Counts[at] > 0
	}
	for _, want := range []struct {
		code scheduler.Code
		is   bool
	}{
		{scheduler.WhyRunning, active},
		{scheduler.WhyDependency, step.Counts[status.TaskPending] > 0},
		{scheduler.WhySuspended, step.Counts[status.TaskSuspended] > 0},
	} {
		if has(want.code) != want.is {
			return fmt.Errorf("step %s with %v has the reason %s: %t", step.StepID, step.Counts, want.code, has(want.code))
		}
	}
	if len(step.Reasons) == 0 {
		return fmt.Errorf("step %s has no reason for being %s", step.StepID, step.Status)
	}
	return nil
}
