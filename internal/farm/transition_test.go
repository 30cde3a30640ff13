package farm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/storetest"
)

// TestTransitions walks every status of every resource with every change that can be asked for, and compares what becomes of it with
// the tables in testdata/transitions.
func TestTransitions(t *testing.T) {
	t.Parallel()
	aim := func(level string) func(*renderFarm, string, string) string {
		return func(r *renderFarm, from, request string) string { return r.aimed(level, from, request) }
	}
	for table, walk := range map[string]func(r *renderFarm, from, request string) string{
		"task": aim("task"), "step": aim("step"), "job": aim("job"),
		"session": (*renderFarm).endedSession, "worker": (*renderFarm).changedWorker,
		"queue-fleet-association": (*renderFarm).changedAssociation, "queue-limit-association": (*renderFarm).changedLimitAssociation,
	} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			for from, wants := range readTransitions(t, table) {
				t.Run(from, func(t *testing.T) {
					t.Parallel()
					shared := openFarmOn(t, storetest.NewFaulty(openStore(t), func(string, int) storetest.Fault { return storetest.None }))
					farm := shared.newFarm()
					for request, want := range wants {
						r := &renderFarm{testFarm: shared, farmID: farm}
						r.queueID = r.newQueue(farm, func(in *deadline.CreateQueueInput) { in.RoleArn = new(testRole) })
						r.fleetID = r.newFleet(farm)
						if table != "queue-fleet-association" || from != "NONE" {
							r.associate(farm, r.queueID, r.fleetID)
						}
						if got := walk(r, from, request); got != want {
							t.Errorf("%s %s: %s: got %s, want %s", table, from, request, got, want)
						}
					}
				})
			}
		})
	}
}

// lose makes the service believe that a worker was silent for too long: it is written to the store, from which the farm is read again
// after a commit that failed.
func (w *testWorker) lose() {
	w.t.Helper()
	ctx, faulty := w.t.Context(), w.store.(*storetest.Faulty)
	lost := must(w.store.Worker(ctx, w.id))(w.t)
	lost.Status = status.WorkerNotResponding
	if err := faulty.Store.Commit(ctx, &row.Changes{Workers: []row.Worker{*lost}}); err != nil {
		w.t.Fatal(err)
	}
	failed := false
	faulty.SetPlan(func(operation string, _ int) storetest.Fault {
		if operation != "Commit" || failed {
			return storetest.None
		}
		failed = true
		return storetest.Before
	})
	_, err := w.UpdateFleet(ctx, &deadline.UpdateFleetInput{FarmId: w.farmID, FleetId: w.fleetID, DisplayName: new("other")})
	_ = fails[*deadline.InternalServerErrorException](w.t, err)
}

// readTransitions reads a table: the outcome by status and request.
func readTransitions(t *testing.T, name string) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "transitions", name))
	if err != nil {
		t.Fatal(err)
	}
	var requests []string
	table := map[string]map[string]string{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || fields[0] == "#":
		case requests == nil:
			requests = fields
		case len(fields) != 1+len(requests) || table[fields[0]] != nil:
			t.Fatalf("%s: a line of %d cells, or a second one: %s", name, len(fields)-1, line)
		default:
			outcomes := map[string]string{}
			for i, request := range requests {
				outcomes[request] = fields[1+i]
			}
			table[fields[0]] = outcomes
		}
	}
	return table
}

// refusal is the cell of a request that was refused.
func refusal(err error) string {
	if e, ok := errors.AsType[*deadline.ConflictException](err); ok && e.ResourceId != "" {
		cell := "409:" + e.ResourceType + ":" + e.Context["status"]
		if e.Reason != deadline.ConflictExceptionReasonStatusConflict {
			cell += ":" + string(e.Reason)
		}
		return cell
	}
	if e, ok := errors.AsType[*deadline.ResourceNotFoundException](err); ok && e.ResourceId != "" {
		return "404:" + e.ResourceType
	}
	return "error: " + err.Error()
}

// shownIn is the part of a status in a table that the API shows.
func shownIn(from string) string {
	shown, _, _ := strings.Cut(from, "/")
	return shown
}

// insist ends the test unless a resource is in the status that a table begins with.
func (r *renderFarm) insist(got, from string) {
	r.t.Helper()
	if got != shownIn(from) {
		r.t.Fatalf("it is %s, and should be %s at first", got, from)
	}
}

// workOf is a job with the step and the task of it that a table is about, and the worker on it; nil when there is none.
type workOf struct {
	jobID, stepID, taskID string
	worker                *testWorker
}

const (
	preparedTemplate = `
specificationVersion: jobtemplate-2023-09
name: prepared
jobEnvironments: [{name: Env, script: {actions: {onEnter: {command: enter}, onExit: {command: exit}}}}]
steps: [{name: Render, script: {actions: {onRun: {command: render}}}}]
`
	dependentTemplate = `
specificationVersion: jobtemplate-2023-09
name: dependent
steps:
- {name: First, script: {actions: {onRun: {command: render}}}}
- {name: Second, dependencies: [{dependsOn: First}], script: {actions: {onRun: {command: render}}}}
`
	windowsTemplate = `
specificationVersion: jobtemplate-2023-09
name: windows
steps:
- name: Render
  hostRequirements: {attributes: [{name: attr.worker.os.family, anyOf: [windows]}]}
  script: {actions: {onRun: {command: render}}}
`
)

// bring makes a job whose task, step and itself are in a status.
func (r *renderFarm) bring(from string) *workOf {
	r.t.Helper()
	shown, how, _ := strings.Cut(from, "/")
	switch shown {
	case "PENDING":
		o := r.workIn(r.submit(dependentTemplate), 1, 0)
		r.aimStep(o.jobID, r.steps(o.jobID)[0].StepId, "SUSPENDED")
		return o
	case "ASSIGNED":
		return r.begun(plainTemplate(1), 0)
	case "SCHEDULED":
		o := r.begun(plainTemplate(3), 2)
		o.worker.end("taskRun 0", deadline.CompletedStatusSucceeded)
		return o
	case "STARTING":
		o := r.begun(preparedTemplate, 0)
		o.worker.start("envEnter Env")
		return o
	case "RUNNING", "INTERRUPTING":
		o := r.begun(plainTemplate(1), 0)
		o.worker.start("taskRun 0")
		if how != "" {
			r.aimTask(o, how)
		}
		return o
	case "SUSPENDED":
		return r.workIn(r.submit(plainTemplate(1), func(in *deadline.CreateJobInput) {
			in.TargetTaskRunStatus = deadline.CreateJobTargetTaskRunStatusSuspended
		}), 0, 0)
	case "NOT_COMPATIBLE":
		return r.workIn(r.submit(windowsTemplate), 0, 0)
	case "CREATE_FAILED":
		in := r.jobInput(strings.ReplaceAll(plainTemplate(1), "script:", "scripts:"))
		return &workOf{jobID: must(r.CreateJob(r.t.Context(), in))(r.t).JobId}
	}
	if from == "SUCCEEDED/leaving" { // the session is not over: it leaves its environment
		o := r.begun(preparedTemplate, 0)
		o.worker.end("envEnter Env", deadline.CompletedStatusSucceeded)
		o.worker.end("taskRun 0", deadline.CompletedStatusSucceeded)
		return o
	}
	o := r.workIn(r.submit(plainTemplate(1), func(in *deadline.CreateJobInput) { in.MaxRetriesPerTask = new(int32(0)) }), 0, 0)
	switch from {
	case "FAILED":
		r.join().work(func(string) deadline.CompletedStatus { return deadline.CompletedStatusFailed })
	case "FAILED/hand":
		r.aimTask(o, "FAILED")
	case "SUCCEEDED":
		r.join().work(nil)
	case "CANCELED":
		r.aimTask(o, "CANCELED")
	case "ARCHIVED":
		r.join().work(nil)
		must(r.UpdateJob(r.t.Context(), r.jobChange(o.jobID, "ARCHIVE")))(r.t)
	}
	return o
}

// workIn finds the step and the task of a job.
func (r *renderFarm) workIn(jobID string, step, task int) *workOf {
	r.t.Helper()
	o := &workOf{jobID: jobID, stepID: r.steps(jobID)[step].StepId}
	o.taskID = r.taskList(jobID, o.stepID)[task].TaskId
	return o
}

// begun submits a job and gives it to a worker.
func (r *renderFarm) begun(template string, task int) *workOf {
	r.t.Helper()
	o := r.workIn(r.submit(template), 0, task)
	o.worker = r.join()
	o.worker.poll(nil)
	return o
}

func (r *renderFarm) aimTask(o *workOf, target string) {
	r.t.Helper()
	must(r.UpdateTask(r.t.Context(), &deadline.UpdateTaskInput{
		FarmId: r.farmID, QueueId: r.queueID, JobId: o.jobID, StepId: o.stepID, TaskId: o.taskID, TargetRunStatus: deadline.TaskTargetRunStatus(target),
	}))(r.t)
}

func (r *renderFarm) aimStep(jobID, stepID, target string) {
	r.t.Helper()
	must(r.UpdateStep(r.t.Context(), &deadline.UpdateStepInput{
		FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, StepId: stepID, TargetTaskRunStatus: deadline.StepTargetTaskRunStatus(target),
	}))(r.t)
}

// jobChange is the request of a column of the table of jobs.
func (r *renderFarm) jobChange(jobID, request string) *deadline.UpdateJobInput {
	in := &deadline.UpdateJobInput{FarmId: r.farmID, QueueId: r.queueID, JobId: jobID}
	switch request {
	case "ARCHIVE":
		in.LifecycleStatus = deadline.UpdateJobLifecycleStatusArchived
	case "SETTINGS":
		in.Priority, in.MaxFailedTasksCount, in.MaxRetriesPerTask = new(int32(7)), new(int32(8)), new(int32(9))
		in.MaxWorkerCount, in.Name, in.Description = new(int32(10)), new("renamed"), new("described")
	default:
		in.TargetTaskRunStatus = deadline.JobTargetTaskRunStatus(request)
	}
	return in
}

// statusAt is the run status of a job, or of its step or task.
func (r *renderFarm) statusAt(level string, o *workOf) string {
	r.t.Helper()
	ctx := r.t.Context()
	switch level {
	case "task":
		return string(must(r.GetTask(ctx, &deadline.GetTaskInput{
			FarmId: r.farmID, QueueId: r.queueID, JobId: o.jobID, StepId: o.stepID, TaskId: o.taskID,
		}))(r.t).RunStatus)
	case "step":
		return string(must(r.GetStep(ctx, &deadline.GetStepInput{
			FarmId: r.farmID, QueueId: r.queueID, JobId: o.jobID, StepId: o.stepID,
		}))(r.t).TaskRunStatus)
	}
	j := r.getJob(o.jobID)
	switch j.LifecycleStatus {
	case deadline.JobLifecycleStatusArchived, deadline.JobLifecycleStatusCreateFailed:
		return string(j.LifecycleStatus)
	default:
		return string(j.TaskRunStatus)
	}
}

// aimed asks for a change of a job, step or task and gives the cell of what came of it.
func (r *renderFarm) aimed(level, from, request string) string {
	r.t.Helper()
	o, ctx := r.bring(from), r.t.Context()
	if from != "ARCHIVED" || level == "job" {
		r.insist(r.statusAt(level, o), from)
	}
	var err error
	switch level {
	case "task":
		_, err = r.UpdateTask(ctx, &deadline.UpdateTaskInput{
			FarmId: r.farmID, QueueId: r.queueID, JobId: o.jobID, StepId: o.stepID, TaskId: o.taskID, TargetRunStatus: deadline.TaskTargetRunStatus(request),
		})
	case "step":
		_, err = r.UpdateStep(ctx, &deadline.UpdateStepInput{
			FarmId: r.farmID, QueueId: r.queueID, JobId: o.jobID, StepId: o.stepID, TargetTaskRunStatus: deadline.StepTargetTaskRunStatus(request),
		})
	default:
		_, err = r.UpdateJob(ctx, r.jobChange(o.jobID, request))
	}
	if err != nil {
		return refusal(err)
	}
	if then := r.statusAt(level, o); then != "INTERRUPTING" {
		return then
	}
	o.worker.letGo()
	return ">" + r.statusAt(level, o)
}

// letGo ends what the worker is told to cancel. It gets nothing else to do.
func (w *testWorker) letGo() {
	w.t.Helper()
	w.update(deadline.UpdatedWorkerStatusStopping)
	u := updates{}
	for _, ids := range w.poll(nil).CancelSessionActions {
		for _, id := range ids {
			completed := deadline.CompletedStatusNeverAttempted
			if w.running[id] {
				completed = deadline.CompletedStatusCanceled
			}
			u[id] = w.ended(id, completed)
		}
	}
	w.poll(u)
}

// endedSession asks for the end of a session.
func (r *renderFarm) endedSession(from, request string) string {
	r.t.Helper()
	o, ctx := r.begun(preparedTemplate, 0), r.t.Context()
	o.worker.end("envEnter Env", deadline.CompletedStatusSucceeded)
	o.worker.start("taskRun 0")
	id, _ := o.worker.held()
	in := &deadline.UpdateSessionInput{
		FarmId: r.farmID, QueueId: r.queueID, JobId: o.jobID, SessionId: id, TargetLifecycleStatus: deadline.SessionLifecycleTargetStatus(request),
	}
	shown := func() string {
		return string(must(r.GetSession(ctx, &deadline.GetSessionInput{
			FarmId: r.farmID, QueueId: r.queueID, JobId: o.jobID, SessionId: id,
		}))(r.t).LifecycleStatus)
	}
	if from != "STARTED" {
		must(r.UpdateSession(ctx, in))(r.t)
	}
	if from == "UPDATE_SUCCEEDED" || from == "ENDED" {
		o.worker.letGo()
	}
	if from == "ENDED" {
		o.worker.end("envExit Env", deadline.CompletedStatusSucceeded)
	}
	r.insist(shown(), from)
	if _, err := r.UpdateSession(ctx, in); err != nil {
		return refusal(err)
	}
	return shown()
}

// bringWorker makes a worker that is in a status.
func (r *renderFarm) bringWorker(from string) *testWorker {
	r.t.Helper()
	w := &testWorker{renderFarm: r, running: map[string]bool{}}
	w.id = must(r.CreateWorker(r.t.Context(), &deadline.CreateWorkerInput{FarmId: r.farmID, FleetId: r.fleetID}))(r.t).WorkerId
	shown, how, _ := strings.Cut(from, "/")
	if shown == "CREATED" {
		return w
	}
	w.update(deadline.UpdatedWorkerStatusStarted)
	if shown == "RUNNING" || how == "work" {
		r.submit(plainTemplate(1))
	}
	switch shown {
	case "IDLE", "RUNNING":
		w.poll(nil)
	case "STOPPING":
		w.poll(nil)
		w.update(deadline.UpdatedWorkerStatusStopping)
	case "STOPPED":
		w.update(deadline.UpdatedWorkerStatusStopped)
	case "NOT_RESPONDING":
		w.lose()
	}
	return w
}

// shown is the worker's status, "gone" when it does not exist.
func (w *testWorker) shown() string {
	w.t.Helper()
	out, err := w.GetWorker(w.t.Context(), &deadline.GetWorkerInput{FarmId: w.farmID, FleetId: w.fleetID, WorkerId: w.id})
	if _, gone := errors.AsType[*deadline.ResourceNotFoundException](err); gone {
		return "gone"
	}
	return string(must(out, err)(w.t).Status)
}

func (r *renderFarm) changedWorker(from, request string) string {
	r.t.Helper()
	w, ctx := r.bringWorker(from), r.t.Context()
	r.insist(w.shown(), from)
	var err error
	switch request {
	case "SCHEDULE":
		_, err = r.UpdateWorkerSchedule(ctx, &deadline.UpdateWorkerScheduleInput{FarmId: r.farmID, FleetId: r.fleetID, WorkerId: w.id})
	case "ROLE":
		out, err := r.AssumeQueueRoleForWorker(ctx, &deadline.AssumeQueueRoleForWorkerInput{
			FarmId: r.farmID, FleetId: r.fleetID, WorkerId: w.id, QueueId: r.queueID,
		})
		if err == nil && out.Credentials != nil && w.shown() == shownIn(from) {
			return "ok"
		}
		return refusal(err)
	case "DELETE":
		_, err = r.DeleteWorker(ctx, &deadline.DeleteWorkerInput{FarmId: r.farmID, FleetId: r.fleetID, WorkerId: w.id})
	default:
		_, err = r.UpdateWorker(ctx, &deadline.UpdateWorkerInput{
			FarmId: r.farmID, FleetId: r.fleetID, WorkerId: w.id, Status: deadline.UpdatedWorkerStatus(request),
		})
	}
	if err != nil {
		return refusal(err)
	}
	return w.shown()
}

// stopWords are the requests of the tables of associations, but for what is stopped.
var stopWords = map[string]string{"COMPLETE": "AND_COMPLETE_TASKS", "CANCEL": "AND_CANCEL_TASKS", "ACTIVE": ""}

// changed walks a table of associations: create, update and remove make the request, get shows the status, work puts the association
// to use.
func (r *renderFarm) changed(from, request, stop string, create func() error, update func(string) error, remove func() error, get func() (string, error), work func()) string {
	r.t.Helper()
	set := func(word string) error {
		if suffix := stopWords[word]; suffix != "" {
			word = stop + suffix
		}
		return update(word)
	}
	shown, how, _ := strings.Cut(from, "/")
	if how == "work" {
		work()
	}
	var err error
	switch {
	case strings.HasPrefix(shown, stop):
		err = update(shown)
	case shown == "STOPPED":
		err = set("COMPLETE")
	}
	if err != nil {
		r.t.Fatal(err)
	}
	if shown != "NONE" {
		now, err := get()
		r.insist(must(now, err)(r.t), from)
	}
	switch request {
	case "CREATE":
		err = create()
	case "DELETE":
		err = remove()
	default:
		err = set(request)
	}
	if err != nil {
		return refusal(err)
	}
	now, err := get()
	if _, gone := errors.AsType[*deadline.ResourceNotFoundException](err); gone {
		return "gone"
	}
	return must(now, err)(r.t)
}

func (r *renderFarm) changedAssociation(from, request string) string {
	r.t.Helper()
	ctx := r.t.Context()
	return r.changed(from, request, "STOP_SCHEDULING_", func() error {
		return second(r.CreateQueueFleetAssociation(ctx, &deadline.CreateQueueFleetAssociationInput{FarmId: r.farmID, QueueId: r.queueID, FleetId: r.fleetID}))
	}, func(to string) error {
		return second(r.UpdateQueueFleetAssociation(ctx, &deadline.UpdateQueueFleetAssociationInput{
			FarmId: r.farmID, QueueId: r.queueID, FleetId: r.fleetID, Status: deadline.UpdateQueueFleetAssociationStatus(to),
		}))
	}, func() error {
		return second(r.DeleteQueueFleetAssociation(ctx, &deadline.DeleteQueueFleetAssociationInput{FarmId: r.farmID, QueueId: r.queueID, FleetId: r.fleetID}))
	}, func() (string, error) {
		out, err := r.GetQueueFleetAssociation(ctx, &deadline.GetQueueFleetAssociationInput{FarmId: r.farmID, QueueId: r.queueID, FleetId: r.fleetID})
		if err != nil {
			return "", err
		}
		return string(out.Status), nil
	}, func() { r.begun(plainTemplate(1), 0) })
}

func (r *renderFarm) changedLimitAssociation(from, request string) string {
	r.t.Helper()
	ctx := r.t.Context()
	limit := must(r.CreateLimit(ctx, &deadline.CreateLimitInput{
		FarmId: r.farmID, DisplayName: "limit", AmountRequirementName: "amount.licenses", MaxCount: 5,
	}))(r.t).LimitId
	create := func() error {
		return second(r.CreateQueueLimitAssociation(ctx, &deadline.CreateQueueLimitAssociationInput{FarmId: r.farmID, QueueId: r.queueID, LimitId: limit}))
	}
	if from != "NONE" {
		if err := create(); err != nil {
			r.t.Fatal(err)
		}
	}
	return r.changed(from, request, "STOP_LIMIT_USAGE_", create, func(to string) error {
		return second(r.UpdateQueueLimitAssociation(ctx, &deadline.UpdateQueueLimitAssociationInput{
			FarmId: r.farmID, QueueId: r.queueID, LimitId: limit, Status: deadline.UpdateQueueLimitAssociationStatus(to),
		}))
	}, func() error {
		return second(r.DeleteQueueLimitAssociation(ctx, &deadline.DeleteQueueLimitAssociationInput{FarmId: r.farmID, QueueId: r.queueID, LimitId: limit}))
	}, func() (string, error) {
		out, err := r.GetQueueLimitAssociation(ctx, &deadline.GetQueueLimitAssociationInput{FarmId: r.farmID, QueueId: r.queueID, LimitId: limit})
		if err != nil {
			return "", err
		}
		return string(out.Status), nil
	}, func() {
		r.begun(fmt.Sprintf("%s  hostRequirements: {amounts: [{name: amount.licenses, min: 1}]}\n", plainTemplate(1)), 0)
	})
}
