package scheduler

import "github.com/farmhand-render/farmhand/internal/store/row"

// dirt is what a command has changed so far, and what has to be looked at again because of it.
type dirt struct {
	changes    row.Changes // what needs no rebuilding
	jobs       []*job
	steps      []*step
	tasks      []taskRef
	sessions   []*session
	actions    []*action
	workers    []*worker
	links      []*link
	limitLinks []*limitLink
	spendings  []*spending
	wake       []*link   // that may have work for workers that wait
	surplus    []*worker // that are to stop

	unsettledSteps    []*step
	unsettledJobs     []*job
	unsettledSessions []*session
	loaded            []*job // for this command only
}

type taskRef struct {
	step  *step
	index int64
}

func (c *Core) dirtyJob(j *job) {
	if !j.dirty {
		j.dirty = true
		c.dirty.jobs = append(c.dirty.jobs, j)
	}
	if !j.unsettled {
		j.unsettled = true
		c.dirty.unsettledJobs = append(c.dirty.unsettledJobs, j)
	}
}

func (c *Core) dirtyStep(s *step) {
	if !s.dirty {
		s.dirty = true
		c.dirty.steps = append(c.dirty.steps, s)
	}
	c.unsettleStep(s)
	c.dirtyJob(s.job)
}

func (c *Core) unsettleStep(s *step) {
	if !s.unsettled {
		s.unsettled = true
		c.dirty.unsettledSteps = append(c.dirty.unsettledSteps, s)
	}
}

// dirtyTask is told before a task's status changes.
func (c *Core) dirtyTask(s *step, i int64, t *cell) {
	if !t.dirty && (!s.sweeping || t.status.Active()) {
		t.dirty = true
		c.dirty.tasks = append(c.dirty.tasks, taskRef{s, i})
	}
}

func (c *Core) dirtySession(s *session) {
	if !s.dirty {
		s.dirty = true
		c.dirty.sessions = append(c.dirty.sessions, s)
	}
	c.unsettleSession(s)
}

func (c *Core) unsettleSession(s *session) {
	if !s.unsettled {
		s.unsettled = true
		c.dirty.unsettledSessions = append(c.dirty.unsettledSessions, s)
	}
}

func (c *Core) dirtyAction(a *action) {
	if !a.dirty {
		a.dirty = true
		c.dirty.actions = append(c.dirty.actions, a)
	}
	c.unsettleSession(a.session)
}

func (c *Core) dirtyWorker(w *worker) {
	if !w.dirty {
		w.dirty = true
		c.dirty.workers = append(c.dirty.workers, w)
	}
}

func (c *Core) dirtyLink(l *link) {
	if !l.dirty {
		l.dirty = true
		c.dirty.links = append(c.dirty.links, l)
	}
}

// flush turns the dirt into rows. What was deleted meanwhile has none.
func (c *Core) flush() *row.Changes {
	d := &c.dirty
	out := d.changes
	d.changes = row.Changes{}
	for _, j := range d.jobs {
		if j.dirty = false; c.jobs[j.row.JobID] == j {
			out.Jobs = append(out.Jobs, j.row)
		}
	}
	for _, ref := range d.tasks {
		s, t := ref.step, ref.step.cells.get(ref.index)
		if t.dirty = false; c.jobs[s.job.row.JobID] != s.job {
			continue
		}
		task := c.taskRow(s, ref.index, t)
		if s.row.Cover(&task) && !s.dirty {
			s.dirty = true
			d.steps = append(d.steps, s)
		}
		out.Tasks = append(out.Tasks, task)
	}
	for _, s := range d.steps {
		if s.dirty = false; c.jobs[s.job.row.JobID] == s.job {
			s.row.CoverRest()
			out.Steps = append(out.Steps, s.row)
		}
	}
	for _, s := range d.sessions {
		if s.dirty = false; s.meter.dirty {
			s.meter.dirty = false
			s.row.Usage = s.meter.encode()
		}
		out.Sessions = append(out.Sessions, s.row)
	}
	for _, a := range d.actions {
		a.dirty = false
		out.Actions = append(out.Actions, a.row)
	}
	for _, w := range d.workers {
		if w.dirty = false; c.workers[w.row.WorkerID] == w {
			out.Workers = append(out.Workers, w.row)
		}
	}
	for _, l := range d.links {
		if l.dirty = false; l.fleet.link(l.queue) == l {
			out.Associations = append(out.Associations, l.row)
		}
	}
	for _, l := range d.limitLinks {
		if l.dirty = false; l.limit.link(l.queue) == l {
			out.LimitAssociations = append(out.LimitAssociations, l.row)
		}
	}
	for _, s := range d.spendings {
		if s.dirty = false; c.budgets[s.row.ID] != nil || c.queues[s.row.ID] != nil {
			out.Spendings = append(out.Spendings, s.row)
		}
	}
	return &out
}

// evictLoaded drops the jobs that were loaded for this command and are finished.
func (c *Core) evictLoaded() {
	c.forgetFinished(c.dirty.loaded)
	c.dirty.loaded = nil
}

func (c *Core) forgetFinished(jobs []*job) {
	for _, j := range jobs {
		if c.jobs[j.row.JobID] == j && finished(&j.row) && j.sessions == 0 {
			c.forget(j)
		}
	}
}

// evict drops the jobs of this command that are finished, and clears the dirt.
func (c *Core) evict() {
	d := &c.dirty
	c.forgetFinished(d.jobs)
	c.evictLoaded()
	for _, l := range d.wake {
		l.wake = false
	}
	clear(d.jobs)
	clear(d.steps)
	clear(d.tasks)
	clear(d.sessions)
	clear(d.actions)
	*d = dirt{
		jobs: d.jobs[:0], steps: d.steps[:0], tasks: d.tasks[:0], sessions: d.sessions[:0], actions: d.actions[:0],
		workers: d.workers[:0], links: d.links[:0], limitLinks: d.limitLinks[:0], spendings: d.spendings[:0],
		wake:           d.wake[:0],
		unsettledSteps: d.unsettledSteps[:0], unsettledJobs: d.unsettledJobs[:0], unsettledSessions: d.unsettledSessions[:0],
	}
}
