package farm

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/committer"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store"
)

// What a session action shows, member by member, in the list and alone.
func TestSessionActionMembers(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	jobID := r.submit(sceneTemplate, func(in *deadline.CreateJobInput) {
		in.Attachments = &deadline.Attachments{Manifests: []deadline.ManifestProperties{
			{RootPath: "/a", RootPathFormat: deadline.PathFormatPosix}, {RootPath: "/b", RootPathFormat: deadline.PathFormatPosix},
		}}
	})
	w := r.join()
	w.poll(nil)
	wantLines(t, "queued", w.queued(), "sync job", "envEnter Maya", "envEnter Scratch", "taskRun 0")
	for _, name := range w.queued()[:3] {
		w.end(name, deadline.CompletedStatusSucceeded)
	}
	id := w.action("taskRun 0")
	sessionID, _ := w.held()
	started, updated := *w.tick(), *w.tick()
	w.poll(updates{id: {StartedAt: &started, UpdatedAt: &updated, ProgressPercent: new(float32(37.5)), ProgressMessage: new("tile 3")}})
	step := r.steps(jobID)[0]
	parameters := map[string]deadline.TaskParameterValue{
		"Frame": {Int: new("1")}, "Camera": {String: new("left")},
		"Gamma": {Float: new("1.5")}, "Out": {Path: new("/out")},
	}
	want := deadline.SessionActionSummary{
		SessionActionId: id, Status: deadline.SessionActionStatusRunning, StartedAt: &started, WorkerUpdatedAt: &updated,
		ProgressPercent: new(float32(37.5)),
		Definition: deadline.SessionActionDefinitionSummary{TaskRun: &deadline.TaskRunSessionActionDefinitionSummary{
			TaskId: new(taskID(step.StepId, 0)), StepId: step.StepId, Parameters: parameters,
		}},
	}
	if diff := cmp.Diff(want, r.actions(jobID)[3]); diff != "" {
		t.Errorf("running (-want +got):\n%s", diff)
	}

	ended, again := *w.tick(), *w.tick()
	path, hash := "farm/queue/manifest_output", "0123"
	w.poll(updates{id: {
		CompletedStatus: deadline.CompletedStatusSucceeded, StartedAt: &started, EndedAt: &ended, UpdatedAt: &again,
		ProcessExitCode: deadline.Ptr[int32](0), ProgressPercent: new(float32(100)),
		Manifests: []deadline.TaskRunManifestPropertiesRequest{{OutputManifestPath: &path, OutputManifestHash: &hash}, {}},
	}})
	want.Status, want.EndedAt, want.WorkerUpdatedAt = deadline.SessionActionStatusSucceeded, &ended, &again
	want.ProgressPercent = new(float32(100))
	want.Manifests = []deadline.TaskRunManifestPropertiesResponse{{OutputManifestPath: &path, OutputManifestHash: &hash}, {}}
	if diff := cmp.Diff(want, r.actions(jobID)[3]); diff != "" {
		t.Errorf("succeeded (-want +got):\n%s", diff)
	}
	got := must(r.GetSessionAction(t.Context(), &deadline.GetSessionActionInput{
		FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, SessionActionId: id,
	}))(t)
	whole := &deadline.GetSessionActionOutput{
		SessionActionId: id, SessionId: sessionID, Status: want.Status, StartedAt: &started, EndedAt: &ended, WorkerUpdatedAt: &again,
		ProgressPercent: want.ProgressPercent, ProgressMessage: new("tile 3"), ProcessExitCode: deadline.Ptr[int32](0),
		Manifests: want.Manifests,
		Definition: deadline.SessionActionDefinition{TaskRun: &deadline.TaskRunSessionActionDefinition{
			TaskId: want.Definition.TaskRun.TaskId, StepId: step.StepId, Parameters: parameters,
		}},
	}
	if diff := cmp.Diff(whole, got); diff != "" {
		t.Errorf("GetSessionAction (-want +got):\n%s", diff)
	}

	// The consumer synchronises the outputs of its dependencies, and runs without parameters.
	w.work(nil)
	wantLines(t, "consumer", r.history(jobID)[len(r.history(jobID))-5:], "sync job SUCCEEDED", "envEnter Maya SUCCEEDED",
		"sync step SUCCEEDED", "taskRun 0 SUCCEEDED", "envExit Maya SUCCEEDED")
	all := r.actions(jobID)
	if run := all[len(all)-2].Definition.TaskRun; run.Parameters == nil || len(run.Parameters) != 0 {
		t.Errorf("the consumer's parameters are %v, want none", run.Parameters)
	}
}

func TestSessionActionFilters(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	jobID := r.submit(sceneTemplate)
	other := r.submit(plainTemplate(1))
	r.join().work(func(name string) deadline.CompletedStatus {
		if name == "taskRun 2" && len(r.sessions(jobID)) < 3 {
			return deadline.CompletedStatusFailed
		}
		return ""
	})
	all := r.actions(jobID)
	sessions := r.sessions(jobID)
	task := taskID(r.steps(jobID)[0].StepId, 2)
	of := func(session *string, task *string) []string {
		var ids []string
		for _, a := range r.actions(jobID, func(in *deadline.ListSessionActionsInput) { in.SessionId, in.TaskId = session, task }) {
			ids = append(ids, a.SessionActionId)
		}
		return ids
	}
	expect := func(keep func(*deadline.SessionActionSummary) bool) []string {
		var ids []string
		for i := range all {
			if keep(&all[i]) {
				ids = append(ids, all[i].SessionActionId)
			}
		}
		return ids
	}
	inSession := func(a *deadline.SessionActionSummary, id string) bool {
		session, _, ok := parseSessionActionID(a.SessionActionId)
		return ok && session == id
	}
	ofTask := func(a *deadline.SessionActionSummary) bool {
		return a.Definition.TaskRun != nil && *a.Definition.TaskRun.TaskId == task
	}
	for i := range sessions {
		id := sessions[i].SessionId
		wantLines(t, "by session", of(&id, nil), expect(func(a *deadline.SessionActionSummary) bool { return inSession(a, id) })...)
		wantLines(t, "by both", of(&id, &task), expect(func(a *deadline.SessionActionSummary) bool { return inSession(a, id) && ofTask(a) })...)
	}
	if runs := of(nil, &task); len(runs) < 2 || !slices.Equal(runs, expect(ofTask)) {
		t.Errorf("the runs of the task are %v, want %v", runs, expect(ofTask))
	}

	unknown := strings.Repeat("0", 32)
	list := func(change func(*deadline.ListSessionActionsInput)) error {
		in := &deadline.ListSessionActionsInput{FarmId: r.farmID, QueueId: r.queueID, JobId: jobID}
		change(in)
		_, err := r.ListSessionActions(t.Context(), in)
		return err
	}
	for _, tt := range []struct {
		kind, id string
		change   func(in *deadline.ListSessionActionsInput, id string)
	}{
		{typeFarm, "farm-" + unknown, func(in *deadline.ListSessionActionsInput, id string) { in.FarmId = id }},
		{typeQueue, "queue-" + unknown, func(in *deadline.ListSessionActionsInput, id string) { in.QueueId = id }},
		{typeJob, "job-" + unknown, func(in *deadline.ListSessionActionsInput, id string) { in.JobId = id }},
		{typeSession, "session-" + unknown, func(in *deadline.ListSessionActionsInput, id string) { in.SessionId = &id }},
		{typeSession, sessions[0].SessionId, func(in *deadline.ListSessionActionsInput, id string) { in.JobId, in.SessionId = other, &id }},
		{typeTask, "task-" + unknown + "-0", func(in *deadline.ListSessionActionsInput, id string) { in.TaskId = &id }},
		{typeTask, taskID(r.steps(jobID)[0].StepId, 6), func(in *deadline.ListSessionActionsInput, id string) { in.TaskId = &id }},
		{typeTask, task, func(in *deadline.ListSessionActionsInput, id string) { in.JobId, in.TaskId = other, &id }},
	} {
		failsMissing(t, list(func(in *deadline.ListSessionActionsInput) { tt.change(in, tt.id) }), tt.kind, tt.id)
	}
	for field, change := range map[string]func(*deadline.ListSessionActionsInput){
		"farmId":     func(in *deadline.ListSessionActionsInput) { in.FarmId = "farm-X" },
		"jobId":      func(in *deadline.ListSessionActionsInput) { in.JobId = "job-1" },
		"sessionId":  func(in *deadline.ListSessionActionsInput) { in.SessionId = new("session-" + unknown + "0") },
		"taskId":     func(in *deadline.ListSessionActionsInput) { in.TaskId = new("task-" + unknown + "-01") },
		"maxResults": func(in *deadline.ListSessionActionsInput) { in.MaxResults = deadline.Ptr[int32](101) },
	} {
		failsOn(t, list(change), field)
	}
}

// loseWorkersAfter makes a service whose workers are lost when they are silent for so long.
func loseWorkersAfter(t *testing.T, silence time.Duration) func(*Config) {
	t.Helper()
	return func(c *Config) {
		c.Committer = committer.New(c.Store.(store.Store), committer.Options{
			Config: scheduler.Config{HeartbeatTimeout: silence, TickInterval: silence / 8},
		})
		ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
		done := make(chan error, 1)
		go func() { done <- c.Committer.Run(ctx) }()
		t.Cleanup(func() {
			stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// A worker that falls silent is lost: what ran is INTERRUPTED, the task that it had not started is RECLAIMED, its late reports change nothing.
func TestWorkerLost(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t, loseWorkersAfter(t, time.Second))
	jobID := r.submit(sceneTemplate)
	w := r.join()
	w.poll(nil)
	w.start("envEnter Maya")
	late := updates{w.action("envEnter Maya"): w.ended(w.action("envEnter Maya"), deadline.CompletedStatusSucceeded)}
	for {
		got := must(r.GetWorker(t.Context(), &deadline.GetWorkerInput{FarmId: r.farmID, FleetId: r.fleetID, WorkerId: w.id}))(t)
		if got.Status == deadline.WorkerStatusNotResponding {
			break
		}
	}
	lost := []string{"envEnter Maya INTERRUPTED", "envEnter Scratch NEVER_ATTEMPTED", "taskRun 0 RECLAIMED"}
	wantLines(t, "history", r.history(jobID), lost...)
	_, err := r.UpdateWorkerSchedule(t.Context(), &deadline.UpdateWorkerScheduleInput{
		FarmId: r.farmID, FleetId: r.fleetID, WorkerId: w.id, UpdatedSessionActions: late,
	})
	c := fails[*deadline.ConflictException](t, err)
	if c.Reason != deadline.ConflictExceptionReasonStatusConflict || c.ResourceId != w.id || c.Context["status"] != "NOT_RESPONDING" {
		t.Errorf("got the conflict %+v", c)
	}
	wantLines(t, "history after a late report", r.history(jobID), lost...)
	r.wantStatus(jobID, deadline.TaskRunStatusReady)
}

// Every status of a session action is reached, and shown in lists.
func TestSessionActionStatuses(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	seen := map[deadline.SessionActionStatus]bool{}
	look := func(jobID string) {
		for _, a := range r.actions(jobID) {
			seen[a.Status] = true
		}
	}
	w := r.join()
	begin := func() string { // one session that runs its first task
		jobID := r.submit(sceneTemplate)
		w.poll(nil)
		look(jobID) // ASSIGNED
		w.end("envEnter Maya", deadline.CompletedStatusSucceeded)
		w.end("envEnter Scratch", deadline.CompletedStatusSucceeded)
		w.start("taskRun 0")
		look(jobID) // RUNNING, SUCCEEDED
		return jobID
	}
	finish := func(jobID string) {
		w.work(nil)
		r.aim(jobID, deadline.JobTargetTaskRunStatusCanceled)
		look(jobID)
	}

	canceled := begin()
	r.aim(canceled, deadline.JobTargetTaskRunStatusCanceled)
	look(canceled)   // CANCELING, and envExits that are SCHEDULED
	finish(canceled) // CANCELED

	stopped := r.submit(sceneTemplate)
	w.poll(nil)
	w.start("envEnter Maya")
	r.aim(stopped, deadline.JobTargetTaskRunStatusSuspended)
	look(stopped)   // RECLAIMING
	finish(stopped) // RECLAIMED

	interrupted := begin()
	w.poll(updates{w.action("taskRun 0"): w.ended(w.action("taskRun 0"), deadline.CompletedStatusInterrupted)})
	look(interrupted) // INTERRUPTED
	finish(interrupted)

	failed := r.submit(sceneTemplate, func(in *deadline.CreateJobInput) { in.MaxRetriesPerTask = deadline.Ptr[int32](0) })
	w.work(func(name string) deadline.CompletedStatus {
		if name == "envEnter Maya" {
			return deadline.CompletedStatusFailed
		}
		return ""
	})
	look(failed) // FAILED, NEVER_ATTEMPTED

	for _, status := range deadline.SessionActionStatus("").Values() {
		if !seen[status] {
			t.Errorf("no session action was ever %s; seen: %v", status, slices.Sorted(maps.Keys(seen)))
		}
	}
}

// Pages of one action, read while workers run other sessions of the same job: none is seen twice, none that was there is skipped, the
// order holds.
func TestSessionActionPagesUnderWrites(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	jobID := r.submit(plainTemplate(60))
	first := r.join()
	first.poll(nil)
	for range 5 {
		_, s := first.held()
		first.poll(first.turn(s.SessionActions, nil, nil))
	}
	var workers sync.WaitGroup
	for range 3 {
		w := r.join()
		workers.Go(func() { w.work(nil) })
	}
	done := make(chan struct{})
	go func() {
		workers.Wait()
		close(done)
	}()
	one := func(in *deadline.ListSessionActionsInput) { in.MaxResults = deadline.Ptr[int32](1) }
	for writing := true; writing; {
		select {
		case <-done:
			writing = false
		default:
		}
		before := r.actions(jobID)
		paged := r.actions(jobID, one)
		place := map[string]int{}
		for i, a := range paged {
			if _, twice := place[a.SessionActionId]; twice {
				t.Fatalf("%s is on two pages", a.SessionActionId)
			}
			place[a.SessionActionId] = i
		}
		last := -1
		for _, a := range before {
			i, there := place[a.SessionActionId]
			if !there {
				t.Fatalf("%s was skipped", a.SessionActionId)
			}
			if i < last {
				t.Fatalf("%s is out of order", a.SessionActionId)
			}
			last = i
		}
	}
	first.work(nil)
	r.wantStatus(jobID, deadline.TaskRunStatusSucceeded)
	runs := 0
	for _, line := range r.history(jobID) {
		if strings.HasPrefix(line, "taskRun") {
			runs++
		}
	}
	if runs != 60 {
		t.Errorf("%d task runs, want 60", runs)
	}
}

// TestEndBeforeStart: a worker whose clock goes back does not make an action end before it began.
func TestEndBeforeStart(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	jobID := r.submit(plainTemplate(1))
	w := r.join()
	w.poll(nil)
	started := *w.tick()
	ended := started.Add(-time.Hour)
	w.poll(updates{w.action("taskRun 0"): {
		CompletedStatus: deadline.CompletedStatusSucceeded, StartedAt: &started, EndedAt: &ended, UpdatedAt: &started,
	}})
	if a := r.actions(jobID)[0]; !a.StartedAt.Equal(started) || !a.EndedAt.Equal(started) {
		t.Errorf("the action ran from %s to %s, want %s for both", a.StartedAt, a.EndedAt, started)
	}
}
