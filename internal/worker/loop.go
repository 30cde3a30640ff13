package worker

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
)

// minInterval bounds how often an idle worker asks, whatever the service says.
const minInterval = 100 * time.Millisecond

// loop asks for work until ctx is done, which is no error. living is the life of sessions.
func (a *agent) loop(ctx, living context.Context) error {
	a.state = ""
	for {
		asked, knew := time.Now(), a.state
		out, err := a.ask(ctx)
		switch {
		case errors.Is(err, errMoreToTell):
			continue
		case err != nil && ctx.Err() != nil:
			return nil //nolint:nilerr // the end was asked for; draining reports again
		case err != nil:
			return err
		}
		if out.DesiredWorkerStatus == deadline.DesiredWorkerStatusStopped {
			return ErrShutdown
		}
		a.take(living, out)
		interval := max(time.Duration(out.UpdateIntervalSeconds)*time.Second, minInterval)
		if a.state != "" {
			interval = a.pause(time.Since(asked), knew)
		}
		if !a.rest(ctx, asked, interval) {
			return nil
		}
	}
}

// poll reports and asks, until the service answers.
func (a *agent) poll(ctx context.Context) (*deadline.UpdateWorkerScheduleOutput, error) {
	var batch map[string]report
	out, err := call(ctx, a, "UpdateWorkerSchedule", func(ctx context.Context) (*deadline.UpdateWorkerScheduleOutput, error) {
		batch = a.reports.collect() // again at each attempt: meanwhile more has ended
		in := &deadline.UpdateWorkerScheduleInput{
			FarmId: a.id.FarmID, FleetId: a.id.FleetID, WorkerId: a.id.WorkerID,
			UpdatedSessionActions: make(map[string]deadline.UpdatedSessionActionInfo, len(batch)),
		}
		for id, r := range batch {
			in.UpdatedSessionActions[id] = r.info
		}
		return a.api.UpdateWorkerSchedule(ctx, in)
	})
	if err != nil {
		if _, conflict := statusConflict(err, a.id.WorkerID); conflict || notFound(err) {
			return nil, errors.Join(errOffline, err)
		}
		return nil, err
	}
	if err := a.reports.confirm(batch); err != nil {
		a.log.LogAttrs(ctx, slog.LevelWarn, "reported results stay on disk", slog.Any("error", err))
	}
	return out, nil
}

// take starts, extends, cancels and ends sessions as the service says.
func (a *agent) take(living context.Context, out *deadline.UpdateWorkerScheduleOutput) {
	for id, assigned := range out.AssignedSessions {
		s := a.sessions[id]
		if s == nil {
			a.log.LogAttrs(living, slog.LevelInfo, "session started", slog.String("session_id", id),
				slog.String("job_id", assigned.JobId), slog.String("queue_id", assigned.QueueId))
			s = newJobSession(a, id, &assigned)
			a.sessions[id] = s
			a.running.Go(func() { s.run(living) })
		}
		s.assign(assigned.SessionActions)
	}
	for id, actions := range out.CancelSessionActions {
		if s := a.sessions[id]; s != nil {
			s.cancel(actions)
		}
	}
	for id, s := range a.sessions {
		if _, still := out.AssignedSessions[id]; !still {
			a.log.LogAttrs(living, slog.LevelInfo, "session ended", slog.String("session_id", id))
			s.end()
			delete(a.sessions, id)
		}
	}
}

// rest waits until the next poll: the interval, less when there is progress to tell, nothing when a result or an idle session calls for it.
// It answers false when ctx is done.
func (a *agent) rest(ctx context.Context, asked time.Time, interval time.Duration) bool {
	timer := time.NewTimer(interval)
	defer timer.Stop()
	soon := a.reports.soon
	for {
		select {
		case <-ctx.Done():
			return false
		case <-a.reports.urgent:
			return true
		case <-timer.C:
			return true
		case <-soon:
			soon = nil
			timer.Reset(max(min(time.Until(asked.Add(a.cfg.ReportEvery)), time.Until(asked.Add(interval))), 0))
		}
	}
}
