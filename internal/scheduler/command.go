package scheduler

import (
	"time"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
	openjd "github.com/farmhand-render/farmhand/openjd/job"
)

// Instant is the time of a command, read once by the caller. Wall stamps what is
// stored; Mono, which no clock step moves, measures how long ago a worker was heard.
type Instant struct {
	Wall int64         // microseconds since 1970 UTC
	Mono time.Duration // since the process started
}

// Command is one of the requests below. Commands are plain data: recorded and
// replayed in order on a core with the same seed they give the same states.
type Command interface{ command() }

// PutResource writes a configuration resource. For a queue, queue environment or
// fleet the core also takes over the "scheduling" member of its document, see
// [QueueScheduling], [QueueEnvironmentScheduling] and [FleetScheduling].
type PutResource struct{ Resource row.Resource }

// DeleteResource deletes a configuration resource. A queue loses its environments
// and jobs; it is refused while associations exist or sessions run. A fleet is
// refused while associations exist or a worker is neither CREATED nor STOPPED; its workers go with it.
type DeleteResource struct {
	FarmID string
	Kind   row.Kind
	ID     string
}

// PutTags replaces all tags of a resource.
type PutTags struct{ Tags row.Tags }

// PutMembership writes a membership, DeleteMembership deletes one. Scheduling knows nothing of them.
type PutMembership struct{ Membership row.Membership }

// DeleteMembership deletes a membership; one that is not there is no mistake.
type DeleteMembership struct{ Key row.MembershipKey }

// PutAssociation creates a queue-fleet association (ACTIVE) or changes its status to
// ACTIVE or one of the stopping ones; the core moves a stopping one to STOPPED when nothing runs.
type PutAssociation struct {
	FarmID  string
	QueueID string
	FleetID string
	Status  status.Association
	By      string
}

// DeleteAssociation deletes a STOPPED association.
type DeleteAssociation struct {
	FarmID, QueueID, FleetID string
}

// PutLimitAssociation makes a limit count for a queue (ACTIVE) or changes the status of the association to ACTIVE or one of the
// stopping ones; the core moves a stopping one to STOPPED when no task of the queue holds any of the limit.
type PutLimitAssociation struct {
	FarmID  string
	QueueID string
	LimitID string
	Status  status.Association
	By      string
}

// DeleteLimitAssociation deletes a STOPPED association of a queue and a limit.
type DeleteLimitAssociation struct {
	FarmID, QueueID, LimitID string
}

// CountLimits asks how much of each limit is in use; it changes nothing.
type CountLimits struct{}

// CreateJob adds a job whose template has been expanded. The core fills Number, the
// statuses, counts and stamps of Job and Steps. Failed is the message of a job whose
// expansion failed: it is stored as CREATE_FAILED, without steps.
type CreateJob struct {
	Job           row.Job // ids, names, settings; Target READY or SUSPENDED
	Document      row.JobDocument
	Steps         []row.Step // ids, names, Tasks
	StepDocuments []row.StepDocument
	By            string
	Failed        string
	Memberships   []row.Membership // of the job, made with it
}

// UpdateJob changes a job. Nil members stay as they are.
type UpdateJob struct {
	JobID          string
	By             string
	Target         status.Task // READY, PENDING, SUSPENDED, CANCELED, FAILED, SUCCEEDED; TaskNone: no target
	Archive        bool
	Retire         bool // with Archive: a NOT_COMPATIBLE job, too
	Priority       *int32
	MaxFailedTasks *int32
	MaxRetries     *int32
	MaxWorkers     *int32
	Name           *string
	Description    *string
}

// DeleteJobs deletes archived jobs with all that belongs to them. Jobs that are not in memory are over: that they are
// archived, which is final, is the caller's to know.
type DeleteJobs struct {
	JobIDs []string
	Tags   []string // ARNs whose tags go with them
}

// UpdateStep sets a target for all tasks of a step.
type UpdateStep struct {
	JobID, StepID string
	Target        status.Task
	By            string
}

// UpdateTask sets a target for one task.
type UpdateTask struct {
	JobID, StepID string
	TaskIndex     int64
	Target        status.Task
	By            string
}

// UpdateSession ends a session: what runs is canceled, envExits run, its tasks return.
type UpdateSession struct {
	JobID, SessionID string
	By               string
}

// CreateWorker registers a worker in a fleet; refused over the fleet's maximum, and over that of the farm.
type CreateWorker struct {
	Worker    row.Worker
	MaxInFarm int64 // 0: no bound
	// Sole refuses a second worker of the farm with one CreatedBy.
	Sole bool
}

// UpdateWorker changes a worker's status (STARTED, STOPPING, STOPPED; WorkerNone: none)
// and what it tells of itself. STARTED reclaims all work that the service believed it had.
type UpdateWorker struct {
	FleetID, WorkerID string
	Status            status.Worker
	HostProperties    []byte // nil: unchanged
	Capabilities      []byte // nil: unchanged
	By                string
}

// DeleteWorker deletes a worker that is CREATED, STOPPED or NOT_RESPONDING.
type DeleteWorker struct{ FleetID, WorkerID string }

// UpdateWorkerSchedule is a worker's heartbeat: what became of its actions, and the
// question what to do next. Its result is a [Schedule].
type UpdateWorkerSchedule struct {
	FleetID, WorkerID string
	Reports           []ActionReport
}

// ActionReport is a worker's word on one session action. Reports on actions that the
// worker does not hold, or that are over, change nothing.
type ActionReport struct {
	SessionID       string
	ActionIndex     int64
	Completed       status.Action // SUCCEEDED, FAILED, INTERRUPTED, CANCELED, NEVER_ATTEMPTED; ActionNone while it runs
	StartedAt       int64
	EndedAt         int64
	UpdatedAt       int64
	Progress        *float64
	ProgressMessage *string
	ExitCode        *int32
	Manifests       []byte
}

// Tick lets time pass: workers that were not heard of become NOT_RESPONDING. Its
// result is the Mono time at which the next Tick is due.
type Tick struct{}

func (PutResource) command()            {}
func (DeleteResource) command()         {}
func (PutTags) command()                {}
func (PutMembership) command()          {}
func (DeleteMembership) command()       {}
func (PutAssociation) command()         {}
func (DeleteAssociation) command()      {}
func (CreateJob) command()              {}
func (UpdateJob) command()              {}
func (DeleteJobs) command()             {}
func (UpdateStep) command()             {}
func (UpdateTask) command()             {}
func (UpdateSession) command()          {}
func (CreateWorker) command()           {}
func (UpdateWorker) command()           {}
func (DeleteWorker) command()           {}
func (PutLimitAssociation) command()    {}
func (DeleteLimitAssociation) command() {}
func (CountLimits) command()            {}
func (UpdateWorkerSchedule) command()   {}
func (Tick) command()                   {}

// Result is what a command answers; only the member that its command names is set, and Wake.
type Result struct {
	Schedule    *Schedule        // UpdateWorkerSchedule
	NextTick    time.Duration    // Tick
	Explanation *Explanation     // Why
	LimitCounts map[string]int64 // CountLimits: by the id of the limit
	FleetSize   int              // FleetSize
	Wake        []Wake           // any command: who should ask now
}

// Schedule answers UpdateWorkerSchedule: every session that the worker holds with all
// of its actions that are not over, in order, and which of those it must cancel.
type Schedule struct {
	Sessions []AssignedSession
	Cancel   map[string][]int64 // session id -> action indexes
	Stop     bool               // the worker is surplus: it is to stop
	// Interval is when the worker should ask again at the latest: soon while there are few workers, see [Config.PollRate].
	Interval time.Duration
}

// AssignedSession is a session in a [Schedule].
type AssignedSession struct {
	SessionID, QueueID, JobID string
	Actions                   []AssignedAction
}

// AssignedAction is one action in a [Schedule]. For a taskRun, Space.At(TaskIndex), or
// Space.ChunkOf(Chunk) where there is one, gives its parameters (a nil Space has none).
type AssignedAction struct {
	ActionIndex   int64
	Kind          row.ActionKind
	EnvironmentID string
	StepID        string // taskRun; syncInputJobAttachments of a step's dependencies
	TaskIndex     int64
	Chunk         []int64 // the tasks of a taskRun that runs a chunk; nil for one task
	Space         *openjd.ParameterSpace
}

// QueueScheduling is the "scheduling" member of a queue's document.
type QueueScheduling struct {
	NeedsBudget bool       `json:"needsBudget,omitempty"` // without an ACTIVE budget nothing new is assigned
	CancelTasks bool       `json:"cancelTasks,omitempty"` // and what runs is canceled and returns to the queue
	Order       QueueOrder `json:"order,omitzero"`        // how its jobs are ranked
}

// QueueEnvironmentScheduling is the "scheduling" member of a queue environment's document.
// Sessions enter the environments of their queue by Priority, then age.
type QueueEnvironmentScheduling struct {
	Name     string `json:"name"`
	Priority int32  `json:"priority"`
}

// FleetScheduling is the "scheduling" member of a fleet's document.
type FleetScheduling struct {
	MaxWorkers int32          `json:"maxWorkers"`
	Scaling    *FleetScaling  `json:"scaling,omitempty"` // nil: it does not scale by itself
	Amounts    []AmountRange  `json:"amounts,omitempty"`
	Attributes []AttributeSet `json:"attributes,omitempty"`
}

// AmountRange is an amount that every worker of a fleet has; Max nil: no upper bound.
type AmountRange struct {
	Name string   `json:"name"`
	Min  float64  `json:"min"`
	Max  *float64 `json:"max,omitempty"`
}

// AttributeSet is an attribute that every worker of a fleet has.
type AttributeSet struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}
