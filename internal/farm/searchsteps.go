package farm

import (
	"cmp"
	"context"
	"fmt"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// foundStep is a step that is looked at in a search.
type foundStep = store.FoundStep

var stepSearch = searchable[foundStep]{
	fields: map[string]searchField[foundStep]{
		"STEP_ID":                  textOf(func(x *foundStep) string { return x.StepID }).in(store.StepID),
		"JOB_ID":                   textOf(func(x *foundStep) string { return x.JobID }).in(store.StepJob),
		"QUEUE_ID":                 textOf(func(x *foundStep) string { return x.Job.QueueID }).in(store.StepQueue),
		"NAME":                     textOf(func(x *foundStep) string { return x.Name }).in(store.StepName),
		"LIFECYCLE_STATUS":         textOf(func(x *foundStep) string { return x.Lifecycle.String() }).in(store.StepLifecycle),
		"LIFECYCLE_STATUS_MESSAGE": textOf(func(x *foundStep) string { return x.LifecycleMessage }).in(store.StepMessage),
		"TASK_RUN_STATUS":          textOf(func(x *foundStep) string { return x.TaskStatus.String() }).in(store.StepStatus),
		"TARGET_TASK_RUN_STATUS":   textOf(func(x *foundStep) string { return x.Target.String() }).in(store.StepTarget),
		"CREATED_BY":               textOf(func(x *foundStep) string { return x.CreatedBy }).in(store.StepCreatedBy),
		"UPDATED_BY":               textOf(func(x *foundStep) string { return x.UpdatedBy }).in(store.StepUpdatedBy),
		"CREATED_AT":               timeOf(func(x *foundStep) int64 { return x.CreatedAt }).in(store.StepCreatedAt),
		"STARTED_AT":               timeOf(func(x *foundStep) int64 { return x.StartedAt }).in(store.StepStartedAt),
		"ENDED_AT":                 timeOf(func(x *foundStep) int64 { return x.EndedAt }).in(store.StepEndedAt),
		"UPDATED_AT":               timeOf(func(x *foundStep) int64 { return x.UpdatedAt }).in(store.StepUpdatedAt),
		"TASK_FAILURE_RETRY_COUNT": numberOf(func(x *foundStep) int64 { return x.FailureRetries }).in(store.StepTaskRetries),
	},
	terms: func(x *foundStep, f func(string) bool) bool { return f(x.Name) || f(x.StepID) },
}

// stepTie puts steps in the order of their jobs, newest first, and of their template.
func stepTie(a, b *foundStep, _ bool) int {
	return cmp.Or(compareAges(b.Job, a.Job), cmp.Compare(a.StepIndex, b.StepIndex))
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
	if in.JobId == nil && found.compare == nil && filter.exact && !filter.where.LooksIntoTexts() {
		err = s.findSteps(ctx, in, &filter.where, found)
	} else {
		err = s.searchedJobs(ctx, in.FarmId, in.QueueIds, in.JobId, nil, func(ctx context.Context, j *row.Job) (more bool, err error) {
			return s.eachStep(ctx, j, func(step *row.Step) (bool, error) {
				x := foundStep{Step: *step, Job: j}
				return !filter.matches(&x) || found.add(x), nil
			})
		})
	}
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

// findSteps lets the store find the steps of a queue that the request asks for.
func (s *Service) findSteps(
	ctx context.Context, in *deadline.SearchStepsInput, where *store.Condition, found *findings[foundStep],
) error {
	queues, err := s.searchedQueues(ctx, in.FarmId, in.QueueIds)
	if err != nil {
		return err
	}
	rows, total, err := s.store.FindSteps(ctx, queues[0], where, found.offset, found.size+1, found.limit)
	if err != nil {
		return fmt.Errorf("search the steps of queue %s: %w", queues[0], err)
	}
	found.rows, found.before, found.offset = rows, found.offset, 0
	found.count(int64(total))
	return nil
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
		StepId: &x.StepID, JobId: &x.JobID, QueueId: &x.Job.QueueID, Name: &x.Name,
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
