package committer

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// hollow is a store without rows and without a disk, for tests whose time is not real. It answers
// only what a committer without commands asks.
type hollow struct{ store.Store }

func (hollow) FarmIDs(context.Context) ([]string, error) { return nil, nil }

func (hollow) Snapshot(context.Context, string) (*row.Snapshot, error) { return &row.Snapshot{}, nil }

func (hollow) PurgeTokens(context.Context, int64, int) (int64, error) { return 0, nil }

func (hollow) SweepTasks(context.Context, int) (bool, error) { return false, nil }

// tickRecorder notes the ticks.
type tickRecorder struct{ note func(now time.Duration) }

func (tickRecorder) Core(string, scheduler.Instant, [32]byte, scheduler.Config, *row.Snapshot) {}

func (tickRecorder) Load(string, *row.JobSnapshot) {}

func (tickRecorder) State(string, string) {}

func (r tickRecorder) Command(_ string, now scheduler.Instant, command scheduler.Command, _ *row.Changes, _ error) {
	if _, ok := command.(scheduler.Tick); ok {
		r.note(now.Mono)
	}
}

// Time reaches the cores though nobody calls.
func TestTicks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ticks []time.Duration
		c := New(hollow{}, Options{
			Config:   scheduler.Config{TickInterval: 2 * time.Second},
			Logger:   slog.New(slog.DiscardHandler),
			newCore:  func([32]byte) core { return newLedger() },
			Recorder: tickRecorder{func(now time.Duration) { ticks = append(ticks, now) }},
		})
		ctx, cancel := context.WithTimeout(t.Context(), 11*time.Second)
		defer cancel()
		if err := c.Run(ctx); err != nil {
			t.Error(err)
		}
		if len(ticks) != 5 || ticks[0] != 2*time.Second || ticks[4] != 10*time.Second {
			t.Errorf("ticks at %v, want five, each two seconds", ticks)
		}
	})
}
