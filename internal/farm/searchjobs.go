package farm

import (
	"cmp"
	"context"
	"fmt"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/search"
)

var jobSearch = searchable[row.Job]{
	fields: map[string]searchField[row.Job]{
		"JOB_ID":                   textIn[row.Job](search.ID),
		"QUEUE_ID":                 textIn[row.Job](search.QueueID),
		"NAME":                     textIn[row.Job](search.Name),
		"LIFECYCLE_STATUS":         textIn[row.Job](search.Lifecycle),
		"LIFECYCLE_STATUS_MESSAGE": textIn[row.Job](search.LifecycleMessage),
		"TASK_RUN_STATUS":          textIn[row.Job](search.Status),
		"TARGET_TASK_RUN_STATUS":   textIn[row.Job](search.Target),
		"CREATED_BY":               textIn[row.Job](search.CreatedBy),
		"UPDATED_BY":               textIn[row.Job](search.UpdatedBy),
		"SOURCE_JOB_ID":            textIn[row.Job](search.SourceJobID),
		"CREATED_AT":               timeIn[row.Job](search.CreatedAt),
		"STARTED_AT":               timeIn[row.Job](search.StartedAt),
		"ENDED_AT":                 timeIn[row.Job](search.EndedAt),
		"UPDATED_AT":               timeIn[row.Job](search.UpdatedAt),
		"PRIORITY":                 numberIn[row.Job](search.Priority),
		"MAX_FAILED_TASKS_COUNT":   numberIn[row.Job](search.MaxFailedTasks),
		"MAX_RETRIES_PER_TASK":     numberIn[row.Job](search.MaxRetries),
		"MAX_WORKER_COUNT":         numberIn[row.Job](search.MaxWorkers),
		"TASK_FAILURE_RETRY_COUNT": numberIn[row.Job](search.FailureRetries),
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
	queues, err := s.searchedQueues(ctx, in.FarmId, in.QueueIds)
	if err != nil {
		return nil, err
	}
	filter, err := jobSearch.filter(in.FilterExpressions)
	if err != nil {
		return nil, err
	}
	order, err := jobSearch.sorting(in.SortExpressions, nil)
	if err != nil {
		return nil, err
	}
	found := newFindings[row.Job](s.maxFound, in.ItemOffset, in.PageSize, nil)
	jobs, total, err := s.store.FindJobs(ctx, found.query(search.Jobs, queues, filter.where, order))
	if err != nil {
		return nil, fmt.Errorf("search jobs: %w", err)
	}
	rows, next, count := found.of(jobs, total).page()
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
