package farm

import (
	"cmp"
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

// taskSearch has the columns of steps of what is a job's or a step's, else those of tasks.
var taskSearch = searchable[foundTask]{
	fields: map[string]searchField[foundTask]{
		"TASK_ID":                  textOf(func(x *foundTask) string { return taskID(x.step.StepID, x.TaskIndex) }),
		"STEP_ID":                  textOf(func(x *foundTask) string { return x.step.StepID }).in(search.ID),
		"JOB_ID":                   textOf(func(x *foundTask) string { return x.job.JobID }).in(search.JobID),
		"QUEUE_ID":                 textOf(func(x *foundTask) string { return x.job.QueueID }).in(search.QueueID),
		"RUN_STATUS":               textOf(func(x *foundTask) string { return x.Status.String() }).in(search.Status),
		"TARGET_RUN_STATUS":        textOf(func(x *foundTask) string { return x.Target.String() }).in(search.Target),
		"UPDATED_BY":               textOf(func(x *foundTask) string { return x.UpdatedBy }).in(search.UpdatedBy),
		"LATEST_SESSION_ACTION_ID": textOf(func(x *foundTask) string { return x.LatestAction }).in(search.LatestActionID),
		"CREATED_AT":               timeOf(func(x *foundTask) int64 { return x.job.CreatedAt }).in(search.JobCreatedAt),
		"STARTED_AT":               timeOf(func(x *foundTask) int64 { return x.StartedAt }).in(search.StartedAt),
		"ENDED_AT":                 timeOf(func(x *foundTask) int64 { return x.EndedAt }).in(search.EndedAt),
		"UPDATED_AT":               timeOf(func(x *foundTask) int64 { return x.UpdatedAt }).in(search.UpdatedAt),
		"FAILURE_RETRY_COUNT":      numberOf(func(x *foundTask) int64 { return int64(x.FailureRetries) }).in(search.FailureRetries),
	},
	parameter: func(x *foundTask, name string) (string, bool, bool) {
		axis, ok := x.space.Axis(name)
		if !ok {
			return "", false, false
		}
		return axis.Value(axis.Position(x.TaskIndex)), isNumber(axis.Type()), true
	},
	terms: func(x *foundTask, f func(string) bool) bool {
		if f(taskID(x.step.StepID, x.TaskIndex)) {
			return true
		}
		for i := range x.space.Parameters() {
			axis, _ := x.space.Axis(x.space.Parameters()[i].Name)
			if f(axis.Value(axis.Position(x.TaskIndex))) {
				return true
			}
		}
		return false
	},
	hasParameters: true,
}

// taskTie puts tasks in the order of their jobs, newest first, of their steps, and of their parameter space.
func taskTie(a, b *foundTask, _ bool) int {
	return cmp.Or(compareAges(b.job, a.job), cmp.Compare(a.StepIndex, b.StepIndex), cmp.Compare(a.TaskIndex, b.TaskIndex))
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
