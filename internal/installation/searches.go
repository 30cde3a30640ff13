package installation

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// loadSearches reads the workers of all fleets, and the jobs and steps of all queues, into memory, so that the first search of each
// does not wait for that. What cannot be read now is read by the first search.
func (i *Installation) loadSearches(ctx context.Context) error {
	for _, kind := range []row.Kind{row.KindFleet, row.KindQueue} {
		if err := i.each(ctx, kind, i.store.LoadSearches); err != nil && ctx.Err() == nil {
			i.config.Logger.LogAttrs(ctx, slog.LevelWarn, "the first searches of some queues or fleets will take longer", slog.Any("error", err))
		}
	}
	return nil
}

// each calls f with the resources of a kind of all farms.
func (i *Installation) each(ctx context.Context, kind row.Kind, f func(ctx context.Context, key row.ResourceKey) error) error {
	const atOnce = 100
	farms, err := i.store.FarmIDs(ctx)
	if err != nil {
		return fmt.Errorf("list farms: %w", err)
	}
	for _, farm := range farms {
		for after, more := (store.ResourceCursor{}), true; more; {
			found, err := i.store.Resources(ctx, kind, farm, after, atOnce)
			if err != nil {
				return fmt.Errorf("list each %s of farm %s: %w", kind, farm, err)
			}
			for _, r := range found {
				if err := f(ctx, row.ResourceKey{Kind: kind, ID: r.ID}); err != nil {
					return err
				}
				after = store.ResourceCursor{CreatedAt: r.CreatedAt, ID: r.ID}
			}
			more = len(found) == atOnce
		}
	}
	return nil
}
