package scheduler

import (
	"cmp"
	"slices"
	"time"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// FleetScaling says how a fleet grows and shrinks with its work (§8.4).
type FleetScaling struct {
	Min         int32 `json:"min"`         // workers that it always should have
	IdleSeconds int32 `json:"idleSeconds"` // how long a worker may be without work before it is surplus
}

// FleetSize asks how many workers a fleet that scales should have now. It changes nothing. Its result is Result.FleetSize.
type FleetSize struct{ FleetID string }

func (FleetSize) command() {}

func (c *Core) fleetSize(cmd FleetSize) (int, error) {
	f := c.fleets[cmd.FleetID]
	if f == nil {
		return 0, &NotFoundError{ResourceType: "fleet", ResourceID: cmd.FleetID}
	}
	if f.scaling == nil {
		return len(f.workers), nil
	}
	return c.target(f), nil
}

// target is how many workers a fleet should have: those that work, one for each piece of READY work that they do not do, and no fewer
// than its minimum, no more than its maximum. Work that several fleets can do is shared evenly.
func (c *Core) target(f *fleet) int {
	want := 0
	for _, w := range f.workers {
		want += count(w.session != nil)
	}
	for _, l := range f.links {
		if l.serves() {
			want += c.unserved(l, f.maxWorkers-want)
		}
		if want >= f.maxWorkers {
			break
		}
	}
	return min(max(want, int(f.scaling.Min)), f.maxWorkers)
}

// unserved counts sessions that READY work of a queue could still have on a fleet, up to most.
func (c *Core) unserved(l *link, most int) int {
	sharers := 0
	for _, other := range l.queue.links {
		sharers += count(other.serves())
	}
	total := 0
	for _, n := range l.lanes {
		if !n.demand.room() {
			continue
		}
		inLane := 0
		for _, o := range n.index {
			if total+inLane >= most {
				break
			}
			inLane += c.sessionsFor(o, l, sharers)
		}
		total += n.demand.fits(inLane)
	}
	return min(total, most)
}

// sessionsFor counts the sessions that a job could still have on a fleet for its steps of a lane.
func (c *Core) sessionsFor(o *offer, l *link, sharers int) int {
	j, tasks := o.job, int64(0)
	for _, s := range j.steps {
		if s.ready() && l.runs(s.class) && c.demandOf(l, s.class) == o.lane.demand {
			size := s.chunkSize()
			tasks += (s.row.Counts[status.TaskReady] + size - 1) / size
		}
	}
	// What is queued behind another task of a session is not READY, so this is what no session has.
	tasks = (tasks + int64(sharers) - 1) / int64(sharers)
	if j.row.MaxWorkers > 0 {
		tasks = min(tasks, int64(j.row.MaxWorkers)-int64(j.sessions))
	}
	return int(min(max(tasks, 0), int64(l.fleet.maxWorkers)))
}

// fits bounds how many tasks can take from the limits at once.
func (d *demand) fits(tasks int) int {
	if d == nil {
		return tasks
	}
	for _, t := range d.takes {
		if l := t.from.limit; l.most >= 0 && t.count > 0 {
			tasks = min(tasks, int((l.most-l.used)/t.count))
		}
	}
	return tasks
}

// shrink tells the workers of a fleet to stop that are idle for too long, where the fleet has more than it should: those that are idle
// the longest.
func (c *Core) shrink(f *fleet) {
	if f.scaling == nil {
		return
	}
	patience := time.Duration(f.scaling.IdleSeconds) * time.Second
	var idle []*worker
	staying := 0
	for _, w := range f.workers {
		if !w.row.Status.Online() || !w.takesWork() {
			continue
		}
		staying++
		if w.session == nil && c.lived-w.worked >= patience {
			idle = append(idle, w)
		}
	}
	if len(idle) == 0 {
		return
	}
	slices.SortFunc(idle, func(a, b *worker) int {
		return cmp.Or(cmp.Compare(a.worked, b.worked), cmp.Compare(a.row.WorkerID, b.row.WorkerID))
	})
	for _, w := range idle[:min(len(idle), max(0, staying-c.target(f)))] {
		w.surplus = true
		c.refree(w)
		c.dirty.surplus = append(c.dirty.surplus, w)
	}
}

// keep lets the workers of a fleet that does not scale any more go on.
func (c *Core) keep(f *fleet) {
	for _, w := range f.workers {
		w.surplus = false
		c.refree(w)
	}
	for _, l := range f.links {
		c.wakeFleet(l)
	}
}

// stay makes a worker that begins anew one that may work.
func (c *Core) stay(w *worker) {
	w.surplus, w.worked = false, c.lived
	w.row.Drain = row.DrainNone
	c.refree(w)
}
