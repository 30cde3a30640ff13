package scheduler

import (
	"fmt"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// DrainWorker lets a worker have no more work (§7.6), so that its machine can be taken away: EVENTUAL, once what is assigned is done,
// or IMMEDIATE, with that canceled and returned to the queue. DrainNone takes it back; so does the worker itself when it is STARTED anew.
type DrainWorker struct {
	FleetID, WorkerID string
	Drain             row.Drain
	By                string
}

func (DrainWorker) command() {}

func (c *Core) drainWorker(cmd DrainWorker) error {
	w, err := c.worker(cmd.FleetID, cmd.WorkerID)
	if err != nil {
		return err
	}
	switch cmd.Drain {
	case row.DrainNone, row.DrainEventual, row.DrainImmediate:
	default:
		return &InvalidError{Field: "mode", Message: fmt.Sprintf("%q is not a way to drain a worker", cmd.Drain)}
	}
	if !w.row.Status.Online() {
		return workerConflict(w, "only a worker that is online can be drained")
	}
	w.row.Drain, w.row.UpdatedAt, w.row.UpdatedBy = cmd.Drain, c.now.Wall, cmd.By
	c.dirtyWorker(w)
	c.refree(w)
	if cmd.Drain == row.DrainImmediate && w.session != nil {
		c.cancelSession(w.session, true, causeStop)
	}
	if cmd.Drain == row.DrainNone {
		for _, l := range w.fleet.links {
			c.wakeFleet(l)
		}
	}
	return nil
}

// takesWork reports whether a worker may be given tasks.
func (w *worker) takesWork() bool {
	return w.row.Drain == row.DrainNone && !w.surplus && w.row.Status != status.WorkerStopping
}

// toStop reports whether a worker should be told to stop: it is surplus, or drained in a fleet whose machines come and go. One of a
// fleet that does not scale is never told: AWS's agent would shut its host down.
func (w *worker) toStop() bool {
	return w.session == nil && (w.surplus || w.row.Drain != row.DrainNone && w.fleet.scaling != nil)
}

// refree counts a worker among those of its fleet that could take a session at their next poll, or no longer.
func (c *Core) refree(w *worker) {
	free := w.takesWork() && (w.row.Status == status.WorkerStarted || w.row.Status == status.WorkerIdle)
	if free != w.free {
		w.fleet.free += count(free) - count(w.free)
		w.free = free
	}
}
