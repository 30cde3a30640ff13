package committer

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/storetest"
)

// sweepWatch fails to sweep at first, and tells each time that nothing is left to sweep.
type sweepWatch struct {
	store.Store
	failures int
	swept    chan struct{}
}

func (w *sweepWatch) SweepTasks(ctx context.Context, limit int) (bool, error) {
	if w.failures > 0 {
		w.failures--
		return false, storetest.ErrInjected
	}
	left, err := w.Store.SweepTasks(ctx, limit)
	if err == nil && !left {
		w.swept <- struct{}{}
	}
	return left, err
}

// What an earlier run left to sweep is swept, though the store fails at first.
func TestSweepsAreFinished(t *testing.T) {
	t.Parallel()
	s := &sweepWatch{Store: openStore(t), failures: 2, swept: make(chan struct{}, 1)}
	c := &row.Changes{Sweeps: []row.Sweep{{
		JobID: "job-1", Seq: 1, From: []status.Task{status.TaskSucceeded}, To: status.TaskReady, MaxRetries: math.MaxInt32,
	}}}
	for i := range int64(3*sweepChunk + 1) {
		c.Tasks = append(c.Tasks, row.Task{JobID: "job-1", TaskIndex: i, Status: status.TaskSucceeded})
	}
	if err := s.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	start(t, s, Options{RetryAfter: time.Microsecond})
	<-s.swept
	tasks, err := s.Tasks(t.Context(), "job-1", 0, 0, math.MaxInt64)
	for i := range tasks {
		if tasks[i].Status != status.TaskReady {
			t.Fatalf("task %d is %s", i, tasks[i].Status)
		}
	}
	if err != nil || len(tasks) != len(c.Tasks) {
		t.Errorf("%d tasks, %v", len(tasks), err)
	}
}
