package scheduler

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

func (c *Core) updateWorkerSchedule(cmd UpdateWorkerSchedule) error {
	w, err := c.worker(cmd.FleetID, cmd.WorkerID)
	if err != nil {
		return err
	}
	if !w.row.Status.Online() {
		return workerConflict(w, "the worker is offline; it must be STARTED first")
	}
	c.hear(w)
	reports := cmd.Reports
	byPlace := func(a, b ActionReport) int {
		return cmp.Or(cmp.Compare(a.SessionID, b.SessionID), cmp.Compare(a.ActionIndex, b.ActionIndex))
	}
	if !slices.IsSortedFunc(reports, byPlace) {
		reports = slices.Clone(reports)
		slices.SortStableFunc(reports, byPlace)
	}
	for i := range reports {
		c.report(w, &reports[i])
	}
	c.meterRunning(w)
	c.settle() // what the reports free may be assigned at once
	c.assign(w)
	c.settleWorker(w)
	return nil
}

// assign gives a worker what it is to do next: more of its session, or a new one.
func (c *Core) assign(w *worker) {
	if s := w.session; s != nil && !s.ending {
		if c.mayGoOn(s) {
			c.extend(s)
		}
		if len(s.open) == 0 {
			s.ending = true
			c.unsettleSession(s)
		}
		c.settle()
	}
	if w.session != nil || !w.takesWork() {
		return
	}
	if l, st := c.pick(w.fleet, true); st != nil {
		c.extend(c.openSession(w, l, st))
		c.settle()
	}
}

// mayGoOn reports whether a session may be given more tasks.
func (c *Core) mayGoOn(s *session) bool {
	j := s.job
	return s.step.ready() && s.link.serves() && s.link.runs(s.step.class) &&
		s.worker.takesWork() &&
		(j.row.MaxWorkers <= 0 || j.sessions <= int(j.row.MaxWorkers)) &&
		!c.consider(s)
}

// extend queues tasks in a session, as many as it should have ahead (§10.4).
func (c *Core) extend(s *session) {
	takes := c.demandOf(s.link, s.step.class)
	had := s.openTasks()
	want := c.depth(s)
	if takes.bounded() { // what waits behind another task would keep a limit from those that could run
		want = 1
	}
	for n := had; n < want && takes.room(); n++ {
		to := status.TaskAssigned
		if n > 0 {
			to = status.TaskScheduled
		}
		tasks := c.hand(s, to)
		if len(tasks) == 0 {
			return
		}
		a := c.append(s, s.taskRun(tasks))
		c.hold(a, tasks)
		c.acquireLimits(a)
		if n == had {
			s.link.given = min(s.link.given+1, turnOf)
		}
	}
}

// hold ties tasks to the action that runs them.
func (c *Core) hold(a *action, tasks []int64) {
	a.tasks = tasks
	st := a.session.step
	id := ActionID(a.row.SessionID, a.row.ActionIndex)
	for _, i := range tasks {
		t := st.cells.get(i)
		t.startedAt = 0
		if err := t.setLatestAction(id); err != nil {
			c.violated(Violation{What: "session action", ID: a.row.SessionID, Why: err.Error()})
		}
		st.held[i] = a
	}
}

// depth is how many taskRuns a session should have: one at first and when tasks are long; else doubling with every task
// that succeeded in it, up to PipelineTarget of work by their mean duration. Near the end of a step it takes no more than its share.
func (c *Core) depth(s *session) int {
	if s.succeeded == 0 {
		return 1
	}
	target := c.cfg.PipelineTarget.Microseconds()
	mean := s.busy / int64(s.succeeded)
	if mean >= target {
		return 1
	}
	want := int64(c.cfg.MaxPipeline)
	if mean > 0 {
		want = min(want, max(2, target/mean))
	}
	if s.succeeded < 16 {
		want = min(want, 1<<s.succeeded)
	}
	left := s.step.row.Counts[status.TaskReady]/s.step.chunkSize() + int64(s.openTasks())
	share := left / int64(max(1, s.job.sessions+s.worker.fleet.free))
	return int(min(want, max(2, share)))
}

// schedule is the answer to a worker: all that it holds, delivered now.
func (c *Core) schedule(w *worker) *Schedule {
	out := &Schedule{Cancel: map[string][]int64{}, Interval: c.interval(), Stop: w.toStop()}
	s := w.session
	if s == nil {
		return out
	}
	assigned := AssignedSession{SessionID: s.row.SessionID, QueueID: s.row.QueueID, JobID: s.row.JobID}
	for _, a := range s.open {
		if a.row.Status == status.ActionScheduled {
			c.setAction(a, status.ActionAssigned, causeDeliver)
		}
		if a.leaving() {
			out.Cancel[s.row.SessionID] = append(out.Cancel[s.row.SessionID], a.row.ActionIndex)
		}
		assigned.Actions = append(assigned.Actions, s.assigned(a))
	}
	out.Sessions = append(out.Sessions, assigned)
	return out
}

func (s *session) assigned(a *action) AssignedAction {
	out := AssignedAction{
		ActionIndex: a.row.ActionIndex, Kind: a.row.Kind, EnvironmentID: a.row.EnvironmentID, TaskIndex: a.row.TaskIndex,
	}
	if a.row.StepIndex >= 0 {
		out.StepID = s.step.id
	}
	if a.row.Kind == row.ActionTaskRun {
		out.Space = s.step.space
		if a.row.Chunk != "" {
			out.Chunk = a.tasks
		}
	}
	return out
}

// interval is when a worker should ask again: all online workers share the polls that a farm takes.
func (c *Core) interval() time.Duration {
	share := time.Duration(c.heard.len()) * time.Second / time.Duration(c.cfg.PollRate)
	return min(c.cfg.UpdateInterval, max(share, time.Second))
}

// tick notices workers that are lost, and answers when to look again.
func (c *Core) tick() time.Duration {
	for w := c.heard.first(); w != nil && c.lived-w.heard >= c.cfg.HeartbeatTimeout; w = c.heard.first() {
		c.loseWorker(w)
	}
	c.reviewAllBudgets()
	c.settle() // what lost workers had is work again
	for _, id := range slices.Sorted(maps.Keys(c.fleets)) {
		c.shrink(c.fleets[id])
	}
	next := c.cfg.TickInterval
	if w := c.heard.first(); w != nil {
		next = min(next, w.heard+c.cfg.HeartbeatTimeout-c.lived)
	}
	return c.now.Mono + next
}
