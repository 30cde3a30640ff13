package store

import (
	"context"
	"fmt"

	"github.com/farmhand-render/farmhand/internal/store/row"
)

// The conditions of the indexes job_over, job_never_made and job_archived.
var (
	sqlOverJobs = jobs.selectAll + ` WHERE farm_id = $1 AND ended_at < $2 AND updated_at < $2
		AND lifecycle <> 'ARCHIVED' AND task_status IN ('NOT_COMPATIBLE', 'FAILED', 'CANCELED', 'SUCCEEDED') AND ` + jobIsThere + `
		ORDER BY ended_at LIMIT $3`
	sqlNeverMadeJobs = jobs.selectAll + ` WHERE farm_id = $1 AND created_at < $2 AND updated_at < $2
		AND lifecycle = 'CREATE_FAILED' AND ` + jobIsThere + ` ORDER BY created_at LIMIT $3`
	sqlArchivedJobs = jobs.selectAll + ` WHERE farm_id = $1 AND updated_at < $2 AND lifecycle = 'ARCHIVED' AND ` + jobIsThere + ` ORDER BY updated_at LIMIT $3`
)

// OverJobs implements [Reader].
func (d *DB) OverJobs(ctx context.Context, farmID string, before int64, limit int) ([]row.Job, error) {
	over, err := list(ctx, d.engine, jobs, sqlOverJobs, farmID, before, int64(limit))
	if err != nil || len(over) == limit {
		return over, err
	}
	never, err := list(ctx, d.engine, jobs, sqlNeverMadeJobs, farmID, before, int64(limit-len(over)))
	return append(over, never...), err
}

// ArchivedJobs implements [Reader].
func (d *DB) ArchivedJobs(ctx context.Context, farmID string, before int64, limit int) ([]row.Job, error) {
	return list(ctx, d.engine, jobs, sqlArchivedJobs, farmID, before, int64(limit))
}

var sqlTagged = tagsTable.selectAll + ` WHERE arn > $1 ORDER BY arn LIMIT $2`

// Tagged implements [Reader].
func (d *DB) Tagged(ctx context.Context, after string, limit int) ([]row.Tags, error) {
	return list(ctx, d.engine, tagsTable, sqlTagged, after, int64(limit))
}

// A farm's usage is deleted by the half hour, the oldest first.
const sqlPurgeUsage = `DELETE FROM usage_job WHERE farm_id = $1 AND period < $2
	AND period = (SELECT min(period) FROM usage_job WHERE farm_id = $1)`

// The usage of a farm that was deleted goes by the half hour, too, from both tables.
var sqlPurgeFarm = []string{
	`DELETE FROM usage_job WHERE farm_id = $1 AND period = (SELECT min(period) FROM usage_job WHERE farm_id = $1)`,
	`DELETE FROM usage_total WHERE farm_id = $1 AND period = (SELECT min(period) FROM usage_total WHERE farm_id = $1)`,
}

const sqlUsageFarms = `SELECT DISTINCT farm_id FROM usage_total WHERE farm_id > $1 ORDER BY farm_id LIMIT $2`

// UsageFarms implements [Reader].
func (d *DB) UsageFarms(ctx context.Context, after string, limit int) ([]string, error) {
	ids, err := texts(ctx, d.engine, sqlUsageFarms, after, int64(limit))
	if err != nil {
		return nil, fmt.Errorf("list the farms that have usage: %w", err)
	}
	return ids, nil
}

// PurgeFarm implements [Store].
func (d *DB) PurgeFarm(ctx context.Context, farmID string) (purged int64, err error) {
	err = d.engine.Update(ctx, func(tx Tx) (err error) {
		purged, err = execAll(ctx, tx, sqlPurgeFarm, farmID)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("purge farm %s: %w", farmID, err)
	}
	return purged, nil
}

// PurgeUsage implements [Store].
func (d *DB) PurgeUsage(ctx context.Context, farmID string, before int64) (int64, error) {
	var purged int64
	err := d.engine.Update(ctx, func(tx Tx) (err error) {
		purged, err = tx.Exec(ctx, sqlPurgeUsage, farmID, before)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("purge the usage of farm %s: %w", farmID, err)
	}
	return purged, nil
}
