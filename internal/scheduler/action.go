package scheduler

import (
	"slices"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// action is a session action that is not over.
type action struct {
	row     row.SessionAction
	session *session
	tasks   []int64 // that a taskRun runs, in ascending order
	takes   []take  // what it holds of limits
	dirty   bool
}

// started reports whether the worker said that the action runs.
func (a *action) started() bool { return a.row.StartedAt != 0 }

// leaving reports whether the action is being taken back.
func (a *action) leaving() bool {
	return a.row.Status == status.ActionCanceling || a.row.Status == status.ActionReclaiming
}

// setAction gives an action another status; one that is over leaves its session's list.
func (c *Core) setAction(a *action, to status.Action, by cause) bool {
	from := a.row.Status
	if from == to {
		return true
	}
	if !pass(c, actionMachine, func() string { return ActionID(a.row.SessionID, a.row.ActionIndex) }, from, to, by) {
		return false
	}
	a.row.Status = to
	c.dirtyAction(a)
	if to.Terminal() {
		open := a.session.open
		i := slices.Index(open, a)
		a.session.open = slices.Delete(open, i, i+1)
		if a.started() {
			c.meterEnd(a, by)
		}
		c.releaseLimits(a)
	}
	return true
}

// report takes over a worker's word on an action. What it does not hold, or what is over, changes nothing.
func (c *Core) report(w *worker, r *ActionReport) {
	s := c.sessions[r.SessionID]
	if s == nil || s.worker != w {
		return
	}
	a := s.action(r.ActionIndex)
	if a == nil || a.row.Status == status.ActionScheduled {
		return
	}
	switch {
	case r.Completed == status.ActionNone:
		c.begin(a, r)
		a.note(c, r)
	case r.Completed == status.ActionNeverAttempted && !a.started():
		a.note(c, r)
		c.skip(a, causeReport)
	case r.Completed == status.ActionNeverAttempted:
		c.complete(a, r, status.ActionInterrupted) // it had said that it runs
	default:
		c.complete(a, r, r.Completed)
	}
}

// note keeps what a report tells of an action. Telling the same again changes nothing.
func (a *action) note(c *Core, r *ActionReport) {
	before := a.row
	if r.Completed != status.ActionNeverAttempted {
		if r.StartedAt != 0 {
			a.row.StartedAt = r.StartedAt
		}
		if r.EndedAt != 0 {
			a.row.EndedAt = max(r.EndedAt, a.row.StartedAt)
		}
	}
	if r.UpdatedAt != 0 {
		a.row.WorkerUpdatedAt = r.UpdatedAt
	}
	set(&a.row.Progress, r.Progress)
	set(&a.row.ProgressMessage, r.ProgressMessage)
	if r.ExitCode != nil {
		a.row.ExitCode = r.ExitCode
	}
	if r.Manifests != nil {
		a.row.Manifests = r.Manifests
	}
	if !sameAction(&before, &a.row) {
		c.dirtyAction(a)
	}
}

func sameAction(a, b *row.SessionAction) bool {
	return a.StartedAt == b.StartedAt && a.EndedAt == b.EndedAt && a.WorkerUpdatedAt == b.WorkerUpdatedAt &&
		a.Progress == b.Progress && a.ProgressMessage == b.ProgressMessage &&
		(a.ExitCode == b.ExitCode || a.ExitCode != nil && b.ExitCode != nil && *a.ExitCode == *b.ExitCode) &&
		string(a.Manifests) == string(b.Manifests)
}

// begin makes an action run, once.
func (c *Core) begin(a *action, r *ActionReport) {
	if a.started() {
		return
	}
	switch a.row.Status {
	case status.ActionAssigned:
		c.setAction(a, status.ActionRunning, causeReport)
	case status.ActionReclaiming:
		c.setAction(a, status.ActionCanceling, causeReport)
	}
	if a.row.StartedAt = r.StartedAt; a.row.StartedAt == 0 {
		a.row.StartedAt = c.now.Wall
	}
	c.dirtyAction(a)
	c.meterBegin(a)
	switch a.row.Kind {
	case row.ActionEnvEnter:
		a.session.attempt(a.row.ActionIndex)
	case row.ActionTaskRun:
		c.beginTask(a)
	}
	if prepares(a.row.Kind) {
		c.prepareTask(a.session)
	}
	if a.leaving() { // it runs although it was taken back: what follows cannot run after its end
		c.cancelSession(a.session, true, causeStop)
	}
}

func (c *Core) beginTask(a *action) {
	s := a.session.step
	for _, i := range a.tasks {
		t := s.cells.get(i)
		if t.status != status.TaskInterrupting {
			c.move(s, i, t, status.TaskRunning, causeReport)
		}
		t.startedAt = a.row.StartedAt
		c.dirtyTask(s, i, t)
	}
	if s.row.StartedAt == 0 {
		s.row.StartedAt = c.now.Wall
		c.dirtyStep(s)
	}
	if s.job.row.StartedAt == 0 {
		s.job.row.StartedAt = c.now.Wall
		c.dirtyJob(s.job)
	}
}

// prepareTask shows that the worker prepares the first task of a session.
func (c *Core) prepareTask(s *session) {
	a := s.nextTask()
	if a == nil || a.leaving() {
		return
	}
	for _, i := range a.tasks {
		if t := s.step.cells.get(i); t.status == status.TaskAssigned || t.status == status.TaskScheduled {
			c.move(s.step, i, t, status.TaskStarting, causeReport)
		}
	}
}

// complete ends an action that was attempted.
func (c *Core) complete(a *action, r *ActionReport, final status.Action) {
	reported := a.started() || r.StartedAt != 0
	c.begin(a, r)
	if !reported { // it could not even be started, so it has no start
		a.row.StartedAt = 0
	}
	a.note(c, r)
	s := a.session
	asked := a.row.Status == status.ActionCanceling
	if !c.setAction(a, final, causeReport) {
		return
	}
	if a.row.Kind == row.ActionTaskRun {
		c.completeTasks(a, final, asked)
	}
	if final != status.ActionSucceeded && a.row.Kind != row.ActionEnvExit {
		c.bar(s, a, final == status.ActionFailed && !asked)
	}
}

// completeTasks draws the consequence of an attempted taskRun for its tasks (§6.4).
func (c *Core) completeTasks(a *action, final status.Action, asked bool) {
	if final == status.ActionSucceeded {
		a.session.learn(&a.row)
		a.session.step.learnChunk(a)
	}
	for _, i := range a.tasks {
		c.completeTask(a, i, final, asked)
	}
}

func (c *Core) completeTask(a *action, i int64, final status.Action, asked bool) {
	s := a.session.step
	t := s.cells.get(i)
	delete(s.held, i)
	switch {
	case final == status.ActionSucceeded && (t.status != status.TaskInterrupting || t.target != status.TaskFailed):
		c.move(s, i, t, status.TaskSucceeded, causeReport) // work that is done stays done, even when a cancel was on its way
	case final == status.ActionFailed && !asked:
		c.fail(s, i, t, causeReport)
	default:
		c.resolve(s, i, t, causeReport)
	}
	if t.status.Terminal() && a.row.EndedAt != 0 {
		t.endedAt = a.row.EndedAt
		c.dirtyTask(s, i, t)
	}
}

// fail charges a failure to a task: it returns while it has retries left (§4.7).
func (c *Core) fail(s *step, i int64, t *cell, by cause) {
	if t.retries >= s.job.row.MaxRetries {
		c.move(s, i, t, status.TaskFailed, by)
		return
	}
	t.retries++
	s.row.FailureRetries++
	s.job.row.FailureRetries++
	c.move(s, i, t, s.waiting(), by)
}

// resolve lets go of a task without a result: it takes the status that somebody asked for, or returns to the queue.
func (c *Core) resolve(s *step, i int64, t *cell, by cause) {
	to := s.waiting()
	if t.status == status.TaskInterrupting {
		switch t.target {
		case status.TaskCanceled, status.TaskSuspended, status.TaskFailed, status.TaskSucceeded:
			to = t.target
		}
	}
	c.move(s, i, t, to, by)
}

// skip ends an action that was never attempted.
func (c *Core) skip(a *action, by cause) {
	final := status.ActionNeverAttempted
	if a.row.Status == status.ActionReclaiming ||
		by == causeLost && a.row.Kind == row.ActionTaskRun && a.row.Status != status.ActionCanceling {
		final = status.ActionReclaimed
	}
	if !c.setAction(a, final, by) {
		return
	}
	for _, i := range a.tasks {
		s := a.session.step
		delete(s.held, i)
		c.resolve(s, i, s.cells.get(i), by)
	}
	if prepares(a.row.Kind) && !a.session.ending { // tasks cannot run in what was not prepared
		c.bar(a.session, a, false)
	}
}

// prepares reports whether actions of the kind make a session ready for its tasks.
func prepares(kind row.ActionKind) bool {
	return kind == row.ActionEnvEnter || kind == row.ActionSyncInputJobAttachments
}

// bar ends a session after an action that did not succeed: what is queued behind it cannot run any more, except
// envExits. A failure of what prepares a session is charged to the task that it was prepared for.
func (c *Core) bar(s *session, failed *action, charge bool) {
	s.ending = true
	charge = charge && prepares(failed.row.Kind)
	for _, a := range slices.Clone(s.open) {
		if a.row.Kind == row.ActionEnvExit || a.started() {
			continue
		}
		if charge && a.row.Kind == row.ActionTaskRun {
			charge = false
			if !a.leaving() && c.setAction(a, status.ActionNeverAttempted, causeFailure) {
				for _, i := range a.tasks {
					delete(s.step.held, i)
					c.fail(s.step, i, s.step.cells.get(i), causeFailure)
				}
				continue
			}
		}
		c.skip(a, causeFailure)
	}
	c.unsettleSession(s)
}

// takeBack takes an action from its worker: at once when the worker does not know of it, else it is asked to let go.
// reclaim: it was not asked to be canceled, its task only has to come back.
func (c *Core) takeBack(a *action, reclaim bool, by cause) {
	for _, i := range a.tasks {
		s := a.session.step
		if t := s.cells.get(i); t.status != status.TaskInterrupting {
			c.move(s, i, t, status.TaskInterrupting, by)
		}
	}
	reclaim = reclaim && a.row.Kind == row.ActionTaskRun
	switch a.row.Status {
	case status.ActionScheduled:
		c.skip(a, by)
	case status.ActionAssigned:
		if reclaim {
			c.setAction(a, status.ActionReclaiming, by)
		} else {
			c.setAction(a, status.ActionCanceling, by)
		}
	case status.ActionRunning:
		c.setAction(a, status.ActionCanceling, by)
	case status.ActionReclaiming:
		if !reclaim {
			c.setAction(a, status.ActionCanceling, by)
		}
	}
}
