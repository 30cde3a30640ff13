package scheduler

import (
	"fmt"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// Restore takes over a farm from its rows. The core must be new. Every online worker counts as heard now. What the end of a budget's
// schedule changed meanwhile is written with the first command that is not refused.
func (c *Core) Restore(now Instant, snapshot *row.Snapshot) error {
	c.now = now
	c.farmID, c.lastNumber = snapshot.FarmID, snapshot.LastNumber
	// Queues first: their environments and budgets name them.
	for _, kind := range [...]row.Kind{row.KindFarm, row.KindQueue, row.KindFleet, row.KindQueueEnvironment, row.KindLimit, row.KindBudget} {
		for i := range snapshot.Resources {
			if r := &snapshot.Resources[i]; r.Kind == kind {
				if err := c.learnResource(r); err != nil {
					return fmt.Errorf("restore %s %s: %w", r.Kind, r.ID, err)
				}
			}
		}
	}
	for _, r := range snapshot.Associations {
		q, f := c.queues[r.QueueID], c.fleets[r.FleetID]
		if q == nil || f == nil {
			return fmt.Errorf("restore association of %s and %s: one of them is missing", r.QueueID, r.FleetID)
		}
		c.addLink(r, q, f)
	}
	for _, r := range snapshot.LimitAssociations {
		q, l := c.queues[r.QueueID], c.limits[r.LimitID]
		if q == nil || l == nil {
			return fmt.Errorf("restore association of %s and %s: one of them is missing", r.QueueID, r.LimitID)
		}
		c.addLimitLink(r, q, l)
	}
	c.restoreSpendings(snapshot.Spendings)
	for _, r := range snapshot.Workers {
		f := c.fleets[r.FleetID]
		if f == nil {
			return fmt.Errorf("restore worker %s: its fleet %s is missing", r.WorkerID, r.FleetID)
		}
		w := c.addWorker(r, f)
		c.refree(w)
		if r.Status.Online() {
			c.hear(w)
		}
	}
	for i := range snapshot.Jobs {
		if err := c.loadJob(&snapshot.Jobs[i]); err != nil {
			return fmt.Errorf("restore job %s: %w", snapshot.Jobs[i].Job.JobID, err)
		}
	}
	c.evict()
	c.reviewAllBudgets()
	return nil
}

// restoreSpendings takes over what budgets and queues spent, in place of what learning them made of it.
func (c *Core) restoreSpendings(rows []row.Spending) {
	for id, b := range c.budgets {
		b.spent = c.newSpending(id)
	}
	for _, r := range rows {
		if b := c.budgets[r.ID]; b != nil {
			b.spent.row = r
		}
		if q := c.queues[r.ID]; q != nil {
			q.spent.row = r
		}
	}
}

// LoadJob takes a job that [Core.Missing] asked for into memory, for the next command.
func (c *Core) LoadJob(snapshot *row.JobSnapshot) error {
	if c.jobs[snapshot.Job.JobID] != nil {
		return nil
	}
	if err := c.loadJob(snapshot); err != nil {
		return fmt.Errorf("load job %s: %w", snapshot.Job.JobID, err)
	}
	return nil
}

func (c *Core) loadJob(snapshot *row.JobSnapshot) error {
	j, err := c.newJob(snapshot.Job, &snapshot.Document, snapshot.Steps, snapshot.StepDocuments)
	if err != nil {
		return err
	}
	for i := range snapshot.Tasks {
		r := &snapshot.Tasks[i]
		if r.StepIndex < 0 || int(r.StepIndex) >= len(j.steps) {
			return fmt.Errorf("task of step %d, which is missing", r.StepIndex)
		}
		if err := c.loadTask(j.steps[r.StepIndex], r); err != nil {
			return err
		}
	}
	c.register(j)
	for _, s := range j.steps {
		s.resolved = s.row.Counts.Derive() == status.TaskSucceeded
		for _, d := range s.dependencies {
			s.unresolved += count(d.row.Counts.Derive() != status.TaskSucceeded)
		}
		c.offer(s)
	}
	if err := c.loadSessions(j, snapshot); err != nil {
		c.forget(j)
		return err
	}
	c.place(j)
	c.dirty.loaded = append(c.dirty.loaded, j)
	return nil
}

func (c *Core) loadTask(s *step, r *row.Task) error {
	t := s.cells.add(r.TaskIndex)
	t.status, t.target, t.retries = r.Status, r.Target, r.FailureRetries
	t.startedAt, t.endedAt = r.StartedAt, r.EndedAt
	t.updatedAt, t.updatedBy = r.UpdatedAt, c.names.number(r.UpdatedBy)
	if t.status == status.TaskReady {
		s.handOutAgain(r.TaskIndex, t)
	}
	return t.setLatestAction(r.LatestAction)
}

func (c *Core) loadSessions(j *job, snapshot *row.JobSnapshot) error {
	bySeq := map[int64]*session{}
	for _, r := range snapshot.Sessions {
		if r.Lifecycle == status.SessionEnded {
			continue
		}
		w := c.workers[r.WorkerID]
		if w == nil || w.session != nil || int(r.StepIndex) >= len(j.steps) {
			return fmt.Errorf("session %s has no worker or step of its own", r.SessionID)
		}
		s := &session{row: r, job: j, step: j.steps[r.StepIndex], worker: w, link: w.fleet.link(j.queue), since: c.lived}
		s.ending = r.Target == status.SessionEnded
		bySeq[r.Seq] = s
		c.loadSession(s)
	}
	for i := range snapshot.Actions {
		if s := bySeq[snapshot.Actions[i].SessionSeq]; s != nil {
			if err := s.load(&snapshot.Actions[i]); err != nil {
				return err
			}
		}
	}
	for _, s := range bySeq {
		for _, a := range s.open {
			if err := c.restoreLimits(a); err != nil {
				return err
			}
		}
		if err := unmarshal(s.row.Usage, &s.meter); err != nil {
			return fmt.Errorf("usage of session %s: %w", s.row.SessionID, err)
		}
		s.meter.until = c.lived
		s.ending = s.ending || s.emptied()
	}
	return nil
}

// loadSession counts a restored session; nothing of it has changed.
func (c *Core) loadSession(s *session) {
	c.sessions[s.row.SessionID] = s
	s.worker.session = s
	s.job.sessions++
	if s.link != nil {
		s.link.sessions++
	}
}

// load takes one action of a restored session, in order, and draws from it what the session knew.
func (s *session) load(r *row.SessionAction) error {
	tasks, err := tasksOf(r)
	if err != nil {
		return fmt.Errorf("session %s: %w", r.SessionID, err)
	}
	attempted := r.StartedAt != 0
	switch r.Status {
	case status.ActionSucceeded:
		attempted = true
		if r.Kind == row.ActionTaskRun {
			s.learn(r)
			s.step.learnChunk(&action{row: *r, session: s, tasks: tasks})
		}
	case status.ActionFailed, status.ActionCanceled, status.ActionInterrupted:
		attempted = true
		s.ending = s.ending || r.Kind != row.ActionEnvExit
	case status.ActionNeverAttempted:
		s.ending = s.ending || prepares(r.Kind)
	case status.ActionCanceling:
		s.ending = s.ending || r.Kind != row.ActionEnvExit && attempted
	}
	switch r.Kind {
	case row.ActionEnvEnter:
		s.entries = append(s.entries, entry{environment: r.EnvironmentID, action: r.ActionIndex, attempted: attempted})
	case row.ActionEnvExit:
		s.exits, s.ending = true, true
	}
	if r.Status.Terminal() {
		return nil
	}
	a := &action{row: *r, session: s, tasks: tasks}
	s.open = append(s.open, a)
	for _, i := range tasks {
		s.step.held[i] = a
	}
	return nil
}
