package retention

import (
	"context"
	"fmt"

	"github.com/farmhand-render/farmhand/internal/store/row"
)

// Purge deletes what deleted queues and jobs have left, in steps of Chunk rows. Nobody sees it any more, so it may end at any point and
// is taken up where it ended, also by another process.
func (k *Keeper) Purge(ctx context.Context) error {
	if err := k.purgeQueues(ctx); err != nil {
		return err
	}
	return k.purgeJobs(ctx)
}

func (k *Keeper) purgeQueues(ctx context.Context) error {
	for after := ""; ; {
		queues, err := k.Store.DeletedQueues(ctx, after, jobsAtOnce)
		if err != nil {
			return err
		}
		for _, after = range queues {
			if err := k.purge(ctx, k.Store.PurgeQueue, after); err != nil {
				return fmt.Errorf("queue %s: %w", after, err)
			}
		}
		if len(queues) < jobsAtOnce {
			return nil
		}
	}
}

func (k *Keeper) purgeJobs(ctx context.Context) error {
	for after := ""; ; {
		jobs, err := k.Store.DeletedJobs(ctx, after, jobsAtOnce)
		if err != nil {
			return err
		}
		for i := range jobs {
			after = jobs[i].JobID
			err := k.dropJobLogs(ctx, &jobs[i])
			if err == nil {
				err = k.purge(ctx, k.Store.PurgeJob, after)
			}
			if err != nil {
				return fmt.Errorf("job %s: %w", after, err)
			}
		}
		if len(jobs) < jobsAtOnce {
			return nil
		}
	}
}

// purge purges one thing until nothing is left of it.
func (k *Keeper) purge(ctx context.Context, some func(ctx context.Context, id string, limit int) (int64, error), id string) error {
	for {
		var n int64
		err := k.step(ctx, func() (err error) {
			n, err = some(ctx, id, k.Chunk)
			return err
		})
		if err != nil || n < int64(k.Chunk) {
			return err
		}
	}
}

// dropJobLogs deletes the logs of a job's sessions, as far as the sessions are not purged yet.
func (k *Keeper) dropJobLogs(ctx context.Context, j *row.DeletedJob) error {
	for from := int64(0); ; {
		sessions, err := k.Store.Sessions(ctx, j.JobID, from, k.Chunk)
		if err != nil {
			return err
		}
		for i := range sessions {
			err := k.Logs.DeleteStream(k.Group(j.FarmID, j.QueueID), sessions[i].SessionID)
			if err != nil && !k.NoLog(err) {
				return err
			}
			from = sessions[i].Seq + 1
		}
		if len(sessions) < k.Chunk {
			return nil
		}
	}
}
