package sqlite

import (
	"bytes"
	"context"
	"database/sql"

	"github.com/pressly/goose/v3"

	"github.com/farmhand-render/farmhand/internal/store/migrate"
)

// migrateSchema brings the schema up to date. Tables that are marked as clustered are stored in order of their primary key.
func migrateSchema(ctx context.Context, db *sql.DB) error {
	return typed(migrate.Up(ctx, goose.DialectSQLite3, db, func(text []byte) []byte {
		text = migrate.Only("sqlite", text)
		return bytes.ReplaceAll(text, []byte(") /* clustered */;"), []byte(") WITHOUT ROWID;"))
	}))
}
