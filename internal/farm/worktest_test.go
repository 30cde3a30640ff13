package farm

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
)

// renderFarm is a farm with one queue served by one fleet.
type renderFarm struct {
	*testFarm
	farmID, queueID, fleetID string
}

func openRenderFarm(t *testing.T, options ...func(*Config)) *renderFarm {
	t.Helper()
	return openRenderFarmOn(t, openFarm(t, options...))
}

func openRenderFarmOn(t *testing.T, f *testFarm) *renderFarm {
	t.Helper()
	r := &renderFarm{testFarm: f}
	r.farmID = r.newFarm()
	r.queueID = r.newQueue(r.farmID, func(in *deadline.CreateQueueInput) {
		in.RoleArn = new(testRole)
		in.JobAttachmentSettings = &deadline.JobAttachmentSettings{S3BucketName: "bucket", RootPrefix: "root"}
	})
	r.fleetID = r.newFleet(r.farmID)
	r.associate(r.farmID, r.queueID, r.fleetID)
	return r
}

// jobInput is a request for a job with the least that it needs.
func (r *renderFarm) jobInput(template string) *deadline.CreateJobInput {
	return &deadline.CreateJobInput{
		FarmId: r.farmID, QueueId: r.queueID, Template: &template, TemplateType: deadline.JobTemplateTypeYaml, Priority: 50,
	}
}

// submit creates a job, which must not fail.
func (r *renderFarm) submit(template string, change ...func(*deadline.CreateJobInput)) string {
	r.t.Helper()
	in := r.jobInput(template)
	for _, c := range change {
		c(in)
	}
	id := must(r.CreateJob(r.t.Context(), in))(r.t).JobId
	if j := r.getJob(id); j.LifecycleStatus != deadline.JobLifecycleStatusCreateComplete {
		r.t.Fatalf("job is %s: %s", j.LifecycleStatus, j.LifecycleStatusMessage)
	}
	return id
}

func (r *renderFarm) getJob(id string) *deadline.GetJobOutput {
	r.t.Helper()
	return must(r.GetJob(r.t.Context(), &deadline.GetJobInput{FarmId: r.farmID, QueueId: r.queueID, JobId: id}))(r.t)
}

// aim gives a job a target.
func (r *renderFarm) aim(jobID string, target deadline.JobTargetTaskRunStatus) {
	r.t.Helper()
	must(r.UpdateJob(r.t.Context(), &deadline.UpdateJobInput{
		FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, TargetTaskRunStatus: target,
	}))(r.t)
}

// wantStatus checks the run status of a job.
func (r *renderFarm) wantStatus(jobID string, want deadline.TaskRunStatus) {
	r.t.Helper()
	if got := r.getJob(jobID); got.TaskRunStatus != want {
		r.t.Fatalf("job is %s, want %s (%v)", got.TaskRunStatus, want, got.TaskRunStatusCounts)
	}
}

func (r *renderFarm) steps(jobID string) []deadline.StepSummary {
	r.t.Helper()
	return must(r.ListSteps(r.t.Context(), &deadline.ListStepsInput{FarmId: r.farmID, QueueId: r.queueID, JobId: jobID}))(r.t).Steps
}

func (r *renderFarm) taskList(jobID, stepID string) []deadline.TaskSummary {
	r.t.Helper()
	return must(r.ListTasks(r.t.Context(), &deadline.ListTasksInput{
		FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, StepId: stepID,
	}))(r.t).Tasks
}

func (r *renderFarm) sessions(jobID string) []deadline.SessionSummary {
	r.t.Helper()
	return must(r.ListSessions(r.t.Context(), &deadline.ListSessionsInput{
		FarmId: r.farmID, QueueId: r.queueID, JobId: jobID,
	}))(r.t).Sessions
}

// actions lists all actions of a job, in pages of one size.
func (r *renderFarm) actions(jobID string, change ...func(*deadline.ListSessionActionsInput)) []deadline.SessionActionSummary {
	r.t.Helper()
	in := &deadline.ListSessionActionsInput{FarmId: r.farmID, QueueId: r.queueID, JobId: jobID}
	for _, c := range change {
		c(in)
	}
	var all []deadline.SessionActionSummary
	for {
		page := must(r.ListSessionActions(r.t.Context(), in))(r.t)
		all = append(all, page.SessionActions...)
		if page.NextToken == nil {
			return all
		}
		in.NextToken = page.NextToken
	}
}

// history is what became of the actions of a job, in order: "envEnter Maya SUCCEEDED", "taskRun 3 FAILED".
func (r *renderFarm) history(jobID string) []string {
	r.t.Helper()
	var lines []string
	for _, a := range r.actions(jobID) {
		lines = append(lines, what(r.t, a.Definition)+" "+string(a.Status))
	}
	return lines
}

// what names the work of an action; the definition must have exactly one member.
func what(t *testing.T, d deadline.SessionActionDefinitionSummary) string {
	t.Helper()
	var members []string
	last := func(id, separator string) string { return id[strings.LastIndex(id, separator)+1:] }
	if d.EnvEnter != nil {
		members = append(members, "envEnter "+last(d.EnvEnter.EnvironmentId, ":"))
	}
	if d.EnvExit != nil {
		members = append(members, "envExit "+last(d.EnvExit.EnvironmentId, ":"))
	}
	if d.TaskRun != nil {
		members = append(members, "taskRun "+last(*d.TaskRun.TaskId, "-"))
	}
	if d.SyncInputJobAttachments != nil {
		member := "sync job"
		if d.SyncInputJobAttachments.StepId != nil {
			member = "sync step"
		}
		members = append(members, member)
	}
	if len(members) != 1 || d.UnknownMember != "" {
		t.Fatalf("a definition has the members %v, want exactly one", members)
	}
	return members[0]
}

// testWorker is a worker that does as it is told, one request at a time.
type testWorker struct {
	*renderFarm
	id      string
	answer  *deadline.UpdateWorkerScheduleOutput
	running map[string]bool // actions that were reported to run
	clock   time.Time       // of the worker's reports
}

// join makes a worker that is STARTED.
func (r *renderFarm) join() *testWorker {
	r.t.Helper()
	w := &testWorker{renderFarm: r, running: map[string]bool{}, clock: time.Date(2026, 1, 2, 3, 4, 5, 678000000, time.UTC)}
	w.id = must(r.CreateWorker(r.t.Context(), &deadline.CreateWorkerInput{
		FarmId: r.farmID, FleetId: r.fleetID,
		HostProperties: &deadline.HostPropertiesRequest{
			HostName: new("node-1"), IpAddresses: &deadline.IpAddresses{IpV4Addresses: []string{"192.0.2.1"}},
		},
	}))(r.t).WorkerId
	w.update(deadline.UpdatedWorkerStatusStarted)
	return w
}

func (w *testWorker) update(to deadline.UpdatedWorkerStatus) *deadline.UpdateWorkerOutput {
	w.t.Helper()
	return must(w.UpdateWorker(w.t.Context(), &deadline.UpdateWorkerInput{
		FarmId: w.farmID, FleetId: w.fleetID, WorkerId: w.id, Status: to,
	}))(w.t)
}

// tick is the worker's time, which goes on by a bit more than a second.
func (w *testWorker) tick() *time.Time {
	w.clock = w.clock.Add(1234 * time.Millisecond)
	now := w.clock
	return &now
}

type updates = map[string]deadline.UpdatedSessionActionInfo

// poll reports and asks what to do.
func (w *testWorker) poll(u updates) *deadline.UpdateWorkerScheduleOutput {
	w.t.Helper()
	w.answer = must(w.UpdateWorkerSchedule(w.t.Context(), &deadline.UpdateWorkerScheduleInput{
		FarmId: w.farmID, FleetId: w.fleetID, WorkerId: w.id, UpdatedSessionActions: u,
	}))(w.t)
	return w.answer
}

// held is the one session that the worker holds; "" when it holds none.
func (w *testWorker) held() (string, deadline.AssignedSession) {
	w.t.Helper()
	if len(w.answer.AssignedSessions) > 1 {
		w.t.Fatalf("the worker holds %d sessions", len(w.answer.AssignedSessions))
	}
	for id, s := range w.answer.AssignedSessions {
		return id, s
	}
	return "", deadline.AssignedSession{}
}

// queued is the actions that the worker holds, as "envEnter Maya", "taskRun 3".
func (w *testWorker) queued() []string {
	w.t.Helper()
	var lines []string
	_, s := w.held()
	for _, a := range s.SessionActions {
		lines = append(lines, assigned(w.t, &a))
	}
	return lines
}

func assigned(t *testing.T, a *deadline.AssignedSessionAction) string {
	t.Helper()
	var d deadline.SessionActionDefinitionSummary
	switch {
	case a.Definition.EnvEnter != nil:
		d.EnvEnter = &deadline.EnvironmentEnterSessionActionDefinitionSummary{EnvironmentId: a.Definition.EnvEnter.EnvironmentId}
	case a.Definition.EnvExit != nil:
		d.EnvExit = &deadline.EnvironmentExitSessionActionDefinitionSummary{EnvironmentId: a.Definition.EnvExit.EnvironmentId}
	case a.Definition.TaskRun != nil:
		d.TaskRun = &deadline.TaskRunSessionActionDefinitionSummary{TaskId: a.Definition.TaskRun.TaskId}
	default:
		d.SyncInputJobAttachments = &deadline.SyncInputJobAttachmentsSessionActionDefinitionSummary{
			StepId: a.Definition.SyncInputJobAttachments.StepId,
		}
	}
	return what(t, d)
}

// action finds a held action by what it does.
func (w *testWorker) action(name string) string {
	w.t.Helper()
	_, s := w.held()
	for _, a := range s.SessionActions {
		if assigned(w.t, &a) == name {
			return a.SessionActionId
		}
	}
	w.t.Fatalf("the worker does not hold %q but %v", name, w.queued())
	return ""
}

// start reports that an action runs.
func (w *testWorker) start(name string) {
	w.t.Helper()
	id := w.action(name)
	w.running[id] = true
	w.poll(updates{id: {StartedAt: w.tick(), UpdatedAt: w.tick(), ProgressPercent: new(float32(12.5))}})
}

// end reports the end of an action.
func (w *testWorker) end(name string, completed deadline.CompletedStatus) {
	w.t.Helper()
	id := w.action(name)
	w.poll(updates{id: w.ended(id, completed)})
}

func (w *testWorker) ended(id string, completed deadline.CompletedStatus) deadline.UpdatedSessionActionInfo {
	info := deadline.UpdatedSessionActionInfo{CompletedStatus: completed}
	if completed != deadline.CompletedStatusNeverAttempted {
		if !w.running[id] {
			info.StartedAt = w.tick()
		}
		info.EndedAt, info.UpdatedAt = w.tick(), w.tick()
		if completed == deadline.CompletedStatusFailed {
			info.ProcessExitCode, info.ProgressMessage = deadline.Ptr[int32](3), new("it broke")
		}
	}
	return info
}

// work does what it is told until nothing is left. fate says how an action ends; nil or "" is SUCCEEDED. As the worker agent does, it
// gives up what is queued behind an action that did not succeed, but for envExits, and what it is told to cancel.
func (w *testWorker) work(fate func(name string) deadline.CompletedStatus) {
	w.t.Helper()
	w.poll(nil)
	for turn := 0; ; turn++ {
		id, session := w.held()
		if id == "" {
			return
		}
		if turn > 200 {
			w.t.Fatalf("the worker never comes to an end; it holds %v: %v", w.queued(), w.history(session.JobId))
		}
		w.poll(w.turn(session.SessionActions, w.answer.CancelSessionActions[id], fate))
	}
}

// turn ends the first of some actions, and those that its end bars.
func (w *testWorker) turn(
	actions []deadline.AssignedSessionAction, canceled []string, fate func(string) deadline.CompletedStatus,
) updates {
	if len(actions) == 0 {
		return nil
	}
	first := actions[0].SessionActionId
	completed := deadline.CompletedStatusSucceeded
	switch {
	case slices.Contains(canceled, first) && w.running[first]:
		completed = deadline.CompletedStatusCanceled
	case slices.Contains(canceled, first):
		completed = deadline.CompletedStatusNeverAttempted
	case fate != nil:
		if chosen := fate(assigned(w.t, &actions[0])); chosen != "" {
			completed = chosen
		}
	}
	u := updates{first: w.ended(first, completed)}
	if completed != deadline.CompletedStatusSucceeded && actions[0].Definition.EnvExit == nil {
		for i := range actions[1:] {
			if a := &actions[1+i]; a.Definition.EnvExit == nil {
				u[a.SessionActionId] = w.ended(a.SessionActionId, deadline.CompletedStatusNeverAttempted)
			}
		}
	}
	return u
}

// plainTemplate is a job of one step with n tasks.
func plainTemplate(n int) string {
	return fmt.Sprintf(`
specificationVersion: jobtemplate-2023-09
name: plain
steps:
- name: Render
  parameterSpace:
    taskParameterDefinitions: [{name: Frame, type: INT, range: "1-%d"}]
  script: {actions: {onRun: {command: "true"}}}
`, n)
}

// sceneTemplate has everything: parameters, environments of job and step, requirements, a dependency.
const sceneTemplate = `
specificationVersion: jobtemplate-2023-09
name: "{{Param.Shot}} render"
description: A scene
parameterDefinitions:
- {name: Shot, type: STRING, default: sh010}
- {name: Frames, type: STRING, default: "1-3"}
- {name: Samples, type: INT, default: 64, minValue: 1}
- {name: Gain, type: FLOAT, default: "1.50"}
- {name: Scene, type: PATH, default: /p/scene.blend}
jobEnvironments:
- name: Maya
  script: {actions: {onEnter: {command: enter}, onExit: {command: exit}}}
steps:
- name: Render
  description: Frames
  stepEnvironments:
  - name: Scratch
    variables: {SCRATCH: /tmp}
  hostRequirements:
    amounts: [{name: amount.worker.vcpu, min: 1}]
    attributes: [{name: attr.worker.os.family, anyOf: [linux, macos]}]
  parameterSpace:
    taskParameterDefinitions:
    - {name: Frame, type: INT, range: "{{Param.Frames}}"}
    - {name: Camera, type: STRING, range: [left, right]}
    - {name: Gamma, type: FLOAT, range: [1.5]}
    - {name: Out, type: PATH, range: [/out]}
    combination: "Frame * Camera * Gamma * Out"
  script:
    actions: {onRun: {command: render, args: ["-f", "{{Task.Param.Frame}}"]}}
- name: Encode
  dependencies: [{dependsOn: Render}]
  script: {actions: {onRun: {command: encode}}}
`
