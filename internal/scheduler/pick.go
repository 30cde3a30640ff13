package scheduler

import "container/heap"

// offer is a job's place in the index of one association.
type offer struct {
	job      *job
	steps    int // steps with READY tasks that the fleet can run
	position int // in the index; -1 when not in it
}

// jobIndex is the jobs that could be given to a fleet, the best on top: highest priority, then oldest.
type jobIndex []*offer

func (x jobIndex) Len() int { return len(x) }
func (x jobIndex) Less(i, j int) bool {
	a, b := &x[i].job.row, &x[j].job.row
	if a.Priority != b.Priority {
		return a.Priority > b.Priority
	}
	return a.Number < b.Number
}

func (x jobIndex) Swap(i, j int) {
	x[i], x[j] = x[j], x[i]
	x[i].position, x[j].position = i, j
}

func (x *jobIndex) Push(v any) {
	o := v.(*offer)
	o.position = len(*x)
	*x = append(*x, o)
}

func (x *jobIndex) Pop() any {
	last := len(*x) - 1
	o := (*x)[last]
	(*x)[last] = nil
	*x = (*x)[:last]
	o.position = -1
	return o
}

// best is the job that comes next for the fleet, nil when there is none.
func (x jobIndex) best() *job {
	if len(x) == 0 {
		return nil
	}
	return x[0].job
}

// offer counts a step in or out of the offers of its job as it gains or loses READY tasks.
func (c *Core) offer(s *step) {
	ready := s.ready()
	if ready == s.offered {
		return
	}
	s.offered = ready
	for _, l := range s.job.queue.links {
		if !s.class.runsOn(l.fleet) {
			continue
		}
		o := s.job.offers[l]
		if o == nil {
			o = &offer{job: s.job, position: -1}
			s.job.offers[l] = o
		}
		if ready {
			o.steps++
		} else {
			o.steps--
		}
	}
}

// place puts a job into the indexes of its queue where it belongs and takes it out elsewhere.
func (c *Core) place(j *job) {
	room := j.hasRoom()
	for _, l := range j.queue.links {
		o := j.offers[l]
		switch {
		case o == nil:
		case o.steps > 0 && room && o.position < 0:
			heap.Push(&l.index, o)
		case o.steps > 0 && room:
			heap.Fix(&l.index, o.position)
		case o.position >= 0:
			heap.Remove(&l.index, o.position)
		}
	}
}

// withdraw takes a job out of all indexes.
func (c *Core) withdraw(j *job) {
	for _, l := range j.queue.links {
		if o := j.offers[l]; o != nil && o.position >= 0 {
			heap.Remove(&l.index, o.position)
		}
	}
	clear(j.offers)
	for _, s := range j.steps {
		s.offered = false
	}
}

// reindex builds the indexes of a queue anew, after its fleets changed.
func (c *Core) reindex(q *queue) {
	for _, l := range q.links {
		l.index = l.index[:0]
	}
	for _, j := range q.inOrder() {
		clear(j.offers)
		for _, s := range j.steps {
			s.offered = false
			c.offer(s)
		}
		c.place(j)
	}
}

// pick chooses what a worker of the fleet does next. Of the queues with work, the one comes first that has the
// fewest sessions on the fleet, then the one that waited longest; in the queue the best job; in the job the first step.
func (c *Core) pick(f *fleet) (*link, *step) {
	var chosen *link
	for _, l := range f.links {
		if !l.serves() || len(l.index) == 0 {
			continue
		}
		if chosen == nil || l.sessions < chosen.sessions || l.sessions == chosen.sessions && l.served < chosen.served {
			chosen = l
		}
	}
	if chosen == nil {
		return nil, nil
	}
	for _, s := range chosen.index.best().steps {
		if s.ready() && s.class.runsOn(f) {
			return chosen, s
		}
	}
	c.violated(Violation{What: "index", ID: chosen.index.best().row.JobID, Why: "offered without a READY step"})
	return nil, nil
}

// preferred reports whether a session should make way after its assigned actions: for a job of its queue with a
// higher priority, or for a queue that has so few sessions on the fleet that giving it one evens them out.
func (c *Core) preferred(s *session, l *link) bool {
	if best := l.index.best(); best != nil && best.row.Priority > s.job.row.Priority {
		return true
	}
	for _, other := range l.fleet.links {
		if other != l && other.serves() && len(other.index) > 0 && other.sessions+1 < l.sessions {
			return true
		}
	}
	return false
}
