package store

import (
	"context"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

var limitAssociations = newTable("limit_association", 3, 2,
	"farm_id, queue_id, limit_id, created_at, created_by, status, updated_at, updated_by",
	func(v []any, r *row.LimitAssociation) []any {
		return append(v, r.FarmID, r.QueueID, r.LimitID, r.CreatedAt, r.CreatedBy, r.Status.String(), r.UpdatedAt, r.UpdatedBy)
	},
	func(r *row.LimitAssociation) []any {
		return []any{
			&r.FarmID, &r.QueueID, &r.LimitID, &r.CreatedAt, &r.CreatedBy,
			parsed[status.Association]{&r.Status, status.ParseAssociation},
			&r.UpdatedAt, &r.UpdatedBy,
		}
	})

const sqlDeleteLimitAssociation = `DELETE FROM limit_association WHERE farm_id = $1 AND queue_id = $2 AND limit_id = $3`

var sqlLimitAssociation = limitAssociations.selectAll + ` WHERE farm_id = $1 AND queue_id = $2 AND limit_id = $3`

// LimitAssociation implements [Reader].
func (d *DB) LimitAssociation(ctx context.Context, key row.LimitAssociationKey) (*row.LimitAssociation, error) {
	return one(ctx, d.engine, limitAssociations, sqlLimitAssociation, key.FarmID, key.QueueID, key.LimitID)
}

var sqlLimitAssociations = limitAssociations.selectAll + `
	WHERE farm_id = $1 AND (queue_id, limit_id) > ($2, $3) AND ($4 = '' OR queue_id = $4) AND ($5 = '' OR limit_id = $5)
	ORDER BY queue_id, limit_id LIMIT $6`

// LimitAssociations implements [Reader].
func (d *DB) LimitAssociations(
	ctx context.Context, farmID, queueID, limitID string, after row.LimitAssociationKey, limit int,
) ([]row.LimitAssociation, error) {
	return list(ctx, d.engine, limitAssociations, sqlLimitAssociations,
		farmID, after.QueueID, after.LimitID, queueID, limitID, int64(limit))
}
