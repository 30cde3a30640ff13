package farm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// session reads a session of a job that is known to exist; ResourceNotFoundException when it is not the job's.
func (s *Service) session(ctx context.Context, jobID, sessionID string) (*row.Session, error) {
	session, err := s.store.SessionByID(ctx, sessionID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, notFound(typeSession, sessionID)
	case err != nil:
		return nil, fmt.Errorf("read session %s: %w", sessionID, err)
	case session.JobID != jobID:
		return nil, notFound(typeSession, sessionID)
	}
	return session, nil
}

// GetSession describes a session: where its log and its worker's are, and the worker's host as it was when the session began.
func (s *Service) GetSession(ctx context.Context, in *deadline.GetSessionInput) (*deadline.GetSessionOutput, error) {
	if _, err := s.job(ctx, in.FarmId, in.QueueId, in.JobId); err != nil {
		return nil, err
	}
	r, err := s.session(ctx, in.JobId, in.SessionId)
	if err != nil {
		return nil, err
	}
	workerLog := logConfiguration(LogGroup(r.FarmID, r.FleetID), r.WorkerID)
	out := &deadline.GetSessionOutput{
		SessionId: r.SessionID, FleetId: r.FleetID, WorkerId: r.WorkerID, StartedAt: at(r.StartedAt), EndedAt: when(r.EndedAt),
		LifecycleStatus:       deadline.SessionLifecycleStatus(r.Lifecycle.String()),
		TargetLifecycleStatus: deadline.SessionLifecycleTargetStatus(r.Target.String()),
		UpdatedAt:             when(r.UpdatedAt), UpdatedBy: text(r.UpdatedBy),
		Log: logConfiguration(LogGroup(r.FarmID, r.QueueID), r.SessionID), WorkerLog: &workerLog,
	}
	return out, decodeStored("host properties", r.HostProperties, &out.HostProperties)
}

// ListSessions lists the sessions of a job in the order in which they began.
func (s *Service) ListSessions(ctx context.Context, in *deadline.ListSessionsInput) (*deadline.ListSessionsOutput, error) {
	if _, err := s.job(ctx, in.FarmId, in.QueueId, in.JobId); err != nil {
		return nil, err
	}
	rows, next, err := list(ctx, s, listing[int64, row.Session]{
		operation: "ListSessions", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
		read: func(ctx context.Context, from int64, limit int) ([]row.Session, error) {
			sessions, err := s.store.Sessions(ctx, in.JobId, from, limit)
			return reading("sessions", sessions, err)
		},
		cursor: func(r *row.Session) int64 { return r.Seq + 1 },
	})
	if err != nil {
		return nil, err
	}
	sessions := make([]deadline.SessionSummary, len(rows))
	for i := range rows {
		r := &rows[i]
		sessions[i] = deadline.SessionSummary{
			SessionId: r.SessionID, FleetId: r.FleetID, WorkerId: r.WorkerID, StartedAt: at(r.StartedAt), EndedAt: when(r.EndedAt),
			LifecycleStatus:       deadline.SessionLifecycleStatus(r.Lifecycle.String()),
			TargetLifecycleStatus: deadline.SessionLifecycleTargetStatus(r.Target.String()),
			UpdatedAt:             when(r.UpdatedAt), UpdatedBy: text(r.UpdatedBy),
		}
	}
	return &deadline.ListSessionsOutput{Sessions: sessions, NextToken: next}, nil
}

// UpdateSession ends a session: what runs in it is canceled, its environments are exited, its tasks return to the queue. A session that
// has ended stays as it is.
func (s *Service) UpdateSession(ctx context.Context, in *deadline.UpdateSessionInput) (*deadline.UpdateSessionOutput, error) {
	w := write{operation: "UpdateSession", farmID: in.FarmId, clientToken: in.ClientToken, input: in}
	asked := false
	out, err := apply(ctx, s, w, func(time.Time) (*deadline.UpdateSessionOutput, scheduler.Command, error) {
		if _, err := s.job(ctx, in.FarmId, in.QueueId, in.JobId); err != nil {
			return nil, nil, err
		}
		r, err := s.session(ctx, in.JobId, in.SessionId)
		if err != nil {
			return nil, nil, err
		}
		if r.Lifecycle == status.SessionEnded {
			return &deadline.UpdateSessionOutput{}, nil, nil
		}
		asked = true
		return &deadline.UpdateSessionOutput{}, scheduler.UpdateSession{
			JobID: in.JobId, SessionID: in.SessionId, By: callerOf(ctx).By,
		}, nil
	})
	var missing *deadline.ResourceNotFoundException
	if asked && errors.As(err, &missing) && missing.ResourceType == typeSession { // it ended in between
		return &deadline.UpdateSessionOutput{}, nil
	}
	return out, err
}
