package search

import (
	"cmp"
	"context"
	"math/bits"
	"slices"

	"github.com/farmhand-render/farmhand/internal/status"
)

// Step is what is in memory of a step that a walk comes to.
type Step struct {
	StepID, JobID, QueueID string
	JobCreatedAt           int64
	JobNumber              int64
	StepIndex              int32
	Tasks                  int64
	Statuses               []status.Task // that tasks have
	Space                  string        // the parameter space, as the document has it
	SpaceUnknown           bool          // it is too long to be in memory
}

// Walk goes through the steps of some queues that meet a condition: those of the newest job first, those of a job in the order of its
// template. What is added meanwhile is not come to. It belongs to one goroutine.
type Walk struct {
	queues []*queueWalk
}

// queueWalk is the walk through one queue, from the last chunk to the first.
type queueWalk struct {
	*view

	root     node
	left     int    // chunks that were not looked at
	all      bool   // rows do not lie by age: all are looked at before the first is given
	ready    []Step // in order
	begun    []Step // the first job of the last chunk that was looked at, which has steps in the one before
	statuses map[int32][]status.Task
}

// Walk begins a walk. Queues that are not in memory are read first.
func (x *Index) Walk(ctx context.Context, queueIDs []string, where *Condition) (*Walk, error) {
	w := &Walk{}
	for _, id := range queueIDs {
		v, err := x.view(ctx, Steps, id)
		if err != nil {
			return nil, err
		}
		w.queues = append(w.queues, &queueWalk{
			view: v, root: x.plan(v, Steps).condition(where), left: len(v.chunks), all: !v.byAge || v.apart, statuses: map[int32][]status.Task{},
		})
	}
	return w, nil
}

// Next gives the next steps, fewer than asked for only at the end.
func (w *Walk) Next(ctx context.Context, limit int) ([]Step, error) {
	var steps []Step
	for len(steps) < limit {
		var newest *queueWalk
		for _, q := range w.queues {
			if err := q.fill(ctx); err != nil {
				return nil, err
			}
			if len(q.ready) > 0 && (newest == nil || byAge(&q.ready[0], &newest.ready[0]) < 0) {
				newest = q
			}
		}
		if newest == nil {
			break
		}
		steps, newest.ready = append(steps, newest.ready[0]), newest.ready[1:]
	}
	return steps, nil
}

// byAge puts steps in the order of a walk.
func byAge(a, b *Step) int {
	return cmp.Or(cmp.Compare(b.JobCreatedAt, a.JobCreatedAt), cmp.Compare(b.JobNumber, a.JobNumber), cmp.Compare(a.StepIndex, b.StepIndex))
}

// fill makes the next step ready, if there is one.
func (w *queueWalk) fill(ctx context.Context) error {
	for len(w.ready) == 0 && w.left+len(w.begun) > 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var found []Step
		for ok := w.left > 0; ok; ok = w.all && w.left > 0 {
			w.left--
			found = w.look(found)
		}
		found, w.begun = append(found, w.begun...), nil
		slices.SortFunc(found, func(a, b Step) int { return byAge(&a, &b) })
		if w.left > 0 && w.continues(Steps, w.left) {
			whole := w.whole(found)
			found, w.begun = found[:whole:whole], found[whole:]
		}
		w.ready = found
	}
	return nil
}

// whole tells how many of the steps of a chunk, in order, belong to other jobs than its first row.
func (w *queueWalk) whole(found []Step) int {
	c := w.chunks[w.left]
	c.mu.RLock()
	first := c.longs(number)[0]
	c.mu.RUnlock()
	n := len(found)
	for n > 0 && found[n-1].JobNumber == first {
		n--
	}
	return n
}

// look adds the steps of the chunk.
func (w *queueWalk) look(found []Step) []Step {
	c := w.chunks[w.left]
	c.mu.RLock()
	defer c.mu.RUnlock()
	live := w.live(w.left)
	set := w.root.test(c, &live)
	spaces := w.q.spaces.snapshot()
	for word, some := range set {
		for left := some; left != 0; left &= left - 1 {
			found = append(found, w.step(c, word*64+bits.TrailingZeros64(left), &spaces))
		}
	}
	return found
}

func (w *queueWalk) step(c *chunk, row int, spaces *texts) Step {
	s := Step{
		StepID: string(c.id(row)), QueueID: w.q.ID, JobCreatedAt: c.longs(JobCreatedAt)[row], JobNumber: c.longs(number)[row],
		StepIndex: c.shorts(stepIndex)[row], Tasks: c.longs(Tasks)[row], Statuses: w.statusesIn(c.shorts(taskStatuses)[row]),
	}
	if at := c.shorts(space)[row]; at < 0 {
		s.SpaceUnknown = true
	} else {
		s.Space = string(spaces.get(at))
	}
	job := c.shorts(jobRow)[row]
	of := w.jobs[job>>chunkBits]
	of.mu.RLock()
	defer of.mu.RUnlock()
	s.JobID = string(of.id(int(job) & (chunkRows - 1)))
	return s
}

// statusesIn gives the statuses of some bits, the same slice each time.
func (w *queueWalk) statusesIn(mask int32) []status.Task {
	all, is := w.statuses[mask]
	if !is {
		for one := range status.Task(status.NumTask) {
			if mask>>one&1 != 0 {
				all = append(all, one)
			}
		}
		w.statuses[mask] = all
	}
	return all
}
