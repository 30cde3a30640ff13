package scheduler

import (
	"fmt"
	"time"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// worker is a worker of a fleet.
type worker struct {
	row     row.Worker
	fleet   *fleet
	session *session // nil when it has none
	dirty   bool
	worked  time.Duration // when it last had a session or began, in the time that the core has lived
	surplus bool          // it is to stop, see [Core.shrink]
	free    bool          // counted in its fleet

	heard time.Duration // in the time that the core has lived
	beat  node[worker]  // in heard, while it is online
}

// hear notes that a worker was heard now.
func (c *Core) hear(w *worker) {
	c.heard.remove(&w.beat)
	w.heard = c.lived
	c.heard.append(&w.beat, w)
}

func (c *Core) worker(fleetID, workerID string) (*worker, error) {
	if w := c.workers[workerID]; w != nil && w.fleet.id == fleetID {
		return w, nil
	}
	return nil, &NotFoundError{ResourceType: "worker", ResourceID: workerID}
}

func workerConflict(w *worker, message string) error {
	return &ConflictError{
		Reason: ReasonStatusConflict, ResourceType: "worker", ResourceID: w.row.WorkerID,
		Status: w.row.Status.String(), Message: message,
	}
}

func (c *Core) setWorker(w *worker, to status.Worker, by cause) bool {
	from := w.row.Status
	if from == to && to != status.WorkerStarted {
		return true
	}
	if !pass(c, workerMachine, func() string { return w.row.WorkerID }, from, to, by) {
		return false
	}
	w.row.Status = to
	c.refree(w)
	c.dirtyWorker(w)
	return true
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// settleWorker makes a worker that works RUNNING, and one that does not IDLE.
func (c *Core) settleWorker(w *worker) {
	switch {
	case w.row.Status == status.WorkerStopping:
	case w.session != nil:
		c.setWorker(w, status.WorkerRunning, causeDerived)
	default:
		c.setWorker(w, status.WorkerIdle, causeDerived)
	}
}

func (c *Core) createWorker(cmd CreateWorker) error {
	f := c.fleets[cmd.Worker.FleetID]
	if f == nil {
		return &NotFoundError{ResourceType: "fleet", ResourceID: cmd.Worker.FleetID}
	}
	if c.workers[cmd.Worker.WorkerID] != nil {
		return &ConflictError{
			Reason: ReasonResourceAlreadyExists, ResourceType: "worker", ResourceID: cmd.Worker.WorkerID,
			Message: "a worker with this id exists",
		}
	}
	if other := c.workerBy(cmd.Worker.CreatedBy); cmd.Sole && other != nil {
		return &ConflictError{
			Reason: ReasonResourceAlreadyExists, ResourceType: "worker", ResourceID: other.row.WorkerID, Status: other.row.Status.String(),
			Message: fmt.Sprintf("%s has made worker %s already; delete it first", cmd.Worker.CreatedBy, other.row.WorkerID),
		}
	}
	if len(f.workers) >= f.maxWorkers {
		return &ConflictError{
			Reason: ReasonStatusConflict, ResourceType: "fleet", ResourceID: f.id, Status: fleetActive,
			Message: fmt.Sprintf("the fleet has its maximum of %d workers; delete stale ones or raise maxWorkerCount", f.maxWorkers),
		}
	}
	if cmd.MaxInFarm > 0 && int64(len(c.workers)) >= cmd.MaxInFarm {
		return &ConflictError{
			Reason: ReasonStatusConflict, ResourceType: "farm", ResourceID: cmd.Worker.FarmID,
			Message: fmt.Sprintf("the quota of %d worker resources in this farm (L-48CC9B8E) is used up; delete stale ones", cmd.MaxInFarm),
		}
	}
	w := c.addWorker(cmd.Worker, f)
	w.row.Status = status.WorkerNone
	w.row.CreatedAt = c.now.Wall
	c.setWorker(w, status.WorkerCreated, causeCreate)
	return nil
}

// workerBy is a worker that somebody made, the first by id; nil when there is none.
func (c *Core) workerBy(maker string) (found *worker) {
	for _, w := range c.workers {
		if w.row.CreatedBy == maker && (found == nil || w.row.WorkerID < found.row.WorkerID) {
			found = w
		}
	}
	return found
}

func (c *Core) addWorker(r row.Worker, f *fleet) *worker {
	w := &worker{row: r, fleet: f}
	c.workers[r.WorkerID] = w
	f.workers[r.WorkerID] = w
	return w
}

func (c *Core) updateWorker(cmd UpdateWorker) error {
	w, err := c.worker(cmd.FleetID, cmd.WorkerID)
	if err != nil {
		return err
	}
	if err := c.changeWorker(w, cmd.Status); err != nil {
		return err
	}
	if cmd.HostProperties != nil {
		w.row.HostProperties = cmd.HostProperties
	}
	if cmd.Capabilities != nil {
		w.row.Capabilities = cmd.Capabilities
	}
	w.row.UpdatedAt, w.row.UpdatedBy = c.now.Wall, cmd.By
	c.dirtyWorker(w)
	return nil
}

// changeWorker takes over what a worker says of itself. STARTED and STOPPED mean that it holds no work any more.
func (c *Core) changeWorker(w *worker, to status.Worker) error {
	switch to {
	case status.WorkerNone:
		return nil
	case status.WorkerStarted, status.WorkerStopping, status.WorkerStopped:
	default:
		return &InvalidError{Field: "status", Message: fmt.Sprintf("cannot be set to %s", to)}
	}
	if from := w.row.Status; from != to && !workerMachine.allows(from, to, causeWorker) {
		return workerConflict(w, fmt.Sprintf("a worker that is %s cannot become %s", from, to))
	}
	if to != status.WorkerStopping && w.session != nil {
		c.abandonSession(w.session, causeWorker)
	}
	c.setWorker(w, to, causeWorker)
	if to == status.WorkerStarted {
		c.stay(w)
	}
	if to == status.WorkerStopped {
		c.heard.remove(&w.beat)
	} else {
		c.hear(w)
	}
	return nil
}

// loseWorker gives up on a worker that was silent for too long: its work returns to the queue.
func (c *Core) loseWorker(w *worker) {
	c.heard.remove(&w.beat)
	if w.session != nil {
		c.abandonSession(w.session, causeLost)
	}
	c.setWorker(w, status.WorkerNotResponding, causeLost)
}

func (c *Core) deleteWorker(cmd DeleteWorker) error {
	w, err := c.worker(cmd.FleetID, cmd.WorkerID)
	if err != nil {
		return err
	}
	switch w.row.Status {
	case status.WorkerCreated, status.WorkerStopped, status.WorkerNotResponding:
	default:
		return workerConflict(w, "the worker must be STOPPED before it can be deleted")
	}
	c.forgetWorker(w)
	c.dirty.changes.DeleteWorkers = append(c.dirty.changes.DeleteWorkers, cmd.WorkerID)
	return nil
}

func (c *Core) forgetWorker(w *worker) {
	delete(c.workers, w.row.WorkerID)
	delete(w.fleet.workers, w.row.WorkerID)
}
