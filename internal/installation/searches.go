package installation

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// loadSearches reads the jobs and steps of all queues into memory, so that the first search of each does not wait for that. What
// cannot be read now is read by the first search.
func (i *Installation) loadSearches(ctx context.Context) error {
	if err := i.eachQueue(ctx, i.store.LoadSearches); err != nil && ctx.Err() == nil {
		i.config.Logger.LogAttrs(ctx, slog.LevelWarn, "the first searches of some queues will take longer", slog.Any("error", err))
	}
	return nil
}

func (i *Installation) eachQueue(ctx context.Context, f func(ctx context.Context, queueID string) error) error {
	const atOnce = 100
	farms, err := i.store.FarmIDs(ctx)
	if err != nil {
		return fmt.Errorf("list farms: %w", err)
	}
	for _, farm := range farms {
		for after, more := (store.ResourceCursor{}), true; more; {
			queues, err := i.store.Resources(ctx, row.KindQueue, farm, after, atOnce)
			if err != nil {
				return fmt.Errorf("list the queues of farm %s: %w", farm, err)
			}
			for _, queue := range queues {
				if err := f(ctx, queue.ID); err != nil {
					return err
				}
				after = store.ResourceCursor{CreatedAt: queue.CreatedAt, ID: queue.ID}
			}
			more = len(queues) == atOnce
		}
	}
	return nil
}
