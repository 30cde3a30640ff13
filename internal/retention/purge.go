package retention

import (
	"context"
	"fmt"
)

// Purge deletes what deleted queues have left, in steps of Chunk rows. Nobody sees it any more, so it may end at any point and is
// taken up where it ended, also by another process.
func (k *Keeper) Purge(ctx context.Context) error {
	for after := ""; ; {
		queues, err := k.Store.DeletedQueues(ctx, after, jobsAtOnce)
		if err != nil {
			return err
		}
		for _, after = range queues {
			if err := k.purgeQueue(ctx, after); err != nil {
				return fmt.Errorf("queue %s: %w", after, err)
			}
		}
		if len(queues) < jobsAtOnce {
			return nil
		}
	}
}

func (k *Keeper) purgeQueue(ctx context.Context, id string) error {
	for {
		var n int64
		err := k.step(ctx, func() (err error) {
			n, err = k.Store.PurgeQueue(ctx, id, k.Chunk)
			return err
		})
		if err != nil || n < int64(k.Chunk) {
			return err
		}
	}
}
