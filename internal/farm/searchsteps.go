package farm

import (
	"context"
	"fmt"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/search"
)

// foundStep is a step that is looked at in a search.
type foundStep = store.FoundStep

var stepSearch = searchable{
	fields: map[string]search.Column{
		"STEP_ID":                  search.ID,
		"JOB_ID":                   search.JobID,
		"QUEUE_ID":                 search.QueueID,
		"NAME":                     search.Name,
		"LIFECYCLE_STATUS":         search.Lifecycle,
		"LIFECYCLE_STATUS_MESSAGE": search.LifecycleMessage,
		"TASK_RUN_STATUS":          search.Status,
		"TARGET_TASK_RUN_STATUS":   search.Target,
		"CREATED_BY":               search.CreatedBy,
		"UPDATED_BY":               search.UpdatedBy,
		"CREATED_AT":               search.CreatedAt,
		"STARTED_AT":               search.StartedAt,
		"ENDED_AT":                 search.EndedAt,
		"UPDATED_AT":               search.UpdatedAt,
		"TASK_FAILURE_RETRY_COUNT": search.FailureRetries,
	},
}

// SearchSteps looks for steps in some queues, or in one job of them: newest jobs first, each in the order of its template, unless
// the request says otherwise. Errors: ResourceNotFoundException; ValidationException on filterExpressions and sortExpressions.
func (s *Service) SearchSteps(ctx context.Context, in *deadline.SearchStepsInput) (*deadline.SearchStepsOutput, error) {
	w := s.window(in.ItemOffset, in.PageSize)
	query, err := stepSearch.query(search.Steps, in.FilterExpressions, in.SortExpressions, w)
	if err != nil {
		return nil, err
	}
	if query.Within, err = s.searchedQueues(ctx, in.FarmId, in.QueueIds); err != nil {
		return nil, err
	}
	if in.JobId != nil {
		j, err := s.searchedJob(ctx, in.FarmId, query.Within, *in.JobId)
		if err != nil {
			return nil, err
		}
		query.Within = []string{j.QueueID}
		query.Where = search.Condition{Of: []search.Condition{comparison(search.JobID, search.Equal, j.JobID), query.Where}}
	}
	steps, total, err := s.store.FindSteps(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("search steps: %w", err)
	}
	rows, next, count := pageOf(w, steps, total)
	out := &deadline.SearchStepsOutput{Steps: make([]deadline.StepSearchSummary, len(rows)), NextItemOffset: next, TotalResults: count}
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
