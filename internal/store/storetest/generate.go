package storetest

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// Random draws rows with random values. Ids are unique within one Random, and begin with its
// Prefix, so that several can share a store.
type Random struct {
	*rapid.T
	Prefix string
	last   int
}

var (
	texts     = rapid.StringOfN(rapid.RuneFrom([]rune("aZ09 -_%'\"\\{}$?\n\u00e9\u6e32\U0001F3AC")), 0, 12, -1)
	documents = rapid.Map(texts, func(s string) []byte { return []byte(`{"t":"` + strings.Repeat("x", len(s)) + `"}`) })
	integers  = rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(-1, 100), rapid.Int64())
	small     = rapid.OneOf(rapid.Just(int32(-1)), rapid.Int32())
	progress  = rapid.OneOf(rapid.Just(-1.0), rapid.Float64Range(0, 100))
)

// ID makes an id of a resource, such as "job-…".
func (r *Random) ID(kind string) string {
	r.last++
	return fmt.Sprintf("%s-%s-%d", kind, r.Prefix, r.last)
}

func (r *Random) text() string   { return texts.Draw(r.T, "text") }
func (r *Random) integer() int64 { return integers.Draw(r.T, "integer") }
func (r *Random) int32() int32   { return small.Draw(r.T, "int32") }

// document is nil one time in a few.
func (r *Random) document() []byte {
	if rapid.IntRange(0, 3).Draw(r.T, "absent") == 0 {
		return nil
	}
	return documents.Draw(r.T, "document")
}

func (r *Random) stamp() row.Stamp {
	return row.Stamp{CreatedAt: r.integer(), CreatedBy: r.text(), UpdatedAt: r.integer(), UpdatedBy: r.text()}
}

func (r *Random) task() status.Task {
	return status.Task(rapid.IntRange(0, status.NumTask-1).Draw(r.T, "task status"))
}

func (r *Random) lifecycle() status.Lifecycle {
	return status.Lifecycle(rapid.Uint8Range(0, uint8(status.LifecycleArchived)).Draw(r.T, "lifecycle"))
}

func (r *Random) counts() (c status.Counts) {
	for s := range c {
		if s > 0 && rapid.Bool().Draw(r.T, "occurs") {
			c[s] = rapid.Int64Min(0).Draw(r.T, "count")
		}
	}
	return c
}

// Resource draws a resource of a farm.
func (r *Random) Resource(kind row.Kind, farmID, parentID string) row.Resource {
	return row.Resource{
		Kind: kind, ID: r.ID(string(kind)), FarmID: farmID, ParentID: parentID, Stamp: r.stamp(), Doc: r.document(),
	}
}

// Association draws an association of a queue and a fleet.
func (r *Random) Association(key row.AssociationKey) row.Association {
	s := status.Association(rapid.Uint8Range(0, uint8(status.AssociationStopped)).Draw(r.T, "association status"))
	return row.Association{FarmID: key.FarmID, QueueID: key.QueueID, FleetID: key.FleetID, Status: s, Stamp: r.stamp()}
}

// LimitAssociation draws an association of a queue and a limit.
func (r *Random) LimitAssociation(key row.LimitAssociationKey) row.LimitAssociation {
	a := r.Association(row.AssociationKey{FarmID: key.FarmID, QueueID: key.QueueID})
	return row.LimitAssociation{FarmID: key.FarmID, QueueID: key.QueueID, LimitID: key.LimitID, Status: a.Status, Stamp: a.Stamp}
}

// Membership draws a member of a resource; queueID is that of a job.
func (r *Random) Membership(resourceType, farmID, queueID, resourceID, principalID string) row.Membership {
	return row.Membership{
		ResourceID: resourceID, PrincipalID: principalID, ResourceType: resourceType, FarmID: farmID, QueueID: queueID,
		PrincipalType: r.text(), IdentityStoreID: r.text(), Level: r.text(), Stamp: r.stamp(),
	}
}

// members draws the memberships of two principals: one has all, the other one for each job.
func (r *Random) members(c *row.Changes, farmID, queueID, fleetID string) {
	all, jobs := r.ID("user"), r.ID("group")
	c.Memberships = []row.Membership{
		r.Membership("FARM", farmID, "", farmID, all),
		r.Membership("QUEUE", farmID, "", queueID, all),
		r.Membership("FLEET", farmID, "", fleetID, all),
	}
	for i := range c.Jobs {
		for _, principal := range []string{all, jobs} {
			c.Memberships = append(c.Memberships, r.Membership("JOB", farmID, queueID, c.Jobs[i].JobID, principal))
		}
	}
}

// Worker draws a worker of a fleet.
func (r *Random) Worker(farmID, fleetID string) row.Worker {
	return row.Worker{
		FarmID: farmID, FleetID: fleetID, WorkerID: r.ID("worker"), Stamp: r.stamp(),
		Status:         status.Worker(rapid.Uint8Range(0, uint8(status.WorkerNotCompatible)).Draw(r.T, "worker status")),
		HostProperties: r.document(), Capabilities: r.document(),
		Drain: rapid.SampledFrom([]row.Drain{row.DrainNone, row.DrainEventual, row.DrainImmediate}).Draw(r.T, "drain"),
	}
}

// Job draws a job, with its document, of a queue.
func (r *Random) Job(farmID, queueID string, number int64) (row.Job, row.JobDocument) {
	id := r.ID("job")
	job := row.Job{
		FarmID: farmID, QueueID: queueID, JobID: id, Number: number, Name: r.text(), Description: r.text(),
		Lifecycle: r.lifecycle(), LifecycleMessage: r.text(), TaskStatus: r.task(), Target: r.task(), Counts: r.counts(),
		FailureRetries: r.integer(), Priority: r.int32(), MaxFailedTasks: r.int32(), MaxRetries: r.int32(),
		MaxWorkers: r.int32(), Sessions: r.integer(), StartedAt: r.integer(), EndedAt: r.integer(), Stamp: r.stamp(),
		StorageProfileID: r.text(), SourceJobID: r.text(),
	}
	document := row.JobDocument{
		JobID: id, TemplateType: "YAML", Template: r.text(), Parameters: r.document(), Attachments: r.document(),
		ParameterDefinitions: r.document(), Environments: r.document(), Extended: r.document(),
	}
	return job, document
}

// Step draws a step, with its document, of a job.
func (r *Random) Step(jobID string, index int32) (row.Step, row.StepDocument) {
	id := r.ID("step")
	step := row.Step{
		JobID: jobID, StepIndex: index, StepID: id, Name: r.text(), Description: r.text(), Lifecycle: r.lifecycle(),
		LifecycleMessage: r.text(), TaskStatus: r.task(), Target: r.task(), Counts: r.counts(), FailureRetries: r.integer(),
		Tasks: r.integer(), Cursor: r.integer(), Rest: r.task(), RestTarget: r.task(), RestUpdatedAt: r.integer(),
		RestUpdatedBy: r.text(), StartedAt: r.integer(), EndedAt: r.integer(),
		Earliest: r.integer(), Latest: r.integer(), Targeted: rapid.Bool().Draw(r.T, "targeted"), Stamp: r.stamp(),
		Sweeps: r.integer(),
	}
	document := row.StepDocument{
		JobID: jobID, StepIndex: index, StepID: id, Template: r.document(), Space: r.document(),
		Requirements: r.document(), Dependencies: rapid.SliceOfN(rapid.Int32(), 0, 3).Draw(r.T, "dependencies"),
		Environments: rapid.SliceOfN(texts, 0, 3).Draw(r.T, "environments"), Symbols: r.document(),
	}
	return step, document
}

// Task draws a touched task.
func (r *Random) Task(jobID string, step int32, index int64) row.Task {
	return row.Task{
		JobID: jobID, StepIndex: step, TaskIndex: index, Status: r.task(), Target: r.task(), FailureRetries: r.int32(),
		StartedAt: r.integer(), EndedAt: r.integer(), UpdatedAt: r.integer(), UpdatedBy: r.text(), LatestAction: r.text(),
		Sweep: r.integer(),
	}
}

// Session draws a session of a job on a worker.
func (r *Random) Session(job *row.Job, seq int64, fleetID, workerID string) row.Session {
	session := func() status.Session {
		return status.Session(rapid.Uint8Range(0, uint8(status.SessionEnded)).Draw(r.T, "session status"))
	}
	return row.Session{
		FarmID: job.FarmID, QueueID: job.QueueID, JobID: job.JobID, Seq: seq, SessionID: r.ID("session"), FleetID: fleetID,
		WorkerID: workerID, StepIndex: r.int32(), Lifecycle: session(), Target: session(), Actions: r.integer(),
		StartedAt: r.integer(), EndedAt: r.integer(), UpdatedAt: r.integer(), UpdatedBy: r.text(), HostProperties: r.document(),
		Usage: r.document(),
	}
}

// Action draws an action of a session; half of them run a task with an index below 3 of step 0 or 1.
func (r *Random) Action(session *row.Session, index int64) row.SessionAction {
	a := row.SessionAction{
		JobID: session.JobID, SessionSeq: session.Seq, ActionIndex: index, SessionID: session.SessionID,
		Kind: row.ActionEnvEnter, EnvironmentID: r.text(), StepIndex: -1, TaskIndex: -1,
		Status:    status.Action(rapid.Uint8Range(0, uint8(status.ActionReclaimed)).Draw(r.T, "action status")),
		StartedAt: r.integer(), EndedAt: r.integer(), WorkerUpdatedAt: r.integer(),
		Progress: progress.Draw(r.T, "progress"), ProgressMessage: r.text(), Manifests: r.document(), Limits: r.document(),
	}
	if rapid.Bool().Draw(r.T, "taskRun") {
		a.Kind, a.EnvironmentID = row.ActionTaskRun, ""
		a.StepIndex = rapid.Int32Range(0, 1).Draw(r.T, "step")
		a.TaskIndex = rapid.Int64Range(0, 2).Draw(r.T, "task")
	}
	if rapid.Bool().Draw(r.T, "exited") {
		code := rapid.Int32().Draw(r.T, "exit code")
		a.ExitCode = &code
	}
	return a
}

// Token draws a request token.
func (r *Random) Token() row.RequestToken {
	return row.RequestToken{
		Principal: r.text(), Operation: r.text(), Token: r.ID("token"), Response: r.document(), CreatedAt: r.integer(),
		Hash: [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(r.T, "hash")),
	}
}

// Farm draws a farm with a few rows of every kind.
func (r *Random) Farm() (farmID string, c *row.Changes) {
	c = &row.Changes{}
	farm := r.Resource(row.KindFarm, "", "")
	queue := r.Resource(row.KindQueue, farm.ID, farm.ID)
	fleet := r.Resource(row.KindFleet, farm.ID, farm.ID)
	c.Resources = []row.Resource{
		farm, queue, fleet,
		r.Resource(row.KindQueueEnvironment, farm.ID, queue.ID), r.Resource(row.KindBudget, farm.ID, farm.ID),
		r.Resource(row.KindLimit, farm.ID, farm.ID), r.Resource(row.KindMonitor, farm.ID, farm.ID),
	}
	budget, limit := c.Resources[4], c.Resources[5]
	c.LimitAssociations = []row.LimitAssociation{
		r.LimitAssociation(row.LimitAssociationKey{FarmID: farm.ID, QueueID: queue.ID, LimitID: limit.ID}),
	}
	c.Spendings = []row.Spending{{FarmID: farm.ID, ID: budget.ID, Amount: r.integer(), StoppedAt: r.integer()}}
	c.Associations = []row.Association{r.Association(row.AssociationKey{FarmID: farm.ID, QueueID: queue.ID, FleetID: fleet.ID})}
	c.Tags = []row.Tags{{ARN: r.ID("arn"), Tags: map[string]string{r.text(): r.text()}}}
	c.Tokens = []row.RequestToken{r.Token()}
	for range r.few("workers") {
		c.Workers = append(c.Workers, r.Worker(farm.ID, fleet.ID))
	}
	for number := range r.few("jobs") {
		r.wholeJob(c, farm.ID, queue.ID, fleet.ID, int64(number+1))
	}
	r.members(c, farm.ID, queue.ID, fleet.ID)
	return farm.ID, c
}

func (r *Random) few(what string) int { return rapid.IntRange(1, 3).Draw(r.T, what) }

func (r *Random) wholeJob(c *row.Changes, farmID, queueID, fleetID string, number int64) {
	job, document := r.Job(farmID, queueID, number)
	c.Jobs, c.JobDocuments = append(c.Jobs, job), append(c.JobDocuments, document)
	for index := range r.few("steps") {
		step, document := r.Step(job.JobID, int32(index))
		c.Steps, c.StepDocuments = append(c.Steps, step), append(c.StepDocuments, document)
		for task := range r.few("tasks") {
			c.Tasks = append(c.Tasks, r.Task(job.JobID, int32(index), int64(task)))
		}
	}
	for seq := range r.few("sessions") {
		session := r.Session(&job, int64(seq), fleetID, c.Workers[seq%len(c.Workers)].WorkerID)
		c.Sessions = append(c.Sessions, session)
		for index := range r.few("actions") {
			c.Actions = append(c.Actions, r.Action(&session, int64(index)))
		}
	}
}
