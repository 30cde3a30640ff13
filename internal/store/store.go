// Package store is the contract of Farmhand's storage: the only truth about farms.
// The committer writes through [Store.Commit]; everybody reads through [Reader].
//
// Reads see everything that a returned Commit wrote. Lists are keyset-paged: they take
// the key after which to continue, so a page is stable while others write.
package store

import (
	"context"
	"errors"

	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/search"
)

// ErrNotFound says that the row does not exist.
var ErrNotFound = errors.New("not found")

// Store is a database of farms.
type Store interface {
	Reader
	// Commit writes changes in one durable transaction: all or nothing. Deletes happen
	// before writes; no primary key may be written twice. After an error it is unknown
	// whether the changes are in the store. Members of rows that are documented never to
	// change keep their first value.
	Commit(ctx context.Context, changes *row.Changes) error
	// PurgeTokens deletes up to limit request tokens made before a time, oldest first,
	// and returns how many.
	PurgeTokens(ctx context.Context, before int64, limit int) (int64, error)
	// PurgeJob deletes up to limit rows of what a deleted job has left: its steps, tasks, sessions and actions. It returns how many;
	// when those are fewer than limit, nothing is left and the job is forgotten. What was not deleted is left alone.
	PurgeJob(ctx context.Context, jobID string, limit int) (int64, error)
	// PurgeQueue deletes about limit rows of what a deleted queue has left: its jobs with all that belongs to them. It returns how
	// many; when those are fewer than limit, nothing is left and the queue is forgotten. What was not deleted is left alone.
	PurgeQueue(ctx context.Context, queueID string, limit int) (int64, error)
	// PurgeUsage deletes the usage by job of a farm's oldest half hour, if that is before a time, and returns how many rows it had.
	PurgeUsage(ctx context.Context, farmID string, before int64) (int64, error)
	// PurgeFarm deletes the usage of the oldest half hours of a farm that was deleted, and returns how many rows it had; 0 when
	// nothing is left.
	PurgeFarm(ctx context.Context, farmID string) (int64, error)
	// SweepTasks goes on with the sweeps that were committed and are not done to all of their tasks, up to limit tasks. left reports
	// whether it found one.
	SweepTasks(ctx context.Context, limit int) (left bool, err error)
	// Check proves that the store can write (for readiness): it makes a row durable.
	Check(ctx context.Context) error
	Close() error
}

// Reader reads rows. Single-row methods return ErrNotFound. Lists return at most limit rows.
type Reader interface {
	// Snapshot gives what a core needs to take over the farm.
	Snapshot(ctx context.Context, farmID string) (*row.Snapshot, error)
	// JobSnapshot gives one job whole, finished or not.
	JobSnapshot(ctx context.Context, jobID string) (*row.JobSnapshot, error)

	Resource(ctx context.Context, kind row.Kind, id string) (*row.Resource, error)
	// Resources lists by age (createdAt, id), after the given key.
	Resources(ctx context.Context, kind row.Kind, parentID string, after ResourceCursor, limit int) ([]row.Resource, error)
	CountResources(ctx context.Context, kind row.Kind, parentID string) (int64, error)
	// Tags gives an empty map for a resource without tags.
	Tags(ctx context.Context, arn string) (map[string]string, error)
	// Tagged lists the tags of all resources by ARN, after the given one.
	Tagged(ctx context.Context, after string, limit int) ([]row.Tags, error)
	RequestToken(ctx context.Context, principal, operation, token string) (*row.RequestToken, error)

	Association(ctx context.Context, key row.AssociationKey) (*row.Association, error)
	// Associations lists by (queueID, fleetID); queueID and fleetID filter when not "".
	Associations(ctx context.Context, farmID, queueID, fleetID string, after row.AssociationKey, limit int) ([]row.Association, error)

	Membership(ctx context.Context, key row.MembershipKey) (*row.Membership, error)
	// Members lists a resource's by age; the cursor's ID is the principal's.
	Members(ctx context.Context, resourceID string, after ResourceCursor, limit int) ([]row.Membership, error)
	CountMembers(ctx context.Context, resourceID string) (int64, error)
	// Memberships lists a principal's on resources of one type by (FarmID, ResourceID).
	Memberships(ctx context.Context, principalID, resourceType string, after MembershipCursor, limit int) ([]row.Membership, error)

	LimitAssociation(ctx context.Context, key row.LimitAssociationKey) (*row.LimitAssociation, error)
	// LimitAssociations lists by (queueID, limitID); queueID and limitID filter when not "".
	LimitAssociations(
		ctx context.Context, farmID, queueID, limitID string, after row.LimitAssociationKey, limit int,
	) ([]row.LimitAssociation, error)
	// Spendings gives what a farm's budgets and queues spent, by their ids; those that spent nothing may be missing.
	Spendings(ctx context.Context, farmID string) (map[string]row.Spending, error)
	// SpentBy gives the cost of a queue's sessions that ended in the periods [from, to), and of all that ever ended, of one
	// state of the store.
	SpentBy(ctx context.Context, farmID, queueID string, from, to int64) (within, ever int64, err error)
	// UsageSums calls f for the sums of the periods [from, to), by job or over all jobs, in no order.
	UsageSums(ctx context.Context, farmID string, byJob bool, from, to int64, f func(row.UsageSum)) error

	Worker(ctx context.Context, workerID string) (*row.Worker, error)
	// Workers lists a fleet's by age.
	Workers(ctx context.Context, fleetID string, after ResourceCursor, limit int) ([]row.Worker, error)
	CountWorkers(ctx context.Context, fleetID string) (int64, error)
	// FindWorkers is FindJobs for workers.
	FindWorkers(ctx context.Context, query *search.Query) (found []row.Worker, total int, err error)

	Job(ctx context.Context, jobID string) (*row.Job, error)
	JobDocument(ctx context.Context, jobID string) (*row.JobDocument, error)
	// Jobs lists a queue's, newest first, with Number < before (0: from the newest).
	Jobs(ctx context.Context, queueID string, before int64, limit int) ([]row.Job, error)
	CountJobs(ctx context.Context, queueID string) (int64, error)

	// FindJobs gives a page of the jobs that a search finds, and how many there are, up to its limit.
	FindJobs(ctx context.Context, query *search.Query) (found []row.Job, total int, err error)
	// LoadSearches reads the jobs and steps of a queue, or the workers of a fleet, into memory for searches; else the first of them
	// does it.
	LoadSearches(ctx context.Context, of row.ResourceKey) error
	// OverJobs lists finished jobs of a farm that are not archived and that nothing happened to since a time.
	OverJobs(ctx context.Context, farmID string, before int64, limit int) ([]row.Job, error)
	// ArchivedJobs lists the jobs of a farm that were archived before a time.
	ArchivedJobs(ctx context.Context, farmID string, before int64, limit int) ([]row.Job, error)
	// JobParameters gives the parameters of jobs, as their documents have them.
	JobParameters(ctx context.Context, jobIDs []string) (map[string][]byte, error)

	StepByID(ctx context.Context, stepID string) (*row.Step, error)
	// Steps lists in template order, from StepIndex >= from.
	Steps(ctx context.Context, jobID string, from int32, limit int) ([]row.Step, error)
	// FindSteps is FindJobs for steps.
	FindSteps(ctx context.Context, query *search.Query) (found []FoundStep, total int, err error)
	// WalkSteps goes through the steps of some queues that meet a condition, newest jobs first.
	WalkSteps(ctx context.Context, queueIDs []string, where *search.Condition) (*search.Walk, error)
	// StepsByID gives steps in the order of their ids, with their jobs, without those that are gone.
	StepsByID(ctx context.Context, ids []string) ([]FoundStep, error)
	StepDocument(ctx context.Context, jobID string, stepIndex int32) (*row.StepDocument, error)
	StepDocuments(ctx context.Context, jobID string) ([]row.StepDocument, error)

	// Tasks lists the touched tasks with from <= TaskIndex < to.
	Tasks(ctx context.Context, jobID string, stepIndex int32, from, to int64) ([]row.Task, error)
	// TasksAt lists the touched tasks with some indexes, in their order.
	TasksAt(ctx context.Context, jobID string, stepIndex int32, indexes []int64) ([]row.Task, error)
	// TasksOf gives all touched tasks of some steps in the order of their indexes, by the step's id.
	TasksOf(ctx context.Context, stepIDs []string) (map[string][]row.Task, error)
	// CountTasksOf counts the touched tasks of some steps, and those of them that meet a condition.
	CountTasksOf(ctx context.Context, stepIDs []string, where *TaskCondition) (touched, met int64, err error)
	// FindTasks gives the first touched tasks that a search finds.
	FindTasks(ctx context.Context, search *TaskSearch, limit int) ([]row.Task, error)
	// CountTasks counts the touched tasks that a search finds, up to a limit.
	CountTasks(ctx context.Context, search *TaskSearch, limit int) (int64, error)

	SessionByID(ctx context.Context, sessionID string) (*row.Session, error)
	// Sessions lists a job's in order of start, from Seq >= from.
	Sessions(ctx context.Context, jobID string, from int64, limit int) ([]row.Session, error)
	// WorkerSessions lists a worker's by (StartedAt, SessionID).
	WorkerSessions(ctx context.Context, workerID string, after ResourceCursor, limit int) ([]row.Session, error)
	// HoldsJob reports whether the worker has a session of the job that is not over.
	HoldsJob(ctx context.Context, workerID, jobID string) (bool, error)
	// HoldsQueue reports whether the worker has a session of the queue that is not over.
	HoldsQueue(ctx context.Context, workerID, queueID string) (bool, error)

	Action(ctx context.Context, jobID string, sessionSeq, actionIndex int64) (*row.SessionAction, error)
	// Actions lists by (SessionSeq, ActionIndex).
	Actions(ctx context.Context, filter ActionFilter, after ActionCursor, limit int) ([]row.SessionAction, error)

	// DeletedJobs lists the jobs that [Store.PurgeJob] has not forgotten yet, by id, after the given one. What is left of them is
	// there only for lists by the job's id.
	DeletedJobs(ctx context.Context, after string, limit int) ([]row.DeletedJob, error)
	// DeletedQueues lists the queues that [Store.PurgeQueue] has not forgotten yet, by id, after the given one. Their jobs, with the
	// sessions and members of those, are not there for any other read.
	DeletedQueues(ctx context.Context, after string, limit int) ([]string, error)

	// UsageFarms lists the farms that have usage, whether they are there or not, by id, after the given one.
	UsageFarms(ctx context.Context, after string, limit int) ([]string, error)
	// FarmIDs lists all farms.
	FarmIDs(ctx context.Context) ([]string, error)
}

// ResourceCursor is the key of the last row of a page that is ordered by age. The zero value is before all.
type ResourceCursor struct {
	CreatedAt int64
	ID        string
}

// MembershipCursor is the key of the last membership of a page of a principal's. The zero value is before all.
type MembershipCursor struct{ FarmID, ResourceID string }

// ActionFilter selects session actions of one job. Nil members do not filter.
type ActionFilter struct {
	JobID      string
	SessionSeq *int64
	Task       *TaskKey // taskRun actions of this task
}

// TaskKey is a task within its job.
type TaskKey struct {
	StepIndex int32
	TaskIndex int64
	InChunks  bool // tasks of the step run in chunks
}

// ActionCursor is the key of the last session action of a page. Start with [FirstAction].
type ActionCursor struct{ SessionSeq, ActionIndex int64 }

// FirstAction is before all session actions.
var FirstAction = ActionCursor{SessionSeq: -1, ActionIndex: -1}
