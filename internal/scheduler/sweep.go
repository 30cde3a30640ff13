package scheduler

import (
	"math"
	"slices"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// A change of all tasks of a step is made in memory at once, cell by cell. Where it concerns many touched tasks it is written as one row,
// a [row.Sweep], so that no command waits for the rows of them all. What a worker holds is not swept: each of those has a course of its own.

// swept are the statuses of tasks that nobody holds.
var swept = []status.Task{
	status.TaskReady, status.TaskPending, status.TaskSuspended, status.TaskNotCompatible, status.TaskFailed, status.TaskCanceled, status.TaskSucceeded,
}

// sweep begins a change of all tasks of a step that are in one of some statuses. While the step is sweeping, cells of tasks that nobody
// holds are not dirty when they change; the caller changes them as the row says, and no others, and ends it.
func (c *Core) sweep(s *step, r row.Sweep) {
	var touched int64
	for _, from := range r.From {
		touched += s.row.Counts[from]
	}
	if slices.Contains(r.From, s.row.Rest) {
		touched -= s.untouched()
	}
	if touched < int64(c.cfg.SweepFrom) {
		return
	}
	s.sweeping = true
	s.row.Sweeps++
	r.JobID, r.StepIndex, r.Seq, r.At = s.job.row.JobID, s.row.StepIndex, s.row.Sweeps, c.now.Wall
	s.row.CoverSweep(&r)
	c.dirty.changes.Sweeps = append(c.dirty.changes.Sweeps, r)
	c.dirtyStep(s)
}

// sweep is what the request makes of the tasks that nobody holds, which go to a status.
func (r request) sweep(to status.Task, maxRetries int32) row.Sweep {
	out := row.Sweep{To: to, Target: r.target, By: r.by, MaxRetries: math.MaxInt32}
	for _, from := range swept {
		if r.concerns(from) {
			out.From = append(out.From, from)
		}
	}
	if r.requeues() {
		out.MaxRetries = maxRetries
	}
	return out
}
