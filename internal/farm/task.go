package farm

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// prefixTask begins the ids of tasks: the prefix, the hex digits of the step's id, a dash, the index of the task in the step.
const prefixTask = "task-"

func taskID(stepID string, index int64) string {
	return prefixTask + strings.TrimPrefix(stepID, prefixStep) + "-" + strconv.FormatInt(index, 10)
}

// parseTaskID splits the id of a task into its step's id and its index.
func parseTaskID(id string) (stepID string, index int64, ok bool) {
	hexID, index, ok := parseNumberedID(id, prefixTask)
	return prefixStep + hexID, index, ok
}

// parseNumberedID splits an id of the form prefix, hex digits, dash, number without leading zeros.
func parseNumberedID(id, prefix string) (hexID string, number int64, ok bool) {
	rest, ok := strings.CutPrefix(id, prefix)
	if !ok {
		return "", 0, false
	}
	hexID, digits, ok := strings.Cut(rest, "-")
	if !ok {
		return "", 0, false
	}
	number, err := strconv.ParseInt(digits, 10, 64)
	return hexID, number, err == nil && number >= 0 && strconv.FormatInt(number, 10) == digits
}

// checkTask answers ResourceNotFoundException unless the task's id names a task of the step, and its index otherwise.
func checkTask(step *row.Step, id string) (int64, error) {
	stepID, index, ok := parseTaskID(id)
	if !ok || stepID != step.StepID || index >= step.Tasks {
		return 0, notFound(typeTask, id)
	}
	return index, nil
}

// untouched is the task with an index that has no row: it never left the rest of its step.
func untouched(step *row.Step, index int64) row.Task {
	return row.Task{
		JobID: step.JobID, StepIndex: step.StepIndex, TaskIndex: index,
		Status: step.Rest, Target: step.RestTarget, UpdatedAt: step.RestUpdatedAt, UpdatedBy: step.RestUpdatedBy,
	}
}

// tasks reads the tasks of a step with from <= index < to: touched rows merged with the untouched rest.
func (s *Service) tasks(ctx context.Context, step *row.Step, from, to int64) ([]row.Task, error) {
	to = min(to, step.Tasks)
	if from < 0 || from >= to {
		return nil, nil
	}
	touched, err := s.store.Tasks(ctx, step.JobID, step.StepIndex, from, to)
	if err != nil {
		return nil, fmt.Errorf("read the tasks of step %s: %w", step.StepID, err)
	}
	all := make([]row.Task, 0, to-from)
	for i := from; i < to; i++ {
		if len(touched) > 0 && touched[0].TaskIndex == i {
			all, touched = append(all, touched[0]), touched[1:]
		} else {
			all = append(all, untouched(step, i))
		}
	}
	return all, nil
}

// taskSummary shows a task. A task is as old as its job.
func (s *Service) taskSummary(j *row.Job, step *row.Step, shape *jobShape, t *row.Task) (deadline.TaskSummary, error) {
	parameters, err := taskParameters(shape.step(step.StepIndex).space, t.TaskIndex)
	if err != nil {
		return deadline.TaskSummary{}, err
	}
	return deadline.TaskSummary{
		TaskId: taskID(step.StepID, t.TaskIndex), CreatedAt: at(j.CreatedAt), CreatedBy: j.CreatedBy,
		RunStatus:         deadline.TaskRunStatus(t.Status.String()),
		TargetRunStatus:   deadline.TaskTargetRunStatus(t.Target.String()),
		FailureRetryCount: &t.FailureRetries,
		StartedAt:         when(t.StartedAt), EndedAt: when(t.EndedAt), UpdatedAt: when(t.UpdatedAt), UpdatedBy: text(t.UpdatedBy),
		LatestSessionActionId: text(t.LatestAction),
		Parameters:            parameters,
	}, nil
}

// GetTask describes a task.
func (s *Service) GetTask(ctx context.Context, in *deadline.GetTaskInput) (*deadline.GetTaskOutput, error) {
	j, step, err := s.step(ctx, in.FarmId, in.QueueId, in.JobId, in.StepId)
	if err != nil {
		return nil, err
	}
	index, err := checkTask(step, in.TaskId)
	if err != nil {
		return nil, err
	}
	shape, err := s.shape(ctx, step.JobID)
	if err != nil {
		return nil, err
	}
	tasks, err := s.tasks(ctx, step, index, index+1)
	if err != nil {
		return nil, err
	}
	sum, err := s.taskSummary(j, step, shape, &tasks[0])
	if err != nil {
		return nil, err
	}
	return &deadline.GetTaskOutput{
		TaskId: sum.TaskId, CreatedAt: sum.CreatedAt, CreatedBy: sum.CreatedBy,
		RunStatus: sum.RunStatus, TargetRunStatus: sum.TargetRunStatus, FailureRetryCount: sum.FailureRetryCount,
		StartedAt: sum.StartedAt, EndedAt: sum.EndedAt, UpdatedAt: sum.UpdatedAt, UpdatedBy: sum.UpdatedBy,
		LatestSessionActionId: sum.LatestSessionActionId, Parameters: sum.Parameters,
	}, nil
}

// ListTasks lists the tasks of a step in the order of its parameter space. A page costs the same wherever it is and however many
// tasks the step has.
func (s *Service) ListTasks(ctx context.Context, in *deadline.ListTasksInput) (*deadline.ListTasksOutput, error) {
	j, step, err := s.step(ctx, in.FarmId, in.QueueId, in.JobId, in.StepId)
	if err != nil {
		return nil, err
	}
	shape, err := s.shape(ctx, step.JobID)
	if err != nil {
		return nil, err
	}
	rows, next, err := list(ctx, s, listing[int64, row.Task]{
		operation: "ListTasks", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
		read: func(ctx context.Context, from int64, limit int) ([]row.Task, error) {
			return s.tasks(ctx, step, from, from+int64(limit))
		},
		cursor: func(t *row.Task) int64 { return t.TaskIndex + 1 },
	})
	if err != nil {
		return nil, err
	}
	tasks := make([]deadline.TaskSummary, len(rows))
	for i := range rows {
		if tasks[i], err = s.taskSummary(j, step, shape, &rows[i]); err != nil {
			return nil, err
		}
	}
	return &deadline.ListTasksOutput{Tasks: tasks, NextToken: next}, nil
}

// UpdateTask gives a task a target. Errors: ResourceNotFoundException; ConflictException: the job is archived, the task is to be requeued
// but has used up its retries, or the client token was used before.
func (s *Service) UpdateTask(ctx context.Context, in *deadline.UpdateTaskInput) (*deadline.UpdateTaskOutput, error) {
	return s.updateTask(ctx, write{operation: "UpdateTask", farmID: in.FarmId, clientToken: in.ClientToken, input: in}, in)
}

// updateTask is UpdateTask as the write w, which may be one item of a batch.
func (s *Service) updateTask(ctx context.Context, w write, in *deadline.UpdateTaskInput) (*deadline.UpdateTaskOutput, error) {
	target, err := status.ParseTask(string(in.TargetRunStatus))
	if err != nil {
		return nil, invalid("targetRunStatus", err.Error())
	}
	return apply(ctx, s, w, func(time.Time) (*deadline.UpdateTaskOutput, scheduler.Command, error) {
		_, step, err := s.step(ctx, in.FarmId, in.QueueId, in.JobId, in.StepId)
		if err != nil {
			return nil, nil, err
		}
		index, err := checkTask(step, in.TaskId)
		if err != nil {
			return nil, nil, err
		}
		return &deadline.UpdateTaskOutput{}, scheduler.UpdateTask{
			JobID: in.JobId, StepID: in.StepId, TaskIndex: index, Target: target, By: callerOf(ctx).By,
		}, nil
	})
}
