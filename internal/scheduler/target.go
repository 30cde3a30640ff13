package scheduler

import (
	"fmt"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// request is a target that somebody asked for, for a job, a step or a task (§4.6).
type request struct {
	target status.Task
	by     string
	resume bool // READY only wakes what is SUSPENDED
}

// concerns reports whether the request changes a task with this status.
func (r request) concerns(s status.Task) bool {
	switch r.target {
	case status.TaskPending:
		return s != status.TaskReady && s != status.TaskPending
	case status.TaskReady:
		return s == status.TaskSuspended || s == status.TaskInterrupting || s.Terminal() && !r.resume
	case status.TaskCanceled:
		return s != status.TaskSucceeded && s != status.TaskFailed && s != status.TaskCanceled
	case status.TaskFailed:
		return s != status.TaskSucceeded && s != status.TaskFailed
	case status.TaskSucceeded:
		return s != status.TaskSucceeded
	case status.TaskSuspended:
		return s != status.TaskSucceeded && s != status.TaskFailed && s != status.TaskCanceled && s != status.TaskSuspended
	default:
		return false
	}
}

// requeues reports whether the request sends tasks back to the queue.
func (r request) requeues() bool {
	return r.target == status.TaskPending || r.target == status.TaskReady
}

// exhausted reports whether a task failed as often as the job allows: it cannot be requeued until that is raised.
func (s *step) exhausted(t *cell) bool {
	return t.status == status.TaskFailed && t.target != status.TaskFailed && t.retries >= s.job.row.MaxRetries
}

// aimTask gives a task a target.
func (c *Core) aimTask(s *step, i int64, t *cell, r request) {
	if !r.concerns(t.status) || r.requeues() && s.exhausted(t) {
		return
	}
	if r.target == status.TaskReady && r.resume && t.status == status.TaskInterrupting && t.target != status.TaskSuspended {
		return
	}
	t.target, t.updatedAt, t.updatedBy = r.target, c.now.Wall, c.names.number(r.by)
	c.dirtyTask(s, i, t)
	switch {
	case t.status.Active():
		c.takeTaskBack(s, i, r)
	case r.requeues():
		c.move(s, i, t, s.waiting(), causeTarget)
	default:
		c.move(s, i, t, r.target, causeTarget)
	}
}

// takeTaskBack asks the worker that holds a task to let go of it.
func (c *Core) takeTaskBack(s *step, i int64, r request) {
	a := s.held[i]
	if a == nil {
		c.violated(Violation{What: "task", ID: s.taskID(i), Why: "active without a session"})
		return
	}
	running := a.started()
	c.takeBack(a, r.requeues() || r.target == status.TaskSuspended, causeTarget)
	if running { // its end bars everything behind it
		c.cancelSession(a.session, true, causeTarget)
	}
}

// aimStep gives all tasks of a step a target.
func (c *Core) aimStep(s *step, r request) {
	to := r.target
	if r.requeues() {
		to = s.waiting()
	}
	c.sweep(s, r.sweep(to, s.job.row.MaxRetries))
	for i, t := range s.cells.all() {
		c.aimTask(s, i, t, r)
	}
	s.sweeping = false
	if s.untouched() > 0 && r.concerns(s.row.Rest) {
		s.row.RestTarget, s.row.RestUpdatedAt, s.row.RestUpdatedBy = r.target, c.now.Wall, r.by
		c.moveRest(s, to, causeTarget)
	}
	s.row.Target = r.target
	c.setStepLifecycle(s, status.LifecycleUpdateInProgress, causeTarget)
	s.row.UpdatedAt, s.row.UpdatedBy = c.now.Wall, r.by
	c.dirtyStep(s)
}

// cancelRemaining cancels what is not over in the steps that the filter lets through, on the service's own account.
func (c *Core) cancelRemaining(j *job, by cause, filter func(*step) bool) {
	for _, s := range j.steps {
		if !filter(s) {
			continue
		}
		c.sweep(s, row.Sweep{From: []status.Task{status.TaskReady, status.TaskPending, status.TaskSuspended}, To: status.TaskCanceled})
		for i, t := range s.cells.all() {
			c.cancelTask(s, i, t, by)
		}
		s.sweeping = false
		switch s.row.Rest {
		case status.TaskReady, status.TaskPending, status.TaskSuspended:
			c.moveRest(s, status.TaskCanceled, by)
		}
	}
}

func (c *Core) cancelTask(s *step, i int64, t *cell, by cause) {
	switch {
	case t.status.Terminal():
	case t.status == status.TaskInterrupting && t.target.Terminal(): // it ends anyway, as somebody asked
	case t.status.Active():
		t.target = status.TaskCanceled
		c.dirtyTask(s, i, t)
		if a := s.held[i]; a != nil {
			running := a.started()
			c.takeBack(a, false, by)
			if running {
				c.cancelSession(a.session, true, by)
			}
		}
	default:
		c.move(s, i, t, status.TaskCanceled, by)
	}
}

func validTarget(target status.Task) error {
	switch target {
	case status.TaskReady, status.TaskPending, status.TaskSuspended, status.TaskCanceled, status.TaskFailed, status.TaskSucceeded:
		return nil
	default:
		return &InvalidError{Field: "targetTaskRunStatus", Message: fmt.Sprintf("cannot be %s", target)}
	}
}

// changeable refuses updates of jobs that can no longer be changed.
func (j *job) changeable(targeted bool) error {
	l := j.row.Lifecycle
	if l == status.LifecycleArchived || targeted && l == status.LifecycleCreateFailed {
		return &ConflictError{
			Reason: ReasonStatusConflict, ResourceType: "job", ResourceID: j.row.JobID, Status: l.String(),
			Message: fmt.Sprintf("the job is %s and cannot be changed this way", l),
		}
	}
	return nil
}

func (c *Core) job(id string) (*job, error) {
	if j := c.jobs[id]; j != nil {
		return j, nil
	}
	return nil, &NotFoundError{ResourceType: "job", ResourceID: id}
}

func (c *Core) updateJob(cmd UpdateJob) error {
	j, err := c.job(cmd.JobID)
	if err != nil {
		return err
	}
	targeted := cmd.Target != status.TaskNone
	if err := j.changeable(targeted); err != nil {
		return err
	}
	if targeted {
		if err := validTarget(cmd.Target); err != nil {
			return err
		}
	}
	if cmd.Archive {
		if err := j.archivable(targeted, cmd.Retire); err != nil {
			return err
		}
	}
	j.change(&cmd)
	j.row.UpdatedAt, j.row.UpdatedBy = c.now.Wall, cmd.By
	c.dirtyJob(j)
	if targeted {
		c.aimJob(j, cmd.Target, cmd.By)
	}
	if cmd.Archive {
		c.setJobLifecycle(j, status.LifecycleArchived, j.row.LifecycleMessage, causeTarget)
	}
	return nil
}

// archivable refuses to archive what may still run; sessions may still leave their environments. People archive a NOT_COMPATIBLE job
// by canceling it first; retire does not ask.
func (j *job) archivable(targeted, retire bool) error {
	if targeted {
		return &InvalidError{Field: "lifecycleStatus", Message: "cannot be ARCHIVED together with a target"}
	}
	over := j.row.TaskStatus.Ended() && (retire || j.row.TaskStatus != status.TaskNotCompatible)
	if j.row.Lifecycle != status.LifecycleCreateFailed && !over {
		return &ConflictError{
			Reason: ReasonStatusConflict, ResourceType: "job", ResourceID: j.row.JobID, Status: j.row.TaskStatus.String(),
			Message: "only a job that is FAILED, CANCELED, SUCCEEDED or SUSPENDED can be archived",
		}
	}
	return nil
}

func (j *job) change(cmd *UpdateJob) {
	set(&j.row.Priority, cmd.Priority)
	set(&j.row.MaxFailedTasks, cmd.MaxFailedTasks)
	set(&j.row.MaxRetries, cmd.MaxRetries)
	set(&j.row.MaxWorkers, cmd.MaxWorkers)
	set(&j.row.Name, cmd.Name)
	set(&j.row.Description, cmd.Description)
}

func set[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

func (c *Core) aimJob(j *job, target status.Task, by string) {
	j.row.Target = target
	c.setJobLifecycle(j, status.LifecycleUpdateInProgress, "", causeTarget)
	r := request{target: target, by: by, resume: resumes(&j.row.Counts)}
	for _, s := range j.steps {
		c.aimStep(s, r)
	}
	if r.requeues() {
		c.checkCompatibility(j)
	}
}

// resumes reports whether READY means "go on" for these tasks, which only wakes what is SUSPENDED, because they are
// not all over. When they are, it means "again", as PENDING does.
func resumes(counts *status.Counts) bool { return !counts.Derive().Terminal() }

func (c *Core) updateStep(cmd UpdateStep) error {
	j, s, err := c.step(cmd.JobID, cmd.StepID)
	if err != nil {
		return err
	}
	if err := j.changeable(true); err != nil {
		return err
	}
	if err := validTarget(cmd.Target); err != nil {
		return err
	}
	r := request{target: cmd.Target, by: cmd.By, resume: resumes(&s.row.Counts)}
	c.aimStep(s, r)
	if r.requeues() {
		c.checkCompatibility(j)
	}
	return nil
}

func (c *Core) step(jobID, stepID string) (*job, *step, error) {
	j, err := c.job(jobID)
	if err != nil {
		return nil, nil, err
	}
	if s := j.step(stepID); s != nil {
		return j, s, nil
	}
	return nil, nil, &NotFoundError{ResourceType: "step", ResourceID: stepID}
}

func (c *Core) updateTask(cmd UpdateTask) error {
	j, s, err := c.step(cmd.JobID, cmd.StepID)
	if err != nil {
		return err
	}
	if cmd.TaskIndex < 0 || cmd.TaskIndex >= s.row.Tasks {
		return &NotFoundError{ResourceType: "task", ResourceID: s.taskID(cmd.TaskIndex)}
	}
	if err := j.changeable(true); err != nil {
		return err
	}
	if err := validTarget(cmd.Target); err != nil {
		return err
	}
	r := request{target: cmd.Target, by: cmd.By}
	if t := s.cells.get(cmd.TaskIndex); t != nil && r.requeues() && s.exhausted(t) {
		return &ConflictError{
			Reason: ReasonStatusConflict, ResourceType: "task", ResourceID: s.taskID(cmd.TaskIndex), Status: t.status.String(),
			Message: "the task has reached the maximum of retries; raise maxRetriesPerTask of the job to requeue it",
		}
	}
	c.aimTask(s, cmd.TaskIndex, c.touch(s, cmd.TaskIndex), r)
	c.dirtyTask(s, cmd.TaskIndex, s.cells.get(cmd.TaskIndex))
	c.dirtyStep(s)
	if r.requeues() {
		c.checkCompatibility(j)
	}
	return nil
}

// deleteJobs deletes archived jobs. None of them is in memory after the command that archived it, but for one whose sessions
// are not over.
func (c *Core) deleteJobs(cmd DeleteJobs) error {
	for _, id := range cmd.JobIDs {
		if j := c.jobs[id]; j != nil {
			return &ConflictError{
				Reason: ReasonStatusConflict, ResourceType: "job", ResourceID: id, Status: j.row.Lifecycle.String(),
				Message: "only a job that is archived and has no sessions can be deleted",
			}
		}
	}
	changes := &c.dirty.changes
	changes.DeleteJobs = append(changes.DeleteJobs, cmd.JobIDs...)
	for _, arn := range cmd.Tags {
		changes.Tags = append(changes.Tags, row.Tags{ARN: arn})
	}
	return nil
}
