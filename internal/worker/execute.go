package worker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/jobattachments"
	"github.com/farmhand-render/farmhand/openjd/session"
)

// outcome is how an action ended: with the runtime's result, or with an error because it could not be begun.
type outcome struct {
	result    session.Result
	err       error
	manifests []deadline.TaskRunManifestPropertiesRequest
}

// info is the final report of an attempt.
func (o outcome) info(a *attempt) deadline.UpdatedSessionActionInfo {
	now := time.Now()
	info := deadline.UpdatedSessionActionInfo{StartedAt: &a.started, EndedAt: &now, UpdatedAt: &now, Manifests: o.manifests}
	switch {
	case o.err != nil && a.cause != "":
		info.CompletedStatus = a.cause
	case o.err != nil:
		info.CompletedStatus, info.ProgressMessage = deadline.CompletedStatusFailed, clip(o.err.Error())
	case o.result.Status == session.Succeeded:
		info.CompletedStatus, info.ProgressPercent = deadline.CompletedStatusSucceeded, new(float32(100))
	case o.result.Status == session.Canceled:
		info.CompletedStatus = deadline.CompletedStatusCanceled
		if a.cause != "" {
			info.CompletedStatus = a.cause
		}
	default:
		info.CompletedStatus = deadline.CompletedStatusFailed
	}
	if o.err == nil {
		info.ProgressMessage = clip(o.result.Message())
		if code := o.result.ExitCode; code != nil {
			info.ProcessExitCode = new(int32(*code))
		}
	}
	return info
}

// execute runs one action.
func (s *jobSession) execute(ctx context.Context, action *deadline.AssignedSessionAction) outcome {
	d := &action.Definition
	if d.EnvEnter != nil {
		s.attempted = append(s.attempted, d.EnvEnter.EnvironmentId)
	}
	if s.refused != "" {
		return outcome{err: errors.New(s.refused)}
	}
	s.job.entities.current = d
	runtime, err := s.job.open(ctx)
	if err != nil {
		s.log.line("The session could not be prepared: " + err.Error())
		return outcome{err: err}
	}
	var o outcome
	switch {
	case d.EnvEnter != nil:
		o = s.enter(ctx, runtime, d.EnvEnter.EnvironmentId, s.options(action))
	case d.EnvExit != nil:
		o = s.exit(ctx, runtime, d.EnvExit.EnvironmentId, s.options(action))
	case d.TaskRun != nil:
		o = s.runTask(ctx, runtime, action)
	case d.SyncInputJobAttachments != nil:
		o = s.syncInputs(ctx, runtime, d.SyncInputJobAttachments.StepId)
	default:
		o.err = fmt.Errorf("this version of the worker does not know the action %q", d.UnknownMember)
	}
	if o.err != nil {
		s.log.line("The action could not be run: " + o.err.Error())
	}
	return o
}

// options are the variables of one action.
func (s *jobSession) options(action *deadline.AssignedSessionAction) session.ActionOptions {
	variables := map[string]string{"DEADLINE_SESSIONACTION_ID": action.SessionActionId}
	if run := action.Definition.TaskRun; run != nil {
		variables["DEADLINE_STEP_ID"] = run.StepId
		if run.TaskId != nil {
			variables["DEADLINE_TASK_ID"] = *run.TaskId
		}
	}
	return session.ActionOptions{Variables: variables}
}

func (s *jobSession) enter(ctx context.Context, runtime *session.Session, id string, options session.ActionOptions) (o outcome) {
	environment, err := s.job.environment(ctx, id)
	if err != nil {
		return outcome{err: err}
	}
	options.Symbols = environment.symbols
	o.result, o.err = runtime.EnterEnvironment(ctx, id, environment.Environment, options)
	if o.err == nil {
		s.entered = append(s.entered, id)
	}
	return o
}

// exit exits an environment. One that was tried but never reached the runtime has nothing to exit.
func (s *jobSession) exit(ctx context.Context, runtime *session.Session, id string, options session.ActionOptions) (o outcome) {
	is := func(each string) bool { return each == id }
	s.attempted = slices.DeleteFunc(s.attempted, is)
	if !slices.Contains(s.entered, id) {
		s.log.line("The environment was never entered: there is nothing to exit")
		return outcome{result: session.Result{Status: session.Succeeded}}
	}
	o.result, o.err = runtime.ExitEnvironment(ctx, id, options)
	if o.err == nil {
		s.entered = slices.DeleteFunc(s.entered, is)
	}
	return o
}

func (s *jobSession) runTask(ctx context.Context, runtime *session.Session, action *deadline.AssignedSessionAction) (o outcome) {
	run := action.Definition.TaskRun
	step, err := s.job.step(ctx, run.StepId)
	if err != nil {
		return outcome{err: err}
	}
	parameters, err := taskParameters(run.Parameters)
	if err != nil {
		return outcome{err: err}
	}
	task := session.Task{Name: step.Name, Script: step.TaskScript(), Parameters: parameters, Extensions: step.extensions}
	options := s.options(action)
	options.Symbols = step.symbols
	if o.result, o.err = runtime.RunTask(ctx, task, options); o.err != nil || o.result.Status != session.Succeeded {
		return o
	}
	if s.job.attachments != nil {
		o.manifests, err = s.job.attachments.uploadOutputs(ctx, s.attachmentsAction(action))
		if err != nil {
			o.err = fmt.Errorf("upload the outputs: %w", err)
		}
	}
	return o
}

// attachmentsAction names an action in the queue's bucket.
func (s *jobSession) attachmentsAction(action *deadline.AssignedSessionAction) jobattachments.Action {
	run := action.Definition.TaskRun
	a := jobattachments.Action{
		FarmID: s.a.id.FarmID, QueueID: s.queueID, JobID: s.jobID, StepID: run.StepId, ActionID: action.SessionActionId,
	}
	if run.TaskId != nil {
		a.TaskID = *run.TaskId
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a.Started = s.current.started
	return a
}

// syncInputs brings the job's attachments into the session, or with a step what the steps have written that it depends on.
func (s *jobSession) syncInputs(ctx context.Context, runtime *session.Session, stepID *string) outcome {
	if s.job.attachments == nil {
		opened, err := s.job.openAttachments(ctx, runtime)
		if err != nil {
			return outcome{err: fmt.Errorf("sync job attachments: %w", err)}
		}
		s.job.attachments = opened
		runtime.AddPathMappingRules(opened.rules()...)
	}
	var err error
	if stepID == nil {
		err = s.job.attachments.syncJob(ctx)
	} else {
		var entity *deadline.JobEntity
		if entity, err = s.job.entities.get(ctx, jobKey{kind: stepEntity, id: *stepID}); err == nil {
			err = s.job.attachments.syncStep(ctx, entity.StepDetails.Dependencies)
		}
	}
	if err != nil {
		return outcome{err: fmt.Errorf("sync job attachments: %w", err)}
	}
	return outcome{result: session.Result{Status: session.Succeeded}}
}

// event passes on what the runtime tells. It is called while an action runs, and for the output of background processes also between.
func (s *jobSession) event(e session.Event) {
	switch e := e.(type) {
	case session.LogLine:
		s.log.addSlowly(e.Time, e.Text)
	case session.Progress:
		s.progress(new(float32(e.Percent)), "")
	case session.StatusMessage:
		s.progress(nil, e.Text)
	}
}

func (s *jobSession) progress(percent *float32, message string) {
	s.mu.Lock()
	now := s.current
	s.mu.Unlock()
	if now != nil {
		s.a.reports.progress(now.id, now.started, percent, message)
	}
}

// variables are what every process of the session sees.
func (s *jobSession) variables(more map[string]string) map[string]string {
	v := map[string]string{
		"DEADLINE_SESSION_ID": s.id, "DEADLINE_FARM_ID": s.a.id.FarmID, "DEADLINE_QUEUE_ID": s.queueID,
		"DEADLINE_JOB_ID": s.jobID, "DEADLINE_FLEET_ID": s.a.id.FleetID, "DEADLINE_WORKER_ID": s.a.id.WorkerID,
	}
	maps.Copy(v, more)
	return v
}
