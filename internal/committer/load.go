package committer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// A finished job that a command is about is read while the loop goes on with other commands: it may have very many tasks. Nothing but
// a deletion changes it meanwhile, because everything else would need it in memory.

// load is a finished job that is being read, with the commands that wait for it.
type load struct {
	jobID    string
	waiting  []*pending
	deleted  bool             // perhaps, since the load began: it has to be read again
	snapshot *row.JobSnapshot // nil when the farm has no such job
	err      error
}

// postpone lets a command wait until a job is read, which begins when the job's last changes are durable.
func (f *farm) postpone(ctx context.Context, jobID string, p *pending) {
	f.postponed.Add(1)
	if l := f.loads[jobID]; l != nil {
		l.waiting = append(l.waiting, p)
		return
	}
	l := &load{jobID: jobID, waiting: []*pending{p}}
	f.loads[jobID] = l
	switch {
	case f.open.size() > 0:
		f.open.loads = append(f.open.loads, l)
	case f.inFlight != nil:
		f.inFlight.loads = append(f.inFlight.loads, l)
	default:
		go f.read(ctx, l)
	}
}

// maxReads is how many jobs are read at a time: each may take much memory.
const maxReads = 2

// read reads a job and tells the loop.
func (f *farm) read(ctx context.Context, l *load) {
	f.committer.reads <- struct{}{}
	l.snapshot, l.err = f.committer.store.JobSnapshot(ctx, l.jobID)
	<-f.committer.reads
	switch {
	case errors.Is(l.err, store.ErrNotFound):
		l.err = nil
	case l.err != nil:
		l.err = fmt.Errorf("%w: %w", ErrNotCommitted, l.err)
	case l.snapshot.Job.FarmID != f.id:
		l.snapshot = nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.loaded = append(f.loaded, l)
	signal(f.arrived)
}

// applyLoaded applies the commands of the jobs that were read.
func (f *farm) applyLoaded(ctx context.Context) {
	for _, l := range f.takeLoaded() {
		if f.loads[l.jobID] != l { // it was given up
			continue
		}
		delete(f.loads, l.jobID)
		f.postponed.Add(-int64(len(l.waiting)))
		if l.deleted {
			for _, p := range l.waiting {
				f.postpone(ctx, l.jobID, p)
			}
			continue
		}
		if l.err == nil && l.snapshot != nil {
			l.err = f.loadJob(ctx, l)
		}
		if l.err != nil {
			l.answer(l.err)
			continue
		}
		for i, p := range l.waiting {
			if f.core == nil {
				f.putBack(l.waiting[i:])
				break
			}
			// The job is there for one command only, unless that is about to make it unfinished.
			f.applyPending(ctx, f.committer.now(), p, i == 0)
		}
	}
}

func (f *farm) takeLoaded() []*load {
	f.mu.Lock()
	defer f.mu.Unlock()
	taken := f.loaded
	f.loaded = nil
	return taken
}

// loadJob gives a finished job to the core.
func (f *farm) loadJob(ctx context.Context, l *load) (err error) {
	if r := f.committer.options.Recorder; r != nil {
		r.Load(f.id, l.snapshot)
	}
	panicked := f.guard(ctx, slog.String("job_id", l.jobID), func() { err = f.core.LoadJob(l.snapshot) })
	if panicked {
		f.abandon(ctx, errPanicked)
		return ErrInternal
	}
	if err != nil {
		f.committer.options.Invariant(ctx, "a job could not be loaded", slog.String("job_id", l.jobID), slog.Any("error", err))
		return fmt.Errorf("%w: load job: %w", ErrInternal, err)
	}
	return nil
}

// doubt lets the jobs be read again that changes delete perhaps.
func (f *farm) doubt(c *row.Changes) {
	if c == nil {
		return
	}
	for _, id := range c.DeleteJobs {
		if l := f.loads[id]; l != nil {
			l.deleted = true
		}
	}
	for _, key := range c.DeleteResources {
		for _, l := range f.loads {
			l.deleted = l.deleted || key.Kind == row.KindQueue
		}
	}
}

// refuseLoads answers all commands that wait for jobs.
func (f *farm) refuseLoads(err error) {
	for _, l := range f.loads {
		l.answer(err)
	}
	clear(f.loads)
	f.postponed.Store(0)
}

func (l *load) answer(err error) {
	for _, p := range l.waiting {
		p.done <- outcome{err: err}
	}
}
