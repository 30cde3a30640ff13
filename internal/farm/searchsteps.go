package farm

import (
	"cmp"
	"context"
	"fmt"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// foundStep is a step that is looked at in a search.
type foundStep struct {
	row.Step
	job *row.Job
}

var stepSearch = searchable[foundStep]{
	fields: map[string]searchField[foundStep]{
		"STEP_ID":                  textOf(func(x *foundStep) string { return x.StepID }),
		"JOB_ID":                   textOf(func(x *foundStep) string { return x.JobID }),
		"QUEUE_ID":                 textOf(func(x *foundStep) string { return x.job.QueueID }),
		"NAME":                     textOf(func(x *foundStep) string { return x.Name }),
		"LIFECYCLE_STATUS":         textOf(func(x *foundStep) string { return x.Lifecycle.String() }),
		"LIFECYCLE_STATUS_MESSAGE": textOf(func(x *foundStep) string { return x.LifecycleMessage }),
		"TASK_RUN_STATUS":          textOf(func(x *foundStep) string { return x.TaskStatus.String() }),
		"TARGET_TASK_RUN_STATUS":   textOf(func(x *foundStep) string { return x.Target.String() }),
		"CREATED_BY":               textOf(func(x *foundStep) string { return x.CreatedBy }),
		"UPDATED_BY":               textOf(func(x *foundStep) string { return x.UpdatedBy }),
		"CREATED_AT":               timeOf(func(x *foundStep) int64 { return x.CreatedAt }),
		"STARTED_AT":               timeOf(func(x *foundStep) int64 { return x.StartedAt }),
		"ENDED_AT":                 timeOf(func(x *foundStep) int64 { return x.EndedAt }),
		"UPDATED_AT":               timeOf(func(x *foundStep) int64 { return x.UpdatedAt }),
		"TASK_FAILURE_RETRY_COUNT": numberOf(func(x *foundStep) int64 { return x.FailureRetries }),
	},
	terms: func(x *foundStep, f func(string) bool) bool { return f(x.Name) || f(x.StepID) },
}

// stepTie puts steps in the order of their jobs, newest first, and of their template.
func stepTie(a, b *foundStep, _ bool) int {
	return cmp.Or(compareAges(b.job, a.job), cmp.Compare(a.StepIndex, b.StepIndex))
}

// SearchSteps looks for steps in some queues, or in one job of them: newest jobs first, each in the order of its template, unless
// the request says otherwise. Errors: ResourceNotFoundException; ValidationException on filterExpressions and sortExpressions.
func (s *Service) SearchSteps(ctx context.Context, in *deadline.SearchStepsInput) (*deadline.SearchStepsOutput, error) {
	filter, err := stepSearch.filter(in.FilterExpressions)
	if err != nil {
		return nil, err
	}
	order, err := stepSearch.sorting(in.SortExpressions, stepTie)
	if err != nil {
		return nil, err
	}
	found := newFindings(s.maxFound, in.ItemOffset, in.PageSize, order)
	if found.compare == nil && len(in.QueueIds) > 1 {
		found.compare = func(a, b *foundStep) int { return stepTie(a, b, true) }
	}
	err = s.searchedJobs(ctx, in.FarmId, in.QueueIds, in.JobId, func(j *row.Job) (more bool, err error) {
		return s.eachStep(ctx, j, func(step *row.Step) (bool, error) {
			x := foundStep{*step, j}
			return !filter.matches(&x) || found.add(x), nil
		})
	})
	if err != nil {
		return nil, err
	}
	rows, next, total := found.page()
	out := &deadline.SearchStepsOutput{Steps: make([]deadline.StepSearchSummary, len(rows)), NextItemOffset: next, TotalResults: total}
	for i := range rows {
		shape, err := s.shape(ctx, rows[i].JobID)
		if err != nil {
			return nil, err
		}
		out.Steps[i] = stepSearchSummary(&rows[i], shape)
	}
	return out, nil
}

// eachStep calls f with the steps of a job until f has enough.
func (s *Service) eachStep(ctx context.Context, j *row.Job, f func(*row.Step) (more bool, err error)) (more bool, err error) {
	for from := int32(0); ; {
		steps, err := s.store.Steps(ctx, j.JobID, from, searchChunk)
		if err != nil {
			return false, fmt.Errorf("search the steps of job %s: %w", j.JobID, err)
		}
		for i := range steps {
			if more, err := f(&steps[i]); err != nil || !more {
				return false, err
			}
		}
		if len(steps) < searchChunk {
			return true, nil
		}
		from = steps[len(steps)-1].StepIndex + 1
	}
}

func stepSearchSummary(x *foundStep, shape *jobShape) deadline.StepSearchSummary {
	return deadline.StepSearchSummary{
		StepId: &x.StepID, JobId: &x.JobID, QueueId: &x.job.QueueID, Name: &x.Name,
		LifecycleStatus: deadline.StepLifecycleStatus(x.Lifecycle.String()), LifecycleStatusMessage: text(x.LifecycleMessage),
		TaskRunStatus:         deadline.TaskRunStatus(x.TaskStatus.String()),
		TargetTaskRunStatus:   deadline.StepTargetTaskRunStatus(x.Target.String()),
		TaskRunStatusCounts:   taskCounts(&x.Counts),
		TaskFailureRetryCount: new(clamp32(x.FailureRetries)),
		CreatedAt:             when(x.CreatedAt), CreatedBy: &x.CreatedBy, StartedAt: when(x.StartedAt), EndedAt: when(x.EndedAt),
		UpdatedAt: when(x.UpdatedAt), UpdatedBy: text(x.UpdatedBy),
		ParameterSpace: parameterSpace(shape.step(x.StepIndex).space),
	}
}
