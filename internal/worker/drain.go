package worker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
)

// The last requests and the last lines of the logs may take this long each, or the grace if that is less; less still in a hurry.
const (
	lastWord    = 5 * time.Second
	hurriedWord = time.Second
)

// lastPatience is how long a last request may take now.
func (a *agent) lastPatience() time.Duration {
	select {
	case <-a.hurry:
		return min(hurriedWord, a.cfg.Grace)
	default:
		return min(lastWord, a.cfg.Grace)
	}
}

// drain interrupts what runs, lets environments exit within the grace, reports, and says STOPPED. Nothing here fails the worker: what the
// service does not learn now, it learns at the next start or by the missing heartbeat.
func (a *agent) drain(living context.Context) {
	a.log.LogAttrs(living, slog.LevelInfo, "draining", slog.Int("sessions", len(a.sessions)))
	if len(a.sessions) > 0 {
		ctx, cancel := context.WithTimeout(living, a.cfg.Grace)
		defer cancel()
		stopHurry := a.cutShort(cancel)
		for _, s := range a.sessions {
			s.drain(a.cfg.Grace / 2)
		}
		a.finish(ctx, living)
		stopHurry()
	}
	for _, s := range a.sessions {
		s.settle()
	}
	a.running.Wait()
	clear(a.sessions)
	a.stop(living)
}

// cutShort calls cancel when the caller is in a hurry. The function that it returns ends the watch.
func (a *agent) cutShort(cancel context.CancelFunc) func() {
	over := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-a.hurry:
			cancel()
		case <-over:
		}
	})
	return func() { close(over); watch.Wait() }
}

// finish says STOPPING and goes on asking until the service lists no session any more, or ctx is done.
func (a *agent) finish(ctx, living context.Context) {
	if _, err := a.update(ctx, deadline.UpdatedWorkerStatusStopping); err != nil {
		a.log.LogAttrs(living, slog.LevelWarn, "the service did not take STOPPING", slog.Any("error", err))
	}
	for len(a.sessions) > 0 {
		out, err := a.poll(ctx)
		if err != nil {
			a.log.LogAttrs(living, slog.LevelWarn, "the drain is cut short", slog.Any("error", err))
			return
		}
		a.take(living, out)
		if len(a.sessions) > 0 && !a.rest(ctx, time.Now(), time.Second) {
			return
		}
	}
}

// stop sends the results that are left, and STOPPED.
func (a *agent) stop(living context.Context) {
	ctx, cancel := context.WithTimeout(living, a.lastPatience())
	defer cancel()
	if a.reports.waiting() > 0 {
		if _, err := a.poll(ctx); err != nil {
			a.log.LogAttrs(living, slog.LevelWarn, "results are kept for the next start", slog.Int("actions", a.reports.waiting()), slog.Any("error", err))
		}
	}
	if _, err := a.update(ctx, deadline.UpdatedWorkerStatusStopped); err != nil {
		a.log.LogAttrs(living, slog.LevelWarn, "the service did not take STOPPED", slog.Any("error", err))
		return
	}
	a.log.LogAttrs(living, slog.LevelInfo, "the worker is stopped", slog.String("worker_id", a.id.WorkerID))
}
