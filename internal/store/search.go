package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/search"
)

// find gives the rows that a search finds, read by their ids.
func find[T any](
	ctx context.Context, d *DB, query *search.Query, what string, read func(ctx context.Context, ids []string) ([]T, error),
) (found []T, total int, err error) {
	ids, total, err := d.index.Find(ctx, query)
	if err == nil {
		found, err = read(ctx, ids)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("find %s: %w", what, err)
	}
	return found, total, nil
}

// FindJobs implements [Reader].
func (d *DB) FindJobs(ctx context.Context, query *search.Query) (found []row.Job, total int, err error) {
	return find(ctx, d, query, "jobs", func(ctx context.Context, ids []string) ([]row.Job, error) {
		return byIDs(ctx, d.engine, jobs, sqlJobsByID, ids, func(j *row.Job) string { return j.JobID })
	})
}

// FoundStep is a step with its job.
type FoundStep struct {
	row.Step

	Job *row.Job
}

// FindSteps implements [Reader].
func (d *DB) FindSteps(ctx context.Context, query *search.Query) (found []FoundStep, total int, err error) {
	return find(ctx, d, query, "steps", d.StepsByID)
}

// FindWorkers implements [Reader].
func (d *DB) FindWorkers(ctx context.Context, query *search.Query) (found []row.Worker, total int, err error) {
	return find(ctx, d, query, "workers", func(ctx context.Context, ids []string) ([]row.Worker, error) {
		return byIDs(ctx, d.engine, workers, sqlWorkersByID, ids, func(w *row.Worker) string { return w.WorkerID })
	})
}

// WalkSteps implements [Reader].
func (d *DB) WalkSteps(ctx context.Context, queueIDs []string, where *search.Condition) (*search.Walk, error) {
	return d.index.Walk(ctx, queueIDs, where)
}

// LoadSearches implements [Reader].
func (d *DB) LoadSearches(ctx context.Context, of row.ResourceKey) error {
	return d.index.Load(ctx, of)
}

// StepsByID implements [Reader].
func (d *DB) StepsByID(ctx context.Context, ids []string) ([]FoundStep, error) {
	all, err := byIDs(ctx, d.engine, steps, sqlStepsByID, ids, func(x *row.Step) string { return x.StepID })
	if err != nil {
		return nil, err
	}
	var jobIDs []string
	for i := range all {
		jobIDs = append(jobIDs, all[i].JobID)
	}
	slices.Sort(jobIDs)
	of, err := byIDs(ctx, d.engine, jobs, sqlJobsByID, slices.Compact(jobIDs), func(j *row.Job) string { return j.JobID })
	if err != nil {
		return nil, err
	}
	at := make(map[string]*row.Job, len(of))
	for i := range of {
		at[of[i].JobID] = &of[i]
	}
	var found []FoundStep
	for i := range all {
		if job := at[all[i].JobID]; job != nil {
			found = append(found, FoundStep{all[i], job})
		}
	}
	return found, nil
}

// idsAtOnce is how many rows one query reads by their ids: it has one text, whatever is asked for.
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
	sqlStepsByID     = steps.selectAll + ` WHERE step_id IN (` + idPlaceholders + `)`
	sqlWorkersByID   = workers.selectAll + ` WHERE worker_id IN (` + idPlaceholders + `)`
)

// placeholders is n placeholders in a row.
func placeholders(from, n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = "$" + strconv.Itoa(from+i)
	}
	return strings.Join(all, ", ")
}

// byIDs reads rows in the order of their ids. What was deleted meanwhile is left out.
func byIDs[T any](ctx context.Context, q Querier, t *table[T], sql string, ids []string, id func(*T) string) ([]T, error) {
	at := make(map[string]int, len(ids))
	for i, id := range ids {
		at[id] = i
	}
	all, there := make([]T, len(ids)), make([]bool, len(ids))
	for part := range slices.Chunk(ids, idsAtOnce) {
		err := each(ctx, q, t, sql, func(r T) {
			i := at[id(&r)]
			all[i], there[i] = r, true
		}, idArguments(part)...)
		if err != nil {
			return nil, err
		}
	}
	found := all[:0]
	for i := range all {
		if there[i] {
			found = append(found, all[i])
		}
	}
	return found, nil
}

// JobParameters implements [Reader].
func (d *DB) JobParameters(ctx context.Context, jobIDs []string) (map[string][]byte, error) {
	found := make(map[string][]byte, len(jobIDs))
	for part := range slices.Chunk(jobIDs, idsAtOnce) {
		err := d.engine.Query(ctx, sqlJobParameters, idArguments(part), func(s Scanner) error {
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

// searched is the [search.Source] of an engine.
type searched struct{ engine Engine }

// searchedAtOnce is how many rows are read at once: other readers get their turn in between, and no transaction lasts.
const searchedAtOnce = 2000

const sqlSearchedJobs = `SELECT job.job_id, number, created_at, created_by, source_job_id, name, lifecycle, task_status, priority,
	started_at, ended_at, updated_at, lifecycle_message, target, failure_retries, max_failed_tasks, max_retries, max_workers, updated_by,
	job_document.parameters
	FROM job LEFT JOIN job_document ON job_document.job_id = job.job_id
	WHERE queue_id = $1 AND number > $2 ORDER BY number LIMIT $3`

// EachJob implements [search.Source].
func (e searched) EachJob(ctx context.Context, queueID string, f func(j *row.Job, parameters []byte)) error {
	for after, more := int64(-1), true; more; {
		n := 0
		err := e.engine.Query(ctx, sqlSearchedJobs, []any{queueID, after, int64(searchedAtOnce)}, func(s Scanner) error {
			j := row.Job{QueueID: queueID}
			var parameters []byte
			err := s.Scan(&j.JobID, &j.Number, &j.CreatedAt, &j.CreatedBy, &j.SourceJobID, &j.Name, lifecycle(&j.Lifecycle),
				taskStatus(&j.TaskStatus), &j.Priority, &j.StartedAt, &j.EndedAt, &j.UpdatedAt, &j.LifecycleMessage, taskStatus(&j.Target),
				&j.FailureRetries, &j.MaxFailedTasks, &j.MaxRetries, &j.MaxWorkers, &j.UpdatedBy, &parameters)
			if err == nil {
				f(&j, parameters)
			}
			after = j.Number
			n++
			return err
		})
		if err != nil {
			return err
		}
		more = n == searchedAtOnce
	}
	return nil
}

const (
	sqlSearchedUpTo  = `SELECT number FROM job WHERE queue_id = $1 AND number > $2 ORDER BY number LIMIT 1 OFFSET $3`
	sqlSearchedSteps = `SELECT job.number, step.job_id, step.step_index, step.step_id, step.created_at, step.created_by, step.name,
	step.lifecycle, step.lifecycle_message, step.task_status, step.target, step.failure_retries, step.started_at, step.ended_at,
	step.updated_at, step.updated_by, step.counts, step.tasks, step.earliest, step.latest, step.targeted, step_document.space
	FROM job CROSS JOIN step LEFT JOIN step_document ON step_document.job_id = step.job_id AND step_document.step_index = step.step_index
	WHERE job.queue_id = $1 AND job.number > $2 AND job.number <= $3 AND step.job_id = job.job_id`
)

// EachStep implements [search.Source]: some jobs' steps at once.
func (e searched) EachStep(ctx context.Context, queueID string, f func(x *row.Step, space []byte)) error {
	type numbered struct {
		row.Step

		number int64
		space  []byte
	}
	for after := int64(-1); after < math.MaxInt64; {
		upTo := int64(math.MaxInt64)
		err := e.engine.Query(ctx, sqlSearchedUpTo, []any{queueID, after, int64(searchedAtOnce)}, func(s Scanner) error { return s.Scan(&upTo) })
		if err != nil {
			return err
		}
		var found []numbered
		err = e.engine.Query(ctx, sqlSearchedSteps, []any{queueID, after, upTo}, func(s Scanner) error {
			var x numbered
			err := s.Scan(&x.number, &x.JobID, &x.StepIndex, &x.StepID, &x.CreatedAt, &x.CreatedBy, &x.Name, lifecycle(&x.Lifecycle),
				&x.LifecycleMessage, taskStatus(&x.TaskStatus), taskStatus(&x.Target), &x.FailureRetries, &x.StartedAt, &x.EndedAt,
				&x.UpdatedAt, &x.UpdatedBy, counts(&x.Counts), &x.Tasks, &x.Earliest, &x.Latest, yes(&x.Targeted), &x.space)
			found = append(found, x)
			return err
		})
		if err != nil {
			return err
		}
		slices.SortFunc(found, func(a, b numbered) int {
			return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.StepIndex, b.StepIndex))
		})
		for i := range found {
			f(&found[i].Step, found[i].space)
		}
		after = upTo
	}
	return nil
}

// EachWorker implements [search.Source].
func (e searched) EachWorker(ctx context.Context, fleetID string, f func(w *row.Worker)) error {
	for after, more := (ResourceCursor{}), true; more; {
		n := 0
		err := each(ctx, e.engine, workers, sqlWorkers, func(w row.Worker) {
			f(&w)
			after = ResourceCursor{w.CreatedAt, w.WorkerID}
			n++
		}, fleetID, after.CreatedAt, after.ID, int64(searchedAtOnce))
		if err != nil {
			return err
		}
		more = n == searchedAtOnce
	}
	return nil
}
