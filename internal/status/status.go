// Package status holds the statuses of Deadline Cloud's resources as small
// integers, with the API's own names as their text.
//
// The scheduler keeps millions of them in memory and compares them on its hot
// path, so they are bytes there; the store and the wire use the text. The zero
// value of every type means "absent".
package status

import "fmt"

// Task is the run status of a task, a step or a job (API enum TaskRunStatus).
type Task uint8

// The run statuses, in the order in which a busier one hides a calmer one when
// the status of a step or job is derived from its task counts (see [Counts.Derive]).
const (
	TaskNone Task = iota
	TaskRunning
	TaskInterrupting
	TaskStarting
	TaskScheduled
	TaskAssigned
	TaskReady
	TaskPending
	TaskSuspended
	TaskNotCompatible
	TaskFailed
	TaskCanceled
	TaskSucceeded
)

// NumTask is one more than the highest Task; arrays indexed by Task have this length.
const NumTask = int(TaskSucceeded) + 1

var taskNames = [NumTask]string{
	"", "RUNNING", "INTERRUPTING", "STARTING", "SCHEDULED", "ASSIGNED", "READY",
	"PENDING", "SUSPENDED", "NOT_COMPATIBLE", "FAILED", "CANCELED", "SUCCEEDED",
}

func (s Task) String() string { return name(taskNames[:], uint8(s)) }

// ParseTask is the inverse of String; "" gives TaskNone.
func ParseTask(text string) (Task, error) {
	i, err := parse(taskNames[:], text, "task run status")
	return Task(i), err
}

// Terminal reports whether work on the task is over (SUCCEEDED, FAILED, CANCELED, NOT_COMPATIBLE).
func (s Task) Terminal() bool { return s >= TaskNotCompatible }

// Active reports whether a worker holds the task (ASSIGNED to RUNNING, or INTERRUPTING).
func (s Task) Active() bool { return s >= TaskRunning && s <= TaskAssigned }

// Ended reports whether the status sets endedAt on a job or step: terminal ones and SUSPENDED.
func (s Task) Ended() bool { return s >= TaskSuspended }

// Counts is the number of tasks in each run status, indexed by Task; [TaskNone] is unused.
type Counts [NumTask]int64

// Total is the number of tasks counted.
func (c *Counts) Total() int64 {
	var n int64
	for _, v := range c {
		n += v
	}
	return n
}

// Derive gives the run status of a step or job from the counts of its tasks: the
// first status, in order of declaration, that any task has. TaskNone when there are no tasks.
func (c *Counts) Derive() Task {
	for s := TaskRunning; s <= TaskSucceeded; s++ {
		if c[s] > 0 {
			return s
		}
	}
	return TaskNone
}

// Add moves the counts of other into c.
func (c *Counts) Add(other *Counts) {
	for i := range c {
		c[i] += other[i]
	}
}

// Action is the status of a session action (API enum SessionActionStatus).
type Action uint8

// The eleven statuses of a session action. SCHEDULED: put into a session, not yet
// delivered to the worker. ASSIGNED: delivered. RECLAIMING and RECLAIMED: taken back before it started.
const (
	ActionNone Action = iota
	ActionScheduled
	ActionAssigned
	ActionRunning
	ActionCanceling
	ActionReclaiming
	ActionSucceeded
	ActionFailed
	ActionInterrupted
	ActionCanceled
	ActionNeverAttempted
	ActionReclaimed
)

var actionNames = [...]string{
	"", "SCHEDULED", "ASSIGNED", "RUNNING", "CANCELING", "RECLAIMING", "SUCCEEDED",
	"FAILED", "INTERRUPTED", "CANCELED", "NEVER_ATTEMPTED", "RECLAIMED",
}

func (s Action) String() string { return name(actionNames[:], uint8(s)) }

// ParseAction is the inverse of String; "" gives ActionNone.
func ParseAction(text string) (Action, error) {
	i, err := parse(actionNames[:], text, "session action status")
	return Action(i), err
}

// Terminal reports whether the action is over.
func (s Action) Terminal() bool { return s >= ActionSucceeded }

// Session is the life cycle status of a session (API enum SessionLifecycleStatus).
type Session uint8

// The life cycle statuses of a session.
const (
	SessionNone Session = iota
	SessionStarted
	SessionUpdateInProgress
	SessionUpdateSucceeded
	SessionUpdateFailed
	SessionEnded
)

var sessionNames = [...]string{"", "STARTED", "UPDATE_IN_PROGRESS", "UPDATE_SUCCEEDED", "UPDATE_FAILED", "ENDED"}

func (s Session) String() string { return name(sessionNames[:], uint8(s)) }

// ParseSession is the inverse of String; "" gives SessionNone.
func ParseSession(text string) (Session, error) {
	i, err := parse(sessionNames[:], text, "session lifecycle status")
	return Session(i), err
}

// Worker is the status of a worker (API enum WorkerStatus).
type Worker uint8

// The statuses of a worker.
const (
	WorkerNone Worker = iota
	WorkerCreated
	WorkerStarted
	WorkerIdle
	WorkerRunning
	WorkerStopping
	WorkerStopped
	WorkerNotResponding
	WorkerNotCompatible
)

var workerNames = [...]string{
	"", "CREATED", "STARTED", "IDLE", "RUNNING", "STOPPING", "STOPPED", "NOT_RESPONDING", "NOT_COMPATIBLE",
}

func (s Worker) String() string { return name(workerNames[:], uint8(s)) }

// ParseWorker is the inverse of String; "" gives WorkerNone.
func ParseWorker(text string) (Worker, error) {
	i, err := parse(workerNames[:], text, "worker status")
	return Worker(i), err
}

// Online reports whether the worker may call UpdateWorkerSchedule.
func (s Worker) Online() bool {
	return s == WorkerStarted || s == WorkerIdle || s == WorkerRunning || s == WorkerStopping
}

// Lifecycle is the life cycle status of a job or step (API enums JobLifecycleStatus, StepLifecycleStatus).
type Lifecycle uint8

// The life cycle statuses. Steps use CREATE_COMPLETE and the UPDATE ones only.
const (
	LifecycleNone Lifecycle = iota
	LifecycleCreateInProgress
	LifecycleCreateFailed
	LifecycleCreateComplete
	LifecycleUploadInProgress
	LifecycleUploadFailed
	LifecycleUpdateInProgress
	LifecycleUpdateFailed
	LifecycleUpdateSucceeded
	LifecycleArchived
)

var lifecycleNames = [...]string{
	"", "CREATE_IN_PROGRESS", "CREATE_FAILED", "CREATE_COMPLETE", "UPLOAD_IN_PROGRESS", "UPLOAD_FAILED",
	"UPDATE_IN_PROGRESS", "UPDATE_FAILED", "UPDATE_SUCCEEDED", "ARCHIVED",
}

func (s Lifecycle) String() string { return name(lifecycleNames[:], uint8(s)) }

// ParseLifecycle is the inverse of String; "" gives LifecycleNone.
func ParseLifecycle(text string) (Lifecycle, error) {
	i, err := parse(lifecycleNames[:], text, "lifecycle status")
	return Lifecycle(i), err
}

// Association is the status of a queue-fleet association (API enum QueueFleetAssociationStatus), or of a queue-limit association,
// which has words of its own.
type Association uint8

// The statuses of a queue-fleet association.
const (
	AssociationNone Association = iota
	AssociationActive
	AssociationStopComplete // STOP_SCHEDULING_AND_COMPLETE_TASKS
	AssociationStopCancel   // STOP_SCHEDULING_AND_CANCEL_TASKS
	AssociationStopped
)

var associationNames = [...]string{
	"", "ACTIVE", "STOP_SCHEDULING_AND_COMPLETE_TASKS", "STOP_SCHEDULING_AND_CANCEL_TASKS", "STOPPED",
}

func (s Association) String() string { return name(associationNames[:], uint8(s)) }

// ParseAssociation is the inverse of String; "" gives AssociationNone.
func ParseAssociation(text string) (Association, error) {
	i, err := parse(associationNames[:], text, "queue-fleet association status")
	return Association(i), err
}

var limitUsageNames = [...]string{"", "ACTIVE", "STOP_LIMIT_USAGE_AND_COMPLETE_TASKS", "STOP_LIMIT_USAGE_AND_CANCEL_TASKS", "STOPPED"}

// LimitUsage is the status of a queue-limit association (API enum QueueLimitAssociationStatus).
func (s Association) LimitUsage() string { return name(limitUsageNames[:], uint8(s)) }

// ParseLimitUsage is the inverse of LimitUsage; "" gives AssociationNone.
func ParseLimitUsage(text string) (Association, error) {
	i, err := parse(limitUsageNames[:], text, "queue-limit association status")
	return Association(i), err
}

func name(names []string, i uint8) string {
	if int(i) >= len(names) {
		return fmt.Sprintf("status(%d)", i)
	}
	return names[i]
}

func parse(names []string, text, what string) (uint8, error) {
	for i, n := range names {
		if n == text {
			return uint8(i), nil
		}
	}
	return 0, fmt.Errorf("unknown %s %q", what, text)
}
