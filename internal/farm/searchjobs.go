package farm

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// foundJob is a job that is looked at in a search.
type foundJob struct {
	row.Job
	parameters map[string]deadline.JobParameter // when they are needed
}

var jobSearch = searchable[foundJob]{
	fields: map[string]searchField[foundJob]{
		"JOB_ID":                   textOf(func(j *foundJob) string { return j.JobID }).in(store.JobID),
		"QUEUE_ID":                 textOf(func(j *foundJob) string { return j.QueueID }).in(store.JobQueue),
		"NAME":                     textOf(func(j *foundJob) string { return j.Name }).in(store.JobName),
		"LIFECYCLE_STATUS":         textOf(func(j *foundJob) string { return j.Lifecycle.String() }).in(store.JobLifecycle),
		"LIFECYCLE_STATUS_MESSAGE": textOf(func(j *foundJob) string { return j.LifecycleMessage }).in(store.JobMessage),
		"TASK_RUN_STATUS":          textOf(func(j *foundJob) string { return j.TaskStatus.String() }).in(store.JobStatus),
		"TARGET_TASK_RUN_STATUS":   textOf(func(j *foundJob) string { return j.Target.String() }).in(store.JobTarget),
		"CREATED_BY":               textOf(func(j *foundJob) string { return j.CreatedBy }).in(store.JobCreatedBy),
		"UPDATED_BY":               textOf(func(j *foundJob) string { return j.UpdatedBy }).in(store.JobUpdatedBy),
		"SOURCE_JOB_ID":            textOf(func(j *foundJob) string { return j.SourceJobID }).in(store.JobSource),
		"CREATED_AT":               timeOf(func(j *foundJob) int64 { return j.CreatedAt }).in(store.JobCreatedAt),
		"STARTED_AT":               timeOf(func(j *foundJob) int64 { return j.StartedAt }).in(store.JobStartedAt),
		"ENDED_AT":                 timeOf(func(j *foundJob) int64 { return j.EndedAt }).in(store.JobEndedAt),
		"UPDATED_AT":               timeOf(func(j *foundJob) int64 { return j.UpdatedAt }).in(store.JobUpdatedAt),
		"PRIORITY":                 numberOf(func(j *foundJob) int64 { return int64(j.Priority) }).in(store.JobPriority),
		"MAX_FAILED_TASKS_COUNT":   numberOf(func(j *foundJob) int64 { return int64(j.MaxFailedTasks) }).in(store.JobMaxFailed),
		"MAX_RETRIES_PER_TASK":     numberOf(func(j *foundJob) int64 { return int64(j.MaxRetries) }).in(store.JobMaxRetries),
		"MAX_WORKER_COUNT":         numberOf(func(j *foundJob) int64 { return int64(searchedMaxWorkers(&j.Job)) }).in(store.JobMaxWorkers),
		"TASK_FAILURE_RETRY_COUNT": numberOf(func(j *foundJob) int64 { return j.FailureRetries }).in(store.JobTaskRetries),
	},
	parameter: func(j *foundJob, name string) (string, bool, bool) {
		p, ok := j.parameters[name]
		if !ok {
			return "", false, false
		}
		return strings.Join(parameterTexts(&p), ","), p.Int != nil || p.Float != nil, true
	},
	terms: func(j *foundJob, f func(string) bool) bool {
		if f(j.Name) || f(j.JobID) || f(j.CreatedBy) {
			return true
		}
		for _, p := range j.parameters {
			if slices.ContainsFunc(parameterTexts(&p), f) {
				return true
			}
		}
		return false
	},
	createdBy: func(j *foundJob) string { return j.CreatedBy },
}

// searchedMaxWorkers is the member maxWorkerCount in searches, which is never absent there: -1 is no limit.
func searchedMaxWorkers(j *row.Job) int32 {
	if j.MaxWorkers == 0 {
		return -1
	}
	return j.MaxWorkers
}

// parameterTexts are the texts of a parameter's value: one, or those of a list.
func parameterTexts(p *deadline.JobParameter) []string {
	for _, one := range []*string{p.Int, p.Float, p.String, p.Path, p.Bool, p.RangeExpr} {
		if one != nil {
			return []string{*one}
		}
	}
	for _, list := range [][]string{p.StringList, p.PathList, p.IntList, p.FloatList, p.BoolList} {
		if list != nil {
			return list
		}
	}
	var all []string
	for _, list := range p.IntListList {
		all = append(all, strings.Join(list, ","))
	}
	return all
}

// compareAges puts jobs in the order of their creation.
func compareAges(a, b *row.Job) int {
	return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.Number, b.Number))
}

func jobTie(a, b *foundJob, descending bool) int {
	if descending {
		return compareAges(&b.Job, &a.Job)
	}
	return compareAges(&a.Job, &b.Job)
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
	order, err := jobSearch.sorting(in.SortExpressions, jobTie)
	if err != nil {
		return nil, err
	}
	if err := s.readTexts(ctx, filter); err != nil {
		return nil, err
	}
	search := &store.JobSearch{QueueIDs: queues, Where: filter.where}
	found := newFindings(s.maxFound, in.ItemOffset, in.PageSize, order)
	if filter.exact && (order == nil || order.exact) {
		if order != nil {
			search.Order = order.by
		}
		err = s.findJobs(ctx, search, found)
	} else {
		found.parameters = order != nil && !order.exact
		err = s.siftJobs(ctx, search, filter, found)
	}
	if err != nil {
		return nil, err
	}
	rows, next, total := found.page()
	out := &deadline.SearchJobsOutput{Jobs: make([]deadline.JobSearchSummary, len(rows)), NextItemOffset: next, TotalResults: total}
	if err := s.addParameters(ctx, rows, indexes(len(rows))); err != nil {
		return nil, err
	}
	for i := range rows {
		out.Jobs[i] = jobSearchSummary(&rows[i])
	}
	return out, nil
}

// readTexts lets a filter look at all jobs while the store does not know the texts of some, after an upgrade.
func (s *Service) readTexts(ctx context.Context, filter *filter[foundJob]) error {
	if !filter.where.LooksIntoTexts() {
		return nil
	}
	known, err := s.store.KnowsTexts(ctx)
	if err != nil {
		return fmt.Errorf("search jobs: %w", err)
	}
	if !known {
		filter.where, filter.exact = store.Condition{}, false
	}
	return nil
}

// findJobs lets the store find, count and sort.
func (s *Service) findJobs(ctx context.Context, search *store.JobSearch, f *findings[foundJob]) error {
	rows, total, err := s.store.FindJobs(ctx, search, f.offset, f.size+1, s.maxFound)
	if err != nil {
		return fmt.Errorf("search jobs: %w", err)
	}
	// What lies before the page was counted and is not read.
	f.total, f.compare, f.offset, f.before = total, nil, 0, f.offset
	for i := range rows {
		f.rows = append(f.rows, foundJob{Job: rows[i]})
	}
	return nil
}

// siftJobs looks at all jobs that the store finds, because it cannot tell itself which ones are meant, or in which order.
func (s *Service) siftJobs(ctx context.Context, search *store.JobSearch, filter *filter[foundJob], f *findings[foundJob]) error {
	if f.compare == nil && len(search.QueueIDs) > 1 {
		f.compare = func(a, b *foundJob) int { return jobTie(a, b, true) }
	}
	candidates, all, err := s.candidates(ctx, search)
	if err != nil {
		return err
	}
	if all {
		_, err = s.siftChunk(ctx, candidates, filter, f)
		return err
	}
	for _, queue := range search.QueueIDs {
		for before := store.LastJob; ; {
			jobs, err := s.store.JobsByAge(ctx, queue, &search.Where, before, searchChunk)
			if err != nil {
				return fmt.Errorf("search jobs: %w", err)
			}
			if more, err := s.siftChunk(ctx, jobs, filter, f); err != nil || !more {
				return err
			}
			if len(jobs) < searchChunk {
				break
			}
			last := &jobs[len(jobs)-1]
			before = store.JobCursor{CreatedAt: last.CreatedAt, Number: last.Number}
		}
	}
	return nil
}

// candidates reads the jobs that the store finds, unless they are too many.
func (s *Service) candidates(ctx context.Context, search *store.JobSearch) (jobs []row.Job, all bool, err error) {
	_, n, err := s.store.FindJobs(ctx, search, 0, 0, s.maxFound)
	if err == nil && n < s.maxFound {
		jobs, _, err = s.store.FindJobs(ctx, search, 0, n, s.maxFound)
	}
	if err != nil {
		return nil, false, fmt.Errorf("search jobs: %w", err)
	}
	return jobs, n < s.maxFound, nil
}

func (s *Service) siftChunk(
	ctx context.Context, jobs []row.Job, filter *filter[foundJob], f *findings[foundJob],
) (more bool, err error) {
	// A filter that a job matches without its parameters it matches with them, too.
	all, matches := make([]foundJob, len(jobs)), make([]bool, len(jobs))
	var undecided []int
	for i := range jobs {
		all[i].Job = jobs[i]
		if matches[i] = !f.parameters && filter.matches(&all[i]); !matches[i] {
			undecided = append(undecided, i)
		}
	}
	if err := s.addParameters(ctx, all, undecided); err != nil {
		return false, err
	}
	for _, i := range undecided {
		matches[i] = filter.matches(&all[i])
	}
	for i := range all {
		if matches[i] && !f.add(all[i]) {
			return false, nil
		}
	}
	return true, nil
}

// addParameters reads the parameters of some of the jobs, unless they have them.
func (s *Service) addParameters(ctx context.Context, jobs []foundJob, which []int) error {
	var ids []string
	for _, i := range which {
		if jobs[i].parameters == nil {
			ids = append(ids, jobs[i].JobID)
		}
	}
	stored, err := s.store.JobParameters(ctx, ids)
	if err != nil {
		return err
	}
	for _, i := range which {
		if jobs[i].parameters != nil {
			continue
		}
		jobs[i].parameters = map[string]deadline.JobParameter{}
		if err := decodeStored("parameters", stored[jobs[i].JobID], &jobs[i].parameters); err != nil {
			return err
		}
	}
	return nil
}

// indexes are those of a list.
func indexes(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func jobSearchSummary(j *foundJob) deadline.JobSearchSummary {
	return deadline.JobSearchSummary{
		JobId: &j.JobID, QueueId: &j.QueueID, Name: &j.Name,
		LifecycleStatus:        deadline.JobLifecycleStatus(j.Lifecycle.String()),
		LifecycleStatusMessage: text(j.LifecycleMessage),
		TaskRunStatus:          deadline.TaskRunStatus(j.TaskStatus.String()),
		TargetTaskRunStatus:    deadline.JobTargetTaskRunStatus(j.Target.String()),
		TaskRunStatusCounts:    taskCounts(&j.Counts),
		TaskFailureRetryCount:  new(clamp32(j.FailureRetries)),
		Priority:               &j.Priority,
		MaxFailedTasksCount:    &j.MaxFailedTasks, MaxRetriesPerTask: &j.MaxRetries, MaxWorkerCount: new(searchedMaxWorkers(&j.Job)),
		CreatedBy: &j.CreatedBy, CreatedAt: when(j.CreatedAt), StartedAt: when(j.StartedAt), EndedAt: when(j.EndedAt),
		UpdatedAt: when(j.UpdatedAt), UpdatedBy: text(j.UpdatedBy),
		JobParameters: j.parameters, SourceJobId: text(j.SourceJobID),
	}
}
