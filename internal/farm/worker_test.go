package farm

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

var noID = strings.Repeat("0", 32)

// The answers that worker agents need, exactly.
func TestWorkerLife(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	created := must(r.CreateWorker(t.Context(), &deadline.CreateWorkerInput{
		FarmId: r.farmID, FleetId: r.fleetID, Tags: map[string]string{"rack": "7"},
		HostProperties: &deadline.HostPropertiesRequest{HostName: new("node-1")},
	}))(t)
	get := func() *deadline.GetWorkerOutput {
		return must(r.GetWorker(t.Context(), &deadline.GetWorkerInput{
			FarmId: r.farmID, FleetId: r.fleetID, WorkerId: created.WorkerId,
		}))(t)
	}
	first := get()
	want := &deadline.GetWorkerOutput{
		FarmId: r.farmID, FleetId: r.fleetID, WorkerId: created.WorkerId, Status: deadline.WorkerStatusCreated,
		HostProperties: &deadline.HostPropertiesResponse{HostName: new("node-1")},
		CreatedAt:      first.CreatedAt, CreatedBy: adminARN,
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("a new worker (-want +got):\n%s", diff)
	}
	poll := &deadline.UpdateWorkerScheduleInput{FarmId: r.farmID, FleetId: r.fleetID, WorkerId: created.WorkerId}
	_, err := r.UpdateWorkerSchedule(t.Context(), poll)
	if c := fails[*deadline.ConflictException](t, err); c.ResourceId != created.WorkerId || c.Context["status"] != "CREATED" ||
		c.Reason != deadline.ConflictExceptionReasonStatusConflict {
		t.Errorf("polling before it was STARTED: %+v", c)
	}

	w := &testWorker{renderFarm: r, id: created.WorkerId, running: map[string]bool{}}
	log := &deadline.LogConfiguration{
		LogDriver: "awslogs", Parameters: map[string]string{"interval": "15"},
		Options: map[string]string{"logGroupName": "/aws/deadline/" + r.farmID + "/" + r.fleetID, "logStreamName": w.id},
	}
	if diff := cmp.Diff(&deadline.UpdateWorkerOutput{Log: log}, w.update(deadline.UpdatedWorkerStatusStarted)); diff != "" {
		t.Errorf("STARTED (-want +got):\n%s", diff)
	}
	if !slices.Contains(r.logs.streams, log.Options["logGroupName"]+" "+w.id) {
		t.Errorf("the worker's stream was not made: %v", r.logs.streams)
	}
	if got := get(); got.Status != deadline.WorkerStatusStarted || got.Log == nil || *got.UpdatedBy != adminARN {
		t.Errorf("the worker is %+v", got)
	}
	idle := &deadline.UpdateWorkerScheduleOutput{
		AssignedSessions: map[string]deadline.AssignedSession{}, CancelSessionActions: map[string][]string{}, UpdateIntervalSeconds: 1,
	}
	if diff := cmp.Diff(idle, w.poll(nil)); diff != "" {
		t.Errorf("nothing to do (-want +got):\n%s", diff)
	}
	if got := get().Status; got != deadline.WorkerStatusIdle {
		t.Errorf("the worker is %s, want IDLE", got)
	}
	remove := &deadline.DeleteWorkerInput{FarmId: r.farmID, FleetId: r.fleetID, WorkerId: w.id}
	_, err = r.DeleteWorker(t.Context(), remove)
	if c := fails[*deadline.ConflictException](t, err); c.ResourceId != w.id || c.Context["status"] != "IDLE" {
		t.Errorf("deleting a worker that is online: %+v", c)
	}
	w.update(deadline.UpdatedWorkerStatusStopping)
	_, err = r.UpdateWorker(t.Context(), &deadline.UpdateWorkerInput{
		FarmId: r.farmID, FleetId: r.fleetID, WorkerId: w.id, Status: deadline.UpdatedWorkerStatusStarted,
	})
	if c := fails[*deadline.ConflictException](t, err); c.ResourceId != w.id || c.Context["status"] != "STOPPING" {
		t.Errorf("STARTED while STOPPING: %+v", c)
	}
	w.update(deadline.UpdatedWorkerStatusStopped)
	must(r.DeleteWorker(t.Context(), remove))(t)
	_, err = r.UpdateWorkerSchedule(t.Context(), poll)
	failsMissing(t, err, typeWorker, w.id)
	_, err = r.GetWorker(t.Context(), &deadline.GetWorkerInput{FarmId: r.farmID, FleetId: r.fleetID, WorkerId: w.id})
	failsMissing(t, err, typeWorker, w.id)
}

func TestWorkerHostConfiguration(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	r.fleetID = r.newFleet(r.farmID, func(in *deadline.CreateFleetInput) {
		in.HostConfiguration = &deadline.HostConfiguration{ScriptBody: "mount -a"}
		in.MaxWorkerCount = 1
		in.Tags = map[string]string{"site": "a", "rack": "none"}
		in.Configuration.CustomerManaged.TagPropagationMode = deadline.TagPropagationModePropagateTagsToWorkersAtLaunch
	})
	w := must(r.CreateWorker(t.Context(), &deadline.CreateWorkerInput{
		FarmId: r.farmID, FleetId: r.fleetID, Tags: map[string]string{"rack": "7"},
	}))(t)
	got := must(r.UpdateWorker(t.Context(), &deadline.UpdateWorkerInput{
		FarmId: r.farmID, FleetId: r.fleetID, WorkerId: w.WorkerId, Status: deadline.UpdatedWorkerStatusStarted,
	}))(t)
	if got.HostConfiguration == nil || got.HostConfiguration.ScriptBody != "mount -a" || *got.HostConfiguration.ScriptTimeoutSeconds != 300 {
		t.Errorf("the host configuration is %+v", got.HostConfiguration)
	}
	tags := must(r.ListTagsForResource(t.Context(), &deadline.ListTagsForResourceInput{
		ResourceArn: r.service.workerARN(r.farmID, r.fleetID, w.WorkerId),
	}))(t).Tags
	if diff := cmp.Diff(map[string]string{"site": "a", "rack": "7"}, tags); diff != "" {
		t.Errorf("the worker's tags (-want +got):\n%s", diff)
	}
	_, err := r.CreateWorker(t.Context(), &deadline.CreateWorkerInput{FarmId: r.farmID, FleetId: r.fleetID})
	if c := fails[*deadline.ConflictException](t, err); c.ResourceId != r.fleetID || c.Context["status"] != "ACTIVE" {
		t.Errorf("a worker more than the fleet may have: %+v", c)
	}
}

// What a poll answers for a new session, and that reports on what the worker does not hold change nothing.
func TestWorkerSchedule(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	jobID := r.submit(sceneTemplate)
	step := r.steps(jobID)[0]
	w := r.join()
	w.poll(nil)
	id, got := w.held()
	action := func(n int, d deadline.AssignedSessionActionDefinition) deadline.AssignedSessionAction {
		return deadline.AssignedSessionAction{SessionActionId: sessionActionID(id, int64(n)), Definition: d}
	}
	want := deadline.AssignedSession{
		QueueId: r.queueID, JobId: jobID,
		SessionActions: []deadline.AssignedSessionAction{
			action(0, deadline.AssignedSessionActionDefinition{
				EnvEnter: &deadline.AssignedEnvironmentEnterSessionActionDefinition{EnvironmentId: "JOB:" + jobID + ":Maya"},
			}),
			action(1, deadline.AssignedSessionActionDefinition{
				EnvEnter: &deadline.AssignedEnvironmentEnterSessionActionDefinition{EnvironmentId: "STEP:" + step.StepId + ":Scratch"},
			}),
			action(2, deadline.AssignedSessionActionDefinition{TaskRun: &deadline.AssignedTaskRunSessionActionDefinition{
				StepId: step.StepId, TaskId: new(taskID(step.StepId, 0)),
				Parameters: map[string]deadline.TaskParameterValue{
					"Frame": {Int: new("1")}, "Camera": {String: new("left")},
					"Gamma": {Float: new("1.5")}, "Out": {Path: new("/out")},
				},
			}}),
		},
		LogConfiguration: deadline.LogConfiguration{
			LogDriver: "awslogs", Parameters: map[string]string{"interval": "15"},
			Options: map[string]string{"logGroupName": "/aws/deadline/" + r.farmID + "/" + r.queueID, "logStreamName": id},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a new session (-want +got):\n%s", diff)
	}
	if !slices.Contains(r.logs.streams, got.LogConfiguration.Options["logGroupName"]+" "+id) {
		t.Errorf("the session's stream was not made: %v", r.logs.streams)
	}

	before := r.history(jobID)
	thief := r.join()
	thief.poll(updates{
		sessionActionID(id, 0):                      {CompletedStatus: deadline.CompletedStatusSucceeded},
		sessionActionID("session-"+noID, 0):         {CompletedStatus: deadline.CompletedStatusFailed},
		sessionActionID(id, 999):                    {StartedAt: w.tick()},
		"sessionaction-" + noID + "-9999999999":     {StartedAt: w.tick()},
		sessionActionID("session-"+noID[1:]+"1", 7): {CompletedStatus: deadline.CompletedStatusNeverAttempted},
	})
	wantLines(t, "history after foreign reports", r.history(jobID)[:len(before)], before...)

	// Repeating a report, as after a lost answer, changes nothing.
	report := updates{sessionActionID(id, 0): w.ended(sessionActionID(id, 0), deadline.CompletedStatusSucceeded)}
	w.poll(report)
	once := r.actions(jobID)
	w.poll(report)
	if diff := cmp.Diff(once, r.actions(jobID)); diff != "" {
		t.Errorf("after the same report again:\n%s", diff)
	}
	worker := must(r.ListSessionsForWorker(t.Context(), &deadline.ListSessionsForWorkerInput{
		FarmId: r.farmID, FleetId: r.fleetID, WorkerId: w.id,
	}))(t).Sessions
	if len(worker) != 1 || worker[0].SessionId != id || worker[0].JobId != jobID || worker[0].QueueId != r.queueID {
		t.Errorf("the worker's sessions are %+v", worker)
	}
	session := must(r.GetSession(t.Context(), &deadline.GetSessionInput{
		FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, SessionId: id,
	}))(t)
	if session.WorkerLog.Options["logStreamName"] != w.id || *session.HostProperties.HostName != "node-1" ||
		session.Log.Options["logStreamName"] != id || session.WorkerId != w.id || session.FleetId != r.fleetID {
		t.Errorf("the session is %+v", session)
	}
}

func TestWorkerRoles(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	w := r.join()
	fleet := must(r.AssumeFleetRoleForWorker(t.Context(), &deadline.AssumeFleetRoleForWorkerInput{
		FarmId: r.farmID, FleetId: r.fleetID, WorkerId: w.id,
	}))(t)
	if fleet.Credentials.AccessKeyId != r.farmID+r.fleetID || fleet.Credentials.SessionToken != w.id {
		t.Errorf("the credentials are for %s %s", fleet.Credentials.AccessKeyId, fleet.Credentials.SessionToken)
	}
	in := &deadline.AssumeQueueRoleForWorkerInput{FarmId: r.farmID, FleetId: r.fleetID, WorkerId: w.id, QueueId: r.queueID}
	_, err := r.AssumeQueueRoleForWorker(t.Context(), in)
	if c := fails[*deadline.ConflictException](t, err); c.ResourceId != r.queueID || c.ResourceType != typeQueue {
		t.Errorf("without a session: %+v", c)
	}
	r.submit(plainTemplate(1))
	w.poll(nil)
	queue := must(r.AssumeQueueRoleForWorker(t.Context(), in))(t)
	if queue.Credentials == nil || queue.Credentials.AccessKeyId != r.farmID+r.queueID {
		t.Errorf("the credentials are %v", queue.Credentials)
	}
	w.work(nil)
	_, err = r.AssumeQueueRoleForWorker(t.Context(), in)
	_ = fails[*deadline.ConflictException](t, err)
	w.update(deadline.UpdatedWorkerStatusStopped)
	_, err = r.AssumeQueueRoleForWorker(t.Context(), in)
	if c := fails[*deadline.ConflictException](t, err); c.ResourceId != w.id || c.Context["status"] != "STOPPED" {
		t.Errorf("offline: %+v", c)
	}

	// A queue without a role gives none.
	roleless := r.newQueue(r.farmID)
	r.associate(r.farmID, roleless, r.fleetID)
	job := r.jobInput(plainTemplate(1))
	job.QueueId, in.QueueId = roleless, roleless
	must(r.CreateJob(t.Context(), job))(t)
	w.update(deadline.UpdatedWorkerStatusStarted)
	w.poll(nil)
	if got := must(r.AssumeQueueRoleForWorker(t.Context(), in))(t); got.Credentials != nil {
		t.Errorf("a queue without a role gives %v", got.Credentials)
	}
}

// TestInstanceHost: a host that is an instance has one worker at a time, and gets that worker's role only while it is offline. The
// role itself, and hosts that are no instance, may always ask.
func TestInstanceHost(t *testing.T) {
	t.Parallel()
	r, ctx := openRenderFarm(t), t.Context()
	arn := "arn:aws:iam::123456789012:user/machine"
	machine := r.as(auth.Principal{Kind: auth.WorkerHost, ID: "AKIAMACHINE", ARN: arn, Instance: true})
	create := &deadline.CreateWorkerInput{FarmId: r.farmID, FleetId: r.fleetID}
	id := must(machine.CreateWorker(ctx, create))(t).WorkerId
	second := func() *deadline.ConflictException {
		t.Helper()
		_, err := machine.CreateWorker(ctx, &deadline.CreateWorkerInput{FarmId: r.farmID, FleetId: r.fleetID})
		return fails[*deadline.ConflictException](t, err)
	}
	if e := second(); e.Reason != deadline.ConflictExceptionReasonResourceAlreadyExists || e.ResourceType != typeWorker ||
		e.ResourceId != id || e.Context["status"] != "CREATED" {
		t.Errorf("a second worker: %+v", e)
	}
	must(r.as(auth.Principal{Kind: auth.WorkerHost, ID: "AKIAOTHER", ARN: arn + "-other", Instance: true}).CreateWorker(ctx, create))(t)

	assume := &deadline.AssumeFleetRoleForWorkerInput{FarmId: r.farmID, FleetId: r.fleetID, WorkerId: id}
	w := &testWorker{renderFarm: r, id: id}
	must(machine.AssumeFleetRoleForWorker(ctx, assume))(t)
	for _, online := range []deadline.UpdatedWorkerStatus{deadline.UpdatedWorkerStatusStarted, deadline.UpdatedWorkerStatusStopping} {
		w.update(online)
		_, err := machine.AssumeFleetRoleForWorker(ctx, assume)
		if e := fails[*deadline.ConflictException](t, err); e.Reason != deadline.ConflictExceptionReasonStatusConflict ||
			e.ResourceType != typeWorker || e.ResourceId != id || e.Context["status"] != string(online) {
			t.Errorf("%s: %+v", online, e)
		}
		for _, who := range []auth.Principal{
			{Kind: auth.WorkerHost, ID: "AKIAHOST", ARN: arn},
			{Kind: auth.FleetRoleWorker, ID: id, FarmID: r.farmID, FleetID: r.fleetID, WorkerID: id},
		} {
			must(r.as(who).AssumeFleetRoleForWorker(ctx, assume))(t)
		}
	}
	w.update(deadline.UpdatedWorkerStatusStopped)
	must(machine.AssumeFleetRoleForWorker(ctx, assume))(t)
	must(r.DeleteWorker(ctx, &deadline.DeleteWorkerInput{FarmId: r.farmID, FleetId: r.fleetID, WorkerId: id}))(t)
	must(machine.CreateWorker(ctx, &deadline.CreateWorkerInput{FarmId: r.farmID, FleetId: r.fleetID}))(t)
}

// countingStore fails reads once it is told that none may come.
type countingStore struct {
	store.Reader
	forbidden bool
}

var errRead = errors.New("the store was read")

func (s *countingStore) Worker(ctx context.Context, id string) (*row.Worker, error) {
	if s.forbidden {
		return nil, errRead
	}
	return s.Reader.Worker(ctx, id)
}

func (s *countingStore) StepDocuments(ctx context.Context, id string) ([]row.StepDocument, error) {
	if s.forbidden {
		return nil, errRead
	}
	return s.Reader.StepDocuments(ctx, id)
}

// Polls of a worker that the service knows read nothing, and ask for no stream that exists.
func TestWorkerSchedulePollReadsNothing(t *testing.T) {
	t.Parallel()
	counting := &countingStore{}
	r := openRenderFarm(t, func(c *Config) {
		counting.Reader = c.Store
		c.Store = counting
	})
	r.submit(plainTemplate(20))
	w := r.join()
	w.poll(nil)
	counting.forbidden = true
	w.work(nil)
	counting.forbidden = false
	streams := slices.Clone(r.logs.streams)
	slices.Sort(streams)
	if n := len(slices.Compact(streams)); n != len(r.logs.streams) {
		t.Errorf("streams were made again: %v", r.logs.streams)
	}
}
