package scheduler

import (
	"fmt"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// job is an unfinished job in memory, or a finished one that a command is about.
type job struct {
	row          row.Job
	queue        *queue
	attachments  bool     // sessions begin with syncInputJobAttachments
	environments []string // ids of the template's job environments, outermost first
	steps        []*step
	sessions     int      // open ones; each is on another worker
	offers       []*offer // its places in the lanes of its queue
	rank         rank     // among the jobs of its queue

	failing   bool // a task became FAILED since the job was settled
	dirty     bool
	unsettled bool
}

const (
	messageCreated = "Job creation completed successfully"
	messageUpdated = "Job update completed successfully"
)

// newJob builds a job from its rows. It registers nothing, so that a bad row changes nothing.
func (c *Core) newJob(r row.Job, doc *row.JobDocument, steps []row.Step, docs []row.StepDocument) (*job, error) {
	q := c.queues[r.QueueID]
	if q == nil {
		return nil, &NotFoundError{ResourceType: "queue", ResourceID: r.QueueID}
	}
	if len(steps) != len(docs) {
		return nil, &InvalidError{Field: "steps", Message: fmt.Sprintf("%d steps but %d step documents", len(steps), len(docs))}
	}
	j := &job{row: r, queue: q}
	j.attachments = len(doc.Attachments) > 0 && string(doc.Attachments) != "null"
	var environments []struct {
		Name string `json:"name"`
	}
	if err := unmarshal(doc.Environments, &environments); err != nil {
		return nil, &InvalidError{Field: "environments", Message: err.Error()}
	}
	for _, e := range environments {
		j.environments = append(j.environments, jobEnvironmentID(r.JobID, e.Name))
	}
	for i := range steps {
		s, err := newStep(j, steps[i], &docs[i])
		if err == nil {
			s.class, err = c.classOf(docs[i].Requirements)
		}
		if err != nil {
			return nil, &InvalidError{Field: "steps", Message: err.Error()}
		}
		j.steps = append(j.steps, s)
	}
	return j, j.connect(docs)
}

// connect ties steps to those they depend on.
func (j *job) connect(docs []row.StepDocument) error {
	for i, s := range j.steps {
		for _, d := range docs[i].Dependencies {
			if d < 0 || int(d) >= len(j.steps) || int(d) == i {
				return &InvalidError{Field: "steps", Message: fmt.Sprintf("step %s depends on step %d", s.id, d)}
			}
			on := j.steps[d]
			s.dependencies = append(s.dependencies, on)
			on.consumers = append(on.consumers, s)
		}
	}
	return nil
}

// jobEnvironmentID is the id of an environment of a job or of its queue.
func jobEnvironmentID(jobID, name string) string { return "JOB:" + jobID + ":" + name }

// register takes a job into memory.
func (c *Core) register(j *job) {
	c.jobs[j.row.JobID] = j
	j.queue.jobs[j.row.JobID] = j
	for _, s := range j.steps {
		// Two steps of one job may have made the same class each before either was registered.
		if k := c.classes[s.class.key]; k != nil {
			s.class = k
		}
		c.retain(s.class)
	}
}

// forget drops a job from memory.
func (c *Core) forget(j *job) {
	c.withdraw(j)
	for _, s := range j.steps {
		c.release(s.class)
	}
	delete(c.jobs, j.row.JobID)
	delete(j.queue.jobs, j.row.JobID)
}

func (c *Core) createJob(cmd CreateJob) error {
	r := cmd.Job
	if c.queues[r.QueueID] == nil {
		return &NotFoundError{ResourceType: "queue", ResourceID: r.QueueID}
	}
	if c.jobs[r.JobID] != nil {
		return &ConflictError{
			Reason: ReasonResourceAlreadyExists, ResourceType: "job", ResourceID: r.JobID,
			Message: "a job with this id exists",
		}
	}
	r.Number = c.lastNumber + 1
	r.Stamp = row.Stamp{CreatedAt: c.now.Wall, CreatedBy: cmd.By}
	r.TaskStatus, r.Counts = status.TaskNone, status.Counts{}
	if cmd.Failed != "" {
		return c.createFailedJob(r, &cmd)
	}
	return c.createWholeJob(r, &cmd)
}

func (c *Core) createFailedJob(r row.Job, cmd *CreateJob) error {
	if !pass(c, jobMachine, func() string { return r.JobID }, status.LifecycleNone, status.LifecycleCreateFailed, causeCreate) {
		return nil
	}
	c.lastNumber = r.Number
	r.Lifecycle, r.LifecycleMessage = status.LifecycleCreateFailed, cmd.Failed
	r.Target = status.TaskNone
	c.dirty.changes.Jobs = append(c.dirty.changes.Jobs, r)
	c.dirty.changes.JobDocuments = append(c.dirty.changes.JobDocuments, cmd.Document)
	c.dirty.changes.Memberships = append(c.dirty.changes.Memberships, cmd.Memberships...)
	return nil
}

func (c *Core) createWholeJob(r row.Job, cmd *CreateJob) error {
	if len(cmd.Steps) == 0 {
		return &InvalidError{Field: "steps", Message: "a job has at least one step"}
	}
	for i := range cmd.Steps {
		if cmd.Steps[i].Tasks < 1 {
			return &InvalidError{Field: "steps", Message: fmt.Sprintf("step %s has no tasks", cmd.Steps[i].StepID)}
		}
	}
	r.Lifecycle, r.LifecycleMessage = status.LifecycleCreateComplete, messageCreated
	j, err := c.newJob(r, &cmd.Document, cmd.Steps, cmd.StepDocuments)
	if err != nil {
		return err
	}
	c.lastNumber = r.Number
	c.register(j)
	for _, s := range j.steps {
		c.createStep(s)
	}
	c.dirty.changes.JobDocuments = append(c.dirty.changes.JobDocuments, cmd.Document)
	c.dirty.changes.StepDocuments = append(c.dirty.changes.StepDocuments, cmd.StepDocuments...)
	c.dirty.changes.Memberships = append(c.dirty.changes.Memberships, cmd.Memberships...)
	c.checkCompatibility(j)
	return nil
}

// createStep gives a new step its first statuses: all of its tasks are untouched.
func (c *Core) createStep(s *step) {
	s.unresolved = len(s.dependencies)
	first := s.waiting()
	if s.job.row.Target == status.TaskSuspended {
		first = status.TaskSuspended
	}
	s.row.Lifecycle, s.row.Rest = status.LifecycleCreateComplete, first
	s.row.Stamp = row.Stamp{CreatedAt: c.now.Wall, CreatedBy: s.job.row.CreatedBy}
	s.row.Counts[first] = s.row.Tasks
	s.job.row.Counts[first] += s.row.Tasks
	c.dirtyStep(s)
}

// hasRoom reports whether the job may have one more session.
func (j *job) hasRoom() bool {
	return j.row.MaxWorkers <= 0 || j.sessions < int(j.row.MaxWorkers)
}

// setJobLifecycle moves a job's life cycle.
func (c *Core) setJobLifecycle(j *job, to status.Lifecycle, message string, by cause) {
	if j.row.Lifecycle != to && pass(c, jobMachine, func() string { return j.row.JobID }, j.row.Lifecycle, to, by) {
		j.row.Lifecycle, j.row.LifecycleMessage = to, message
		c.dirtyJob(j)
	}
}

func (j *job) step(id string) *step {
	for _, s := range j.steps {
		if s.id == id {
			return s
		}
	}
	return nil
}
