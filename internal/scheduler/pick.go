package scheduler

import "github.com/farmhand-render/farmhand/internal/status"

// turnOf is how often a job that waited too long is served: once in so many times that a fleet is given work of its queue.
const turnOf = 8

// best is the job of an association that comes next, nil when there is none.
func (l *link) best() *job {
	var best *job
	for _, n := range l.lanes {
		if len(n.index) == 0 || !n.demand.room() {
			continue
		}
		if j := n.index[0].job; best == nil || j.rank.compare(best.rank) < 0 {
			best = j
		}
	}
	return best
}

// overdue is the job that has been without a worker for longest and too long, nil when none was. Nobody is let wait for ever in a
// balanced queue: one in [turnOf] assignments goes to the job that is overdue, whatever its rank.
func (c *Core) overdue(l *link) *job {
	var longest *offer
	for _, n := range l.lanes {
		o := n.alone.first()
		if o != nil && n.demand.room() && (longest == nil || o.since < longest.since) {
			longest = o
		}
	}
	if longest == nil || c.lived-longest.since < c.cfg.MaxWait {
		return nil
	}
	return longest.job
}

// nextJob is the job of an association that a worker without a session should get, and whether it is that because it waited too long.
func (c *Core) nextJob(l *link) (next *job, aged bool) {
	if l.given >= turnOf-1 {
		if j := c.overdue(l); j != nil {
			return j, true
		}
	}
	return l.best(), false
}

// effective is the sessions of an association once those that make way have done so.
func (l *link) effective() int { return l.sessions - l.leaving + l.coming }

// pick chooses what a worker of the fleet does next. Of the queues with work, the one comes first that has the fewest sessions on
// the fleet, then the one that waited longest; in the queue the job that its order says; in the job the first step. taken: a worker
// takes it, which is not so when somebody only asks.
func (c *Core) pick(f *fleet, taken bool) (*link, *step) {
	var chosen *link
	for _, l := range f.links {
		if !l.serves() || l.best() == nil {
			continue
		}
		if chosen == nil || l.effective() < chosen.effective() || l.effective() == chosen.effective() && l.served < chosen.served {
			chosen = l
		}
	}
	if chosen == nil {
		return nil, nil
	}
	j, aged := c.nextJob(chosen)
	if s := c.firstStep(chosen, j); s != nil {
		if aged && taken {
			chosen.given = 0
		}
		return chosen, s
	}
	c.violated(Violation{What: "index", ID: j.row.JobID, Why: "offered without a READY step"})
	return nil, nil
}

// firstStep is the first step of a job that an association can give out.
func (c *Core) firstStep(l *link, j *job) *step {
	for _, s := range j.steps {
		if s.ready() && l.runs(s.class) && c.demandOf(l, s.class).room() {
			return s
		}
	}
	return nil
}

// makesWay reports whether a session should end after its assigned actions, and for which association's work. That is so for a job
// of its queue that comes before its own, for one that waited too long, and for a queue that has too few sessions on the fleet.
func (c *Core) makesWay(s *session) *link {
	l := s.link
	if best := l.best(); best != nil && best != s.job && c.openings(l, best) > l.coming && l.queue.order.prefers(best, s.job, l.coming) {
		return l
	}
	if l.given >= turnOf-1 && l.coming == 0 && c.overdue(l) != nil {
		return l
	}
	for _, other := range l.fleet.links {
		if other != l && other.serves() && c.owed(other, s) {
			return other
		}
	}
	return nil
}

// openings is how many more workers of an association a job could use now.
func (c *Core) openings(l *link, j *job) int {
	n := int64(0)
	for _, s := range j.steps {
		if s.ready() && l.runs(s.class) {
			n += s.row.Counts[status.TaskReady]
		}
	}
	if j.row.MaxWorkers > 0 {
		n = min(n, int64(j.row.MaxWorkers)-int64(j.sessions))
	}
	return int(n)
}

// owed reports whether the end of a session evens out the queues of its fleet, or makes it another queue's turn: where there are
// fewer workers than queues with work, each queue has one for [Config.QueueTurn] at a time.
func (c *Core) owed(to *link, s *session) bool {
	best := to.best()
	if best == nil || c.openings(to, best) <= to.coming {
		return false
	}
	if to.effective()+1 < s.link.effective() {
		return true
	}
	return to.effective() == 0 && c.lived-s.since >= c.cfg.QueueTurn
}

// consider decides anew whether a session makes way, and reports it. It is on its way, so that no other session need go, only once
// none of its tasks is left: how long those take nobody knows.
func (c *Core) consider(s *session) bool {
	s.stay()
	to := c.makesWay(s)
	if to == nil {
		return false
	}
	if s.openTasks() == 0 {
		s.way = to
		to.coming++
		s.link.leaving++
	}
	return true
}

// stay takes back that a session makes way.
func (s *session) stay() {
	if s.way != nil {
		s.way.coming--
		s.link.leaving--
		s.way = nil
	}
}
