package store

import (
	"context"
	"fmt"
)

// The transaction that deletes a queue deletes the queue's own rows and writes one to deleted_queue. That row hides the queue's jobs,
// with all that belongs to them, until [DB.PurgeQueue] has deleted those, a few rows at a time.
const (
	sqlDeleteQueue = `INSERT INTO deleted_queue (queue_id) VALUES ($1) ON CONFLICT (queue_id) DO NOTHING`
	sqlForgetQueue = `DELETE FROM deleted_queue WHERE queue_id = $1`

	sqlDeletedQueues = `SELECT queue_id FROM deleted_queue WHERE queue_id > $1 ORDER BY queue_id LIMIT $2`
	sqlFirstJob      = `SELECT job_id FROM job WHERE queue_id = $1 ORDER BY number LIMIT 1`

	// The conditions of reads that do not name a queue.
	jobIsThere        = `NOT EXISTS (SELECT 1 FROM deleted_queue WHERE deleted_queue.queue_id = job.queue_id)`
	sessionIsThere    = `NOT EXISTS (SELECT 1 FROM deleted_queue WHERE deleted_queue.queue_id = session.queue_id)`
	membershipIsThere = `NOT EXISTS (SELECT 1 FROM deleted_queue WHERE deleted_queue.queue_id = membership.queue_id)`
)

// DeletedQueues implements [Reader].
func (d *DB) DeletedQueues(ctx context.Context, after string, limit int) ([]string, error) {
	ids, err := texts(ctx, d.engine, sqlDeletedQueues, after, int64(limit))
	if err != nil {
		return nil, fmt.Errorf("list deleted queues: %w", err)
	}
	return ids, nil
}

// PurgeQueue implements [Store].
func (d *DB) PurgeQueue(ctx context.Context, queueID string, limit int) (int64, error) {
	var purged int64
	err := d.engine.Update(ctx, func(tx Tx) error {
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
			if err != nil {
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

// purgeJob deletes up to limit of a job's many rows, and then the job. It returns how many rows it deleted.
func purgeJob(ctx context.Context, tx Tx, jobID string, limit int64) (int64, error) {
	purged, err := trim(ctx, tx, jobID, limit)
	if err != nil || purged >= limit {
		return purged, err
	}
	for _, sql := range append([]string{sqlDeleteMembers}, sqlDeleteJob...) {
		n, err := tx.Exec(ctx, sql, jobID)
		if err != nil {
			return purged, err
		}
		purged += n
	}
	return purged, nil
}
