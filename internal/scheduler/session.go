package scheduler

import (
	"encoding/hex"
	"slices"
	"time"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// session is a session that is not over: one step of one job on one worker.
type session struct {
	row    row.Session
	job    *job
	step   *step
	worker *worker
	link   *link         // nil when the association was deleted since
	way    *link         // for whose work it ends after its assigned actions, see [Core.makesWay]
	since  time.Duration // when it began, in the time that the core has lived

	open    []*action // not over, in order
	entries []entry   // one for each envEnter, in order
	exits   bool      // envExits were made
	ending  bool      // nothing but envExits may follow

	succeeded int   // tasks
	busy      int64 // microseconds that those took

	meter meter

	dirty     bool
	unsettled bool
}

// entry is an environment that a session enters.
type entry struct {
	environment string
	action      int64 // index of its envEnter
	attempted   bool  // it must be exited, even when entering it failed
}

func (s *session) action(index int64) *action {
	for _, a := range s.open {
		if a.row.ActionIndex == index {
			return a
		}
	}
	return nil
}

// nextTask is the first open taskRun.
func (s *session) nextTask() *action {
	for _, a := range s.open {
		if a.row.Kind == row.ActionTaskRun {
			return a
		}
	}
	return nil
}

func (s *session) openTasks() int {
	n := 0
	for _, a := range s.open {
		if a.row.Kind == row.ActionTaskRun {
			n++
		}
	}
	return n
}

// attempt notes that an envEnter was attempted.
func (s *session) attempt(action int64) {
	for i := range s.entries {
		if s.entries[i].action == action {
			s.entries[i].attempted = true
		}
	}
}

// learn takes the duration of a task into the mean by which tasks are pipelined.
func (s *session) learn(a *row.SessionAction) {
	s.succeeded++
	if a.StartedAt != 0 {
		s.busy += max(0, a.EndedAt-a.StartedAt)
	}
}

// openSession starts a session for a step on a worker: everything that prepares it (§6.5); tasks are added by extend.
func (c *Core) openSession(w *worker, l *link, st *step) *session {
	j := st.job
	s := &session{job: j, step: st, worker: w, link: l}
	s.row = row.Session{
		FarmID: c.farmID, QueueID: j.queue.id, JobID: j.row.JobID, Seq: j.row.Sessions, SessionID: c.newSessionID(),
		FleetID: w.fleet.id, WorkerID: w.row.WorkerID, StepIndex: st.row.StepIndex,
		Lifecycle: status.SessionStarted, StartedAt: c.now.Wall, HostProperties: w.row.HostProperties,
	}
	j.row.Sessions++
	c.attach(s)
	s.since = c.lived
	c.serving++
	l.served = c.serving
	c.dirtySession(s)
	if j.attachments {
		c.append(s, row.SessionAction{Kind: row.ActionSyncInputJobAttachments, StepIndex: -1, TaskIndex: -1})
	}
	for _, e := range j.queue.environments {
		c.enter(s, jobEnvironmentID(j.row.JobID, e.name))
	}
	for _, id := range j.environments {
		c.enter(s, id)
	}
	if j.attachments && len(st.dependencies) > 0 {
		c.append(s, row.SessionAction{Kind: row.ActionSyncInputJobAttachments, StepIndex: st.row.StepIndex, TaskIndex: -1})
	}
	for _, id := range st.environments {
		c.enter(s, id)
	}
	return s
}

func (c *Core) newSessionID() string {
	var id [16]byte
	_, _ = c.random.Read(id[:]) // a ChaCha8 never fails
	return sessionPrefix + hex.EncodeToString(id[:])
}

// attach counts a session where sessions are counted.
func (c *Core) attach(s *session) {
	c.sessions[s.row.SessionID] = s
	s.worker.session = s
	s.job.sessions++
	if s.link != nil {
		s.link.sessions++
	}
	c.dirtyJob(s.job)
}

func (c *Core) enter(s *session, environment string) {
	s.entries = append(s.entries, entry{environment: environment, action: s.row.Actions})
	c.append(s, row.SessionAction{Kind: row.ActionEnvEnter, EnvironmentID: environment, StepIndex: -1, TaskIndex: -1})
}

// append puts an action into a session; its Kind and what the kind needs are given.
func (c *Core) append(s *session, r row.SessionAction) *action {
	r.JobID, r.SessionSeq, r.SessionID = s.row.JobID, s.row.Seq, s.row.SessionID
	r.ActionIndex, r.Progress = s.row.Actions, -1
	s.row.Actions++
	a := &action{row: r, session: s}
	s.open = append(s.open, a)
	c.setAction(a, status.ActionScheduled, causeAssign)
	c.dirtySession(s)
	return a
}

// settleSession lets a session that is to end do so as far as its worker's reports allow.
func (c *Core) settleSession(s *session) {
	if c.sessions[s.row.SessionID] != s {
		return
	}
	if !s.ending && s.emptied() { // nothing is left to prepare for
		c.cancelSession(s, true, causeStop)
	}
	if s.row.Lifecycle == status.SessionUpdateInProgress && !slices.ContainsFunc(s.open, (*action).leaving) {
		c.setSession(s, status.SessionUpdateSucceeded, causeDerived)
	}
	if !s.ending {
		return
	}
	if !s.exits && s.knowsEntered() {
		s.exits = true
		for _, e := range slices.Backward(s.entries) {
			if e.attempted {
				c.append(s, row.SessionAction{Kind: row.ActionEnvExit, EnvironmentID: e.environment, StepIndex: -1, TaskIndex: -1})
			}
		}
	}
	if s.exits && len(s.open) == 0 {
		c.endSession(s, causeDerived)
	}
}

// emptied reports whether actions are being taken back and no task is left to run.
func (s *session) emptied() bool {
	leaving := false
	for _, a := range s.open {
		if a.leaving() {
			leaving = true
		} else if a.row.Kind == row.ActionTaskRun {
			return false
		}
	}
	return leaving
}

// knowsEntered reports whether it is certain which environments have to be exited.
func (s *session) knowsEntered() bool {
	return !slices.ContainsFunc(s.open, func(a *action) bool { return a.row.Kind == row.ActionEnvEnter && !a.started() })
}

func (c *Core) setSession(s *session, to status.Session, by cause) bool {
	if !pass(c, sessionMachine, func() string { return s.row.SessionID }, s.row.Lifecycle, to, by) {
		return false
	}
	s.row.Lifecycle = to
	c.dirtySession(s)
	return true
}

// cancelSession takes back everything but envExits, and ends the session once the worker has let go.
func (c *Core) cancelSession(s *session, reclaim bool, by cause) {
	s.ending = true
	for _, a := range slices.Clone(s.open) {
		if a.row.Kind != row.ActionEnvExit {
			c.takeBack(a, reclaim, by)
		}
	}
	c.unsettleSession(s)
}

// abandonSession ends a session whose worker does not run it any more.
func (c *Core) abandonSession(s *session, by cause) {
	s.ending, s.exits = true, true
	for _, a := range slices.Clone(s.open) {
		if !a.started() {
			c.skip(a, by)
			continue
		}
		a.row.EndedAt = max(c.now.Wall, a.row.StartedAt)
		if c.setAction(a, status.ActionInterrupted, by) {
			for _, i := range a.tasks {
				delete(s.step.held, i)
				c.resolve(s.step, i, s.step.cells.get(i), by)
			}
		}
	}
	c.endSession(s, by)
}

func (c *Core) endSession(s *session, by cause) {
	if !c.setSession(s, status.SessionEnded, by) {
		return
	}
	s.row.EndedAt = c.now.Wall
	c.closeMeter(s)
	s.stay()
	delete(c.sessions, s.row.SessionID)
	s.worker.session, s.worker.worked = nil, c.lived
	s.job.sessions--
	if s.link != nil {
		s.link.sessions--
		c.settleLink(s.link)
	}
	c.dirtyJob(s.job)
}

func (c *Core) updateSession(cmd UpdateSession) error {
	s := c.sessions[cmd.SessionID]
	if s == nil || s.row.JobID != cmd.JobID {
		return &NotFoundError{ResourceType: "session", ResourceID: cmd.SessionID}
	}
	s.row.UpdatedAt, s.row.UpdatedBy = c.now.Wall, cmd.By
	c.dirtySession(s)
	if s.row.Target == status.SessionEnded {
		return nil
	}
	s.row.Target = status.SessionEnded
	c.setSession(s, status.SessionUpdateInProgress, causeTarget)
	c.cancelSession(s, false, causeTarget)
	return nil
}
