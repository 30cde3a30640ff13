package farm

import (
	"cmp"
	"context"
	"fmt"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/search"
)

var jobSearch = searchable{
	fields: map[string]search.Column{
		"JOB_ID":                   search.ID,
		"QUEUE_ID":                 search.QueueID,
		"NAME":                     search.Name,
		"LIFECYCLE_STATUS":         search.Lifecycle,
		"LIFECYCLE_STATUS_MESSAGE": search.LifecycleMessage,
		"TASK_RUN_STATUS":          search.Status,
		"TARGET_TASK_RUN_STATUS":   search.Target,
		"CREATED_BY":               search.CreatedBy,
		"UPDATED_BY":               search.UpdatedBy,
		"SOURCE_JOB_ID":            search.SourceJobID,
		"CREATED_AT":               search.CreatedAt,
		"STARTED_AT":               search.StartedAt,
		"ENDED_AT":                 search.EndedAt,
		"UPDATED_AT":               search.UpdatedAt,
		"PRIORITY":                 search.Priority,
		"MAX_FAILED_TASKS_COUNT":   search.MaxFailedTasks,
		"MAX_RETRIES_PER_TASK":     search.MaxRetries,
		"MAX_WORKER_COUNT":         search.MaxWorkers,
		"TASK_FAILURE_RETRY_COUNT": search.FailureRetries,
	},
	hasParameters: true, hasUsers: true,
}

// searchedMaxWorkers is the member maxWorkerCount in searches, which is never absent there: -1 is no limit.
func searchedMaxWorkers(j *row.Job) int32 {
	if j.MaxWorkers == 0 {
		return -1
	}
	return j.MaxWorkers
}

// compareAges puts jobs in the order of their creation.
func compareAges(a, b *row.Job) int {
	return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.Number, b.Number))
}

// SearchJobs looks for jobs in some queues: newest first unless the request says otherwise. Errors: ResourceNotFoundException;
// ValidationException on filterExpressions and sortExpressions.
func (s *Service) SearchJobs(ctx context.Context, in *deadline.SearchJobsInput) (*deadline.SearchJobsOutput, error) {
	w := s.window(in.ItemOffset, in.PageSize)
	query, err := jobSearch.query(search.Jobs, in.FilterExpressions, in.SortExpressions, w)
	if err != nil {
		return nil, err
	}
	if query.Within, err = s.searchedQueues(ctx, in.FarmId, in.QueueIds); err != nil {
		return nil, err
	}
	jobs, total, err := s.store.FindJobs(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("search jobs: %w", err)
	}
	rows, next, count := pageOf(w, jobs, total)
	out := &deadline.SearchJobsOutput{Jobs: make([]deadline.JobSearchSummary, len(rows)), NextItemOffset: next, TotalResults: count}
	ids := make([]string, len(rows))
	for i := range rows {
		ids[i] = rows[i].JobID
	}
	documents, err := s.store.JobParameters(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		out.Jobs[i] = jobSearchSummary(&rows[i])
		out.Jobs[i].JobParameters = map[string]deadline.JobParameter{}
		if err := decodeStored("parameters", documents[rows[i].JobID], &out.Jobs[i].JobParameters); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func jobSearchSummary(j *row.Job) deadline.JobSearchSummary {
	return deadline.JobSearchSummary{
		JobId: &j.JobID, QueueId: &j.QueueID, Name: &j.Name,
		LifecycleStatus:        deadline.JobLifecycleStatus(j.Lifecycle.String()),
		LifecycleStatusMessage: text(j.LifecycleMessage),
		TaskRunStatus:          deadline.TaskRunStatus(j.TaskStatus.String()),
		TargetTaskRunStatus:    deadline.JobTargetTaskRunStatus(j.Target.String()),
		TaskRunStatusCounts:    taskCounts(&j.Counts),
		TaskFailureRetryCount:  new(clamp32(j.FailureRetries)),
		Priority:               &j.Priority,
		MaxFailedTasksCount:    &j.MaxFailedTasks, MaxRetriesPerTask: &j.MaxRetries, MaxWorkerCount: new(searchedMaxWorkers(j)),
		CreatedBy: &j.CreatedBy, CreatedAt: when(j.CreatedAt), StartedAt: when(j.StartedAt), EndedAt: when(j.EndedAt),
		UpdatedAt: when(j.UpdatedAt), UpdatedBy: text(j.UpdatedBy),
		SourceJobId: text(j.SourceJobID),
	}
}
