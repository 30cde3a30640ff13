package store

import (
	"context"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

var workers = newTable("worker", 1, 4,
	"worker_id, farm_id, fleet_id, created_at, created_by, status, updated_at, updated_by, host_properties, capabilities, drain",
	func(v []any, r *row.Worker) []any {
		return append(v, r.WorkerID, r.FarmID, r.FleetID, r.CreatedAt, r.CreatedBy,
			r.Status.String(), r.UpdatedAt, r.UpdatedBy, document(r.HostProperties), document(r.Capabilities), string(r.Drain))
	},
	func(r *row.Worker) []any {
		return []any{
			&r.WorkerID, &r.FarmID, &r.FleetID, &r.CreatedAt, &r.CreatedBy,
			parsed[status.Worker]{&r.Status, status.ParseWorker},
			&r.UpdatedAt, &r.UpdatedBy, &r.HostProperties, &r.Capabilities, (*string)(&r.Drain),
		}
	})

var sqlWorker = workers.selectAll + ` WHERE worker_id = $1`

// Worker implements [Reader].
func (d *DB) Worker(ctx context.Context, workerID string) (*row.Worker, error) {
	return one(ctx, d.engine, workers, sqlWorker, workerID)
}

var sqlWorkers = workers.selectAll + `
	WHERE fleet_id = $1 AND (created_at, worker_id) > ($2, $3)
	ORDER BY created_at, worker_id LIMIT $4`

// Workers implements [Reader].
func (d *DB) Workers(ctx context.Context, fleetID string, after ResourceCursor, limit int) ([]row.Worker, error) {
	return list(ctx, d.engine, workers, sqlWorkers, fleetID, after.CreatedAt, after.ID, int64(limit))
}

const sqlCountWorkers = `SELECT count(*) FROM worker WHERE fleet_id = $1`

// CountWorkers implements [Reader].
func (d *DB) CountWorkers(ctx context.Context, fleetID string) (int64, error) {
	return number(ctx, d.engine, sqlCountWorkers, fleetID)
}

var associations = newTable("association", 3, 2,
	"farm_id, queue_id, fleet_id, created_at, created_by, status, updated_at, updated_by",
	func(v []any, r *row.Association) []any {
		return append(v, r.FarmID, r.QueueID, r.FleetID, r.CreatedAt, r.CreatedBy,
			r.Status.String(), r.UpdatedAt, r.UpdatedBy)
	},
	func(r *row.Association) []any {
		return []any{
			&r.FarmID, &r.QueueID, &r.FleetID, &r.CreatedAt, &r.CreatedBy,
			parsed[status.Association]{&r.Status, status.ParseAssociation},
			&r.UpdatedAt, &r.UpdatedBy,
		}
	})

var sqlAssociation = associations.selectAll + ` WHERE farm_id = $1 AND queue_id = $2 AND fleet_id = $3`

// Association implements [Reader].
func (d *DB) Association(ctx context.Context, key row.AssociationKey) (*row.Association, error) {
	return one(ctx, d.engine, associations, sqlAssociation, key.FarmID, key.QueueID, key.FleetID)
}

// A farm has few associations, so the filters need no indexes of their own.
var sqlAssociations = associations.selectAll + `
	WHERE farm_id = $1 AND (queue_id, fleet_id) > ($2, $3)
	AND ($4 = '' OR queue_id = $4) AND ($5 = '' OR fleet_id = $5)
	ORDER BY queue_id, fleet_id LIMIT $6`

// Associations implements [Reader].
func (d *DB) Associations(
	ctx context.Context, farmID, queueID, fleetID string, after row.AssociationKey, limit int,
) ([]row.Association, error) {
	return list(ctx, d.engine, associations, sqlAssociations,
		farmID, after.QueueID, after.FleetID, queueID, fleetID, int64(limit))
}
