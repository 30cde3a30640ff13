package farm

import (
	"context"
	"fmt"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/search"
	openjd "github.com/farmhand-render/farmhand/openjd/job"
)

// foundTask is a task that is looked at in a search: a touched one, or one of the rest of its step, which nothing stores.
type foundTask struct {
	row.Task
	job   *row.Job
	step  *row.Step
	space *openjd.ParameterSpace // when parameters are needed
	// pending says that its row was not read: nothing but its index was needed to find it.
	pending bool
}

var taskSearch = searchable{
	fields: map[string]search.Column{
		"TASK_ID":                  search.TaskID,
		"STEP_ID":                  search.ID,
		"JOB_ID":                   search.JobID,
		"QUEUE_ID":                 search.QueueID,
		"RUN_STATUS":               search.Status,
		"TARGET_RUN_STATUS":        search.Target,
		"UPDATED_BY":               search.UpdatedBy,
		"LATEST_SESSION_ACTION_ID": search.LatestActionID,
		"CREATED_AT":               search.JobCreatedAt,
		"STARTED_AT":               search.StartedAt,
		"ENDED_AT":                 search.EndedAt,
		"UPDATED_AT":               search.UpdatedAt,
		"FAILURE_RETRY_COUNT":      search.FailureRetries,
	},
	hasParameters: true,
}

// text is what a column of texts has.
func (x *foundTask) text(column search.Column) string {
	switch column {
	case search.TaskID:
		return taskID(x.step.StepID, x.TaskIndex)
	case search.ID:
		return x.step.StepID
	case search.JobID:
		return x.job.JobID
	case search.QueueID:
		return x.job.QueueID
	case search.Status:
		return x.Status.String()
	case search.Target:
		return x.Target.String()
	case search.UpdatedBy:
		return x.UpdatedBy
	default:
		return x.LatestAction
	}
}

// number is what a column of numbers or times has.
func (x *foundTask) number(column search.Column) int64 {
	switch column {
	case search.JobCreatedAt:
		return x.job.CreatedAt
	case search.StartedAt:
		return x.StartedAt
	case search.EndedAt:
		return x.EndedAt
	case search.UpdatedAt:
		return x.UpdatedAt
	default:
		return int64(x.FailureRetries)
	}
}

// parameter gives the value of a parameter, and whether it is a number.
func (x *foundTask) parameter(name string) (value string, number, present bool) {
	axis, ok := x.space.Axis(name)
	if !ok {
		return "", false, false
	}
	return axis.Value(axis.Position(x.TaskIndex)), isNumber(axis.Type()), true
}

// SearchTasks looks for tasks in some queues, or in one job of them, untouched ones included: newest jobs first, each in the order
// of its steps and their parameter spaces, unless the request says otherwise. Errors: ResourceNotFoundException;
// ValidationException on filterExpressions and sortExpressions.
func (s *Service) SearchTasks(ctx context.Context, in *deadline.SearchTasksInput) (*deadline.SearchTasksOutput, error) {
	sifter, err := s.newTaskSifter(in)
	if err != nil {
		return nil, err
	}
	queues, err := s.searchedQueues(ctx, in.FarmId, in.QueueIds)
	if err != nil {
		return nil, err
	}
	if in.JobId != nil {
		job, err := s.searchedJob(ctx, in.FarmId, queues, *in.JobId)
		if err != nil {
			return nil, err
		}
		err = sifter.job(ctx, job)
		if err != nil {
			return nil, err
		}
	} else if err := sifter.queues(ctx, queues); err != nil {
		return nil, err
	}
	rows, next, total := sifter.found.page()
	if err := s.readPending(ctx, rows); err != nil {
		return nil, err
	}
	out := &deadline.SearchTasksOutput{Tasks: make([]deadline.TaskSearchSummary, len(rows)), NextItemOffset: next, TotalResults: total}
	for i := range rows {
		if out.Tasks[i], err = s.taskSearchSummary(ctx, &rows[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// readPending reads the rows that were not needed to find tasks.
func (s *Service) readPending(ctx context.Context, found []foundTask) error {
	byStep := map[*row.Step][]*foundTask{}
	for i := range found {
		if x := &found[i]; x.pending {
			byStep[x.step] = append(byStep[x.step], x)
		}
	}
	for step, of := range byStep {
		indexes := make([]int64, len(of))
		for i, x := range of {
			indexes[i] = x.TaskIndex
		}
		touched, err := s.store.TasksAt(ctx, step.JobID, step.StepIndex, indexes)
		if err != nil {
			return fmt.Errorf("read tasks of step %s: %w", step.StepID, err)
		}
		for _, x := range of {
			x.Task = untouched(step, x.TaskIndex)
			if len(touched) > 0 && touched[0].TaskIndex == x.TaskIndex {
				x.Task, touched = touched[0], touched[1:]
			}
		}
	}
	return nil
}

func (s *Service) taskSearchSummary(ctx context.Context, x *foundTask) (deadline.TaskSearchSummary, error) {
	shape, err := s.shape(ctx, x.job.JobID)
	if err != nil {
		return deadline.TaskSearchSummary{}, err
	}
	sum, err := s.taskSummary(x.job, x.step, shape, &x.Task)
	if err != nil {
		return deadline.TaskSearchSummary{}, err
	}
	return deadline.TaskSearchSummary{
		TaskId: &sum.TaskId, StepId: &x.step.StepID, JobId: &x.job.JobID, QueueId: &x.job.QueueID,
		RunStatus: sum.RunStatus, TargetRunStatus: sum.TargetRunStatus, Parameters: sum.Parameters,
		FailureRetryCount: sum.FailureRetryCount, StartedAt: sum.StartedAt, EndedAt: sum.EndedAt,
		UpdatedAt: sum.UpdatedAt, UpdatedBy: sum.UpdatedBy, LatestSessionActionId: sum.LatestSessionActionId,
	}, nil
}
