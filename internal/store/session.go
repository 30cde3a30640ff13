package store

import (
	"context"
	"slices"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

var sessions = newTable("session", 2, 7,
	"job_id, seq, session_id, farm_id, queue_id, fleet_id, worker_id, step_index, started_at, lifecycle, target, "+
		"actions, ended_at, updated_at, updated_by, host_properties, metered",
	func(v []any, r *row.Session) []any {
		return append(v, r.JobID, r.Seq, r.SessionID, r.FarmID, r.QueueID, r.FleetID, r.WorkerID, int64(r.StepIndex),
			r.StartedAt, r.Lifecycle.String(), r.Target.String(),
			r.Actions, r.EndedAt, r.UpdatedAt, r.UpdatedBy, document(r.HostProperties), document(r.Usage))
	},
	func(r *row.Session) []any {
		return []any{
			&r.JobID, &r.Seq, &r.SessionID, &r.FarmID, &r.QueueID, &r.FleetID, &r.WorkerID, &r.StepIndex,
			&r.StartedAt, sessionStatus(&r.Lifecycle), sessionStatus(&r.Target),
			&r.Actions, &r.EndedAt, &r.UpdatedAt, &r.UpdatedBy, &r.HostProperties, &r.Usage,
		}
	}).seldom(1) // lifecycle

func sessionStatus(dest *status.Session) parsed[status.Session] {
	return parsed[status.Session]{dest, status.ParseSession}
}

var sqlSessionByID = sessions.selectAll + ` WHERE session_id = $1`

// SessionByID implements [Reader].
func (d *DB) SessionByID(ctx context.Context, sessionID string) (*row.Session, error) {
	return one(ctx, d.engine, sessions, sqlSessionByID, sessionID)
}

var sqlSessions = sessions.selectAll + ` WHERE job_id = $1 AND seq >= $2 ORDER BY seq LIMIT $3`

// Sessions implements [Reader].
func (d *DB) Sessions(ctx context.Context, jobID string, from int64, limit int) ([]row.Session, error) {
	return list(ctx, d.engine, sessions, sqlSessions, jobID, from, int64(limit))
}

var sqlWorkerSessions = sessions.selectAll + `
	WHERE worker_id = $1 AND (started_at, session_id) > ($2, $3) AND ` + sessionIsThere + `
	ORDER BY started_at, session_id LIMIT $4`

// WorkerSessions implements [Reader].
func (d *DB) WorkerSessions(
	ctx context.Context, workerID string, after ResourceCursor, limit int,
) ([]row.Session, error) {
	return list(ctx, d.engine, sessions, sqlWorkerSessions, workerID, after.CreatedAt, after.ID, int64(limit))
}

// openSession is the condition of the indexes session_open_by_farm and session_open_by_worker.
const openSession = `lifecycle <> 'ENDED'`

const sqlHoldsJob = `SELECT count(*) FROM session WHERE job_id = $1 AND worker_id = $2 AND ` + openSession

// HoldsJob implements [Reader].
func (d *DB) HoldsJob(ctx context.Context, workerID, jobID string) (bool, error) {
	n, err := number(ctx, d.engine, sqlHoldsJob, jobID, workerID)
	return n > 0, err
}

const sqlHoldsQueue = `SELECT count(*) FROM session WHERE worker_id = $1 AND queue_id = $2 AND ` + openSession

// HoldsQueue implements [Reader].
func (d *DB) HoldsQueue(ctx context.Context, workerID, queueID string) (bool, error) {
	n, err := number(ctx, d.engine, sqlHoldsQueue, workerID, queueID)
	return n > 0, err
}

var actions = newTable("session_action", 3, 6,
	"job_id, session_seq, action_index, session_id, kind, environment_id, step_index, task_index, chunk, status, "+
		"started_at, ended_at, worker_updated_at, progress, progress_message, exit_code, manifests, limits",
	func(v []any, r *row.SessionAction) []any {
		var exitCode any
		if r.ExitCode != nil {
			exitCode = int64(*r.ExitCode)
		}
		return append(v, r.JobID, r.SessionSeq, r.ActionIndex, r.SessionID, int64(r.Kind), r.EnvironmentID,
			int64(r.StepIndex), r.TaskIndex, string(r.Chunk), r.Status.String(), r.StartedAt, r.EndedAt, r.WorkerUpdatedAt,
			r.Progress, r.ProgressMessage, exitCode, document(r.Manifests), document(r.Limits))
	},
	func(r *row.SessionAction) []any {
		return []any{
			&r.JobID, &r.SessionSeq, &r.ActionIndex, &r.SessionID, &r.Kind, &r.EnvironmentID,
			&r.StepIndex, &r.TaskIndex, (*string)(&r.Chunk),
			parsed[status.Action]{&r.Status, status.ParseAction},
			&r.StartedAt, &r.EndedAt, &r.WorkerUpdatedAt,
			&r.Progress, &r.ProgressMessage, &r.ExitCode, &r.Manifests, &r.Limits,
		}
	})

var sqlAction = actions.selectAll + ` WHERE job_id = $1 AND session_seq = $2 AND action_index = $3`

// Action implements [Reader].
func (d *DB) Action(ctx context.Context, jobID string, sessionSeq, actionIndex int64) (*row.SessionAction, error) {
	return one(ctx, d.engine, actions, sqlAction, jobID, sessionSeq, actionIndex)
}

// Only taskRun actions have a task_index, and the index session_action_by_task has only them.
var (
	sqlActions = actions.selectAll + `
		WHERE job_id = $1 AND (session_seq, action_index) > ($2, $3)
		ORDER BY session_seq, action_index LIMIT $4`
	sqlSessionActions = actions.selectAll + `
		WHERE job_id = $1 AND session_seq = $2 AND action_index > $3
		ORDER BY action_index LIMIT $4`
	sqlTaskActions = actions.selectAll + `
		WHERE job_id = $1 AND step_index = $2 AND task_index = $3 AND task_index >= 0
		AND (session_seq, action_index) > ($4, $5)
		ORDER BY session_seq, action_index LIMIT $6`
	sqlChunkActions = actions.selectAll + `
		WHERE job_id = $1 AND step_index = $2 AND task_index >= 0 AND task_index <= $3 AND chunk <> ''
		AND (+session_seq, +action_index) > ($4, $5)
		ORDER BY session_seq, action_index LIMIT $6`
)

// chunkActions lists the runs of a task of a step that runs in chunks: those chunks that hold it.
func (d *DB) chunkActions(ctx context.Context, filter ActionFilter, after ActionCursor, limit int) ([]row.SessionAction, error) {
	var found []row.SessionAction
	for {
		page, err := list(ctx, d.engine, actions, sqlChunkActions, filter.JobID, int64(filter.Task.StepIndex),
			filter.Task.TaskIndex, after.SessionSeq, after.ActionIndex, int64(limit))
		if err != nil {
			return nil, err
		}
		for i := range page {
			a := &page[i]
			after = ActionCursor{SessionSeq: a.SessionSeq, ActionIndex: a.ActionIndex}
			if a.Chunk.Holds(filter.Task.TaskIndex) && (filter.SessionSeq == nil || a.SessionSeq == *filter.SessionSeq) {
				found = append(found, *a)
			}
		}
		if len(page) < limit || len(found) >= limit {
			return found[:min(len(found), limit)], nil
		}
	}
}

// Actions implements [Reader].
func (d *DB) Actions(
	ctx context.Context, filter ActionFilter, after ActionCursor, limit int,
) ([]row.SessionAction, error) {
	session := filter.SessionSeq
	switch {
	case session == nil:
	case after.SessionSeq > *session:
		return nil, nil
	case after.SessionSeq < *session:
		after = ActionCursor{SessionSeq: *session, ActionIndex: -1}
	}
	n := int64(limit)
	switch {
	case filter.Task != nil && filter.Task.InChunks:
		return d.chunkActions(ctx, filter, after, limit)
	case filter.Task != nil:
		found, err := list(ctx, d.engine, actions, sqlTaskActions, filter.JobID, int64(filter.Task.StepIndex),
			filter.Task.TaskIndex, after.SessionSeq, after.ActionIndex, n)
		if session != nil {
			// A task has few actions; a second condition would make the planner look through the session's.
			found = slices.DeleteFunc(found, func(a row.SessionAction) bool { return a.SessionSeq != *session })
		}
		return found, err
	case session != nil:
		return list(ctx, d.engine, actions, sqlSessionActions, filter.JobID, *session, after.ActionIndex, n)
	default:
		return list(ctx, d.engine, actions, sqlActions, filter.JobID, after.SessionSeq, after.ActionIndex, n)
	}
}
