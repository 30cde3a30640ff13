package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/farmhand-render/farmhand/internal/store/row"
)

// JobSearch says which jobs to look for, and in which order.
type JobSearch struct {
	QueueIDs []string // at least one, none twice
	Where    Condition
	// Order sorts the jobs; those that are equal come by age and number, in the direction of the last one. Nil: newest first.
	Order []Order
}

// Condition is a comparison, or a group of conditions. The zero value holds for every job. A job that lacks the
// column's value meets no comparison with it.
type Condition struct {
	Group Group
	Of    []Condition // of a group; And of none holds

	Column   JobColumn
	Operator Operator
	Values   []any // texts or integers, as the column has them: one, or several for In and NotIn
}

// Group says how the conditions of a group are joined.
type Group uint8

// The groups.
const (
	And Group = iota
	Or
	Comparison // no group
)

// Operator compares a column with a value.
type Operator string

// The operators.
const (
	Equal          Operator = "="
	NotEqual       Operator = "<>"
	Greater        Operator = ">"
	GreaterOrEqual Operator = ">="
	Less           Operator = "<"
	LessOrEqual    Operator = "<="
	In             Operator = "IN"
	NotIn          Operator = "NOT IN"
)

// Order sorts by a column. Jobs that lack its value come last.
type Order struct {
	Column     JobColumn
	Descending bool
	First      any // not nil: the jobs with this value come first, and nothing else is sorted by the column

	present bool // the jobs that lack the value are not among those to sort
}

// JobCursor is the key of a job among those of its queue by age.
type JobCursor struct{ CreatedAt, Number int64 }

// LastJob is after all jobs.
var LastJob = JobCursor{CreatedAt: 1<<63 - 1, Number: 1<<63 - 1}

// JobColumn is a column that searches look at.
type JobColumn string

// The columns of jobs that searches look at.
const (
	JobID          JobColumn = "job_id"
	JobName        JobColumn = "name"
	JobLifecycle   JobColumn = "lifecycle"
	JobMessage     JobColumn = "lifecycle_message"
	JobStatus      JobColumn = "task_status"
	JobTarget      JobColumn = "target"
	JobCreatedBy   JobColumn = "created_by"
	JobUpdatedBy   JobColumn = "updated_by"
	JobSource      JobColumn = "source_job_id"
	JobQueue       JobColumn = "queue_id"
	JobCreatedAt   JobColumn = "created_at"
	JobStartedAt   JobColumn = "started_at"
	JobEndedAt     JobColumn = "ended_at"
	JobUpdatedAt   JobColumn = "updated_at"
	JobPriority    JobColumn = "priority"
	JobMaxFailed   JobColumn = "max_failed_tasks"
	JobMaxRetries  JobColumn = "max_retries"
	JobTaskRetries JobColumn = "failure_retries"
	jobNumber      JobColumn = "number"
	jobText        JobColumn = "search_text"
)

// unindexed is the rank of a column without an index.
const unindexed = 1 << 30

// jobColumn describes a column.
type jobColumn struct {
	number bool // else a text
	absent bool // 0 or '' means that the job has none
	rank   int  // how few jobs are likely to share a value; unindexed when there is no index
}

var jobColumns = map[JobColumn]jobColumn{
	JobID: {rank: 0}, JobSource: {rank: 1, absent: true}, JobName: {rank: 2}, JobCreatedBy: {rank: 10},
	JobUpdatedAt: {rank: 20, number: true, absent: true}, JobEndedAt: {rank: 21, number: true, absent: true},
	JobStartedAt: {rank: 22, number: true, absent: true}, JobCreatedAt: {rank: 23, number: true},
	JobPriority: {rank: 30, number: true}, JobStatus: {rank: 31, absent: true}, JobLifecycle: {rank: 32},
	JobMessage: {rank: unindexed, absent: true}, JobTarget: {rank: unindexed, absent: true},
	JobUpdatedBy: {rank: unindexed, absent: true}, JobQueue: {rank: unindexed}, jobNumber: {rank: unindexed, number: true},
	jobText:      {rank: unindexed},
	JobMaxFailed: {rank: unindexed, number: true}, JobMaxRetries: {rank: unindexed, number: true},
	JobTaskRetries: {rank: unindexed, number: true},
}

// CountFound implements [Reader].
func (d *DB) CountFound(ctx context.Context, s *JobSearch, limit int) (int, error) {
	b := &searchText{lead: lead(&s.Where)}
	b.with = companion(&s.Where, b.lead)
	n, err := number(ctx, d.engine, `SELECT count(*) FROM (SELECT 1 FROM job WHERE `+b.where(s.QueueIDs, &s.Where)+
		` LIMIT `+b.arg(int64(limit))+`) AS found`, b.args...)
	if err != nil {
		return 0, fmt.Errorf("count jobs: %w", err)
	}
	return int(n), nil
}

// FoundJobs implements [Reader].
func (d *DB) FoundJobs(ctx context.Context, s *JobSearch, few bool, offset, limit int) ([]row.Job, error) {
	first, rest, split := s.split()
	if !split {
		b := s.plan(few)
		return list(ctx, d.engine, jobs, b.page(s, offset, limit), b.args...)
	}
	n, err := d.CountFound(ctx, &first, offset+limit)
	if err != nil {
		return nil, err
	}
	var found []row.Job
	if n > offset {
		if found, err = d.FoundJobs(ctx, &first, few, offset, limit); err != nil {
			return nil, err
		}
	}
	if len(found) < limit {
		more, err := d.FoundJobs(ctx, &rest, few, max(0, offset-n), limit-len(found))
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return found, nil
}

// JobsByAge implements [Reader].
func (d *DB) JobsByAge(ctx context.Context, queueID string, where *Condition, before JobCursor, limit int) ([]row.Job, error) {
	b := &searchText{}
	text := jobs.selectAll + ` WHERE ` + b.where([]string{queueID}, where) +
		` AND (created_at, number) < (` + b.arg(before.CreatedAt) + `, ` + b.arg(before.Number) + `)` +
		` ORDER BY created_at DESC, number DESC LIMIT ` + b.arg(int64(limit))
	return list(ctx, d.engine, jobs, text, b.args...)
}

// parametersAtOnce is how many jobs' parameters one query reads: it has one text, whatever is asked for.
const parametersAtOnce = 100

var sqlJobParameters = func() string {
	b := &searchText{}
	for range parametersAtOnce {
		b.args = append(b.args, "")
	}
	return `SELECT job_id, parameters FROM job_document WHERE job_id IN (` + b.list(1, parametersAtOnce) + `)`
}()

// JobParameters implements [Reader].
func (d *DB) JobParameters(ctx context.Context, jobIDs []string) (map[string][]byte, error) {
	found := make(map[string][]byte, len(jobIDs))
	for part := range slices.Chunk(jobIDs, parametersAtOnce) {
		args := make([]any, parametersAtOnce)
		for i := range args {
			args[i] = part[min(i, len(part)-1)]
		}
		err := d.engine.Query(ctx, sqlJobParameters, args, func(s Scanner) error {
			var id string
			var parameters []byte
			err := s.Scan(&id, &parameters)
			found[id] = parameters
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read the parameters of jobs: %w", err)
		}
	}
	return found, nil
}
