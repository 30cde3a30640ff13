package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/farmhand-render/farmhand/internal/store/row"
)

var resources = newTable("resource", 2, 4,
	"kind, resource_id, farm_id, parent_id, created_at, created_by, updated_at, updated_by, doc",
	func(v []any, r *row.Resource) []any {
		return append(v, string(r.Kind), r.ID, r.FarmID, r.ParentID,
			r.CreatedAt, r.CreatedBy, r.UpdatedAt, r.UpdatedBy, document(r.Doc))
	},
	func(r *row.Resource) []any {
		return []any{
			&r.Kind, &r.ID, &r.FarmID, &r.ParentID,
			&r.CreatedAt, &r.CreatedBy, &r.UpdatedAt, &r.UpdatedBy, &r.Doc,
		}
	})

var sqlResource = resources.selectAll + ` WHERE kind = $1 AND resource_id = $2`

// Resource implements [Reader].
func (d *DB) Resource(ctx context.Context, kind row.Kind, id string) (*row.Resource, error) {
	return one(ctx, d.engine, resources, sqlResource, string(kind), id)
}

var sqlResources = resources.selectAll + `
	WHERE kind = $1 AND parent_id = $2 AND (created_at, resource_id) > ($3, $4)
	ORDER BY created_at, resource_id LIMIT $5`

// Resources implements [Reader].
func (d *DB) Resources(
	ctx context.Context, kind row.Kind, parentID string, after ResourceCursor, limit int,
) ([]row.Resource, error) {
	return list(ctx, d.engine, resources, sqlResources, string(kind), parentID, after.CreatedAt, after.ID, int64(limit))
}

const sqlCountResources = `SELECT count(*) FROM resource WHERE kind = $1 AND parent_id = $2`

// CountResources implements [Reader].
func (d *DB) CountResources(ctx context.Context, kind row.Kind, parentID string) (int64, error) {
	return number(ctx, d.engine, sqlCountResources, string(kind), parentID)
}

const sqlFarmIDs = `SELECT resource_id FROM resource WHERE kind = 'farm' ORDER BY resource_id`

// FarmIDs implements [Reader].
func (d *DB) FarmIDs(ctx context.Context) ([]string, error) {
	ids, err := texts(ctx, d.engine, sqlFarmIDs)
	if err != nil {
		return nil, fmt.Errorf("list farms: %w", err)
	}
	return ids, nil
}

var tagsTable = newTable("tags", 1, 0, "arn, tags",
	func(v []any, r *row.Tags) []any { return append(v, r.ARN, jsonText(r.Tags)) },
	func(r *row.Tags) []any {
		return []any{&r.ARN, parsed[map[string]string]{&r.Tags, func(text string) (v map[string]string, err error) {
			err = json.Unmarshal([]byte(text), &v)
			return v, err
		}}}
	})

var sqlTags = tagsTable.selectAll + ` WHERE arn = $1`

// Tags implements [Reader].
func (d *DB) Tags(ctx context.Context, arn string) (map[string]string, error) {
	r, err := one(ctx, d.engine, tagsTable, sqlTags, arn)
	if errors.Is(err, ErrNotFound) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, err
	}
	return r.Tags, nil
}

var requestTokens = newTable("request_token", 3, 0,
	"principal, operation, token, hash, response, created_at",
	func(v []any, r *row.RequestToken) []any {
		return append(v, r.Principal, r.Operation, r.Token, r.Hash[:], document(r.Response), r.CreatedAt)
	},
	func(r *row.RequestToken) []any {
		hash := parsed[[32]byte]{&r.Hash, func(text string) (h [32]byte, err error) {
			if len(text) != len(h) {
				return h, fmt.Errorf("request hash of %d bytes", len(text))
			}
			return [32]byte([]byte(text)), nil
		}}
		return []any{&r.Principal, &r.Operation, &r.Token, hash, &r.Response, &r.CreatedAt}
	})

var sqlRequestToken = requestTokens.selectAll + ` WHERE principal = $1 AND operation = $2 AND token = $3`

// RequestToken implements [Reader].
func (d *DB) RequestToken(ctx context.Context, principal, operation, token string) (*row.RequestToken, error) {
	return one(ctx, d.engine, requestTokens, sqlRequestToken, principal, operation, token)
}

const sqlPurgeTokens = `DELETE FROM request_token WHERE (principal, operation, token) IN (
	SELECT principal, operation, token FROM request_token WHERE created_at < $1 ORDER BY created_at LIMIT $2)`

// PurgeTokens implements [Store].
func (d *DB) PurgeTokens(ctx context.Context, before int64, limit int) (int64, error) {
	var purged int64
	err := d.engine.Update(ctx, func(tx Tx) (err error) {
		purged, err = tx.Exec(ctx, sqlPurgeTokens, before, int64(limit))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("purge request tokens: %w", err)
	}
	return purged, nil
}
