package search

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/farmhand-render/farmhand/internal/store/row"
)

// Source reads the jobs and steps of a queue, and the workers of a fleet.
type Source interface {
	// EachJob calls f with the jobs of a queue in the order of their numbers, and with the parameters that their documents have.
	EachJob(ctx context.Context, queueID string, f func(j *row.Job, parameters []byte)) error
	// EachStep calls f with the steps of a queue's jobs, in the order of the jobs' numbers and of their templates, and with the
	// parameter spaces that their documents have.
	EachStep(ctx context.Context, queueID string, f func(x *row.Step, space []byte)) error
	// EachWorker calls f with the workers of a fleet.
	EachWorker(ctx context.Context, fleetID string, f func(w *row.Worker)) error
}

// Index is the queues and fleets that are in memory.
type Index struct {
	source Source
	ctx    context.Context //nolint:containedctx // bounds the reading, which outlives the search that asked first
	stop   context.CancelCauseFunc
	work   sync.WaitGroup

	mu     sync.RWMutex
	queues map[row.ResourceKey]*entry
}

// entry is a queue or fleet that is in memory, or is being read.
type entry struct {
	queue *queue // nil until it is read
	// Of one that is being read:
	read    chan struct{} // closed when it was read, or could not be
	err     error         // after that
	since   []*writes     // what was committed meanwhile
	unknown bool          // it is not known what was
}

// ErrClosed says that the store is closed.
var ErrClosed = errors.New("the store is closed")

// New makes an index that has nothing in memory.
func New(source Source) *Index {
	x := &Index{source: source, queues: map[row.ResourceKey]*entry{}}
	x.ctx, x.stop = context.WithCancelCause(context.Background())
	return x
}

// Close ends all reading, and waits for that.
func (x *Index) Close() {
	x.stop(ErrClosed)
	x.work.Wait()
}

// Load reads a queue or fleet, unless it is in memory.
func (x *Index) Load(ctx context.Context, of row.ResourceKey) error {
	_, err := x.loaded(ctx, of)
	return err
}

// loaded gives a queue or fleet, and reads it when it is not in memory.
func (x *Index) loaded(ctx context.Context, of row.ResourceKey) (*queue, error) {
	for {
		x.mu.RLock()
		e := x.queues[of]
		x.mu.RUnlock()
		if e == nil {
			e = x.begin(of)
		}
		select {
		case <-e.read:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		switch {
		case e.queue != nil:
			return e.queue, nil
		case e.err != nil:
			return nil, e.err
		} // what was read may be wrong: again
	}
}

// begin starts to read a queue or fleet.
func (x *Index) begin(of row.ResourceKey) *entry {
	x.mu.Lock()
	defer x.mu.Unlock()
	if e := x.queues[of]; e != nil {
		return e
	}
	e := &entry{read: make(chan struct{})}
	if x.ctx.Err() != nil {
		e.err = context.Cause(x.ctx)
		close(e.read)
		return e
	}
	x.queues[of] = e
	x.work.Go(func() { x.load(of, e) })
	return e
}

// load reads a queue or fleet. It is nobody else's until all that was committed meanwhile is in it.
func (x *Index) load(of row.ResourceKey, e *entry) {
	q := newQueue(of)
	err := x.read(q)
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case err != nil:
		e.err = fmt.Errorf("read %s %s for searches: %w", of.Kind, of.ID, err)
	case !e.unknown:
		for _, w := range e.since {
			q.apply(w)
		}
		e.queue = q
	}
	e.since = nil
	if e.queue == nil && x.queues[of] == e {
		delete(x.queues, of)
	}
	close(e.read)
}

func (x *Index) read(q *queue) error {
	if q.Kind == row.KindFleet {
		return x.source.EachWorker(x.ctx, q.ID, q.putWorker)
	}
	if err := x.source.EachJob(x.ctx, q.ID, q.putJob); err != nil {
		return err
	}
	return x.source.EachStep(x.ctx, q.ID, q.putStep)
}

// Apply takes what a commit wrote.
func (x *Index) Apply(c *row.Changes) {
	if len(c.Jobs)+len(c.Steps)+len(c.DeleteJobs)+len(c.Workers)+len(c.DeleteWorkers)+len(c.DeleteResources) == 0 {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, key := range c.DeleteResources {
		x.forget(key)
	}
	if len(x.queues) == 0 {
		return
	}
	w := newWrites(c)
	for of, e := range x.queues {
		if e.queue == nil {
			e.since = append(e.since, w)
		} else if e.queue.apply(w); e.queue.worn() {
			x.forget(of)
		}
	}
}

// Forget forgets everything: it is not known what a commit wrote.
func (x *Index) Forget() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for of := range x.queues {
		x.forget(of)
	}
}

// forget makes the next search read a queue or fleet again. One that is being read is read again, too.
func (x *Index) forget(of row.ResourceKey) {
	if e := x.queues[of]; e != nil {
		e.unknown = true
		delete(x.queues, of)
	}
}

// writes is the part of a commit that searches look at. It is made once and has copies: the caller may use the slices again.
type writes struct {
	deleted    []key
	jobs       []row.Job // by number
	parameters map[string][]byte
	steps      []stepWrite
	workers    map[string][]row.Worker // by fleet
	gone       []string                // workers
}

type stepWrite struct {
	row.Step

	job   key
	space []byte
}

func newWrites(c *row.Changes) *writes {
	w := &writes{jobs: slices.Clone(c.Jobs), gone: slices.Clone(c.DeleteWorkers)}
	slices.SortFunc(w.jobs, func(a, b row.Job) int { return cmp.Compare(a.Number, b.Number) })
	for _, id := range c.DeleteJobs {
		w.deleted = append(w.deleted, keyOf(id))
	}
	var spaces map[string][]byte
	if len(c.StepDocuments) > 0 {
		spaces = make(map[string][]byte, len(c.StepDocuments))
	}
	for i := range c.StepDocuments {
		spaces[c.StepDocuments[i].StepID] = c.StepDocuments[i].Space
	}
	for i := range c.Steps {
		w.steps = append(w.steps, stepWrite{c.Steps[i], keyOf(c.Steps[i].JobID), spaces[c.Steps[i].StepID]})
	}
	if len(c.JobDocuments) > 0 {
		w.parameters = make(map[string][]byte, len(c.JobDocuments))
		for i := range c.JobDocuments {
			w.parameters[c.JobDocuments[i].JobID] = c.JobDocuments[i].Parameters
		}
	}
	if len(c.Workers) > 0 {
		w.workers = map[string][]row.Worker{}
		for i := range c.Workers {
			fleet := c.Workers[i].FleetID
			w.workers[fleet] = append(w.workers[fleet], c.Workers[i])
		}
	}
	return w
}

// apply takes what a commit wrote.
func (q *queue) apply(w *writes) {
	if q.Kind == row.KindFleet {
		q.applyWorkers(w)
	} else {
		q.applyJobs(w)
	}
}

func (q *queue) applyWorkers(w *writes) {
	for _, id := range w.gone {
		q.removeWorker(id)
	}
	workers := w.workers[q.ID]
	for i := range workers {
		q.putWorker(&workers[i])
	}
}

// applyJobs puts steps in the order of their jobs.
func (q *queue) applyJobs(w *writes) {
	for _, id := range w.deleted {
		q.removeJob(id)
	}
	for i := range w.jobs {
		if j := &w.jobs[i]; j.QueueID == q.ID {
			q.putJob(j, w.parameters[j.JobID])
		}
	}
	type step struct {
		*stepWrite
		place int32
	}
	var steps []step
	for i := range w.steps {
		if place, is := q.places[w.steps[i].job]; is {
			steps = append(steps, step{&w.steps[i], place})
		}
	}
	slices.SortFunc(steps, func(a, b step) int {
		return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.StepIndex, b.StepIndex))
	})
	for _, x := range steps {
		q.putStep(&x.Step, x.space)
	}
}

// place gives where a job of a queue is.
func (x *Index) place(q *queue, jobID string) (row int32, is bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	row, is = q.places[keyOf(jobID)]
	return row, is
}

// view gives a queue or fleet as it is now.
func (x *Index) view(ctx context.Context, kind Kind, id string) (*view, error) {
	q, err := x.loaded(ctx, kind.within(id))
	if err != nil {
		return nil, err
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	t := &q.jobs
	switch kind {
	case Steps:
		t = &q.steps
	case Workers:
		t = &q.workers
	}
	return &view{q: q, chunks: t.chunks, rows: t.rows, jobs: q.jobs.chunks, idBytes: t.idBytes, byAge: t.byAge, apart: len(q.apart) > 0}, nil
}
