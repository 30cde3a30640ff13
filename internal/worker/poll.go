package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
)

// poll asks for work until ctx ends.
func (w *Worker) poll(ctx, living context.Context) error {
	for {
		interval, err := w.pollOnce(ctx, living)
		if err != nil {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // the end was asked for; draining reports again
			}
			return w.pollError(err)
		}
		timer := time.NewTimer(interval)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-w.outbox.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// pollOnce reports, and takes up what the answer says. ctx bounds the request, living the sessions.
func (w *Worker) pollOnce(ctx, living context.Context) (time.Duration, error) {
	w.queues.refresh(living)
	var out *deadline.UpdateWorkerScheduleOutput
	var reports sent
	err := w.persist(ctx, "UpdateWorkerSchedule", func() (err error) {
		reports = w.outbox.collect()
		out, err = w.service.UpdateWorkerSchedule(ctx, &deadline.UpdateWorkerScheduleInput{
			FarmId: w.config.FarmID, FleetId: w.config.FleetID, WorkerId: w.id, UpdatedSessionActions: reports.infos(),
		})
		return err
	})
	if err != nil {
		return 0, err
	}
	w.outbox.confirm(reports)
	w.take(living, out)
	return max(time.Duration(out.UpdateIntervalSeconds)*time.Second, 100*time.Millisecond), nil
}

// take starts, extends, cancels and ends sessions as the service says.
func (w *Worker) take(living context.Context, out *deadline.UpdateWorkerScheduleOutput) {
	for id, assigned := range out.AssignedSessions {
		s := w.live[id]
		if s == nil {
			w.config.Logger.LogAttrs(living, slog.LevelInfo, "session started", slog.String("session_id", id), slog.String("job_id", assigned.JobId))
			s = w.newSession(id, &assigned)
			w.live[id] = s
			go s.run(living)
		}
		s.assign(assigned.SessionActions)
	}
	for id, actions := range out.CancelSessionActions {
		if s := w.live[id]; s != nil {
			s.cancel(actions)
		}
	}
	for id, s := range w.live {
		if _, still := out.AssignedSessions[id]; !still {
			w.config.Logger.LogAttrs(living, slog.LevelInfo, "session ended", slog.String("session_id", id))
			s.drop(living)
			delete(w.live, id)
		}
	}
}

// drain interrupts what runs, lets environments exit within the grace, and says STOPPED.
func (w *Worker) drain(living context.Context) error {
	w.config.Logger.LogAttrs(living, slog.LevelInfo, "draining", slog.Int("sessions", len(w.live)))
	ctx, cancel := context.WithTimeout(living, w.config.Grace)
	defer cancel()
	if len(w.live) > 0 {
		if _, err := w.update(ctx, deadline.UpdatedWorkerStatusStopping); err != nil {
			w.config.Logger.LogAttrs(ctx, slog.LevelWarn, "the service did not take STOPPING", slog.String("error", err.Error()))
		}
		for _, s := range w.live {
			s.interrupt()
		}
		w.finishSessions(ctx, living)
	}
	w.dropSessions(living)
	stopping, cancelStop := context.WithTimeout(living, w.config.Grace)
	defer cancelStop()
	_, err := w.update(stopping, deadline.UpdatedWorkerStatusStopped)
	w.log.json(living, slog.LevelInfo, "worker stopped", map[string]any{"workerId": w.id})
	return err
}

// finishSessions goes on polling until the service has the end of every session, or ctx ends.
func (w *Worker) finishSessions(ctx, living context.Context) {
	for len(w.live) > 0 {
		select {
		case <-ctx.Done():
			return
		case <-w.outbox.wake:
		case <-time.After(time.Second):
		}
		if _, err := w.pollOnce(ctx, living); err != nil {
			w.config.Logger.LogAttrs(ctx, slog.LevelWarn, "the last report did not get through", slog.String("error", err.Error()))
			return
		}
	}
}
