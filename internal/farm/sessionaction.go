package farm

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// Prefixes of the ids of sessions and their actions. An action's id is its prefix, the hex digits of its session's id, a dash, and its
// number in the session.
const (
	prefixSession       = "session-"
	prefixSessionAction = "sessionaction-"
)

func sessionActionID(sessionID string, index int64) string {
	return prefixSessionAction + strings.TrimPrefix(sessionID, prefixSession) + "-" + strconv.FormatInt(index, 10)
}

// parseSessionActionID splits the id of an action into its session's id and its number.
func parseSessionActionID(id string) (sessionID string, index int64, ok bool) {
	hexID, index, ok := parseNumberedID(id, prefixSessionAction)
	return prefixSession + hexID, index, ok
}

// GetSessionAction describes a session action.
func (s *Service) GetSessionAction(
	ctx context.Context, in *deadline.GetSessionActionInput,
) (*deadline.GetSessionActionOutput, error) {
	if _, err := s.job(ctx, in.FarmId, in.QueueId, in.JobId); err != nil {
		return nil, err
	}
	a, err := s.sessionAction(ctx, in.JobId, in.SessionActionId)
	if err != nil {
		return nil, err
	}
	shape, err := s.shape(ctx, in.JobId)
	if err != nil {
		return nil, err
	}
	out := &deadline.GetSessionActionOutput{
		SessionActionId: in.SessionActionId, SessionId: a.SessionID,
		Status:    deadline.SessionActionStatus(a.Status.String()),
		StartedAt: when(a.StartedAt), EndedAt: when(a.EndedAt), WorkerUpdatedAt: when(a.WorkerUpdatedAt),
		ProgressPercent: progress(a), ProgressMessage: text(a.ProgressMessage), ProcessExitCode: a.ExitCode,
	}
	if out.Definition, err = actionDefinition(a, shape); err != nil {
		return nil, err
	}
	if err := decodeStored("limits", a.Limits, &out.AcquiredLimits); err != nil {
		return nil, err
	}
	return out, decodeStored("manifests", a.Manifests, &out.Manifests)
}

// sessionAction reads an action of a job; ResourceNotFoundException when the job has none with this id.
func (s *Service) sessionAction(ctx context.Context, jobID, id string) (*row.SessionAction, error) {
	sessionID, index, ok := parseSessionActionID(id)
	if !ok {
		return nil, notFound(typeSessionAction, id)
	}
	session, err := s.store.SessionByID(ctx, sessionID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, notFound(typeSessionAction, id)
	case err != nil:
		return nil, fmt.Errorf("read session %s: %w", sessionID, err)
	case session.JobID != jobID:
		return nil, notFound(typeSessionAction, id)
	}
	a, err := s.store.Action(ctx, jobID, session.Seq, index)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, notFound(typeSessionAction, id)
	case err != nil:
		return nil, fmt.Errorf("read session action %s: %w", id, err)
	}
	return a, nil
}

// progress is the percentage that the worker told; absent when it told none.
func progress(a *row.SessionAction) *float32 {
	if a.Progress < 0 {
		return nil
	}
	return new(float32(a.Progress))
}

// actionDefinition is the union that says what an action does: exactly one member.
func actionDefinition(a *row.SessionAction, shape *jobShape) (deadline.SessionActionDefinition, error) {
	switch a.Kind {
	case row.ActionEnvEnter:
		return deadline.SessionActionDefinition{
			EnvEnter: &deadline.EnvironmentEnterSessionActionDefinition{EnvironmentId: a.EnvironmentID},
		}, nil
	case row.ActionEnvExit:
		return deadline.SessionActionDefinition{
			EnvExit: &deadline.EnvironmentExitSessionActionDefinition{EnvironmentId: a.EnvironmentID},
		}, nil
	case row.ActionSyncInputJobAttachments:
		sync := &deadline.SyncInputJobAttachmentsSessionActionDefinition{}
		if step := shape.step(a.StepIndex); step != nil {
			sync.StepId = &step.id
		}
		return deadline.SessionActionDefinition{SyncInputJobAttachments: sync}, nil
	case row.ActionTaskRun:
		return taskRunDefinition(a, shape)
	default:
		return deadline.SessionActionDefinition{}, fmt.Errorf("session action %d of session %s has the unknown kind %d",
			a.ActionIndex, a.SessionID, a.Kind)
	}
}

func taskRunDefinition(a *row.SessionAction, shape *jobShape) (deadline.SessionActionDefinition, error) {
	step := shape.step(a.StepIndex)
	if step == nil {
		return deadline.SessionActionDefinition{}, fmt.Errorf("session %s runs step %d, which job %s does not have",
			a.SessionID, a.StepIndex, a.JobID)
	}
	run := &deadline.TaskRunSessionActionDefinition{StepId: step.id, Parameters: map[string]deadline.TaskParameterValue{}}
	if a.Chunk != "" {
		tasks, err := a.Chunk.Tasks()
		if err == nil {
			run.Parameters, err = chunkParameters(step.space, tasks)
		}
		return deadline.SessionActionDefinition{TaskRun: run}, err
	}
	if a.TaskIndex >= 0 {
		parameters, err := taskParameters(step.space, a.TaskIndex)
		if err != nil {
			return deadline.SessionActionDefinition{}, err
		}
		run.TaskId, run.Parameters = new(taskID(step.id, a.TaskIndex)), parameters
	}
	return deadline.SessionActionDefinition{TaskRun: run}, nil
}

// ListSessionActions lists the actions of a job: those of one session, the runs of one task, or both, when asked. The order is that of
// the sessions' starts, then that of the actions in their session; it is the key of the pages, so an action is seen once however many
// are added between two pages. A session or task that is not the job's is a ResourceNotFoundException.
func (s *Service) ListSessionActions(
	ctx context.Context, in *deadline.ListSessionActionsInput,
) (*deadline.ListSessionActionsOutput, error) {
	if _, err := s.job(ctx, in.FarmId, in.QueueId, in.JobId); err != nil {
		return nil, err
	}
	filter, err := s.actionFilter(ctx, in)
	if err != nil {
		return nil, err
	}
	rows, next, err := list(ctx, s, listing[store.ActionCursor, row.SessionAction]{
		operation: "ListSessionActions", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
		first: store.FirstAction,
		read: func(ctx context.Context, after store.ActionCursor, limit int) ([]row.SessionAction, error) {
			actions, err := s.store.Actions(ctx, filter, after, limit)
			return reading("session actions", actions, err)
		},
		cursor: func(a *row.SessionAction) store.ActionCursor {
			return store.ActionCursor{SessionSeq: a.SessionSeq, ActionIndex: a.ActionIndex}
		},
	})
	if err != nil {
		return nil, err
	}
	out := &deadline.ListSessionActionsOutput{SessionActions: make([]deadline.SessionActionSummary, len(rows)), NextToken: next}
	if len(rows) == 0 {
		return out, nil
	}
	shape, err := s.shape(ctx, in.JobId)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if out.SessionActions[i], err = actionSummary(&rows[i], shape); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// actionFilter turns the ids of a request into keys of the store.
func (s *Service) actionFilter(ctx context.Context, in *deadline.ListSessionActionsInput) (store.ActionFilter, error) {
	filter := store.ActionFilter{JobID: in.JobId}
	if in.SessionId != nil {
		session, err := s.session(ctx, in.JobId, *in.SessionId)
		if err != nil {
			return filter, err
		}
		filter.SessionSeq = &session.Seq
	}
	if in.TaskId == nil {
		return filter, nil
	}
	stepID, _, ok := parseTaskID(*in.TaskId)
	if !ok {
		return filter, notFound(typeTask, *in.TaskId)
	}
	step, err := s.store.StepByID(ctx, stepID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return filter, notFound(typeTask, *in.TaskId)
	case err != nil:
		return filter, fmt.Errorf("read step %s: %w", stepID, err)
	case step.JobID != in.JobId:
		return filter, notFound(typeTask, *in.TaskId)
	}
	index, err := checkTask(step, *in.TaskId)
	if err != nil {
		return filter, err
	}
	shape, err := s.shape(ctx, in.JobId)
	if err != nil {
		return filter, err
	}
	filter.Task = &store.TaskKey{
		StepIndex: step.StepIndex, TaskIndex: index, InChunks: shape.step(step.StepIndex).space.Chunks() != nil,
	}
	return filter, nil
}

func actionSummary(a *row.SessionAction, shape *jobShape) (deadline.SessionActionSummary, error) {
	out := deadline.SessionActionSummary{
		SessionActionId: sessionActionID(a.SessionID, a.ActionIndex),
		Status:          deadline.SessionActionStatus(a.Status.String()),
		StartedAt:       when(a.StartedAt), EndedAt: when(a.EndedAt), WorkerUpdatedAt: when(a.WorkerUpdatedAt),
		ProgressPercent: progress(a),
	}
	definition, err := actionDefinition(a, shape)
	if err != nil {
		return out, err
	}
	out.Definition = summaryOf(definition)
	return out, decodeStored("manifests", a.Manifests, &out.Manifests)
}

// summaryOf gives a definition as lists show it.
func summaryOf(d deadline.SessionActionDefinition) deadline.SessionActionDefinitionSummary {
	switch {
	case d.EnvEnter != nil:
		return deadline.SessionActionDefinitionSummary{
			EnvEnter: &deadline.EnvironmentEnterSessionActionDefinitionSummary{EnvironmentId: d.EnvEnter.EnvironmentId},
		}
	case d.EnvExit != nil:
		return deadline.SessionActionDefinitionSummary{
			EnvExit: &deadline.EnvironmentExitSessionActionDefinitionSummary{EnvironmentId: d.EnvExit.EnvironmentId},
		}
	case d.TaskRun != nil:
		return deadline.SessionActionDefinitionSummary{TaskRun: &deadline.TaskRunSessionActionDefinitionSummary{
			TaskId: d.TaskRun.TaskId, StepId: d.TaskRun.StepId, Parameters: d.TaskRun.Parameters,
		}}
	default:
		return deadline.SessionActionDefinitionSummary{
			SyncInputJobAttachments: &deadline.SyncInputJobAttachmentsSessionActionDefinitionSummary{
				StepId: d.SyncInputJobAttachments.StepId,
			},
		}
	}
}
