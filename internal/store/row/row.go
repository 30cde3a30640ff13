// Package row holds the rows of the store: what the scheduler's core changes,
// what the committer writes, what the service reads.
//
// Rows are plain values. Times are microseconds since 1970 UTC, 0 when absent.
// Documents are JSON texts. The members of primary keys, the ids of parents, creation
// stamps, a job's number and source, a session's start and what a session action is about never
// change: once inserted, the store keeps their first value. Jobs, steps, tasks, sessions and session actions of one
// job share the prefix of their primary keys, so that the rows of an active job lie
// together on disk.
package row

import "github.com/farmhand-render/farmhand/internal/status"

// Stamp says who made and last changed a resource. UpdatedAt is 0 and UpdatedBy
// empty until the first change.
type Stamp struct {
	CreatedAt int64
	CreatedBy string
	UpdatedAt int64
	UpdatedBy string
}

// Kind names a kind of resource that is stored as one document.
type Kind string

// The kinds of document resources.
const (
	KindFarm             Kind = "farm"
	KindQueue            Kind = "queue"
	KindQueueEnvironment Kind = "queue-environment"
	KindFleet            Kind = "fleet"
	KindStorageProfile   Kind = "storage-profile"
	KindBudget           Kind = "budget"
	KindLimit            Kind = "limit"
	KindMonitor          Kind = "monitor"
	KindLicenseEndpoint  Kind = "license-endpoint"
	KindVolume           Kind = "volume"
)

// Resource is a configuration resource: few, rarely changed, read as a whole.
// Primary key (Kind, ID). Listed by (Kind, ParentID, CreatedAt, ID).
type Resource struct {
	Kind     Kind
	ID       string
	FarmID   string // "" for resources of the installation
	ParentID string // farms, monitors, license endpoints: ""; queue environments: queue; volumes: fleet; others: farm
	Stamp
	Doc []byte // JSON of the kind's own document type
}

// ResourceKey identifies a Resource.
type ResourceKey struct {
	Kind Kind
	ID   string
}

// Association is a queue-fleet association. Primary key (FarmID, QueueID, FleetID).
type Association struct {
	FarmID  string
	QueueID string
	FleetID string
	Status  status.Association
	Stamp
}

// AssociationKey identifies an Association.
type AssociationKey struct{ FarmID, QueueID, FleetID string }

// Membership is what a person or group may do with a farm, queue, fleet or job. Primary key (ResourceID, PrincipalID).
// Deleting the resource deletes it.
type Membership struct {
	ResourceID      string
	PrincipalID     string
	ResourceType    string // FARM, QUEUE, FLEET, JOB
	FarmID          string
	QueueID         string // a job's; "" for the others
	PrincipalType   string // USER, GROUP
	IdentityStoreID string
	Level           string // VIEWER, CONTRIBUTOR, MANAGER, OWNER
	Stamp
}

// MembershipKey identifies a Membership.
type MembershipKey struct{ ResourceID, PrincipalID string }

// DeletedJob is a job that was deleted and of which rows are left.
type DeletedJob struct{ JobID, FarmID, QueueID string }

// LimitAssociation says that tasks of a queue take from a limit. Primary key (FarmID, QueueID, LimitID). Its statuses
// are those of an [Association]: that it stops scheduling reads "stop limit usage" on the wire.
type LimitAssociation struct {
	FarmID  string
	QueueID string
	LimitID string
	Status  status.Association
	Stamp
}

// LimitAssociationKey identifies a LimitAssociation.
type LimitAssociationKey struct{ FarmID, QueueID, LimitID string }

// Spending is what was spent: under the id of a budget what it has counted, under that of a queue what all its ended
// sessions cost. Primary key ID.
type Spending struct {
	FarmID    string
	ID        string
	Amount    int64 // nanodollars
	StoppedAt int64 // when the budget stopped its queue, 0 while it does not
}

// UsageType is what a [Usage] paid for, in the words of the API.
type UsageType string

// The types of usage.
const (
	UsageCompute UsageType = "COMPUTE"
	UsageLicense UsageType = "LICENSE"
)

// UsagePeriod is the length of the periods by which usage is added up: time zones differ by half hours.
const UsagePeriod = int64(30 * 60 * 1_000_000)

// Usage is what one session that ended took of one kind. It is not a row of its own: it is added to the sums of its period,
// once with the job and once without.
type Usage struct {
	FarmID       string
	Period       int64 // start of the half hour in which the session ended
	QueueID      string
	FleetID      string
	JobID        string
	JobName      string
	UserID       string // who made the job
	Type         UsageType
	Product      string // licence product; "" for compute
	InstanceType string // host class of the worker; "" when unknown
	Runtime      int64  // microseconds
	Cost         int64  // nanodollars
	Total        int64  // nanodollars that the session cost in all, licences too; 0 but for [UsageCompute], which each session has once
}

// UsageSum is the usage of all sessions that ended in one period and share the other members. JobID and JobName are empty
// in sums over all jobs.
type UsageSum struct {
	Usage            // Runtime, Cost and Total are the sums
	Sessions   int64 // how many were added
	MinRuntime int64
	MaxRuntime int64
	MinCost    int64
	MaxCost    int64
	MinTotal   int64
	MaxTotal   int64
}

// Worker is a worker of a fleet. Primary key WorkerID. Heartbeats are not stored.
type Worker struct {
	FarmID   string
	FleetID  string
	WorkerID string
	Status   status.Worker
	Stamp
	HostProperties []byte // JSON HostPropertiesResponse; nil when never told
	Capabilities   []byte // JSON WorkerCapabilities as last reported; nil when never told
	Drain          Drain
}

// Job is the changing part of a job. Primary key JobID.
type Job struct {
	FarmID           string
	QueueID          string
	JobID            string
	Number           int64 // order of submission in the farm, from 1
	Name             string
	Description      string
	Lifecycle        status.Lifecycle
	LifecycleMessage string
	TaskStatus       status.Task // TaskNone while there are no tasks (CREATE_FAILED)
	Target           status.Task // last requested target; TaskNone when none was
	Counts           status.Counts
	FailureRetries   int64 // sum of the tasks' FailureRetries
	Priority         int32
	MaxFailedTasks   int32
	MaxRetries       int32 // per task
	MaxWorkers       int32 // -1: no limit; 0: not set (no limit, not shown)
	Sessions         int64 // sessions made so far; the next session's Seq
	StartedAt        int64
	EndedAt          int64
	Stamp
	StorageProfileID string
	SourceJobID      string
}

// JobDocument is the part of a job that never changes. Primary key JobID.
type JobDocument struct {
	JobID                string
	TemplateType         string // JSON or YAML
	Template             string // as submitted
	Parameters           []byte // JSON map name -> JobParameter, defaults applied; nil when none
	Attachments          []byte // JSON Attachments; nil when none
	ParameterDefinitions []byte // JSON list, as ListJobParameterDefinitions answers
	Environments         []byte // JSON list of the template's job environments, as authored
	Extended             []byte // JSON of what the template's extensions add for workers; nil when it has none
}

// Step is the changing part of a step. Primary key (JobID, StepIndex); StepID is unique.
//
// Tasks are not materialised: a task with an index >= Cursor and no row of its own has
// never been touched and has the run status Rest.
type Step struct {
	JobID            string
	StepIndex        int32 // position in the template
	StepID           string
	Name             string
	Description      string
	Lifecycle        status.Lifecycle
	LifecycleMessage string
	TaskStatus       status.Task
	Target           status.Task
	Counts           status.Counts
	FailureRetries   int64
	Tasks            int64       // length of the parameter space
	Cursor           int64       // next index that was never handed out
	Rest             status.Task // run status of every untouched task
	RestTarget       status.Task // their targetRunStatus; TaskNone when none
	RestUpdatedAt    int64       // when a job- or step-level update last set Rest
	RestUpdatedBy    string
	StartedAt        int64
	EndedAt          int64
	// What is known of all tasks together, so that searches for tasks can leave steps out. It may be more than the tasks are: see Cover.
	Earliest, Latest int64 // no time that a task has (of start, end, update) is outside; 0: none has one
	Targeted         bool  // a task may have a target, or somebody who updated it
	Stamp
	Sweeps int64 // how many there were: see [Sweep]
}

// Cover makes what is known of all tasks true of one more.
func (s *Step) Cover(t *Task) (changed bool) {
	before := *s
	for _, at := range [...]int64{t.StartedAt, t.EndedAt, t.UpdatedAt} {
		if at != 0 && (at < s.Earliest || s.Earliest == 0) {
			s.Earliest = at
		}
		s.Latest = max(s.Latest, at)
	}
	s.Targeted = s.Targeted || t.Target != status.TaskNone || t.UpdatedBy != ""
	return s.Earliest != before.Earliest || s.Latest != before.Latest || s.Targeted != before.Targeted
}

// CoverRest is Cover for the untouched tasks.
func (s *Step) CoverRest() {
	s.Cover(&Task{Target: s.RestTarget, UpdatedAt: s.RestUpdatedAt, UpdatedBy: s.RestUpdatedBy})
}

// CoverSweep is Cover for the tasks that a sweep concerns.
func (s *Step) CoverSweep(of *Sweep) {
	var t Task
	if of.Target != status.TaskNone {
		t.Target, t.UpdatedAt, t.UpdatedBy = of.Target, of.At, of.By
	}
	if of.To.Terminal() {
		t.EndedAt = of.At
	}
	s.Cover(&t)
}

// StepDocument is the part of a step that never changes. Primary key (JobID, StepIndex).
type StepDocument struct {
	JobID        string
	StepIndex    int32
	StepID       string
	Template     []byte   // JSON StepTemplate as authored
	Space        []byte   // JSON openjd/job.SpaceDefinition; nil for a step with one task and no parameters
	Requirements []byte   // JSON resolved host requirements; nil when none
	Dependencies []int32  // step indexes this one waits for
	Environments []string // names of the step's environments, in order
	Symbols      []byte   // JSON of what was known of the step when the job was created and workers need; nil when nothing
}

// Task is a touched task. Primary key (JobID, StepIndex, TaskIndex).
type Task struct {
	JobID          string
	StepIndex      int32
	TaskIndex      int64
	Status         status.Task
	Target         status.Task
	FailureRetries int32
	StartedAt      int64
	EndedAt        int64
	UpdatedAt      int64
	UpdatedBy      string
	LatestAction   string // session action id of its newest taskRun; "" when none
	Sweep          int64  // the last [Sweep] of its step when it was written
}

// Session is one job on one worker. Primary key (JobID, Seq); SessionID is unique.
type Session struct {
	FarmID         string
	QueueID        string
	JobID          string
	Seq            int64 // 0, 1, 2 … in the order of the job's sessions
	SessionID      string
	FleetID        string
	WorkerID       string
	StepIndex      int32 // a session runs tasks of one step only
	Lifecycle      status.Session
	Target         status.Session // SessionEnded once asked for; SessionNone before
	Actions        int64          // actions made so far; the next action's ActionIndex
	StartedAt      int64
	EndedAt        int64
	UpdatedAt      int64
	UpdatedBy      string
	HostProperties []byte // the worker's at the start of the session
	Usage          []byte // JSON, what the scheduler has metered so far; nil when nothing
}

// ActionKind is the kind of work of a session action: the member of its definition union.
type ActionKind uint8

// The kinds of session action.
const (
	ActionEnvEnter ActionKind = iota + 1
	ActionEnvExit
	ActionTaskRun
	ActionSyncInputJobAttachments
)

// SessionAction is one action of a session. Primary key (JobID, SessionSeq, ActionIndex).
type SessionAction struct {
	JobID           string
	SessionSeq      int64
	ActionIndex     int64
	SessionID       string
	Kind            ActionKind
	EnvironmentID   string // envEnter, envExit
	StepIndex       int32  // taskRun; syncInputJobAttachments of a step's dependencies; else -1
	TaskIndex       int64  // of a taskRun, the first of its chunk; else -1
	Chunk           Chunk  // the tasks of a taskRun that runs a chunk; "" for one task
	Status          status.Action
	StartedAt       int64   // as the worker said
	EndedAt         int64   // as the worker said
	WorkerUpdatedAt int64   // as the worker said
	Progress        float64 // percent; -1 when never told
	ProgressMessage string
	ExitCode        *int32
	Manifests       []byte // JSON list as reported; nil when none
	Limits          []byte // JSON list of {limitId, count} that a taskRun acquired; nil when none
}

// RequestToken remembers the answer to a request with a client token. Primary key
// (Principal, Operation, Token).
type RequestToken struct {
	Principal string
	Operation string
	Token     string
	Hash      [32]byte // of the request without the token
	Response  []byte   // JSON
	CreatedAt int64
}

// Tags are the tags of a resource. Primary key ARN. An empty map deletes the row.
type Tags struct {
	ARN  string
	Tags map[string]string
}

// Changes is what one or more commands change: whole rows to write (insert or
// replace by primary key) and keys to delete. Applied as one transaction.
type Changes struct {
	Resources               []Resource
	DeleteResources         []ResourceKey // a queue with all its jobs, finished ones too
	Associations            []Association
	DeleteAssociations      []AssociationKey
	LimitAssociations       []LimitAssociation
	DeleteLimitAssociations []LimitAssociationKey
	Spendings               []Spending // deleted with their budget or queue
	Usages                  []Usage    // added to sums, once each
	Memberships             []Membership
	DeleteMemberships       []MembershipKey
	Workers                 []Worker
	DeleteWorkers           []string
	Jobs                    []Job
	JobDocuments            []JobDocument
	Steps                   []Step
	StepDocuments           []StepDocument
	Tasks                   []Task
	Sweeps                  []Sweep
	Sessions                []Session
	Actions                 []SessionAction
	Tags                    []Tags
	DeleteJobs              []string // with all their rows (steps, tasks, sessions, actions, documents)
	Tokens                  []RequestToken
}

// Snapshot is what a scheduler core needs to know to take over a farm: its
// configuration, its workers and its unfinished jobs.
type Snapshot struct {
	FarmID            string
	Resources         []Resource // the farm, queues, queue environments, fleets, limits, budgets
	Associations      []Association
	LimitAssociations []LimitAssociation
	Spendings         []Spending
	Workers           []Worker
	Jobs              []JobSnapshot
	LastNumber        int64 // highest Job.Number in the farm
}

// JobSnapshot is all that the core keeps of one job.
type JobSnapshot struct {
	Job           Job
	Document      JobDocument
	Steps         []Step
	StepDocuments []StepDocument
	Tasks         []Task          // touched ones
	Sessions      []Session       // not ended
	Actions       []SessionAction // of those sessions
}
