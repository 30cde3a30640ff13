package scheduler

import (
	"cmp"
	"container/heap"
	"slices"
	"time"
)

// lane is the jobs of a queue that a fleet can be given, as far as their tasks take the same from limits. A full limit so closes
// lanes, and touches no job.
type lane struct {
	link   *link
	demand *demand
	index  jobIndex
	alone  ring[offer] // those of index that have no worker and age, the one that waits longest first
}

// offer is a job's place in a lane.
type offer struct {
	job      *job
	lane     *lane
	steps    int           // steps with READY tasks that belong into the lane
	position int           // in the index; -1 when not in it
	since    time.Duration // when it last had a worker, or came; while it is in alone
	node     node[offer]   // in alone
}

// jobIndex is a heap of jobs, the one that comes next on top.
type jobIndex []*offer

func (x jobIndex) Len() int           { return len(x) }
func (x jobIndex) Less(i, j int) bool { return x[i].job.rank.compare(x[j].job.rank) < 0 }

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

// lane gives the lane of an association for a demand, and makes it.
func (l *link) lane(d *demand) *lane {
	for _, n := range l.lanes {
		if n.demand == d {
			return n
		}
	}
	n := &lane{link: l, demand: d}
	n.alone.init()
	l.lanes = append(l.lanes, n)
	return n
}

// runs reports whether the fleet of an association can run a class.
func (l *link) runs(k *class) bool { return l.fit(k).runs }

// offer counts a step in or out of the offers of its job as it gains or loses READY tasks.
func (c *Core) offer(s *step) {
	ready := s.ready()
	if ready == s.offered {
		return
	}
	s.offered = ready
	for _, l := range s.job.queue.links {
		if !l.runs(s.class) {
			continue
		}
		n := l.lane(c.demandOf(l, s.class))
		o := s.job.offerIn(n)
		if o == nil {
			o = &offer{job: s.job, lane: n, position: -1}
			s.job.offers = append(s.job.offers, o)
		}
		if ready {
			o.steps++
		} else {
			o.steps--
		}
	}
}

// offerIn is a job's place in a lane, nil when it never had one.
func (j *job) offerIn(n *lane) *offer {
	for _, o := range j.offers {
		if o.lane == n {
			return o
		}
	}
	return nil
}

// place ranks a job and puts it into the lanes of its queue where it belongs, and takes it out elsewhere.
func (c *Core) place(j *job) {
	j.rank = j.queue.order.rankOf(j)
	room := j.hasRoom()
	for _, o := range j.offers {
		wanted := o.steps > 0 && room
		switch {
		case wanted && o.position < 0:
			heap.Push(&o.lane.index, o)
		case wanted:
			heap.Fix(&o.lane.index, o.position)
		case o.position >= 0:
			heap.Remove(&o.lane.index, o.position)
		}
		c.age(o, wanted && j.sessions == 0 && j.queue.order.ages(j))
		c.wakeFleet(o.lane.link)
	}
}

// age lets the wait of a job without a worker begin, or end.
func (c *Core) age(o *offer, waits bool) {
	switch {
	case waits && !o.node.linked():
		o.since = c.lived
		o.lane.alone.append(&o.node, o)
	case !waits && o.node.linked():
		o.lane.alone.remove(&o.node)
	}
}

// withdraw takes a job out of all lanes.
func (c *Core) withdraw(j *job) {
	for _, o := range j.offers {
		c.dropOffer(o)
	}
	j.offers = nil
	for _, s := range j.steps {
		s.offered = false
	}
}

func (c *Core) dropOffer(o *offer) {
	if o.position >= 0 {
		heap.Remove(&o.lane.index, o.position)
	}
	c.age(o, false)
}

// reindex builds the lanes of a queue anew, after its fleets, limits or order changed. Jobs that wait alone keep their turn.
func (c *Core) reindex(q *queue) {
	since := map[*job]time.Duration{}
	for _, l := range q.links {
		for _, n := range l.lanes {
			for o := range n.alone.all() {
				since[o.job] = o.since
			}
		}
		l.lanes = nil
	}
	jobs := q.inOrder()
	slices.SortStableFunc(jobs, func(a, b *job) int {
		x, known := since[a]
		y, also := since[b]
		if known != also {
			return count(also) - count(known) // those that wait already come first
		}
		return cmp.Compare(x, y)
	})
	for _, j := range jobs {
		j.offers = nil
		for _, s := range j.steps {
			s.offered = false
			c.offer(s)
		}
		c.place(j)
		for _, o := range j.offers {
			if at, known := since[j]; known && o.node.linked() {
				o.since = at
			}
		}
	}
}
