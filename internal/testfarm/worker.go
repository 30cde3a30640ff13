package testfarm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
)

// Reports are what a worker reports in one request: by the id of the session action.
type Reports = map[string]deadline.UpdatedSessionActionInfo

// Script says what becomes of a worker's work. Its functions are called by the worker's goroutine.
type Script struct {
	// Fate says how an action that ran ends; nil means SUCCEEDED.
	Fate func(jobID string, action *deadline.AssignedSessionAction) deadline.CompletedStatus
	// Answered, when set, is told of each answered request: what was reported, and what the answer told to do.
	Answered func(Reports, *deadline.UpdateWorkerScheduleOutput)
}

// Worker is a worker of the farm's fleet, with the credentials of the fleet's role. It belongs to one goroutine.
type Worker struct {
	ID string

	farm    *Farm
	script  Script
	api     *client.Client
	answer  *deadline.UpdateWorkerScheduleOutput
	started map[string]time.Time // actions that were reported to run
}

// Join makes a worker and starts it.
func (f *Farm) Join(ctx context.Context, script Script) (*Worker, error) {
	created, err := f.Admin.CreateWorker(ctx, &deadline.CreateWorkerInput{FarmId: f.FarmID, FleetId: f.FleetID})
	if err != nil {
		return nil, err
	}
	role, err := f.Admin.AssumeFleetRoleForWorker(ctx, &deadline.AssumeFleetRoleForWorkerInput{
		FarmId: f.FarmID, FleetId: f.FleetID, WorkerId: created.WorkerId,
	})
	if err != nil {
		return nil, err
	}
	c := role.Credentials
	as := credentials.NewStaticCredentialsProvider(c.AccessKeyId, c.SecretAccessKey, c.SessionToken)
	w := &Worker{ID: created.WorkerId, farm: f, script: script, api: f.client(as, []func(*client.Options){Patient})}
	return w, w.Start(ctx)
}

// Start says that the worker's agent has started: the service ends all sessions that the worker had.
func (w *Worker) Start(ctx context.Context) error {
	w.answer, w.started = &deadline.UpdateWorkerScheduleOutput{}, map[string]time.Time{}
	return w.is(ctx, deadline.UpdatedWorkerStatusStarted)
}

// Stop says that the worker's agent has stopped: the worker gets no more work.
func (w *Worker) Stop(ctx context.Context) error {
	return w.is(ctx, deadline.UpdatedWorkerStatusStopped)
}

func (w *Worker) is(ctx context.Context, status deadline.UpdatedWorkerStatus) error {
	_, err := w.api.UpdateWorker(ctx, &deadline.UpdateWorkerInput{
		FarmId: w.farm.FarmID, FleetId: w.farm.FleetID, WorkerId: w.ID, Status: status,
	})
	return err
}

// Busy says whether the worker holds work.
func (w *Worker) Busy() bool { return len(w.answer.AssignedSessions) > 0 }

// Turn takes the next step in every session, reports it, and takes up what the answer says. The first action of a session is reported to
// run in one turn and to be over in a later one. A worker that the service thinks is gone starts again.
func (w *Worker) Turn(ctx context.Context) error {
	reports := Reports{}
	for id, s := range w.answer.AssignedSessions {
		w.step(reports, &s, w.answer.CancelSessionActions[id])
	}
	out, err := w.api.UpdateWorkerSchedule(ctx, &deadline.UpdateWorkerScheduleInput{
		FarmId: w.farm.FarmID, FleetId: w.farm.FleetID, WorkerId: w.ID, UpdatedSessionActions: reports,
	})
	var conflict *deadline.ConflictException
	if errors.As(err, &conflict) && conflict.Reason == deadline.ConflictExceptionReasonStatusConflict {
		return w.Start(ctx)
	}
	if err != nil {
		return fmt.Errorf("worker %s: %w", w.ID, err)
	}
	w.take(reports, out)
	if w.script.Answered != nil {
		w.script.Answered(reports, out)
	}
	return nil
}

func (w *Worker) take(reports Reports, out *deadline.UpdateWorkerScheduleOutput) {
	w.answer = out
	for id, r := range reports {
		if r.CompletedStatus == "" {
			w.started[id] = *r.StartedAt
		} else {
			delete(w.started, id)
		}
	}
}

// step reports on a session as the worker agent does: its first action starts or ends; one that did not succeed bars those behind it but
// for the exits of environments.
func (w *Worker) step(reports Reports, s *deadline.AssignedSession, canceled []string) {
	if len(s.SessionActions) == 0 {
		return
	}
	first := &s.SessionActions[0]
	startedAt, running := w.started[first.SessionActionId]
	cancel := slices.Contains(canceled, first.SessionActionId)
	completed := deadline.CompletedStatusSucceeded
	switch now := now(); {
	case cancel && running:
		completed = deadline.CompletedStatusCanceled
	case cancel:
		completed = deadline.CompletedStatusNeverAttempted
	case !running:
		reports[first.SessionActionId] = deadline.UpdatedSessionActionInfo{StartedAt: &now, UpdatedAt: &now}
		return
	case w.script.Fate != nil:
		completed = w.script.Fate(s.JobId, first)
	}
	reports[first.SessionActionId] = over(completed, startedAt)
	if completed == deadline.CompletedStatusSucceeded || first.Definition.EnvExit != nil {
		return
	}
	for i := range s.SessionActions[1:] {
		if a := &s.SessionActions[1+i]; a.Definition.EnvExit == nil {
			reports[a.SessionActionId] = over(deadline.CompletedStatusNeverAttempted, time.Time{})
		}
	}
}

func over(completed deadline.CompletedStatus, startedAt time.Time) deadline.UpdatedSessionActionInfo {
	info := deadline.UpdatedSessionActionInfo{CompletedStatus: completed}
	if completed == deadline.CompletedStatusNeverAttempted {
		return info
	}
	ended, code := now(), int32(0)
	if completed != deadline.CompletedStatusSucceeded {
		code = 1
	}
	info.StartedAt, info.EndedAt, info.UpdatedAt, info.ProcessExitCode = &startedAt, &ended, &ended, &code
	return info
}

// now is the worker's clock, as exactly as times travel.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
