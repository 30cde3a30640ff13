package retention

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/farmhand-render/farmhand/internal/committer"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store"
)

// Policy says how long jobs are kept. A negative time keeps them for ever, 0 is the default.
type Policy struct {
	ArchiveAfter time.Duration // without any change after the job was over; default 120 days
	DeleteAfter  time.Duration // after it was archived; default 120 days, as AWS has it
}

// The defaults of a [Policy].
const (
	DefaultArchiveAfter = 120 * 24 * time.Hour
	DefaultDeleteAfter  = 120 * 24 * time.Hour
)

// usageLife is how long the usage of single jobs can be asked for.
const usageLife = 400 * 24 * time.Hour

// By is who archives jobs, as their updatedBy tells.
const By = "retention"

// Logs is the store of session logs.
type Logs interface {
	Groups(prefix string) ([]string, error)
	DeleteGroup(group string) error
	DeleteStream(group, stream string) error
}

// Config is what a [Keeper] needs.
type Config struct {
	Policy    Policy
	Store     store.Store
	Committer *committer.Committer
	Logs      Logs
	// Group names the log group of a queue or a fleet.
	Group func(farmID, resourceID string) string
	// NoLog reports whether an error of Logs says that there is nothing to delete.
	NoLog func(error) bool
	// ARN names a job.
	ARN    func(farmID, queueID, jobID string) string
	Logger *slog.Logger
	// Every is the time from the end of one sweep to the next one. Default one hour.
	Every time.Duration
	// PurgeEvery is the time from one look for queues and jobs that were deleted to the next one. Default 5 seconds.
	PurgeEvery time.Duration
	// Rest is how many times as long as a step took the sweep rests after it. Default 4.
	Rest float64
	// Chunk is how many rows one transaction deletes. Default 1,000.
	Chunk int
}

// Keeper sweeps farms.
type Keeper struct {
	Config
	suspects map[string]bool // ARNs whose tags the sweep before found without a job
}

// New makes a keeper. Nothing happens until [Keeper.Run].
func New(c Config) *Keeper {
	if c.Policy.ArchiveAfter == 0 {
		c.Policy.ArchiveAfter = DefaultArchiveAfter
	}
	if c.Policy.DeleteAfter == 0 {
		c.Policy.DeleteAfter = DefaultDeleteAfter
	}
	if c.Every <= 0 {
		c.Every = time.Hour
	}
	if c.PurgeEvery <= 0 {
		c.PurgeEvery = 5 * time.Second
	}
	if c.Rest <= 0 {
		c.Rest = 4
	}
	if c.Chunk <= 0 {
		c.Chunk = 1000
	}
	return &Keeper{Config: c}
}

// Run purges what deleted queues and jobs have left, and sweeps from time to time, until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	swept := time.Now()
	for k.pause(ctx, min(k.PurgeEvery, k.Every)) {
		if err := k.Purge(ctx); err != nil && ctx.Err() == nil {
			k.Logger.LogAttrs(ctx, slog.LevelWarn, "what was deleted could not be cleared away", slog.Any("error", err))
		}
		if time.Since(swept) >= k.Every {
			k.sweep(ctx)
			swept = time.Now()
		}
	}
	return nil
}

// sweep is [Keeper.Sweep] now, and tells the log what came of it.
func (k *Keeper) sweep(ctx context.Context) {
	swept, err := k.Sweep(ctx, time.Now())
	switch {
	case err != nil && ctx.Err() == nil:
		k.Logger.LogAttrs(ctx, slog.LevelWarn, "old jobs could not be cleared away", slog.Any("error", err))
	case swept != Swept{}:
		k.Logger.LogAttrs(ctx, slog.LevelInfo, "old jobs were cleared away",
			slog.Int("archived", swept.Archived), slog.Int("deleted", swept.Deleted))
	}
}

// pause reports whether d passed before ctx ended.
func (k *Keeper) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Swept is what a sweep did.
type Swept struct {
	Archived int // jobs
	Deleted  int // jobs
}

// Sweep archives and deletes what is due at a time. Errors of one farm do not keep it from the others.
func (k *Keeper) Sweep(ctx context.Context, now time.Time) (swept Swept, err error) {
	farms, err := k.Store.FarmIDs(ctx)
	if err != nil {
		return swept, err
	}
	var failed []error
	for _, farm := range farms {
		for _, part := range []func() error{
			func() error { return k.archive(ctx, farm, now, &swept) },
			func() error { return k.delete(ctx, farm, now, &swept) },
			func() error { return k.purgeUsage(ctx, farm, now) },
		} {
			if err := part(); err != nil {
				failed = append(failed, fmt.Errorf("farm %s: %w", farm, err))
			}
		}
	}
	return swept, errors.Join(append(failed, k.Purge(ctx), k.untag(ctx), k.dropUsage(ctx), k.dropLogs(ctx, farms))...)
}

// jobsAtOnce is how many jobs are looked up, and deleted, at once.
const jobsAtOnce = 20

func (k *Keeper) archive(ctx context.Context, farm string, now time.Time, swept *Swept) error {
	if k.Policy.ArchiveAfter < 0 {
		return nil
	}
	due := now.Add(-k.Policy.ArchiveAfter).UnixMicro()
	for {
		jobs, err := k.Store.OverJobs(ctx, farm, due, jobsAtOnce)
		if err != nil {
			return fmt.Errorf("look for old jobs: %w", err)
		}
		archived := 0
		for i := range jobs {
			err := k.step(ctx, func() error {
				return k.do(ctx, farm, scheduler.UpdateJob{JobID: jobs[i].JobID, Archive: true, Retire: true, By: By})
			})
			switch {
			case err == nil:
				archived++
			case !refused(err):
				return fmt.Errorf("archive job %s: %w", jobs[i].JobID, err)
			}
		}
		swept.Archived += archived
		if len(jobs) < jobsAtOnce || archived == 0 { // what was refused is looked at again by the next sweep
			return nil
		}
	}
}

// refused reports whether the scheduler did not want a command: somebody did something with the job meanwhile.
func refused(err error) bool {
	_, conflict := errors.AsType[*scheduler.ConflictError](err)
	_, absent := errors.AsType[*scheduler.NotFoundError](err)
	return conflict || absent
}

func (k *Keeper) do(ctx context.Context, farm string, command scheduler.Command) error {
	_, err := k.Committer.Do(ctx, committer.Request{FarmID: farm, Command: command})
	return err
}

// step does something and then rests, so that others come first.
func (k *Keeper) step(ctx context.Context, f func() error) error {
	began := time.Now()
	if err := f(); err != nil {
		return err
	}
	if !k.pause(ctx, time.Duration(float64(time.Since(began))*k.Rest)) {
		return context.Cause(ctx)
	}
	return nil
}

func (k *Keeper) delete(ctx context.Context, farm string, now time.Time, swept *Swept) error {
	if k.Policy.DeleteAfter < 0 {
		return nil
	}
	due := now.Add(-k.Policy.DeleteAfter).UnixMicro()
	for {
		jobs, err := k.Store.ArchivedJobs(ctx, farm, due, jobsAtOnce)
		if err != nil {
			return fmt.Errorf("look for archived jobs: %w", err)
		}
		if len(jobs) == 0 {
			return nil
		}
		command := scheduler.DeleteJobs{}
		for i := range jobs {
			command.JobIDs = append(command.JobIDs, jobs[i].JobID)
			command.Tags = append(command.Tags, k.ARN(farm, jobs[i].QueueID, jobs[i].JobID))
		}
		if err := k.step(ctx, func() error { return k.do(ctx, farm, command) }); err != nil {
			return fmt.Errorf("delete jobs: %w", err)
		}
		swept.Deleted += len(jobs)
	}
}

func (k *Keeper) purgeUsage(ctx context.Context, farm string, now time.Time) error {
	for {
		var n int64
		err := k.step(ctx, func() (err error) {
			n, err = k.Store.PurgeUsage(ctx, farm, now.Add(-usageLife).UnixMicro())
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}
