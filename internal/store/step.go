package store

import (
	"context"

	"github.com/farmhand-render/farmhand/internal/store/row"
)

var steps = newTable("step", 2, 3,
	"job_id, step_index, step_id, created_at, created_by, name, description, lifecycle, lifecycle_message, "+
		"task_status, target, counts, failure_retries, tasks, next_task, rest, rest_target, "+
		"rest_updated_at, rest_updated_by, started_at, ended_at, updated_at, updated_by, sweeps, earliest, latest, targeted",
	func(v []any, r *row.Step) []any {
		return append(v, r.JobID, int64(r.StepIndex), r.StepID, r.CreatedAt, r.CreatedBy, r.Name, r.Description,
			r.Lifecycle.String(), r.LifecycleMessage, r.TaskStatus.String(), r.Target.String(), formatCounts(&r.Counts),
			r.FailureRetries, r.Tasks, r.Cursor, r.Rest.String(), r.RestTarget.String(),
			r.RestUpdatedAt, r.RestUpdatedBy, r.StartedAt, r.EndedAt, r.UpdatedAt, r.UpdatedBy, r.Sweeps,
			r.Earliest, r.Latest, formatYes(r.Targeted))
	},
	func(r *row.Step) []any {
		return []any{
			&r.JobID, &r.StepIndex, &r.StepID, &r.CreatedAt, &r.CreatedBy, &r.Name, &r.Description,
			lifecycle(&r.Lifecycle), &r.LifecycleMessage, taskStatus(&r.TaskStatus), taskStatus(&r.Target), counts(&r.Counts),
			&r.FailureRetries, &r.Tasks, &r.Cursor, taskStatus(&r.Rest), taskStatus(&r.RestTarget),
			&r.RestUpdatedAt, &r.RestUpdatedBy, &r.StartedAt, &r.EndedAt, &r.UpdatedAt, &r.UpdatedBy, &r.Sweeps,
			&r.Earliest, &r.Latest, yes(&r.Targeted),
		}
	})

var sqlStepByID = steps.selectAll + ` WHERE step_id = $1`

// StepByID implements [Reader].
func (d *DB) StepByID(ctx context.Context, stepID string) (*row.Step, error) {
	return one(ctx, d.engine, steps, sqlStepByID, stepID)
}

var sqlSteps = steps.selectAll + ` WHERE job_id = $1 AND step_index >= $2 ORDER BY step_index LIMIT $3`

// Steps implements [Reader].
func (d *DB) Steps(ctx context.Context, jobID string, from int32, limit int) ([]row.Step, error) {
	return list(ctx, d.engine, steps, sqlSteps, jobID, int64(from), int64(limit))
}

var stepDocuments = newTable("step_document", 2, 0,
	"job_id, step_index, step_id, template, space, requirements, dependencies, environments, symbols",
	func(v []any, r *row.StepDocument) []any {
		return append(v, r.JobID, int64(r.StepIndex), r.StepID, document(r.Template), document(r.Space),
			document(r.Requirements), jsonText(r.Dependencies), jsonText(r.Environments), document(r.Symbols))
	},
	func(r *row.StepDocument) []any {
		return []any{
			&r.JobID, &r.StepIndex, &r.StepID, &r.Template, &r.Space,
			&r.Requirements, listOf(&r.Dependencies), listOf(&r.Environments), &r.Symbols,
		}
	})

var sqlStepDocument = stepDocuments.selectAll + ` WHERE job_id = $1 AND step_index = $2`

// StepDocument implements [Reader].
func (d *DB) StepDocument(ctx context.Context, jobID string, stepIndex int32) (*row.StepDocument, error) {
	return one(ctx, d.engine, stepDocuments, sqlStepDocument, jobID, int64(stepIndex))
}

var sqlStepDocuments = stepDocuments.selectAll + ` WHERE job_id = $1 ORDER BY step_index`

// StepDocuments implements [Reader].
func (d *DB) StepDocuments(ctx context.Context, jobID string) ([]row.StepDocument, error) {
	return list(ctx, d.engine, stepDocuments, sqlStepDocuments, jobID)
}

var tasks = newTable("task", 3, 0,
	"job_id, step_index, task_index, status, target, failure_retries, "+
		"started_at, ended_at, updated_at, updated_by, latest_action, sweep",
	func(v []any, r *row.Task) []any {
		return append(v, r.JobID, int64(r.StepIndex), r.TaskIndex, r.Status.String(), r.Target.String(),
			int64(r.FailureRetries), r.StartedAt, r.EndedAt, r.UpdatedAt, r.UpdatedBy, r.LatestAction, r.Sweep)
	},
	func(r *row.Task) []any {
		return []any{
			&r.JobID, &r.StepIndex, &r.TaskIndex, taskStatus(&r.Status), taskStatus(&r.Target),
			&r.FailureRetries, &r.StartedAt, &r.EndedAt, &r.UpdatedAt, &r.UpdatedBy, &r.LatestAction, &r.Sweep,
		}
	})

var sqlTasks = tasks.selectAll + `
	WHERE job_id = $1 AND step_index = $2 AND task_index >= $3 AND task_index < $4 ORDER BY task_index`

// Tasks implements [Reader].
func (d *DB) Tasks(ctx context.Context, jobID string, stepIndex int32, from, to int64) ([]row.Task, error) {
	if !d.sweeping.Load() {
		return list(ctx, d.engine, tasks, sqlTasks, jobID, int64(stepIndex), from, to)
	}
	var found []row.Task
	err := d.engine.View(ctx, func(q Querier) error {
		left, err := list(ctx, q, sweeps, sqlSweepsOfStep, jobID, int64(stepIndex))
		if err != nil {
			return err
		}
		found, err = list(ctx, q, tasks, sqlTasks, jobID, int64(stepIndex), from, to)
		for i := range left {
			sweepAll(found, &left[i])
		}
		return err
	})
	return found, err
}
