package store

import (
	"context"

	"github.com/farmhand-render/farmhand/internal/store/row"
)

var jobs = newTable("job", 1, 6,
	"job_id, farm_id, queue_id, number, created_at, created_by, source_job_id, "+
		"name, lifecycle, task_status, priority, started_at, ended_at, updated_at, "+
		"description, lifecycle_message, target, counts, failure_retries, max_failed_tasks, max_retries, max_workers, "+
		"sessions, updated_by, storage_profile_id",
	func(v []any, r *row.Job) []any {
		return append(v, r.JobID, r.FarmID, r.QueueID, r.Number, r.CreatedAt, r.CreatedBy, r.SourceJobID,
			r.Name, r.Lifecycle.String(), r.TaskStatus.String(), int64(r.Priority), r.StartedAt, r.EndedAt, r.UpdatedAt,
			r.Description, r.LifecycleMessage, r.Target.String(), formatCounts(&r.Counts), r.FailureRetries,
			int64(r.MaxFailedTasks), int64(r.MaxRetries), int64(r.MaxWorkers), r.Sessions, r.UpdatedBy, r.StorageProfileID)
	},
	func(r *row.Job) []any {
		return []any{
			&r.JobID, &r.FarmID, &r.QueueID, &r.Number, &r.CreatedAt, &r.CreatedBy, &r.SourceJobID,
			&r.Name, lifecycle(&r.Lifecycle), taskStatus(&r.TaskStatus), &r.Priority, &r.StartedAt, &r.EndedAt, &r.UpdatedAt,
			&r.Description, &r.LifecycleMessage, taskStatus(&r.Target), counts(&r.Counts), &r.FailureRetries,
			&r.MaxFailedTasks, &r.MaxRetries, &r.MaxWorkers, &r.Sessions, &r.UpdatedBy, &r.StorageProfileID,
		}
	}).seldom(7)

var sqlJob = jobs.selectAll + ofJob + ` AND ` + jobIsThere

// Job implements [Reader].
func (d *DB) Job(ctx context.Context, jobID string) (*row.Job, error) {
	return one(ctx, d.engine, jobs, sqlJob, jobID)
}

var sqlJobs = jobs.selectAll + ` WHERE queue_id = $1 AND number < $2 ORDER BY number DESC LIMIT $3`

// Jobs implements [Reader].
func (d *DB) Jobs(ctx context.Context, queueID string, before int64, limit int) ([]row.Job, error) {
	if before == 0 {
		before = 1<<63 - 1
	}
	return list(ctx, d.engine, jobs, sqlJobs, queueID, before, int64(limit))
}

const sqlCountJobs = `SELECT count(*) FROM job WHERE queue_id = $1`

// CountJobs implements [Reader].
func (d *DB) CountJobs(ctx context.Context, queueID string) (int64, error) {
	return number(ctx, d.engine, sqlCountJobs, queueID)
}

var jobDocuments = newTable("job_document", 1, 0,
	"job_id, template_type, template, parameters, attachments, parameter_definitions, environments, extended",
	func(v []any, r *row.JobDocument) []any {
		return append(v, r.JobID, r.TemplateType, r.Template, document(r.Parameters), document(r.Attachments),
			document(r.ParameterDefinitions), document(r.Environments), document(r.Extended))
	},
	func(r *row.JobDocument) []any {
		return []any{
			&r.JobID, &r.TemplateType, &r.Template, &r.Parameters, &r.Attachments,
			&r.ParameterDefinitions, &r.Environments, &r.Extended,
		}
	})

var sqlJobDocument = jobDocuments.selectAll + ` WHERE job_id = $1`

// JobDocument implements [Reader].
func (d *DB) JobDocument(ctx context.Context, jobID string) (*row.JobDocument, error) {
	return one(ctx, d.engine, jobDocuments, sqlJobDocument, jobID)
}
