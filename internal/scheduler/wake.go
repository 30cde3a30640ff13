package scheduler

import "github.com/farmhand-render/farmhand/internal/status"

// Wake names workers that should ask for work now rather than at their next turn: there is something for them. It is a hint, given with
// the command that made it true; a worker that misses it loses time, nothing else.
type Wake struct {
	FleetID  string
	WorkerID string // this one: what it holds changed; "": Workers idle workers of the fleet
	Workers  int
}

// wakeFleet notes that a fleet may have work for a worker without a session.
func (c *Core) wakeFleet(l *link) {
	if !l.wake && l.fleet.free > 0 && l.serves() {
		l.wake = true
		c.dirty.wake = append(c.dirty.wake, l)
	}
}

// wakes tells whom a command concerns. asker is the worker whose poll the command is; its answer says it all.
func (c *Core) wakes(asker string) []Wake {
	var out []Wake
	for _, l := range c.dirty.wake {
		if best := l.best(); best != nil && l.fleet.free > 0 {
			out = append(out, Wake{FleetID: l.fleet.id, Workers: min(c.openings(l, best), l.fleet.free)})
		}
	}
	for _, w := range c.dirty.surplus {
		out = append(out, Wake{FleetID: w.fleet.id, WorkerID: w.row.WorkerID})
	}
	told := asker
	for _, a := range c.dirty.actions {
		s := a.session
		if (a.leaving() || a.row.Status == status.ActionScheduled) && s.row.WorkerID != told {
			told = s.row.WorkerID // one after the other is mostly of one session
			out = append(out, Wake{FleetID: s.row.FleetID, WorkerID: told})
		}
	}
	for _, w := range c.dirty.workers {
		if (!w.row.Status.Online() || w.toStop()) && w.row.WorkerID != asker {
			out = append(out, Wake{FleetID: w.fleet.id, WorkerID: w.row.WorkerID})
		}
	}
	return out
}
