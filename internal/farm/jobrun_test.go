package farm

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
)

func wantLines(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

// A whole job: environments of queue, job and step, a dependency, its history to the letter.
func TestJobRuns(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	must(r.CreateQueueEnvironment(t.Context(), &deadline.CreateQueueEnvironmentInput{
		FarmId: r.farmID, QueueId: r.queueID, Priority: 1, TemplateType: deadline.EnvironmentTemplateTypeYaml,
		Template: "specificationVersion: environment-2023-09\nenvironment: {name: Conda, variables: {A: b}}\n",
	}))(t)
	jobID := r.submit(sceneTemplate, func(in *deadline.CreateJobInput) {
		in.Parameters = map[string]deadline.JobParameter{"Frames": {String: new("7")}}
	})
	r.wantStatus(jobID, deadline.TaskRunStatusReady)

	w := r.join()
	w.poll(nil)
	wantLines(t, "first answer", w.queued(), "envEnter Conda", "envEnter Maya", "envEnter Scratch", "taskRun 0")
	w.work(nil)
	r.wantStatus(jobID, deadline.TaskRunStatusSucceeded)
	wantLines(t, "history", r.history(jobID),
		"envEnter Conda SUCCEEDED", "envEnter Maya SUCCEEDED", "envEnter Scratch SUCCEEDED",
		"taskRun 0 SUCCEEDED", "taskRun 1 SUCCEEDED",
		"envExit Scratch SUCCEEDED", "envExit Maya SUCCEEDED", "envExit Conda SUCCEEDED",
		"envEnter Conda SUCCEEDED", "envEnter Maya SUCCEEDED", "taskRun 0 SUCCEEDED",
		"envExit Maya SUCCEEDED", "envExit Conda SUCCEEDED",
	)
	job := r.getJob(jobID)
	if job.StartedAt == nil || job.EndedAt == nil || job.EndedAt.Before(*job.StartedAt) {
		t.Errorf("the job started at %v and ended at %v", job.StartedAt, job.EndedAt)
	}
	if n := len(r.sessions(jobID)); n != 2 {
		t.Errorf("%d sessions, want one for each step", n)
	}
}

// A task that fails is tried again until its retries are used up, in a new session each time; then its job fails, its consumers are canceled.
func TestJobRetriesAndFails(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	jobID := r.submit(sceneTemplate, func(in *deadline.CreateJobInput) {
		in.Parameters = map[string]deadline.JobParameter{"Frames": {String: new("7")}}
		in.MaxRetriesPerTask = deadline.Ptr[int32](2)
	})
	r.join().work(func(name string) deadline.CompletedStatus {
		if name == "taskRun 1" {
			return deadline.CompletedStatusFailed
		}
		return ""
	})
	job := r.getJob(jobID)
	if job.TaskRunStatus != deadline.TaskRunStatusFailed || *job.TaskFailureRetryCount != 2 {
		t.Fatalf("the job is %s after %d retries, want FAILED after 2", job.TaskRunStatus, *job.TaskFailureRetryCount)
	}
	steps := r.steps(jobID)
	if steps[1].TaskRunStatus != deadline.TaskRunStatusCanceled {
		t.Errorf("the consumer is %s, want CANCELED", steps[1].TaskRunStatus)
	}
	tasks := r.taskList(jobID, steps[0].StepId)
	if *tasks[1].FailureRetryCount != 2 || tasks[1].RunStatus != deadline.TaskRunStatusFailed {
		t.Errorf("task 1 is %s after %d retries", tasks[1].RunStatus, *tasks[1].FailureRetryCount)
	}
	failed := 0
	for _, line := range r.history(jobID) {
		if line == "taskRun 1 FAILED" {
			failed++
		}
	}
	if failed != 3 {
		t.Errorf("task 1 failed %d times, want 3", failed)
	}
	action := must(r.GetSessionAction(t.Context(), &deadline.GetSessionActionInput{
		FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, SessionActionId: *tasks[1].LatestSessionActionId,
	}))(t)
	if *action.ProcessExitCode != 3 || *action.ProgressMessage != "it broke" || *action.Definition.TaskRun.TaskId != tasks[1].TaskId {
		t.Errorf("the last run of task 1 is %+v", action)
	}

	// Its retries are used up: it cannot be requeued before the maximum is raised.
	requeue := &deadline.UpdateTaskInput{
		FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, StepId: steps[0].StepId, TaskId: tasks[1].TaskId,
		TargetRunStatus: deadline.TaskTargetRunStatusPending,
	}
	_, err := r.UpdateTask(t.Context(), requeue)
	if c := fails[*deadline.ConflictException](t, err); c.ResourceType != typeTask || c.Context["status"] != "FAILED" {
		t.Errorf("got the conflict %+v", c)
	}
	must(r.UpdateJob(t.Context(), &deadline.UpdateJobInput{
		FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, MaxRetriesPerTask: deadline.Ptr[int32](3),
	}))(t)
	must(r.UpdateTask(t.Context(), requeue))(t)
	r.aim(jobID, deadline.JobTargetTaskRunStatusPending)
	r.join().work(nil)
	r.wantStatus(jobID, deadline.TaskRunStatusSucceeded)
}

// A canceled job: what runs is CANCELING until the worker confirms, envExits are SCHEDULED until it asks again, the rest is never attempted.
func TestJobCancel(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	jobID := r.submit(sceneTemplate)
	w := r.join()
	w.poll(nil)
	wantLines(t, "delivered", r.history(jobID), "envEnter Maya ASSIGNED", "envEnter Scratch ASSIGNED", "taskRun 0 ASSIGNED")
	w.end("envEnter Maya", deadline.CompletedStatusSucceeded)
	w.end("envEnter Scratch", deadline.CompletedStatusSucceeded)
	w.start("taskRun 0")
	r.wantStatus(jobID, deadline.TaskRunStatusRunning)
	r.aim(jobID, deadline.JobTargetTaskRunStatusCanceled)
	r.wantStatus(jobID, deadline.TaskRunStatusInterrupting)
	if got := r.getJob(jobID).LifecycleStatus; got != deadline.JobLifecycleStatusUpdateInProgress {
		t.Errorf("the job is %s, want UPDATE_IN_PROGRESS", got)
	}
	wantLines(t, "after the cancel", r.history(jobID),
		"envEnter Maya SUCCEEDED", "envEnter Scratch SUCCEEDED", "taskRun 0 CANCELING",
		"envExit Scratch SCHEDULED", "envExit Maya SCHEDULED")
	running := w.action("taskRun 0")
	session, _ := w.held()
	w.poll(nil)
	wantLines(t, "to be canceled", w.answer.CancelSessionActions[session], running)
	w.work(nil)
	wantLines(t, "in the end", r.history(jobID),
		"envEnter Maya SUCCEEDED", "envEnter Scratch SUCCEEDED", "taskRun 0 CANCELED",
		"envExit Scratch SUCCEEDED", "envExit Maya SUCCEEDED")
	r.wantStatus(jobID, deadline.TaskRunStatusCanceled)
	if got := r.getJob(jobID).LifecycleStatus; got != deadline.JobLifecycleStatusUpdateSucceeded {
		t.Errorf("the job is %s, want UPDATE_SUCCEEDED", got)
	}
}

// A suspended job gives back what was not started: RECLAIMING until the worker knows, then RECLAIMED. It goes on where it was.
func TestJobSuspendAndResume(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	jobID := r.submit(sceneTemplate)
	w := r.join()
	w.poll(nil)
	w.start("envEnter Maya")
	r.aim(jobID, deadline.JobTargetTaskRunStatusSuspended)
	history := r.history(jobID)
	if got := history[2]; got != "taskRun 0 RECLAIMING" {
		t.Fatalf("after the suspension: %v", history)
	}
	w.work(nil)
	r.wantStatus(jobID, deadline.TaskRunStatusSuspended)
	if got := r.history(jobID)[2]; got != "taskRun 0 RECLAIMED" {
		t.Fatalf("in the end: %v", r.history(jobID))
	}
	w.poll(nil)
	if id, _ := w.held(); id != "" {
		t.Fatal("a suspended job is given out")
	}
	r.aim(jobID, deadline.JobTargetTaskRunStatusReady)
	w.work(nil)
	r.wantStatus(jobID, deadline.TaskRunStatusSucceeded)
}

// A worker that is stopped loses its work: what ran is INTERRUPTED, what waited NEVER_ATTEMPTED, and another worker does it, uncharged.
func TestWorkerStopped(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	jobID := r.submit(sceneTemplate)
	w := r.join()
	w.poll(nil)
	w.start("envEnter Maya")
	w.update(deadline.UpdatedWorkerStatusStopped)
	wantLines(t, "history", r.history(jobID),
		"envEnter Maya INTERRUPTED", "envEnter Scratch NEVER_ATTEMPTED", "taskRun 0 NEVER_ATTEMPTED")
	if s := r.sessions(jobID)[0]; s.LifecycleStatus != deadline.SessionLifecycleStatusEnded || s.EndedAt == nil {
		t.Errorf("the session is %s, ended at %v", s.LifecycleStatus, s.EndedAt)
	}
	r.join().work(nil)
	r.wantStatus(jobID, deadline.TaskRunStatusSucceeded)
	if n := *r.getJob(jobID).TaskFailureRetryCount; n != 0 {
		t.Errorf("%d retries were charged", n)
	}
}

// Targets of steps and tasks, and a session that is ended by request.
func TestTargets(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	jobID := r.submit(sceneTemplate)
	steps := r.steps(jobID)
	must(r.UpdateStep(t.Context(), &deadline.UpdateStepInput{
		FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, StepId: steps[0].StepId,
		TargetTaskRunStatus: deadline.StepTargetTaskRunStatusSucceeded,
	}))(t)
	if got := r.steps(jobID); got[0].TaskRunStatus != deadline.TaskRunStatusSucceeded || got[1].TaskRunStatus != deadline.TaskRunStatusReady ||
		got[0].DependencyCounts.ConsumersResolved != 1 || got[1].DependencyCounts.DependenciesResolved != 1 {
		t.Fatalf("the steps are %+v", got)
	}
	task := r.taskList(jobID, steps[1].StepId)[0]
	must(r.UpdateTask(t.Context(), &deadline.UpdateTaskInput{
		FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, StepId: steps[1].StepId, TaskId: task.TaskId,
		TargetRunStatus: deadline.TaskTargetRunStatusFailed,
	}))(t)
	r.wantStatus(jobID, deadline.TaskRunStatusFailed)
	r.aim(jobID, deadline.JobTargetTaskRunStatusPending)

	w := r.join()
	w.poll(nil)
	session, _ := w.held()
	end := &deadline.UpdateSessionInput{
		FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, SessionId: session,
		TargetLifecycleStatus: deadline.SessionLifecycleTargetStatusEnded,
	}
	must(r.UpdateSession(t.Context(), end))(t)
	got := must(r.GetSession(t.Context(), &deadline.GetSessionInput{
		FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, SessionId: session,
	}))(t)
	if got.TargetLifecycleStatus != deadline.SessionLifecycleTargetStatusEnded || *got.UpdatedBy != adminARN {
		t.Errorf("the session is %+v", got)
	}
	w.work(nil)
	must(r.UpdateSession(t.Context(), end))(t) // it has ended already
	r.wantStatus(jobID, deadline.TaskRunStatusSucceeded)

	archive := &deadline.UpdateJobInput{
		FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, LifecycleStatus: deadline.UpdateJobLifecycleStatusArchived,
	}
	must(r.UpdateJob(t.Context(), archive))(t)
	archive.LifecycleStatus, archive.Priority = "", deadline.Ptr[int32](1)
	_, err := r.UpdateJob(t.Context(), archive)
	if c := fails[*deadline.ConflictException](t, err); c.ResourceId != jobID || c.Context["status"] != "ARCHIVED" {
		t.Errorf("got the conflict %+v", c)
	}
}
