package farm

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// UpdateWorkerSchedule takes a worker's reports and answers what it is to do: every session that it holds with all actions that are not
// over. Reports on what the worker does not hold, or on what is over, change nothing, so repeating one is safe. A worker that is not
// online is a ConflictException of the worker. The common case reads nothing from the store.
func (s *Service) UpdateWorkerSchedule(
	ctx context.Context, in *deadline.UpdateWorkerScheduleInput,
) (*deadline.UpdateWorkerScheduleOutput, error) {
	if err := s.checkReporter(ctx, in.FarmId, in.FleetId, in.WorkerId); err != nil {
		return nil, err
	}
	reports, err := actionReports(in.UpdatedSessionActions)
	if err != nil {
		return nil, err
	}
	poll := scheduler.UpdateWorkerSchedule{FleetID: in.FleetId, WorkerID: in.WorkerId, Reports: reports}
	schedule, err := s.held(ctx, in.FarmId, poll)
	if err != nil {
		return nil, err
	}
	return s.schedule(ctx, in.FarmId, schedule)
}

// reportingKey is what reporting remembers of a worker.
func reportingKey(farmID, fleetID, workerID string) string {
	return farmID + "/" + fleetID + "/" + workerID
}

// checkReporter answers ResourceNotFoundException unless the worker is one of the farm's; it asks the store once per worker. Whether the worker
// still exists is the scheduler's to say.
func (s *Service) checkReporter(ctx context.Context, farmID, fleetID, workerID string) error {
	key := reportingKey(farmID, fleetID, workerID)
	if s.reporting.has(key) {
		return nil
	}
	if _, err := s.worker(ctx, farmID, fleetID, workerID); err != nil {
		return err
	}
	s.reporting.add(key)
	return nil
}

// actionReports reads a worker's reports. What cannot be an action's id is left out: nobody holds such an action.
func actionReports(updates map[string]deadline.UpdatedSessionActionInfo) ([]scheduler.ActionReport, error) {
	reports := make([]scheduler.ActionReport, 0, len(updates))
	for id, info := range updates {
		sessionID, index, ok := parseSessionActionID(id)
		if !ok {
			continue
		}
		completed, err := status.ParseAction(string(info.CompletedStatus))
		if err != nil {
			return nil, invalid("updatedSessionActions."+id+".completedStatus", err.Error())
		}
		report := scheduler.ActionReport{
			SessionID: sessionID, ActionIndex: index, Completed: completed,
			StartedAt: micros(info.StartedAt), EndedAt: micros(info.EndedAt), UpdatedAt: micros(info.UpdatedAt),
			ProgressMessage: info.ProgressMessage, ExitCode: info.ProcessExitCode,
		}
		if info.ProgressPercent != nil {
			report.Progress = new(float64(*info.ProgressPercent))
		}
		if info.Manifests != nil {
			if report.Manifests, err = json.Marshal(info.Manifests); err != nil {
				return nil, fmt.Errorf("encode manifests: %w", err)
			}
		}
		reports = append(reports, report)
	}
	return reports, nil
}

// micros is an optional time as it is stored.
func micros(t *time.Time) int64 {
	if t == nil {
		return 0
	}
	return t.UnixMicro()
}

// schedule shows a schedule to its worker. The streams that it names exist.
func (s *Service) schedule(
	ctx context.Context, farmID string, schedule *scheduler.Schedule,
) (*deadline.UpdateWorkerScheduleOutput, error) {
	out := &deadline.UpdateWorkerScheduleOutput{
		AssignedSessions:      make(map[string]deadline.AssignedSession, len(schedule.Sessions)),
		CancelSessionActions:  make(map[string][]string, len(schedule.Cancel)),
		UpdateIntervalSeconds: max(1, int32(schedule.Interval/time.Second)),
	}
	if schedule.Stop {
		out.DesiredWorkerStatus = deadline.DesiredWorkerStatusStopped
	}
	for i := range schedule.Sessions {
		session := &schedule.Sessions[i]
		log, err := s.ensureLog(ctx, LogGroup(farmID, session.QueueID), session.SessionID)
		if err != nil {
			return nil, err
		}
		actions := make([]deadline.AssignedSessionAction, len(session.Actions))
		for k := range session.Actions {
			if actions[k], err = assignedAction(session.SessionID, &session.Actions[k]); err != nil {
				return nil, err
			}
		}
		out.AssignedSessions[session.SessionID] = deadline.AssignedSession{
			QueueId: session.QueueID, JobId: session.JobID, SessionActions: actions, LogConfiguration: log,
		}
	}
	for sessionID, indexes := range schedule.Cancel {
		ids := make([]string, len(indexes))
		for i, index := range indexes {
			ids[i] = sessionActionID(sessionID, index)
		}
		out.CancelSessionActions[sessionID] = ids
	}
	return out, nil
}

func assignedAction(sessionID string, a *scheduler.AssignedAction) (deadline.AssignedSessionAction, error) {
	out := deadline.AssignedSessionAction{SessionActionId: sessionActionID(sessionID, a.ActionIndex)}
	switch a.Kind {
	case row.ActionEnvEnter:
		out.Definition.EnvEnter = &deadline.AssignedEnvironmentEnterSessionActionDefinition{EnvironmentId: a.EnvironmentID}
	case row.ActionEnvExit:
		out.Definition.EnvExit = &deadline.AssignedEnvironmentExitSessionActionDefinition{EnvironmentId: a.EnvironmentID}
	case row.ActionSyncInputJobAttachments:
		out.Definition.SyncInputJobAttachments = &deadline.AssignedSyncInputJobAttachmentsSessionActionDefinition{
			StepId: text(a.StepID),
		}
	case row.ActionTaskRun:
		run := &deadline.AssignedTaskRunSessionActionDefinition{StepId: a.StepID}
		var err error
		if a.Chunk != nil { // it has no single task
			run.Parameters, err = chunkParameters(a.Space, a.Chunk)
		} else {
			run.TaskId = new(taskID(a.StepID, a.TaskIndex))
			run.Parameters, err = taskParameters(a.Space, a.TaskIndex)
		}
		if err != nil {
			return out, err
		}
		out.Definition.TaskRun = run
	default:
		return out, fmt.Errorf("session action %s has the unknown kind %d", out.SessionActionId, a.Kind)
	}
	return out, nil
}
