package farm

import (
	"context"

	"github.com/farmhand-render/farmhand/deadline"
)

// BatchGetJob describes up to 100 jobs, of any farms and queues.
func (s *Service) BatchGetJob(ctx context.Context, in *deadline.BatchGetJobInput) (*deadline.BatchGetJobOutput, error) {
	items, failures, err := batchGet[deadline.BatchGetJobItem](ctx, s, "BatchGetJob", in.Identifiers,
		func(id *deadline.BatchGetJobIdentifier) (*deadline.GetJobOutput, error) {
			return s.GetJob(ctx, &deadline.GetJobInput{FarmId: id.FarmId, QueueId: id.QueueId, JobId: id.JobId})
		},
		func(id *deadline.BatchGetJobIdentifier, code, message string) deadline.BatchGetJobError {
			return deadline.BatchGetJobError{
				FarmId: id.FarmId, QueueId: id.QueueId, JobId: id.JobId,
				Code: deadline.BatchGetJobErrorCode(code), Message: message,
			}
		})
	if err != nil {
		return nil, err
	}
	return &deadline.BatchGetJobOutput{Jobs: items, Errors: failures}, nil
}

// BatchGetStep describes up to 100 steps.
func (s *Service) BatchGetStep(ctx context.Context, in *deadline.BatchGetStepInput) (*deadline.BatchGetStepOutput, error) {
	items, failures, err := batchGet[deadline.BatchGetStepItem](ctx, s, "BatchGetStep", in.Identifiers,
		func(id *deadline.BatchGetStepIdentifier) (*deadline.GetStepOutput, error) {
			return s.GetStep(ctx, &deadline.GetStepInput{FarmId: id.FarmId, QueueId: id.QueueId, JobId: id.JobId, StepId: id.StepId})
		},
		func(id *deadline.BatchGetStepIdentifier, code, message string) deadline.BatchGetStepError {
			return deadline.BatchGetStepError{
				FarmId: id.FarmId, QueueId: id.QueueId, JobId: id.JobId, StepId: id.StepId,
				Code: deadline.BatchGetStepErrorCode(code), Message: message,
			}
		})
	if err != nil {
		return nil, err
	}
	return &deadline.BatchGetStepOutput{Steps: items, Errors: failures}, nil
}

// BatchGetTask describes up to 100 tasks.
func (s *Service) BatchGetTask(ctx context.Context, in *deadline.BatchGetTaskInput) (*deadline.BatchGetTaskOutput, error) {
	items, failures, err := batchGet[deadline.BatchGetTaskItem](ctx, s, "BatchGetTask", in.Identifiers,
		func(id *deadline.BatchGetTaskIdentifier) (*deadline.GetTaskOutput, error) {
			return s.GetTask(ctx, &deadline.GetTaskInput{FarmId: id.FarmId, QueueId: id.QueueId, JobId: id.JobId, StepId: id.StepId, TaskId: id.TaskId})
		},
		func(id *deadline.BatchGetTaskIdentifier, code, message string) deadline.BatchGetTaskError {
			return deadline.BatchGetTaskError{
				FarmId: id.FarmId, QueueId: id.QueueId, JobId: id.JobId, StepId: id.StepId, TaskId: id.TaskId,
				Code: deadline.BatchGetTaskErrorCode(code), Message: message,
			}
		})
	if err != nil {
		return nil, err
	}
	return &deadline.BatchGetTaskOutput{Tasks: items, Errors: failures}, nil
}

// BatchGetSession describes up to 100 sessions.
func (s *Service) BatchGetSession(ctx context.Context, in *deadline.BatchGetSessionInput) (*deadline.BatchGetSessionOutput, error) {
	items, failures, err := batchGet[deadline.BatchGetSessionItem](ctx, s, "BatchGetSession", in.Identifiers,
		func(id *deadline.BatchGetSessionIdentifier) (*deadline.GetSessionOutput, error) {
			return s.GetSession(ctx, &deadline.GetSessionInput{FarmId: id.FarmId, QueueId: id.QueueId, JobId: id.JobId, SessionId: id.SessionId})
		},
		func(id *deadline.BatchGetSessionIdentifier, code, message string) deadline.BatchGetSessionError {
			code, message = hidden(code, message)
			return deadline.BatchGetSessionError{
				FarmId: id.FarmId, QueueId: id.QueueId, JobId: id.JobId, SessionId: id.SessionId,
				Code: deadline.BatchGetSessionErrorCode(code), Message: message,
			}
		})
	if err != nil {
		return nil, err
	}
	return &deadline.BatchGetSessionOutput{Sessions: items, Errors: failures}, nil
}

// BatchGetSessionAction describes up to 100 session actions.
func (s *Service) BatchGetSessionAction(ctx context.Context, in *deadline.BatchGetSessionActionInput) (*deadline.BatchGetSessionActionOutput, error) {
	items, failures, err := batchGet[deadline.BatchGetSessionActionItem](ctx, s, "BatchGetSessionAction", in.Identifiers,
		func(id *deadline.BatchGetSessionActionIdentifier) (*deadline.GetSessionActionOutput, error) {
			return s.GetSessionAction(ctx, &deadline.GetSessionActionInput{FarmId: id.FarmId, QueueId: id.QueueId, JobId: id.JobId, SessionActionId: id.SessionActionId})
		},
		func(id *deadline.BatchGetSessionActionIdentifier, code, message string) deadline.BatchGetSessionActionError {
			code, message = hidden(code, message)
			return deadline.BatchGetSessionActionError{
				FarmId: id.FarmId, QueueId: id.QueueId, JobId: id.JobId, SessionActionId: id.SessionActionId,
				Code: deadline.BatchGetSessionActionErrorCode(code), Message: message,
			}
		})
	if err != nil {
		return nil, err
	}
	return &deadline.BatchGetSessionActionOutput{SessionActions: items, Errors: failures}, nil
}

// BatchGetWorker describes up to 100 workers.
func (s *Service) BatchGetWorker(ctx context.Context, in *deadline.BatchGetWorkerInput) (*deadline.BatchGetWorkerOutput, error) {
	items, failures, err := batchGet[deadline.BatchGetWorkerItem](ctx, s, "BatchGetWorker", in.Identifiers,
		func(id *deadline.BatchGetWorkerIdentifier) (*deadline.GetWorkerOutput, error) {
			return s.GetWorker(ctx, &deadline.GetWorkerInput{FarmId: id.FarmId, FleetId: id.FleetId, WorkerId: id.WorkerId})
		},
		func(id *deadline.BatchGetWorkerIdentifier, code, message string) deadline.BatchGetWorkerError {
			code, message = hidden(code, message)
			return deadline.BatchGetWorkerError{
				FarmId: id.FarmId, FleetId: id.FleetId, WorkerId: id.WorkerId,
				Code: deadline.BatchGetWorkerErrorCode(code), Message: message,
			}
		})
	if err != nil {
		return nil, err
	}
	return &deadline.BatchGetWorkerOutput{Workers: items, Errors: failures}, nil
}
