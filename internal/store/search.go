package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/farmhand-render/farmhand/internal/status"
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

	Column   Column
	Operator Operator
	// Values are texts or integers, as the column has them: one, or several for In and NotIn. Of [Mentions] and
	// [HasParameter] they are what is looked for in the text of a job, and there is no column.
	Values []any
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

	mentions     Operator = "MENTIONS"
	hasParameter Operator = "HAS PARAMETER"
)

// Mentions holds for the jobs whose name, id, creator or parameters contain a text in lower case. See [Searchable].
func Mentions(text string) Condition {
	return Condition{Group: Comparison, Operator: mentions, Values: []any{text}}
}

// Searchable reports whether [Mentions] can tell where a text is: it has one line, and no character that a store cannot keep.
func Searchable(text string) bool {
	return text != "" && !strings.ContainsAny(text, "\n\x00\uFFFD") && utf8.ValidString(text)
}

// HasParameter holds for the jobs that have one of some parameters: each is a [ParameterLine].
func HasParameter(lines ...string) Condition {
	c := Condition{Group: Comparison, Operator: hasParameter}
	for _, line := range lines {
		c.Values = append(c.Values, "\n"+line+"\n")
	}
	return c
}

// Admits reports whether a row that has a text in a column may meet a condition, whatever it has in others.
func (c *Condition) Admits(column Column, text string) bool {
	admits := func(of Condition) bool { return of.Admits(column, text) }
	switch {
	case c.Group == Or:
		return slices.ContainsFunc(c.Of, admits)
	case c.Group == And:
		return !slices.ContainsFunc(c.Of, func(of Condition) bool { return !admits(of) })
	case c.Column != column:
		return true
	}
	is := slices.Contains(c.Values, any(text))
	return is == (c.Operator == Equal || c.Operator == In)
}

// Statuses are those that a row may have which meets a condition, in a column of run statuses.
func (c *Condition) Statuses(column Column) (all []status.Task) {
	for one := range status.Task(status.NumTask) {
		if c.Admits(column, one.String()) {
			all = append(all, one)
		}
	}
	return all
}

// LooksIntoTexts reports whether [Mentions] or [HasParameter] is part of a condition.
func (c *Condition) LooksIntoTexts() bool {
	return c.isText() || slices.ContainsFunc(c.Of, func(of Condition) bool { return of.LooksIntoTexts() })
}

func (c *Condition) isText() bool { return c.Operator == mentions || c.Operator == hasParameter }

// Order sorts by a column. Jobs that lack its value come last.
type Order struct {
	Column     Column
	Descending bool
	First      any // not nil: the jobs with this value come first, and nothing else is sorted by the column

	present bool // the jobs that lack the value are not among those to sort
}

// JobCursor is the key of a job among those of its queue by age.
type JobCursor struct{ CreatedAt, Number int64 }

// LastJob is after all jobs.
var LastJob = JobCursor{CreatedAt: 1<<63 - 1, Number: 1<<63 - 1}

// Column is a column that searches look at.
type Column string

// The columns of jobs that searches look at.
const (
	JobID          Column = "job_id"
	JobName        Column = "name"
	JobLifecycle   Column = "lifecycle"
	JobMessage     Column = "lifecycle_message"
	JobStatus      Column = "task_status"
	JobTarget      Column = "target"
	JobCreatedBy   Column = "created_by"
	JobUpdatedBy   Column = "updated_by"
	JobSource      Column = "source_job_id"
	JobQueue       Column = "queue_id"
	JobCreatedAt   Column = "created_at"
	JobStartedAt   Column = "started_at"
	JobEndedAt     Column = "ended_at"
	JobUpdatedAt   Column = "updated_at"
	JobPriority    Column = "priority"
	JobMaxFailed   Column = "max_failed_tasks"
	JobMaxRetries  Column = "max_retries"
	JobTaskRetries Column = "failure_retries"
	// JobMaxWorkers is -1 where there is no limit.
	JobMaxWorkers Column = "(CASE WHEN max_workers = 0 THEN -1 ELSE max_workers END)"
	jobNumber     Column = "number"

	// TaskStatus is of tasks, for [Condition.Statuses].
	TaskStatus Column = "status"
)

// unindexed is the rank of a column without an index.
const unindexed = 1 << 30

// column describes a column.
type column struct {
	number bool // else a text
	absent bool // 0 or '' means that the row has none
	rank   int  // how few jobs are likely to share a value; unindexed when there is no index
}

var columns = map[Column]column{
	JobID: {rank: 0}, JobSource: {rank: 1, absent: true}, JobName: {rank: 2}, JobCreatedBy: {rank: 10},
	JobUpdatedAt: {rank: 20, number: true, absent: true}, JobEndedAt: {rank: 21, number: true, absent: true},
	JobStartedAt: {rank: 22, number: true, absent: true}, JobCreatedAt: {rank: 23, number: true},
	JobPriority: {rank: 30, number: true}, JobStatus: {rank: 31, absent: true}, JobLifecycle: {rank: 32},
	JobMessage: {rank: unindexed, absent: true}, JobTarget: {rank: unindexed, absent: true},
	JobUpdatedBy: {rank: unindexed, absent: true}, JobQueue: {rank: unindexed}, jobNumber: {rank: unindexed, number: true},
	JobMaxWorkers: {rank: unindexed, number: true},
	JobMaxFailed:  {rank: unindexed, number: true}, JobMaxRetries: {rank: unindexed, number: true},
	JobTaskRetries: {rank: unindexed, number: true},

	StepID: {}, StepJob: {}, StepQueue: {}, StepName: {}, StepLifecycle: {}, StepMessage: {absent: true}, StepStatus: {absent: true},
	StepTarget: {absent: true}, StepCreatedBy: {}, StepUpdatedBy: {absent: true}, StepCreatedAt: {number: true},
	StepStartedAt: {number: true, absent: true}, StepEndedAt: {number: true, absent: true}, StepUpdatedAt: {number: true, absent: true},
	StepTaskRetries: {number: true},
}

// JobsByAge implements [Reader].
func (d *DB) JobsByAge(ctx context.Context, queueID string, where *Condition, before JobCursor, limit int) ([]row.Job, error) {
	b := &searchText{}
	text := jobs.selectAll + ` WHERE ` + b.queues("job", []string{queueID}) + ` AND ` + b.condition(where) +
		` AND (created_at, number) < (` + b.arg(before.CreatedAt) + `, ` + b.arg(before.Number) + `)` +
		` ORDER BY created_at DESC, number DESC LIMIT ` + b.arg(int64(limit))
	return list(ctx, d.engine, jobs, text, b.args...)
}

// idsAtOnce is how many jobs one query reads by their ids: it has one text, whatever is asked for.
const idsAtOnce = 101 // a page, and the one that tells that there is a next page

// idArguments are up to idsAtOnce ids, the last one again where there are fewer.
func idArguments(ids []string) []any {
	args := make([]any, idsAtOnce)
	for i := range args {
		args[i] = ids[min(i, len(ids)-1)]
	}
	return args
}

var (
	idPlaceholders   = placeholders(1, idsAtOnce)
	sqlJobParameters = `SELECT job_id, parameters FROM job_document WHERE job_id IN (` + idPlaceholders + `)`
	sqlJobsByID      = jobs.selectAll + ` WHERE job_id IN (` + idPlaceholders + `)`
)

// jobsByID reads jobs in the order of their ids. What was deleted meanwhile is left out.
func (d *DB) jobsByID(ctx context.Context, ids []string) ([]row.Job, error) {
	at := make(map[string]int, len(ids))
	for i, id := range ids {
		at[id] = i
	}
	all := make([]row.Job, len(ids))
	for part := range slices.Chunk(ids, idsAtOnce) {
		err := each(ctx, d.engine, jobs, sqlJobsByID, func(j row.Job) { all[at[j.JobID]] = j }, idArguments(part)...)
		if err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(all, func(j row.Job) bool { return j.JobID == "" }), nil
}

// JobParameters implements [Reader].
func (d *DB) JobParameters(ctx context.Context, jobIDs []string) (map[string][]byte, error) {
	return jobParameters(ctx, d.engine, jobIDs)
}

func jobParameters(ctx context.Context, q Querier, jobIDs []string) (map[string][]byte, error) {
	found := make(map[string][]byte, len(jobIDs))
	for part := range slices.Chunk(jobIDs, idsAtOnce) {
		err := q.Query(ctx, sqlJobParameters, idArguments(part), func(s Scanner) error {
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
