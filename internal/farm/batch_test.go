package farm

import (
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
)

// TestBatchShapes: items of the batch operations have every member of the single operations, so that filling by name leaves none out.
func TestBatchShapes(t *testing.T) {
	t.Parallel()
	for _, pair := range []struct{ single, item any }{
		{deadline.GetJobOutput{}, deadline.BatchGetJobItem{}},
		{deadline.GetStepOutput{}, deadline.BatchGetStepItem{}},
		{deadline.GetTaskOutput{}, deadline.BatchGetTaskItem{}},
		{deadline.GetSessionOutput{}, deadline.BatchGetSessionItem{}},
		{deadline.GetSessionActionOutput{}, deadline.BatchGetSessionActionItem{}},
		{deadline.GetWorkerOutput{}, deadline.BatchGetWorkerItem{}},
		{deadline.BatchUpdateJobItem{}, deadline.UpdateJobInput{}},
		{deadline.BatchUpdateTaskItem{}, deadline.UpdateTaskInput{}},
	} {
		single, item := reflect.TypeOf(pair.single), reflect.TypeOf(pair.item)
		for member := range single.Fields() {
			if same, there := item.FieldByName(member.Name); !there || same.Type != member.Type {
				t.Errorf("%v.%s has no equal in %v", single, member.Name, item)
			}
		}
	}
}

// asSingle compares an item with what the operation on one says.
func asSingle[Item, Out any](t *testing.T, items []Item, out *Out) {
	t.Helper()
	if len(items) != 1 {
		t.Errorf("got %d items, want the one that is there", len(items))
		return
	}
	var got Out
	fill(&got, &items[0])
	if diff := cmp.Diff(out, &got); diff != "" {
		t.Errorf("item (-operation on one +batch):\n%s", diff)
	}
}

// TestBatchGet: each item is what the operation on one says; what is not there is the error of its item.
func TestBatchGet(t *testing.T) {
	t.Parallel()
	r, ctx := openRenderFarm(t), t.Context()
	jobID := r.submit(sceneTemplate, func(in *deadline.CreateJobInput) {
		in.Parameters = map[string]deadline.JobParameter{"Frames": {String: new("7")}}
	})
	w := r.join()
	w.work(nil)
	step := r.steps(jobID)[0].StepId
	task, session := r.taskList(jobID, step)[0].TaskId, r.sessions(jobID)[0].SessionId
	action := r.actions(jobID)[0].SessionActionId
	farm, queue, fleet := r.farmID, r.queueID, r.fleetID

	jobs := must(r.BatchGetJob(ctx, &deadline.BatchGetJobInput{Identifiers: []deadline.BatchGetJobIdentifier{
		{FarmId: farm, QueueId: queue, JobId: "job-" + noID},
		{FarmId: farm, QueueId: queue, JobId: jobID},
		{FarmId: farm, QueueId: "queue-" + noID, JobId: jobID},
		{FarmId: farm, QueueId: queue, JobId: jobID},
		{FarmId: farm, QueueId: queue, JobId: "job-" + noID}, // again
	}}))(t)
	asSingle(t, jobs.Jobs, must(r.GetJob(ctx, &deadline.GetJobInput{FarmId: farm, QueueId: queue, JobId: jobID}))(t))
	if id := jobs.Jobs[0]; id.FarmId != farm || id.QueueId != queue || id.JobId != jobID {
		t.Errorf("the item has the ids %s %s %s", id.FarmId, id.QueueId, id.JobId)
	}
	want := []deadline.BatchGetJobError{
		{FarmId: farm, QueueId: queue, JobId: "job-" + noID, Code: codeNotFound, Message: "job job-" + noID + " does not exist"},
		{FarmId: farm, QueueId: "queue-" + noID, JobId: jobID, Code: codeNotFound, Message: "queue queue-" + noID + " does not exist"},
	}
	if diff := cmp.Diff(want, jobs.Errors); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	steps := must(r.BatchGetStep(ctx, &deadline.BatchGetStepInput{Identifiers: []deadline.BatchGetStepIdentifier{
		{FarmId: farm, QueueId: queue, JobId: jobID, StepId: step}, {FarmId: farm, QueueId: queue, JobId: jobID, StepId: "step-" + noID},
	}}))(t)
	asSingle(t, steps.Steps, must(r.GetStep(ctx, &deadline.GetStepInput{FarmId: farm, QueueId: queue, JobId: jobID, StepId: step}))(t))
	tasks := must(r.BatchGetTask(ctx, &deadline.BatchGetTaskInput{Identifiers: []deadline.BatchGetTaskIdentifier{
		{FarmId: farm, QueueId: queue, JobId: jobID, StepId: step, TaskId: task},
		{FarmId: farm, QueueId: queue, JobId: jobID, StepId: step, TaskId: taskID(step, 99)},
	}}))(t)
	asSingle(t, tasks.Tasks, must(r.GetTask(ctx, &deadline.GetTaskInput{FarmId: farm, QueueId: queue, JobId: jobID, StepId: step, TaskId: task}))(t))
	sessions := must(r.BatchGetSession(ctx, &deadline.BatchGetSessionInput{Identifiers: []deadline.BatchGetSessionIdentifier{
		{FarmId: farm, QueueId: queue, JobId: jobID, SessionId: session}, {FarmId: farm, QueueId: queue, JobId: jobID, SessionId: "session-" + noID},
	}}))(t)
	asSingle(t, sessions.Sessions, must(r.GetSession(ctx, &deadline.GetSessionInput{FarmId: farm, QueueId: queue, JobId: jobID, SessionId: session}))(t))
	actions := must(r.BatchGetSessionAction(ctx, &deadline.BatchGetSessionActionInput{Identifiers: []deadline.BatchGetSessionActionIdentifier{
		{FarmId: farm, QueueId: queue, JobId: jobID, SessionActionId: action},
		{FarmId: farm, QueueId: queue, JobId: jobID, SessionActionId: "sessionaction-" + noID + "-0"},
	}}))(t)
	asSingle(t, actions.SessionActions, must(r.GetSessionAction(ctx, &deadline.GetSessionActionInput{
		FarmId: farm, QueueId: queue, JobId: jobID, SessionActionId: action,
	}))(t))
	workers := must(r.BatchGetWorker(ctx, &deadline.BatchGetWorkerInput{Identifiers: []deadline.BatchGetWorkerIdentifier{
		{FarmId: farm, FleetId: fleet, WorkerId: w.id}, {FarmId: farm, FleetId: fleet, WorkerId: "worker-" + noID},
	}}))(t)
	asSingle(t, workers.Workers, must(r.GetWorker(ctx, &deadline.GetWorkerInput{FarmId: farm, FleetId: fleet, WorkerId: w.id}))(t))
	for what, n := range map[string]int{
		"step": len(steps.Errors), "task": len(tasks.Errors), "session": len(sessions.Errors), "action": len(actions.Errors), "worker": len(workers.Errors),
	} {
		if n != 1 {
			t.Errorf("%d errors of a %s, want one", n, what)
		}
	}
}

// TestBatchPermissions: somebody gets and changes the items that are theirs, and is refused the others.
func TestBatchPermissions(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	at := f.newPlaces()
	other := f.submit(at.farm, at.queue)
	id, person := f.newPerson("ann")
	if err := f.associateIn(f.Client, membershipPlace{farm: at.farm, queue: at.queue, job: at.job}, id, deadline.PrincipalTypeUser, deadline.MembershipLevelManager); err != nil {
		t.Fatal(err)
	}
	got := must(person.BatchGetJob(ctx, &deadline.BatchGetJobInput{Identifiers: []deadline.BatchGetJobIdentifier{
		{FarmId: at.farm, QueueId: at.queue, JobId: at.job}, {FarmId: at.farm, QueueId: at.queue, JobId: other},
	}}))(t)
	if len(got.Jobs) != 1 || got.Jobs[0].JobId != at.job || len(got.Errors) != 1 || got.Errors[0].Code != codeAccessDenied {
		t.Errorf("got %+v", got)
	}
	changed := must(person.BatchUpdateJob(ctx, &deadline.BatchUpdateJobInput{Jobs: []deadline.BatchUpdateJobItem{
		{FarmId: at.farm, QueueId: at.queue, JobId: other, Priority: deadline.Ptr[int32](1)},
		{FarmId: at.farm, QueueId: at.queue, JobId: at.job, Priority: deadline.Ptr[int32](1)},
	}}))(t)
	if len(changed.Errors) != 1 || changed.Errors[0].JobId != other || changed.Errors[0].Code != codeAccessDenied {
		t.Errorf("got %+v", changed)
	}
	if p := [2]int32{f.priority(f.Client, at, at.job), f.priority(f.Client, at, other)}; p != [2]int32{1, 50} {
		t.Errorf("priorities %v, want only the first changed", p)
	}
	// There is no code for a refusal: what may not be seen is not there.
	sessions := must(person.BatchGetSession(ctx, &deadline.BatchGetSessionInput{Identifiers: []deadline.BatchGetSessionIdentifier{
		{FarmId: at.farm, QueueId: at.queue, JobId: other, SessionId: "session-" + noID},
	}}))(t)
	if len(sessions.Errors) != 1 || sessions.Errors[0].Code != codeNotFound {
		t.Errorf("got %+v", sessions)
	}
}

func (f *testFarm) priority(c *client.Client, at membershipPlace, job string) int32 {
	f.t.Helper()
	return must(c.GetJob(f.t.Context(), &deadline.GetJobInput{FarmId: at.farm, QueueId: at.queue, JobId: job}))(f.t).Priority
}

// TestBatchUpdateJob: items succeed and fail by themselves, in one repetition-safe request.
func TestBatchUpdateJob(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	at := f.newPlaces()
	item := func(job string) deadline.BatchUpdateJobItem {
		return deadline.BatchUpdateJobItem{FarmId: at.farm, QueueId: at.queue, JobId: job}
	}
	archived, absent := item(at.job), item("job-"+noID)
	archived.LifecycleStatus = deadline.UpdateJobLifecycleStatusArchived // it is READY: a conflict
	in := &deadline.BatchUpdateJobInput{ClientToken: new("token"), Jobs: []deadline.BatchUpdateJobItem{archived, absent}}
	var jobs []string
	for i := range 30 {
		change := item(f.submit(at.farm, at.queue))
		jobs = append(jobs, change.JobId)
		change.Priority, change.Name = deadline.Ptr(int32(i)), new("renamed")
		in.Jobs = append(in.Jobs, change)
	}
	bad := item(f.submit(at.farm, at.queue))
	bad.MaxWorkerCount = deadline.Ptr[int32](0)
	in.Jobs = append(in.Jobs, bad)
	check := func(out *deadline.BatchUpdateJobOutput) {
		t.Helper()
		var got []string
		for _, e := range out.Errors {
			got = append(got, e.JobId+" "+string(e.Code))
		}
		want := []string{at.job + " ConflictException", "job-" + noID + " ResourceNotFoundException", bad.JobId + " ValidationException"}
		if !slices.Equal(got, want) {
			t.Errorf("errors %v, want %v", got, want)
		}
	}
	check(must(f.BatchUpdateJob(ctx, in))(t))
	for i, job := range jobs {
		if got := f.priority(f.Client, at, job); got != int32(i) {
			t.Errorf("job %d has the priority %d", i, got)
		}
	}
	// Changed meanwhile, and repeated: what was answered is not done again.
	must(f.UpdateJob(ctx, &deadline.UpdateJobInput{FarmId: at.farm, QueueId: at.queue, JobId: jobs[3], Priority: deadline.Ptr[int32](77)}))(t)
	check(must(f.BatchUpdateJob(ctx, in))(t))
	if got := f.priority(f.Client, at, jobs[3]); got != 77 {
		t.Errorf("the repetition set the priority to %d", got)
	}
	in.Jobs = []deadline.BatchUpdateJobItem{item(at.job), item(at.job)}
	failsOn(t, second(f.BatchUpdateJob(ctx, in)), "jobs")
	in.Jobs = []deadline.BatchUpdateJobItem{in.Jobs[0], absent} // the token with another request
	reused := must(f.BatchUpdateJob(ctx, in))(t)
	if len(reused.Errors) != 1 || reused.Errors[0].Code != codeNotFound {
		t.Errorf("items that were never answered: %+v", reused.Errors)
	}
}

func TestBatchUpdateTask(t *testing.T) {
	t.Parallel()
	r, ctx := openRenderFarm(t), t.Context()
	jobID := r.submit(plainTemplate(5))
	step := r.steps(jobID)[0].StepId
	in := &deadline.BatchUpdateTaskInput{ClientToken: new("token")}
	for i := range int64(6) { // the last is not there
		in.Tasks = append(in.Tasks, deadline.BatchUpdateTaskItem{
			FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, StepId: step, TaskId: taskID(step, i),
			TargetRunStatus: deadline.TaskTargetRunStatusSucceeded,
		})
	}
	out := must(r.BatchUpdateTask(ctx, in))(t)
	if len(out.Errors) != 1 || out.Errors[0].TaskId != taskID(step, 5) || out.Errors[0].Code != codeNotFound {
		t.Errorf("got %+v", out.Errors)
	}
	r.wantStatus(jobID, deadline.TaskRunStatusSucceeded)
	in.Tasks = append(in.Tasks, in.Tasks[0])
	failsOn(t, second(r.BatchUpdateTask(ctx, in)), "tasks")
}
