package farm

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
	openjd "github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// foundTask is a task that is looked at in a search: a touched one, or one of the rest of its step, which nothing stores.
type foundTask struct {
	row.Task
	job        *row.Job
	step       *row.Step
	parameters openjd.TaskParameters // when they are needed
}

var taskSearch = searchable[foundTask]{
	fields: map[string]searchField[foundTask]{
		"TASK_ID":                  textOf(func(x *foundTask) string { return taskID(x.step.StepID, x.TaskIndex) }).perTask(),
		"STEP_ID":                  textOf(func(x *foundTask) string { return x.step.StepID }),
		"JOB_ID":                   textOf(func(x *foundTask) string { return x.job.JobID }),
		"QUEUE_ID":                 textOf(func(x *foundTask) string { return x.job.QueueID }),
		"RUN_STATUS":               textOf(func(x *foundTask) string { return x.Status.String() }).in(store.TaskStatus),
		"TARGET_RUN_STATUS":        textOf(func(x *foundTask) string { return x.Target.String() }),
		"UPDATED_BY":               textOf(func(x *foundTask) string { return x.UpdatedBy }),
		"LATEST_SESSION_ACTION_ID": textOf(func(x *foundTask) string { return x.LatestAction }),
		"CREATED_AT":               timeOf(func(x *foundTask) int64 { return x.job.CreatedAt }),
		"STARTED_AT":               timeOf(func(x *foundTask) int64 { return x.StartedAt }),
		"ENDED_AT":                 timeOf(func(x *foundTask) int64 { return x.EndedAt }),
		"UPDATED_AT":               timeOf(func(x *foundTask) int64 { return x.UpdatedAt }),
		"FAILURE_RETRY_COUNT":      numberOf(func(x *foundTask) int64 { return int64(x.FailureRetries) }),
	},
	parameter: func(x *foundTask, name string) (string, bool, bool) {
		for i := range x.parameters {
			if p := &x.parameters[i]; p.Name == name {
				return p.Value, p.Type == template.IntTaskParameter || p.Type == template.FloatTaskParameter, true
			}
		}
		return "", false, false
	},
	terms: func(x *foundTask, f func(string) bool) bool {
		if f(taskID(x.step.StepID, x.TaskIndex)) {
			return true
		}
		for i := range x.parameters {
			if f(x.parameters[i].Value) {
				return true
			}
		}
		return false
	},
	varies: true,
}

// taskTie puts tasks in the order of their jobs, newest first, of their steps, and of their parameter space.
func taskTie(a, b *foundTask, _ bool) int {
	return cmp.Or(compareAges(b.job, a.job), cmp.Compare(a.StepIndex, b.StepIndex), cmp.Compare(a.TaskIndex, b.TaskIndex))
}

// SearchTasks looks for tasks in some queues, or in one job of them, untouched ones included: newest jobs first, each in the order
// of its steps and their parameter spaces, unless the request says otherwise. Errors: ResourceNotFoundException;
// ValidationException on filterExpressions and sortExpressions.
func (s *Service) SearchTasks(ctx context.Context, in *deadline.SearchTasksInput) (*deadline.SearchTasksOutput, error) {
	filter, err := taskSearch.filter(in.FilterExpressions)
	if err != nil {
		return nil, err
	}
	order, err := taskSearch.sorting(in.SortExpressions, taskTie)
	if err != nil {
		return nil, err
	}
	found := newFindings(s.maxFound, in.ItemOffset, in.PageSize, order)
	if found.compare == nil && len(in.QueueIds) > 1 {
		found.compare = func(a, b *foundTask) int { return taskTie(a, b, true) }
	}
	search := newTaskSifter(s, filter, order, found)
	err = s.searchedJobs(ctx, in.FarmId, in.QueueIds, in.JobId, search.statuses, search.job)
	if err != nil {
		return nil, err
	}
	rows, next, total := found.page()
	out := &deadline.SearchTasksOutput{Tasks: make([]deadline.TaskSearchSummary, len(rows)), NextItemOffset: next, TotalResults: total}
	for i := range rows {
		if out.Tasks[i], err = s.taskSearchSummary(ctx, &rows[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// taskSifter looks at tasks one by one, or at many untouched ones at once where they are alike.
type taskSifter struct {
	service  *Service
	filter   *filter[foundTask]
	order    *sorting[foundTask]
	found    *findings[foundTask]
	statuses []status.Task // that what is found may have
	counts   bool          // those that have one are found, and need not be looked at to be counted
}

func newTaskSifter(s *Service, filter *filter[foundTask], order *sorting[foundTask], found *findings[foundTask]) *taskSifter {
	return &taskSifter{
		service: s, filter: filter, order: order, found: found, statuses: filter.where.Statuses(store.TaskStatus),
		counts: filter.exact && !filter.varies && found.compare == nil,
	}
}

// varies reports whether untouched tasks have to be looked at one by one.
func (t *taskSifter) varies() bool { return t.filter.varies || t.order != nil && t.order.varies }

// full reports whether tasks need only be counted from now on.
func (t *taskSifter) full() bool { return t.counts && len(t.found.rows) == t.found.keep() }

// counted reports whether the counts of a job or a step tell all that is to be known of its tasks, and whether more could be found.
func (t *taskSifter) counted(counts *status.Counts) (done, more bool) {
	n := int64(0)
	for _, one := range t.statuses {
		n += counts[one]
	}
	if n > 0 && !t.full() {
		return false, true
	}
	t.found.count(n)
	return true, n == 0 || t.found.wants()
}

// job looks at all tasks of a job that may be meant.
func (t *taskSifter) job(ctx context.Context, j *row.Job) (more bool, err error) {
	if done, more := t.counted(&j.Counts); done {
		return more, nil
	}
	return t.service.eachStep(ctx, j, func(step *row.Step) (bool, error) { return t.step(ctx, j, step) })
}

// step looks at all tasks of a step that may be meant.
func (t *taskSifter) step(ctx context.Context, j *row.Job, step *row.Step) (more bool, err error) {
	if done, more := t.counted(&step.Counts); done {
		return more, nil
	}
	var space *openjd.ParameterSpace
	if t.varies() {
		shape, err := t.service.shape(ctx, j.JobID)
		if err != nil {
			return false, err
		}
		space = shape.step(step.StepIndex).space
	}
	if !slices.Contains(t.statuses, step.Rest) {
		return t.touched(ctx, j, step, space)
	}
	return t.all(ctx, j, step, space)
}

// touched looks at the touched tasks alone: no other one has a status that may be meant.
func (t *taskSifter) touched(ctx context.Context, j *row.Job, step *row.Step, space *openjd.ParameterSpace) (more bool, err error) {
	for next := int64(0); ; {
		if t.full() {
			n, err := t.service.store.CountTasks(ctx, j.JobID, step.StepIndex, t.statuses, next, t.found.limit)
			if err != nil {
				return false, err
			}
			t.found.count(n)
			return t.found.wants(), nil
		}
		chunk := searchChunk
		if t.counts {
			chunk = min(chunk, t.found.keep()-len(t.found.rows))
		}
		tasks, err := t.service.store.TasksWith(ctx, j.JobID, step.StepIndex, t.statuses, next, chunk)
		if err != nil {
			return false, fmt.Errorf("search the tasks of step %s: %w", step.StepID, err)
		}
		for i := range tasks {
			if more, err := t.task(foundTask{Task: tasks[i], job: j, step: step}, space); err != nil || !more {
				return false, err
			}
			next = tasks[i].TaskIndex + 1
		}
		if len(tasks) < chunk {
			return true, nil
		}
	}
}

// all looks at all tasks of a step: touched rows, and the untouched ones between them.
func (t *taskSifter) all(ctx context.Context, j *row.Job, step *row.Step, space *openjd.ParameterSpace) (more bool, err error) {
	every := len(t.statuses) == status.NumTask
	for next := int64(0); ; {
		if every && t.full() {
			t.found.count(step.Tasks - next)
			return t.found.wants(), nil
		}
		touched, err := t.service.store.TouchedTasks(ctx, j.JobID, step.StepIndex, next, searchChunk)
		if err != nil {
			return false, fmt.Errorf("search the tasks of step %s: %w", step.StepID, err)
		}
		for i := range touched {
			if more, err := t.rest(ctx, j, step, space, next, touched[i].TaskIndex); err != nil || !more {
				return false, err
			}
			if more, err := t.task(foundTask{Task: touched[i], job: j, step: step}, space); err != nil || !more {
				return false, err
			}
			next = touched[i].TaskIndex + 1
		}
		if len(touched) < searchChunk {
			return t.rest(ctx, j, step, space, next, step.Tasks)
		}
	}
}

func (t *taskSifter) task(x foundTask, space *openjd.ParameterSpace) (more bool, err error) {
	if len(space.Parameters()) > 0 {
		if x.parameters, err = space.At(x.TaskIndex); err != nil {
			return false, fmt.Errorf("parameters of task %d of step %s: %w", x.TaskIndex, x.step.StepID, err)
		}
	}
	return !t.filter.matches(&x) || t.found.add(x), nil
}

// rest looks at the untouched tasks with from <= index < to.
func (t *taskSifter) rest(
	ctx context.Context, j *row.Job, step *row.Step, space *openjd.ParameterSpace, from, to int64,
) (more bool, err error) {
	one := func(index int64) foundTask { return foundTask{Task: untouched(step, index), job: j, step: step} }
	if from >= to {
		return true, nil
	}
	if !t.varies() {
		first := one(from)
		return !t.filter.matches(&first) || t.found.addRun(to-from, func(i int64) foundTask { return one(from + i) }), nil
	}
	for i := from; i < to; i++ {
		if i%searchChunk == 0 && ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		if more, err := t.task(one(i), space); err != nil || !more {
			return false, err
		}
	}
	return true, nil
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
