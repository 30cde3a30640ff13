package migrate

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pressly/goose/v3"

	"github.com/farmhand-render/farmhand/internal/store"
)

// Up applies the store's migrations that the database has not seen. rewrite gives each text the form that the engine
// wants. A migration may be younger than one with a higher number: such numbers come from work that went on side by side.
func Up(ctx context.Context, dialect goose.Dialect, db *sql.DB, rewrite func(text []byte) []byte) error {
	provider, err := goose.NewProvider(dialect, db, rewritten{store.Migrations(), rewrite},
		goose.WithDisableGlobalRegistry(true), goose.WithAllowOutofOrder(true))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	var known int64
	for _, s := range provider.ListSources() {
		known = max(known, s.Version)
	}
	found, err := provider.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if found > known {
		return fmt.Errorf("the database has schema version %d, this program knows %d: it was used by a newer release",
			found, known)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}
