package store

import (
	"context"

	"github.com/farmhand-render/farmhand/internal/store/row"
)

var memberships = newTable("membership", 2, 5,
	"resource_id, principal_id, resource_type, farm_id, queue_id, created_at, created_by, "+
		"updated_at, updated_by, principal_type, identity_store_id, level",
	func(v []any, r *row.Membership) []any {
		return append(v, r.ResourceID, r.PrincipalID, r.ResourceType, r.FarmID, r.QueueID, r.CreatedAt, r.CreatedBy,
			r.UpdatedAt, r.UpdatedBy, r.PrincipalType, r.IdentityStoreID, r.Level)
	},
	func(r *row.Membership) []any {
		return []any{
			&r.ResourceID, &r.PrincipalID, &r.ResourceType, &r.FarmID, &r.QueueID, &r.CreatedAt, &r.CreatedBy,
			&r.UpdatedAt, &r.UpdatedBy, &r.PrincipalType, &r.IdentityStoreID, &r.Level,
		}
	})

var sqlMembership = memberships.selectAll + ` WHERE resource_id = $1 AND principal_id = $2 AND ` + membershipIsThere

// Membership implements [Reader].
func (d *DB) Membership(ctx context.Context, key row.MembershipKey) (*row.Membership, error) {
	return one(ctx, d.engine, memberships, sqlMembership, key.ResourceID, key.PrincipalID)
}

var sqlMembers = memberships.selectAll + `
	WHERE resource_id = $1 AND (created_at, principal_id) > ($2, $3)
	ORDER BY created_at, principal_id LIMIT $4`

// Members implements [Reader].
func (d *DB) Members(ctx context.Context, resourceID string, after ResourceCursor, limit int) ([]row.Membership, error) {
	return list(ctx, d.engine, memberships, sqlMembers, resourceID, after.CreatedAt, after.ID, int64(limit))
}

const sqlCountMembers = `SELECT count(*) FROM membership WHERE resource_id = $1`

// CountMembers implements [Reader].
func (d *DB) CountMembers(ctx context.Context, resourceID string) (int64, error) {
	return number(ctx, d.engine, sqlCountMembers, resourceID)
}

var sqlMemberships = memberships.selectAll + `
	WHERE principal_id = $1 AND resource_type = $2 AND (farm_id, resource_id) > ($3, $4) AND ` + membershipIsThere + `
	ORDER BY farm_id, resource_id LIMIT $5`

// Memberships implements [Reader].
func (d *DB) Memberships(
	ctx context.Context, principalID, resourceType string, after MembershipCursor, limit int,
) ([]row.Membership, error) {
	return list(ctx, d.engine, memberships, sqlMemberships,
		principalID, resourceType, after.FarmID, after.ResourceID, int64(limit))
}

// Members go with the resource that they are members of.
const (
	sqlDeleteMembership = `DELETE FROM membership WHERE resource_id = $1 AND principal_id = $2`
	sqlDeleteMembers    = `DELETE FROM membership WHERE resource_id = $1`
)
