package store

import (
	"context"
	"fmt"

	"github.com/farmhand-render/farmhand/internal/store/row"
)

// What may be very many rows is not deleted in the transaction of a command. That transaction deletes a queue's, or a job's, own few
// rows and writes one to deleted_queue or deleted_job, so that nothing of it is there any more for any read. The rest is purged later,
// some rows at a time.
const (
	sqlDeleteQueue = `INSERT INTO deleted_queue (queue_id) VALUES ($1) ON CONFLICT (queue_id) DO NOTHING`
	sqlDeleteJob   = `INSERT INTO deleted_job (job_id, farm_id, queue_id) SELECT job_id, farm_id, queue_id FROM job WHERE job_id = $1
		ON CONFLICT (job_id) DO NOTHING`
	sqlForgetQueue = `DELETE FROM deleted_queue` + ofQueue
	sqlForgetJob   = `DELETE FROM deleted_job` + ofJob

	sqlDeletedQueues = `SELECT queue_id FROM deleted_queue WHERE queue_id > $1 ORDER BY queue_id LIMIT $2`
	sqlDeletedJobs   = `SELECT job_id, farm_id, queue_id FROM deleted_job WHERE job_id > $1 ORDER BY job_id LIMIT $2`
	sqlIsDeletedJob  = `SELECT job_id FROM deleted_job` + ofJob
	sqlFirstJob      = `SELECT job_id FROM job WHERE queue_id = $1 AND NOT (` + jobIsThere + `) ORDER BY number LIMIT 1`

	ofQueue = ` WHERE queue_id = $1`

	// The conditions of reads that name neither a queue nor a job that was found before.
	jobIsThere        = `NOT EXISTS (SELECT 1 FROM deleted_queue WHERE deleted_queue.queue_id = job.queue_id)`
	membershipIsThere = `NOT EXISTS (SELECT 1 FROM deleted_queue WHERE deleted_queue.queue_id = membership.queue_id)`
	sessionIsThere    = `NOT EXISTS (SELECT 1 FROM deleted_queue WHERE deleted_queue.queue_id = session.queue_id)
		AND NOT EXISTS (SELECT 1 FROM deleted_job WHERE deleted_job.job_id = session.job_id)`
)

// The rows of a job: those that a deletion deletes at once, and those that it leaves to be purged.
var (
	sqlDeleteJobRows = []string{
		sqlDeleteMembers, `DELETE FROM job_document` + ofJob, `DELETE FROM job` + ofJob,
	}
	sqlPurgeJobRows = []string{
		`DELETE FROM session_action WHERE job_id = $1 AND (session_seq, action_index) IN (
			SELECT session_seq, action_index FROM session_action WHERE job_id = $1 ORDER BY session_seq, action_index LIMIT $2)`,
		`DELETE FROM task WHERE job_id = $1 AND (step_index, task_index) IN (
			SELECT step_index, task_index FROM task WHERE job_id = $1 ORDER BY step_index, task_index LIMIT $2)`,
		`DELETE FROM session WHERE job_id = $1 AND seq IN (
			SELECT seq FROM session WHERE job_id = $1 ORDER BY seq LIMIT $2)`,
		`DELETE FROM step_document WHERE job_id = $1 AND step_index IN (
			SELECT step_index FROM step_document WHERE job_id = $1 ORDER BY step_index LIMIT $2)`,
		`DELETE FROM step WHERE job_id = $1 AND step_index IN (
			SELECT step_index FROM step WHERE job_id = $1 ORDER BY step_index LIMIT $2)`,
	}
)

// DeletedQueues implements [Reader].
func (d *DB) DeletedQueues(ctx context.Context, after string, limit int) ([]string, error) {
	ids, err := texts(ctx, d.engine, sqlDeletedQueues, after, int64(limit))
	if err != nil {
		return nil, fmt.Errorf("list deleted queues: %w", err)
	}
	return ids, nil
}

// DeletedJobs implements [Reader].
func (d *DB) DeletedJobs(ctx context.Context, after string, limit int) (jobs []row.DeletedJob, err error) {
	err = d.engine.Query(ctx, sqlDeletedJobs, []any{after, int64(limit)}, func(s Scanner) error {
		var j row.DeletedJob
		err := s.Scan(&j.JobID, &j.FarmID, &j.QueueID)
		jobs = append(jobs, j)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list deleted jobs: %w", err)
	}
	return jobs, nil
}

// PurgeJob implements [Store].
func (d *DB) PurgeJob(ctx context.Context, jobID string, limit int) (purged int64, err error) {
	err = d.engine.Update(ctx, func(tx Tx) error {
		purged = 0
		deleted, err := texts(ctx, tx, sqlIsDeletedJob, jobID)
		if err != nil || len(deleted) == 0 {
			return err
		}
		if purged, err = purgeJob(ctx, tx, jobID, int64(limit)); err == nil && purged < int64(limit) {
			_, err = tx.Exec(ctx, sqlForgetJob, jobID)
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("purge job %s: %w", jobID, err)
	}
	return purged, nil
}

// PurgeQueue implements [Store].
func (d *DB) PurgeQueue(ctx context.Context, queueID string, limit int) (purged int64, err error) {
	err = d.engine.Update(ctx, func(tx Tx) error {
		purged = 0
		for purged < int64(limit) {
			jobIDs, err := texts(ctx, tx, sqlFirstJob, queueID)
			if err != nil {
				return err
			}
			if len(jobIDs) == 0 {
				_, err := tx.Exec(ctx, sqlForgetQueue, queueID)
				return err
			}
			n, err := purgeJob(ctx, tx, jobIDs[0], int64(limit)-purged)
			if purged += n; err != nil || purged >= int64(limit) {
				return err
			}
			if n, err = execAll(ctx, tx, sqlDeleteJobRows, jobIDs[0]); err != nil {
				return err
			}
			purged += n
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("purge queue %s: %w", queueID, err)
	}
	return purged, nil
}

// purgeJob deletes up to limit of the rows that a job leaves, and returns how many.
func purgeJob(ctx context.Context, tx Tx, jobID string, limit int64) (purged int64, err error) {
	for _, sql := range sqlPurgeJobRows {
		n, err := tx.Exec(ctx, sql, jobID, limit-purged)
		if err != nil {
			return purged, err
		}
		if purged += n; purged >= limit {
			break
		}
	}
	return purged, nil
}

// execAll runs statements with one argument and returns how many rows they changed.
func execAll(ctx context.Context, tx Tx, statements []string, arg any) (changed int64, err error) {
	for _, sql := range statements {
		n, err := tx.Exec(ctx, sql, arg)
		if err != nil {
			return changed, err
		}
		changed += n
	}
	return changed, nil
}
