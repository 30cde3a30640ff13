package scheduler

import (
	"fmt"

	"github.com/farmhand-render/farmhand/internal/status"
)

// cause is why a thing changes its status.
type cause uint8

const (
	causeCreate     cause = iota
	causeAssign           // work was put into a session
	causeDeliver          // the worker was told
	causeReport           // the worker said so
	causeTarget           // somebody asked for it: an update of job, step, task or session
	causeDependency       // a dependency was resolved, unresolved or cannot be any more
	causeFailure          // something before it failed, or too many tasks did
	causeMismatch         // no fleet of the queue can run it
	causeStop             // an association, a queue or a drain takes work back
	causeWorker           // what the worker says of itself
	causeLost             // the worker was not heard of
	causeDerived          // follows from the parts
	numCauses
)

var causeNames = [numCauses]string{
	"create", "assign", "deliver", "report", "target", "dependency", "failure", "mismatch", "stop", "worker", "lost", "derived",
}

func (w cause) String() string { return causeNames[w] }

// causes is a set of them.
type causes uint16

func because(list ...cause) causes {
	var set causes
	for _, w := range list {
		set |= 1 << w
	}
	return set
}

// statusType is a status of package status.
type statusType interface {
	~uint8
	fmt.Stringer
}

// edge permits transitions from each of a set of statuses to one, by any of a set of causes.
type edge[S statusType] struct {
	from []S
	to   S
	by   causes
}

// machine is the table of a kind of thing: what may follow what, and why.
type machine[S statusType] struct {
	what  string
	table [16][16]causes
}

func newMachine[S statusType](what string, edges []edge[S]) *machine[S] {
	m := &machine[S]{what: what}
	for _, e := range edges {
		for _, from := range e.from {
			m.table[from][e.to] |= e.by
		}
	}
	return m
}

func (m *machine[S]) allows(from, to S, by cause) bool {
	return m.table[from][to]&(1<<by) != 0
}

// pass reports whether the machine lets a thing go from one status to another; what it refuses is a violation.
func pass[S statusType](c *Core, m *machine[S], id func() string, from, to S, by cause) bool {
	if m.allows(from, to, by) {
		return true
	}
	c.violated(Violation{What: m.what, ID: id(), From: from.String(), To: to.String(), Why: by.String()})
	return false
}

// The machines. doc.go draws them.
var (
	taskMachine    = newMachine("task", taskEdges())
	actionMachine  = newMachine("session action", actionEdges())
	sessionMachine = newMachine("session", sessionEdges())
	workerMachine  = newMachine("worker", workerEdges())
	jobMachine     = newMachine("job", lifecycleEdges())
	stepMachine    = newMachine("step", lifecycleEdges())
	linkMachine    = newMachine("association", associationEdges())
)

func taskEdges() []edge[status.Task] {
	const (
		running, interrupting, starting, scheduled = status.TaskRunning, status.TaskInterrupting, status.TaskStarting, status.TaskScheduled
		assigned, ready, pending, suspended        = status.TaskAssigned, status.TaskReady, status.TaskPending, status.TaskSuspended
		mismatched, failed, canceled, succeeded    = status.TaskNotCompatible, status.TaskFailed, status.TaskCanceled, status.TaskSucceeded
	)
	type list = []status.Task
	held := list{assigned, scheduled, starting}
	over := list{mismatched, failed, canceled, succeeded}
	waits := list{ready, pending, suspended}
	return []edge[status.Task]{
		{list{status.TaskNone}, ready, because(causeCreate)},
		{list{status.TaskNone}, pending, because(causeCreate)},
		{list{status.TaskNone}, suspended, because(causeCreate)},
		// Assignment and what the worker makes of it.
		{list{ready}, assigned, because(causeAssign)},
		{list{ready}, scheduled, because(causeAssign)},
		{list{assigned, scheduled}, starting, because(causeReport)},
		{held, running, because(causeReport)},
		{list{running, interrupting}, succeeded, because(causeReport)},
		{list{running, interrupting}, failed, because(causeReport, causeTarget, causeLost, causeWorker)},
		{held, failed, because(causeFailure)},
		// Back to the queue: retried, interrupted, never attempted, taken back.
		{append(list{running, interrupting}, held...), ready, because(causeReport, causeTarget, causeFailure, causeStop, causeLost, causeWorker)},
		{append(list{running, interrupting}, held...), pending, because(causeReport, causeTarget, causeFailure, causeStop, causeLost, causeWorker)},
		// Taking work back takes the worker's consent.
		{append(list{running}, held...), interrupting, because(causeTarget, causeDependency, causeFailure, causeMismatch, causeStop)},
		{list{interrupting}, canceled, because(causeReport, causeTarget, causeFailure, causeStop, causeLost, causeWorker)},
		{list{interrupting}, suspended, because(causeReport, causeTarget, causeFailure, causeStop, causeLost, causeWorker)},
		{list{interrupting}, succeeded, because(causeTarget, causeFailure, causeStop, causeLost, causeWorker)},
		{list{interrupting}, failed, because(causeFailure, causeStop)},
		// Targets on what nobody holds.
		{append(append(list{}, waits...), mismatched), canceled, because(causeTarget)},
		{list{ready, pending}, canceled, because(causeFailure, causeMismatch)},
		{list{suspended}, canceled, because(causeFailure, causeMismatch)},
		{append(append(list{}, waits...), mismatched, canceled), failed, because(causeTarget)},
		{append(append(list{}, waits...), mismatched, canceled, failed), succeeded, because(causeTarget)},
		{list{ready, pending, mismatched}, suspended, because(causeTarget)},
		{append(list{suspended}, over...), ready, because(causeTarget)},
		{append(list{suspended}, over...), pending, because(causeTarget)},
		// Dependencies and fleets.
		{list{pending}, ready, because(causeDependency)},
		{list{ready}, pending, because(causeDependency)},
		{list{pending}, canceled, because(causeDependency)},
		{list{ready, pending}, mismatched, because(causeMismatch)},
	}
}

func actionEdges() []edge[status.Action] {
	const (
		scheduled, assigned, running, canceling = status.ActionScheduled, status.ActionAssigned, status.ActionRunning, status.ActionCanceling
		reclaiming, succeeded, failed           = status.ActionReclaiming, status.ActionSucceeded, status.ActionFailed
		interrupted, canceled, never, reclaimed = status.ActionInterrupted, status.ActionCanceled, status.ActionNeverAttempted, status.ActionReclaimed
	)
	type list = []status.Action
	back := because(causeTarget, causeDependency, causeFailure, causeMismatch, causeStop)
	gone := because(causeWorker, causeLost)
	return []edge[status.Action]{
		{list{status.ActionNone}, scheduled, because(causeAssign)},
		{list{scheduled}, assigned, because(causeDeliver)},
		// A final report about what never reported to run, or is being taken back, passes through RUNNING or CANCELING.
		{list{scheduled, assigned}, running, because(causeReport)},
		{list{reclaiming}, canceling, because(causeReport) | back},
		{list{running, canceling}, succeeded, because(causeReport)},
		{list{running, canceling}, failed, because(causeReport)},
		{list{running, canceling}, interrupted, because(causeReport) | gone},
		{list{running, canceling}, canceled, because(causeReport)},
		{list{running, assigned}, canceling, back},
		{list{assigned}, reclaiming, back},
		{list{scheduled}, never, back | gone | because(causeReport)},
		{list{scheduled}, reclaimed, back | because(causeLost)},
		{list{assigned, canceling}, never, because(causeReport, causeFailure) | gone},
		{list{assigned}, reclaimed, because(causeLost)},
		{list{reclaiming}, reclaimed, because(causeReport, causeFailure) | gone},
	}
}

func sessionEdges() []edge[status.Session] {
	type list = []status.Session
	return []edge[status.Session]{
		{list{status.SessionNone}, status.SessionStarted, because(causeCreate)},
		{list{status.SessionStarted}, status.SessionUpdateInProgress, because(causeTarget)},
		{list{status.SessionUpdateInProgress}, status.SessionUpdateSucceeded, because(causeDerived)},
		{
			list{status.SessionStarted, status.SessionUpdateInProgress, status.SessionUpdateSucceeded},
			status.SessionEnded,
			because(causeDerived, causeWorker, causeLost),
		},
	}
}

func workerEdges() []edge[status.Worker] {
	const (
		created, started, idle, running  = status.WorkerCreated, status.WorkerStarted, status.WorkerIdle, status.WorkerRunning
		stopping, stopped, notResponding = status.WorkerStopping, status.WorkerStopped, status.WorkerNotResponding
	)
	type list = []status.Worker
	return []edge[status.Worker]{
		{list{status.WorkerNone}, created, because(causeCreate)},
		{list{created, started, idle, running, stopped, notResponding}, started, because(causeWorker)},
		{list{started, idle, running}, stopping, because(causeWorker)},
		{list{created, started, idle, running, stopping, notResponding, status.WorkerNotCompatible}, stopped, because(causeWorker)},
		{list{started, running}, idle, because(causeDerived)},
		{list{started, idle}, running, because(causeDerived)},
		{list{started, idle, running, stopping}, notResponding, because(causeLost)},
	}
}

// lifecycleEdges serves jobs and steps; steps use the UPDATE part only.
func lifecycleEdges() []edge[status.Lifecycle] {
	const (
		complete, updating, updated = status.LifecycleCreateComplete, status.LifecycleUpdateInProgress, status.LifecycleUpdateSucceeded
		failed, archived            = status.LifecycleCreateFailed, status.LifecycleArchived
	)
	type list = []status.Lifecycle
	return []edge[status.Lifecycle]{
		{list{status.LifecycleNone}, complete, because(causeCreate)},
		{list{status.LifecycleNone}, failed, because(causeCreate)},
		{list{complete, updated, status.LifecycleUpdateFailed, updating}, updating, because(causeTarget)},
		{list{updating}, updated, because(causeDerived)},
		{list{complete, failed, updating, updated, status.LifecycleUpdateFailed}, archived, because(causeTarget)},
	}
}

func associationEdges() []edge[status.Association] {
	const (
		active, complete, cancel = status.AssociationActive, status.AssociationStopComplete, status.AssociationStopCancel
		stopped                  = status.AssociationStopped
	)
	type list = []status.Association
	return []edge[status.Association]{
		{list{status.AssociationNone}, active, because(causeCreate)},
		{list{active, complete, cancel, stopped}, active, because(causeTarget)},
		{list{active, complete, cancel}, complete, because(causeTarget)},
		{list{active, complete, cancel}, cancel, because(causeTarget)},
		{list{complete, cancel}, stopped, because(causeDerived)},
	}
}
