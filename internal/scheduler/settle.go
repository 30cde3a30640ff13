package scheduler

import "github.com/farmhand-render/farmhand/internal/status"

// settle follows the consequences of a change until there are none: statuses of steps and jobs, dependencies,
// too many failures, indexes, sessions that are to end. Every pass moves tasks along edges of the machine that
// lead towards rest, so it ends.
func (c *Core) settle() {
	d := &c.dirty
	for {
		switch {
		case len(d.unsettledSteps) > 0:
			s := pop(&d.unsettledSteps)
			s.unsettled = false
			c.settleStep(s)
		case len(d.unsettledJobs) > 0:
			j := pop(&d.unsettledJobs)
			j.unsettled = false
			c.settleJob(j)
		case len(d.unsettledSessions) > 0:
			s := pop(&d.unsettledSessions)
			s.unsettled = false
			c.settleSession(s)
		default:
			for _, l := range d.links {
				c.settleLink(l)
			}
			return
		}
	}
}

// pop takes the last of a list, which is not empty.
func pop[T any](list *[]T) T {
	last := len(*list) - 1
	taken := (*list)[last]
	*list = (*list)[:last]
	return taken
}

func (c *Core) settleStep(s *step) {
	c.settleDependencies(s)
	now := s.row.Counts.Derive()
	if now != s.row.TaskStatus {
		c.ended(s.row.TaskStatus, now, &s.row.EndedAt)
		s.row.TaskStatus = now
		for _, consumer := range s.consumers {
			c.unsettleStep(consumer)
		}
		c.dirtyStep(s)
	}
	if s.row.Lifecycle == status.LifecycleUpdateInProgress && s.row.Counts[status.TaskInterrupting] == 0 {
		c.setStepLifecycle(s, status.LifecycleUpdateSucceeded, causeDerived)
	}
	c.offer(s)
}

// settleDependencies keeps the edges of a step: resolved exactly while it is SUCCEEDED (§5.2).
func (c *Core) settleDependencies(s *step) {
	if succeeded := s.row.Counts.Derive() == status.TaskSucceeded; succeeded != s.resolved {
		s.resolved = succeeded
		for _, consumer := range s.consumers {
			if succeeded {
				consumer.unresolved--
			} else {
				consumer.unresolved++
			}
			c.unsettleStep(consumer)
		}
	}
	switch s.unresolved {
	case 0:
		c.eachOf(s, status.TaskReady, causeDependency, status.TaskPending)
	default:
		c.eachOf(s, status.TaskPending, causeDependency, status.TaskReady)
		if s.row.Counts[status.TaskPending] > 0 && s.hopeless() {
			c.eachOf(s, status.TaskCanceled, causeDependency, status.TaskPending)
			for _, consumer := range s.consumers { // they may have been looked at while this step was PENDING
				c.unsettleStep(consumer)
			}
		}
	}
}

// hopeless reports whether a dependency ended without success, so that the step cannot run.
func (s *step) hopeless() bool {
	for _, d := range s.dependencies {
		switch d.row.Counts.Derive() {
		case status.TaskFailed, status.TaskCanceled, status.TaskNotCompatible:
			return true
		}
	}
	return false
}

func (c *Core) settleJob(j *job) {
	if c.jobs[j.row.JobID] != j {
		return
	}
	if j.failing && j.row.Counts[status.TaskFailed] > int64(j.row.MaxFailedTasks) {
		j.failing = false
		c.cancelRemaining(j, causeFailure, func(*step) bool { return true })
		c.dirtyJob(j)
		return // once more, after the steps
	}
	j.failing = false
	if now := j.row.Counts.Derive(); now != j.row.TaskStatus {
		c.ended(j.row.TaskStatus, now, &j.row.EndedAt)
		j.row.TaskStatus = now
	}
	if j.row.Lifecycle == status.LifecycleUpdateInProgress && j.row.Counts[status.TaskInterrupting] == 0 {
		c.setJobLifecycle(j, status.LifecycleUpdateSucceeded, messageUpdated, causeDerived)
	}
	c.place(j)
}
