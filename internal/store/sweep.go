package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// A change of very many tasks is not done to their rows in the transaction of a command. That writes one row of task_sweep; the tasks'
// rows are changed later, some at a time. Reads of tasks apply the sweeps that are left to what they find, or, where they look for tasks
// by what they are, let the rest of the job be done first.

var sweeps = newTable("task_sweep", 3, 7,
	"job_id, step_index, seq, statuses, status, target, updated_by, updated_at, max_retries, next_task",
	func(v []any, r *row.Sweep) []any {
		return append(v, r.JobID, int64(r.StepIndex), r.Seq, statusNames(r.From), r.To.String(), r.Target.String(), r.By, r.At,
			int64(r.MaxRetries), r.Next)
	},
	func(r *row.Sweep) []any {
		return []any{
			&r.JobID, &r.StepIndex, &r.Seq,
			parsed[[]status.Task]{&r.From, parseStatuses},
			taskStatus(&r.To), taskStatus(&r.Target),
			&r.By, &r.At, &r.MaxRetries, &r.Next,
		}
	})

func statusNames(list []status.Task) string {
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = s.String()
	}
	return jsonText(names)
}

func parseStatuses(text string) ([]status.Task, error) {
	var names []string
	if err := json.Unmarshal([]byte(text), &names); err != nil {
		return nil, err
	}
	list := make([]status.Task, len(names))
	for i, name := range names {
		var err error
		if list[i], err = status.ParseTask(name); err != nil {
			return nil, err
		}
	}
	return list, nil
}

const (
	inTurn     = ` ORDER BY job_id, step_index, seq`
	sqlSweepTo = `SELECT count(*), COALESCE(max(task_index), -1) FROM (SELECT task_index FROM task
		WHERE job_id = $1 AND step_index = $2 AND task_index >= $3 ORDER BY task_index LIMIT $4) AS found`
	sqlSweepIsDone = `DELETE FROM task_sweep WHERE job_id = $1 AND step_index = $2 AND seq = $3`
	sqlSweepIsAt   = `UPDATE task_sweep SET next_task = $4 WHERE job_id = $1 AND step_index = $2 AND seq = $3`
)

var (
	sqlSweep        = sweeps.selectAll + ` WHERE job_id > ''` + inTurn + ` LIMIT 1`
	sqlSweepOfJob   = sweeps.selectAll + ofJob + inTurn + ` LIMIT 1`
	sqlSweepsOfStep = sweeps.selectAll + ` WHERE job_id = $1 AND step_index = $2 ORDER BY seq`
)

// SweepTasks implements [Store].
func (d *DB) SweepTasks(ctx context.Context, limit int) (left bool, err error) {
	return d.sweepTasks(ctx, limit, sqlSweep)
}

func (d *DB) sweepTasks(ctx context.Context, limit int, first string, args ...any) (left bool, err error) {
	if !d.sweeping.Load() {
		return false, nil
	}
	err = d.engine.Update(ctx, func(tx Tx) error {
		found, err := list(ctx, tx, sweeps, first, args...)
		if left = len(found) > 0; err != nil || !left {
			if err == nil && len(args) == 0 { // no commit can add one meanwhile: it would have to wait for this transaction
				d.sweeping.Store(false)
			}
			return err
		}
		return sweepSome(ctx, tx, &found[0], limit)
	})
	if err != nil {
		return true, fmt.Errorf("sweep tasks: %w", err)
	}
	return left, nil
}

// sweepSome does a sweep to some more of its tasks.
func sweepSome(ctx context.Context, tx Tx, s *row.Sweep, limit int) error {
	var found, last int64
	err := tx.Query(ctx, sqlSweepTo, []any{s.JobID, int64(s.StepIndex), s.Next, int64(limit)}, func(r Scanner) error {
		return r.Scan(&found, &last)
	})
	if err != nil {
		return err
	}
	b := &taskText{}
	text := b.sweep(s, last)
	if _, err := tx.Exec(ctx, text, b.args...); err != nil {
		return err
	}
	if found < int64(limit) {
		_, err = tx.Exec(ctx, sqlSweepIsDone, s.JobID, int64(s.StepIndex), s.Seq)
	} else {
		_, err = tx.Exec(ctx, sqlSweepIsAt, s.JobID, int64(s.StepIndex), s.Seq, last+1)
	}
	return err
}

// sweep is [row.Sweep.Apply] in SQL, for the tasks from the sweep's next to the last.
func (b *taskText) sweep(s *row.Sweep, last int64) string {
	seq := b.arg(s.Seq)
	text := `UPDATE task SET sweep = ` + seq + `, status = ` + b.arg(s.To.String())
	if s.Target != status.TaskNone {
		text += `, target = ` + b.arg(s.Target.String()) + `, updated_at = ` + b.arg(s.At) + `, updated_by = ` + b.arg(s.By)
	}
	if s.To.Terminal() {
		text += `, ended_at = CASE WHEN status IN ('NOT_COMPATIBLE', 'FAILED', 'CANCELED', 'SUCCEEDED') THEN ended_at ELSE ` + b.arg(s.At) + ` END`
	} else {
		text += `, ended_at = 0`
	}
	from := make([]string, len(s.From))
	for i, one := range s.From {
		from[i] = b.arg(one.String())
	}
	return text + ` WHERE job_id = ` + b.arg(s.JobID) + ` AND step_index = ` + b.arg(int64(s.StepIndex)) +
		` AND task_index >= ` + b.arg(s.Next) + ` AND task_index <= ` + b.arg(last) +
		` AND sweep < ` + seq + ` AND status IN (` + strings.Join(from, `, `) + `)` +
		` AND NOT (status = 'FAILED' AND target <> 'FAILED' AND failure_retries >= ` + b.arg(int64(s.MaxRetries)) + `)`
}

// sweepChunk is how many rows a search changes in one transaction: commits wait for that.
const sweepChunk = 1000

// sweepJob does all that is left to do to the tasks of a job.
func (d *DB) sweepJob(ctx context.Context, jobID string) error {
	for d.sweeping.Load() {
		// Looked for as reads do: most jobs have none, and need not wait for those who write.
		left, err := list(ctx, d.engine, sweeps, sqlSweepOfJob, jobID)
		if err != nil || len(left) == 0 {
			return err
		}
		if _, err := d.sweepTasks(ctx, sweepChunk, sqlSweepOfJob, jobID); err != nil {
			return err
		}
	}
	return nil
}

var sqlSweptJobs = `SELECT step.job_id FROM step CROSS JOIN task_sweep
	WHERE step.step_id IN (` + idPlaceholders + `) AND task_sweep.job_id = step.job_id`

// sweepSteps is sweepJob for the jobs of some steps.
func (d *DB) sweepSteps(ctx context.Context, stepIDs []string) error {
	if !d.sweeping.Load() {
		return nil
	}
	for part := range slices.Chunk(stepIDs, idsAtOnce) {
		jobs, err := texts(ctx, d.engine, sqlSweptJobs, idArguments(part)...)
		if err != nil {
			return fmt.Errorf("look for sweeps: %w", err)
		}
		for _, id := range jobs {
			if err := d.sweepJob(ctx, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// sweepAll does a sweep to tasks that were read with all of their job.
func sweepAll(tasks []row.Task, s *row.Sweep) {
	for i := range tasks {
		if tasks[i].StepIndex == s.StepIndex {
			s.Apply(&tasks[i])
		}
	}
}
