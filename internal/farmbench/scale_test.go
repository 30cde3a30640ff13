package farmbench

import (
	"context"
	"os"
	"strconv"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/farmhand-render/farmhand/internal/store/storetest/postgrestest"
	"github.com/farmhand-render/farmhand/internal/testfarm"
)

// scaleVar makes the large benchmarks smaller, to try them: 0.1 is a tenth of the workers and jobs.
const scaleVar = "FARMHAND_BENCH_SCALE"

func scaled(b *testing.B, n int) int {
	b.Helper()
	text := os.Getenv(scaleVar)
	if text == "" {
		return n
	}
	scale, err := strconv.ParseFloat(text, 64)
	if err != nil {
		b.Fatalf("%s: %v", scaleVar, err)
	}
	return max(1, int(scale*float64(n)))
}

// onEachStore runs a benchmark on SQLite and on a PostgreSQL that waits for the disk, both on this machine. database are the
// arguments of the server.
func onEachStore(b *testing.B, run func(b *testing.B, database []string)) {
	b.Helper()
	b.Run("SQLite", func(b *testing.B) { run(b, nil) })
	b.Run("PostgreSQL", func(b *testing.B) {
		url := postgrestest.Start(b, postgrestest.Options{Durable: true}).Database(b)
		run(b, []string{"--database-url", url})
	})
}

// join makes workers, a few at a time.
func join(b *testing.B, f *testfarm.Farm, n int) []*testfarm.Worker {
	b.Helper()
	all := make([]*testfarm.Worker, n)
	joining, ctx := errgroup.WithContext(b.Context())
	joining.SetLimit(32)
	for i := range all {
		joining.Go(func() (err error) {
			all[i], err = f.Join(ctx, testfarm.Script{})
			return err
		})
	}
	if err := joining.Wait(); err != nil {
		b.Fatalf("join the workers: %v", err)
	}
	return all
}

// poll lets workers poll, each at its own moments, until ctx ends.
func poll(ctx context.Context, workers []*testfarm.Worker, turn func(ctx context.Context, i int) error) error {
	running, ctx := errgroup.WithContext(ctx)
	for i := range workers {
		running.Go(func() error {
			if err := turn(ctx, i); ctx.Err() == nil {
				return err
			}
			return nil
		})
	}
	return running.Wait()
}
