//go:build unix

package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/server"
	"github.com/farmhand-render/farmhand/internal/worker"
)

// The ids of the scripted service.
var (
	scriptFarm  = "farm-" + strings.Repeat("a", 32)
	scriptQueue = "queue-" + strings.Repeat("b", 32)
	scriptFleet = "fleet-" + strings.Repeat("c", 32)
	scriptJob   = "job-" + strings.Repeat("d", 32)
	scriptStep  = "step-" + strings.Repeat("e", 32)
	scriptLife  = "worker-" + strings.Repeat("f", 32)
)

const scriptSession = "session-11111111111111111111111111111111"

// script is a service that says what a test tells it to. It speaks the protocol over HTTP; what the worker says is in calls.
type script struct {
	server.Unimplemented
	t   *testing.T
	aws aws.Config

	mu       sync.Mutex // guards the fields below
	changed  *sync.Cond
	calls    []string // operations, with what matters of them
	pending  []deadline.AssignedSessionAction
	cancels  []string
	reported map[string]deadline.UpdatedSessionActionInfo
	order    []string // ids in the order of their final words
	answer   func(call string) error
	desired  deadline.DesiredWorkerStatus
	listed   bool // the session is assigned
	job      deadline.JobDetailsEntity
	step     string
	asked    [][]deadline.JobEntityIdentifiersUnion
	away     bool
	key      int
}

func newScript(t *testing.T) *script {
	t.Helper()
	s := &script{t: t, reported: map[string]deadline.UpdatedSessionActionInfo{}, step: "true"}
	s.changed = sync.NewCond(&s.mu)
	s.job = deadline.JobDetailsEntity{
		JobId: scriptJob, LogGroupName: "group", SchemaVersion: "jobtemplate-2023-09", JobRunAsUser: &deadline.JobRunAsUser{RunAs: deadline.RunAsWorkerAgentUser},
	}
	api := server.NewHandler(s, server.Options{})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		away := s.away
		s.mu.Unlock()
		switch {
		case away:
			panic(http.ErrAbortHandler)
		case r.Header.Get("X-Amz-Target") != "":
			fmt.Fprint(w, "{}")
		default:
			api.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(web.Close)
	s.aws = aws.Config{Region: "us-west-2", BaseEndpoint: &web.URL, Credentials: credentials.NewStaticCredentialsProvider("HOST", "secret", "")}
	return s
}

// said notes a call and gives the error that the test wants for it.
func (s *script) said(call string) error {
	s.calls = append(s.calls, call)
	s.changed.Broadcast()
	if s.answer != nil {
		return s.answer(call)
	}
	return nil
}

func (s *script) CreateWorker(context.Context, *deadline.CreateWorkerInput) (*deadline.CreateWorkerOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &deadline.CreateWorkerOutput{WorkerId: scriptLife}, s.said("CreateWorker")
}

func (s *script) credentials() deadline.AwsCredentials {
	s.key++
	return deadline.AwsCredentials{AccessKeyId: fmt.Sprint("KEY", s.key), SecretAccessKey: "secret", SessionToken: "token", Expiration: time.Now().Add(time.Hour)}
}

func (s *script) AssumeFleetRoleForWorker(context.Context, *deadline.AssumeFleetRoleForWorkerInput) (*deadline.AssumeFleetRoleForWorkerOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &deadline.AssumeFleetRoleForWorkerOutput{Credentials: s.credentials()}, s.said("AssumeFleetRoleForWorker")
}

func (s *script) AssumeQueueRoleForWorker(context.Context, *deadline.AssumeQueueRoleForWorkerInput) (*deadline.AssumeQueueRoleForWorkerOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.credentials()
	return &deadline.AssumeQueueRoleForWorkerOutput{Credentials: &c}, s.said("AssumeQueueRoleForWorker")
}

func (s *script) UpdateWorker(_ context.Context, in *deadline.UpdateWorkerInput) (*deadline.UpdateWorkerOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &deadline.UpdateWorkerOutput{Log: new(logTo(scriptLife))}, s.said("UpdateWorker " + string(in.Status))
}

func logTo(stream string) deadline.LogConfiguration {
	return deadline.LogConfiguration{
		LogDriver: "awslogs", Options: map[string]string{"logGroupName": "group", "logStreamName": stream}, Parameters: map[string]string{"interval": "15"},
	}
}

func (s *script) UpdateWorkerSchedule(_ context.Context, in *deadline.UpdateWorkerScheduleInput) (*deadline.UpdateWorkerScheduleOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := &deadline.UpdateWorkerScheduleOutput{
		AssignedSessions: map[string]deadline.AssignedSession{}, CancelSessionActions: map[string][]string{}, UpdateIntervalSeconds: 1,
		DesiredWorkerStatus: s.desired,
	}
	var finals []string
	for id, info := range in.UpdatedSessionActions {
		if info.CompletedStatus != "" {
			finals = append(finals, id)
		}
	}
	slices.Sort(finals)
	if err := s.said("UpdateWorkerSchedule " + strings.Join(finals, " ")); err != nil {
		return nil, err
	}
	maps.Copy(s.reported, in.UpdatedSessionActions)
	s.order = append(s.order, finals...)
	s.pending = slices.DeleteFunc(s.pending, func(a deadline.AssignedSessionAction) bool {
		return s.reported[a.SessionActionId].CompletedStatus != ""
	})
	if s.listed {
		out.AssignedSessions[scriptSession] = deadline.AssignedSession{
			QueueId: scriptQueue, JobId: scriptJob, SessionActions: slices.Clone(s.pending), LogConfiguration: logTo(scriptSession),
		}
	}
	if len(s.cancels) > 0 {
		out.CancelSessionActions[scriptSession], s.cancels = s.cancels, nil
	}
	return out, nil
}

func (s *script) BatchGetJobEntity(_ context.Context, in *deadline.BatchGetJobEntityInput) (*deadline.BatchGetJobEntityOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, in.Identifiers)
	out := &deadline.BatchGetJobEntityOutput{Entities: []deadline.JobEntity{}, Errors: []deadline.GetJobEntityError{}}
	for _, id := range in.Identifiers {
		switch {
		case id.JobDetails != nil:
			out.Entities = append(out.Entities, deadline.JobEntity{JobDetails: &s.job})
		case id.StepDetails != nil && strings.HasSuffix(id.StepDetails.StepId, "9"):
			out.Errors = append(out.Errors, deadline.GetJobEntityError{StepDetails: &deadline.StepDetailsError{
				JobId: scriptJob, StepId: id.StepDetails.StepId, Code: deadline.JobEntityErrorCodeAccessDeniedException, Message: "not yours",
			}})
		case id.StepDetails != nil && len(in.Identifiers) > 1 && strings.HasSuffix(id.StepDetails.StepId, "8"):
			out.Errors = append(out.Errors, deadline.GetJobEntityError{StepDetails: &deadline.StepDetailsError{
				JobId: scriptJob, StepId: id.StepDetails.StepId, Code: deadline.JobEntityErrorCodeMaxPayloadSizeExceeded, Message: "too much",
			}})
		case id.StepDetails != nil:
			out.Entities = append(out.Entities, deadline.JobEntity{StepDetails: &deadline.StepDetailsEntity{
				JobId: scriptJob, StepId: id.StepDetails.StepId, SchemaVersion: "jobtemplate-2023-09", Dependencies: []string{},
				Template: document(map[string]any{"name": "Step", "script": actions("onRun", s.step)}),
			}})
		case id.EnvironmentDetails != nil:
			out.Entities = append(out.Entities, deadline.JobEntity{EnvironmentDetails: &deadline.EnvironmentDetailsEntity{
				JobId: scriptJob, EnvironmentId: id.EnvironmentDetails.EnvironmentId, SchemaVersion: "jobtemplate-2023-09",
				Template: document(map[string]any{"name": "Env", "script": actions("onEnter", "true", "onExit", "true")}),
			}})
		}
	}
	return out, s.said("BatchGetJobEntity")
}

// actions is a script: pairs of an action's name and what a shell runs for it.
func actions(pairs ...string) map[string]any {
	all := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i]] = map[string]any{"command": "sh", "args": []string{"-c", pairs[i+1]}}
	}
	return map[string]any{"actions": all}
}

func document(v any) deadline.Document {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// tell changes the service, from the next answer on.
func (s *script) tell(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// assign appends actions to the session: "run", "enter", "exit" or "sync", with the id of the step in place of the usual one after a colon.
func (s *script) assign(kinds ...string) {
	s.tell(func() {
		s.listed = true
		for _, kind := range kinds {
			kind, step, _ := strings.Cut(kind, ":")
			s.pending = append(s.pending, deadline.AssignedSessionAction{SessionActionId: actionID(len(s.pending) + len(s.order)), Definition: definition(kind, step)})
		}
	})
}

func actionID(i int) string { return fmt.Sprintf("sessionaction-%s-%d", strings.Repeat("1", 32), i) }

func definition(kind, step string) (d deadline.AssignedSessionActionDefinition) {
	switch kind {
	case "enter":
		d.EnvEnter = &deadline.AssignedEnvironmentEnterSessionActionDefinition{EnvironmentId: "JOB:" + scriptJob + ":Env"}
	case "exit":
		d.EnvExit = &deadline.AssignedEnvironmentExitSessionActionDefinition{EnvironmentId: "JOB:" + scriptJob + ":Env"}
	case "sync":
		d.SyncInputJobAttachments = &deadline.AssignedSyncInputJobAttachmentsSessionActionDefinition{}
	default:
		if step == "" {
			step = scriptStep
		}
		d.TaskRun = &deadline.AssignedTaskRunSessionActionDefinition{StepId: step, Parameters: map[string]deadline.TaskParameterValue{}}
	}
	return d
}

// await waits until what the service knows fits.
func (s *script) await(what string, holds func() bool) {
	s.t.Helper()
	stop := context.AfterFunc(s.t.Context(), s.changed.Broadcast)
	defer stop()
	late := time.AfterFunc(time.Minute, s.changed.Broadcast)
	defer late.Stop()
	began := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !holds() {
		if s.t.Context().Err() != nil || time.Since(began) >= time.Minute {
			s.t.Fatalf("it never came that %s; calls: %q", what, s.calls)
		}
		s.changed.Wait()
	}
}

// count is how often the worker made a call. The caller holds mu, as the conditions of await do.
func (s *script) count(call string) (n int) {
	for _, c := range s.calls {
		if strings.TrimSpace(c) == call {
			n++
		}
	}
	return n
}

// made gives all calls so far.
func (s *script) made() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return trimmed(s.calls)
}

// report is the latest word on an action.
func (s *script) report(i int) deadline.UpdatedSessionActionInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reported[actionID(i)]
}

// statuses are the final words on the first n actions, "" where there is none.
func (s *script) statuses(n int) []deadline.CompletedStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]deadline.CompletedStatus, n)
	for i := range out {
		out[i] = s.reported[actionID(i)].CompletedStatus
	}
	return out
}

func (s *script) finished(n int) func() bool { return func() bool { return len(s.order) >= n } }

// scripted is a worker of the scripted service.
type scripted struct {
	*worker.Worker
	t    *testing.T
	stop context.CancelFunc
	done chan error
}

func (s *script) start(state string, change func(*worker.Config)) *scripted {
	s.t.Helper()
	cfg := worker.Config{
		AWS: s.aws, FarmID: scriptFarm, FleetID: scriptFleet, StateDir: state, SessionRoot: s.t.TempDir(),
		ReportEvery: time.Millisecond, FlushEvery: time.Millisecond, Grace: 2 * time.Second, Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	w, err := worker.New(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(s.t.Context()))
	r := &scripted{w, s.t, stop, make(chan error, 1)}
	ended := make(chan struct{})
	go func() { defer close(ended); r.done <- w.Run(ctx) }()
	s.t.Cleanup(func() { stop(); w.Hurry(); <-ended })
	return r
}

// end stops the worker and checks how Run ended.
func (r *scripted) end(want error) {
	r.t.Helper()
	r.stop()
	if err := <-r.done; !errors.Is(err, want) {
		r.t.Errorf("Run ended with %v, want %v", err, want)
	}
}
