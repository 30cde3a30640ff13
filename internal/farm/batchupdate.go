package farm

import (
	"context"

	"github.com/farmhand-render/farmhand/deadline"
)

// BatchUpdateJob changes up to 100 jobs, of any farms and queues, each as UpdateJob does. A job that is named twice is a
// ValidationException; whatever else is wrong is the error of its item, and the other items are changed all the same.
func (s *Service) BatchUpdateJob(ctx context.Context, in *deadline.BatchUpdateJobInput) (*deadline.BatchUpdateJobOutput, error) {
	if err := once("jobs", in.Jobs, func(i *deadline.BatchUpdateJobItem) string { return i.JobId }); err != nil {
		return nil, err
	}
	failures := batchUpdate(ctx, s, "BatchUpdateJob", in.Jobs, func(i int, item *deadline.BatchUpdateJobItem) error {
		var one deadline.UpdateJobInput
		fill(&one, item)
		w := write{operation: "BatchUpdateJob", farmID: item.FarmId, clientToken: itemToken(in.ClientToken, i), input: in}
		_, err := s.updateJob(ctx, w, &one)
		return err
	}, func(item *deadline.BatchUpdateJobItem, code, message string) deadline.BatchUpdateJobError {
		return deadline.BatchUpdateJobError{
			FarmId: item.FarmId, QueueId: item.QueueId, JobId: item.JobId,
			Code: deadline.BatchUpdateJobErrorCode(code), Message: message,
		}
	})
	return &deadline.BatchUpdateJobOutput{Errors: failures}, nil
}

// BatchUpdateTask gives up to 100 tasks, of any jobs, a target, each as UpdateTask does. Errors are those of BatchUpdateJob.
func (s *Service) BatchUpdateTask(ctx context.Context, in *deadline.BatchUpdateTaskInput) (*deadline.BatchUpdateTaskOutput, error) {
	if err := once("tasks", in.Tasks, func(i *deadline.BatchUpdateTaskItem) string { return i.TaskId }); err != nil {
		return nil, err
	}
	failures := batchUpdate(ctx, s, "BatchUpdateTask", in.Tasks, func(i int, item *deadline.BatchUpdateTaskItem) error {
		var one deadline.UpdateTaskInput
		fill(&one, item)
		w := write{operation: "BatchUpdateTask", farmID: item.FarmId, clientToken: itemToken(in.ClientToken, i), input: in}
		_, err := s.updateTask(ctx, w, &one)
		return err
	}, func(item *deadline.BatchUpdateTaskItem, code, message string) deadline.BatchUpdateTaskError {
		return deadline.BatchUpdateTaskError{
			FarmId: item.FarmId, QueueId: item.QueueId, JobId: item.JobId, StepId: item.StepId, TaskId: item.TaskId,
			Code: deadline.BatchUpdateTaskErrorCode(code), Message: message,
		}
	})
	return &deadline.BatchUpdateTaskOutput{Errors: failures}, nil
}
