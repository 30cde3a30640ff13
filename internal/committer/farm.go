package committer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// core is what the loop needs of a scheduler.Core.
type core interface {
	Restore(now scheduler.Instant, snapshot *row.Snapshot) error
	Apply(now scheduler.Instant, command scheduler.Command) (scheduler.Result, *row.Changes, error)
	Missing(command scheduler.Command) (jobID string, missing bool)
	LoadJob(snapshot *row.JobSnapshot) error
}

// pending is a command whose caller waits.
type pending struct {
	request Request
	seen    int64        // commits of the farm before its token was looked for in the store
	done    chan outcome // has room for the one answer
}

type outcome struct {
	reply Reply
	err   error
}

// farm is the loop of one farm.
type farm struct {
	id        string
	committer *Committer
	log       *slog.Logger
	wake      chan struct{} // commands wait
	arrived   chan struct{} // jobs were read
	commits   atomic.Int64  // commits, and failures of commits, so far
	health    atomic.Pointer[error]
	postponed atomic.Int64 // commands that wait in loads

	mu      sync.Mutex // guards the next fields
	waiting []*pending
	loaded  []*load
	closed  bool

	// The fields below belong to the loop's goroutine.
	core     core // nil when it must be rebuilt
	tokens   recentTokens
	loads    map[string]*load // by the id of the job
	open     *batch           // applied, not yet handed to the store; never nil
	inFlight *batch           // being made durable; nil when none is
	result   chan error       // of the batch in flight
	tick     *time.Timer
	failures int // failed commits since the last good one
}

// maxRows is the number of rows at which a batch takes no more commands.
const maxRows = 16384

func newFarm(c *Committer, id string) *farm {
	f := &farm{
		id:        id,
		committer: c,
		log:       c.options.Logger.With(slog.String("farm_id", id)),
		wake:      make(chan struct{}, 1),
		arrived:   make(chan struct{}, 1),
		loads:     map[string]*load{},
		tokens:    newRecentTokens(c.options.RecentTokens),
		open:      &batch{},
		result:    make(chan error, 1),
	}
	f.health.Store(&errStarting)
	return f
}

func (f *farm) enqueue(p *pending) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return ErrStopped
	case len(f.waiting)+int(f.postponed.Load()) >= f.committer.options.MaxWaiting:
		return ErrOverloaded
	}
	f.waiting = append(f.waiting, p)
	signal(f.wake)
	return nil
}

// take gives up to limit of the commands that wait, and reports whether that was all.
func (f *farm) take(limit int) (taken []*pending, all bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := min(limit, len(f.waiting))
	taken = f.waiting[:n:n]
	f.waiting = f.waiting[n:]
	if len(f.waiting) == 0 {
		f.waiting = nil // the callers' memory is theirs again
	}
	return taken, len(f.waiting) == 0
}

// putBack returns commands that were taken and not applied.
func (f *farm) putBack(commands []*pending) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = append(commands, f.waiting...)
	signal(f.wake)
}

// refuse answers all that waits.
func (f *farm) refuse(err error) {
	waiting, _ := f.take(f.committer.options.MaxWaiting + f.committer.options.MaxBatch)
	for _, p := range waiting {
		p.done <- outcome{err: err}
	}
}

// close lets nothing more in. What still waits was not applied.
func (f *farm) close() {
	f.shut()
	f.refuse(ErrStopped)
}

func (f *farm) shut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
}

func (f *farm) idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.waiting) == 0 && len(f.loads) == 0 && f.inFlight == nil && len(f.open.waiting) == 0 && f.open.size() == 0
}

// run is the loop. When ctx ends it finishes what was taken.
func (f *farm) run(ctx context.Context) {
	defer f.close()
	defer f.refuseLoads(ErrStopped)
	if !f.rebuild(ctx) {
		return
	}
	f.tick = time.NewTimer(f.committer.options.Config.TickInterval)
	defer f.tick.Stop()
	// What was taken is finished even while shutting down.
	work := context.WithoutCancel(ctx)
	stop := ctx.Done()
	for {
		wake, arrived := f.wake, f.arrived
		if f.full() {
			wake, arrived = nil, nil
		}
		select {
		case <-wake:
			f.applyWaiting(work)
		case <-arrived:
			f.applyLoaded(work)
		case err := <-f.result:
			f.finish(work, err)
		case <-f.tick.C:
			f.applyTick(work)
		case <-stop:
			stop = nil
			f.shut()
		}
		if f.core == nil && !f.rebuild(ctx) {
			return
		}
		f.commitOpen(work)
		if stop == nil && f.idle() {
			f.recordState()
			return
		}
	}
}

// recordState closes the recording of a farm with all that its core holds.
func (f *farm) recordState() {
	whole, ok := f.core.(interface{ Dump() string })
	if r := f.committer.options.Recorder; ok && r != nil {
		r.State(f.id, whole.Dump())
	}
}

func (f *farm) full() bool {
	return len(f.open.waiting) >= f.committer.options.MaxBatch || f.open.size() >= maxRows
}

// applyWaiting applies what waits, as far as it fits into the open batch, at one moment.
func (f *farm) applyWaiting(ctx context.Context) {
	commands, all := f.take(f.committer.options.MaxBatch - len(f.open.waiting))
	if !all {
		signal(f.wake)
	}
	now := f.committer.now()
	for i, p := range commands {
		if f.open.size() >= maxRows {
			f.putBack(commands[i:])
			return
		}
		f.applyPending(ctx, now, p, false)
		if f.core == nil {
			f.putBack(commands[i+1:])
			return
		}
	}
}

// applyPending applies a command whose answer comes with the open batch, or lets it wait until the job that it is about is loaded.
func (f *farm) applyPending(ctx context.Context, now scheduler.Instant, p *pending, loaded bool) {
	if answer, found := f.known(ctx, now, p); found {
		f.open.answer(p, answer)
		return
	}
	command := p.request.Command
	if jobID, missing := f.core.Missing(command); missing && !loaded {
		f.postpone(ctx, jobID, p)
		return
	}
	result, panicked, err := f.apply(ctx, now, command)
	if panicked {
		p.done <- outcome{err: ErrInternal}
		return
	}
	if token := p.request.Token; token != nil && err == nil {
		r := &remembered{key: token.key(), hash: token.Hash, response: token.Response, at: now.Wall}
		f.tokens.add(r)
		f.open.remember(r)
	}
	f.open.answer(p, outcome{Reply{Result: result}, err})
}

// known answers a command whose client token was seen before.
func (f *farm) known(ctx context.Context, now scheduler.Instant, p *pending) (answer outcome, found bool) {
	token := p.request.Token
	if token == nil {
		return outcome{}, false
	}
	if r := f.tokens.entries[token.key()]; r != nil {
		return token.answered(r, now.Wall)
	}
	if p.seen < f.tokens.forgotten {
		return f.committer.lookUp(ctx, token, now.Wall)
	}
	return outcome{}, false
}

// apply runs a command on the core and merges its changes into the open batch.
func (f *farm) apply(
	ctx context.Context, now scheduler.Instant, command scheduler.Command,
) (result scheduler.Result, panicked bool, err error) {
	var changes *row.Changes
	panicked = f.guard(ctx, slog.String("command", fmt.Sprintf("%T", command)), func() {
		result, changes, err = f.core.Apply(now, command)
	})
	if r := f.committer.options.Recorder; r != nil {
		if panicked {
			err = errPanicked
		}
		r.Command(f.id, now, command, changes, err)
	}
	if panicked {
		f.abandon(ctx, errPanicked)
		return scheduler.Result{}, true, nil
	}
	if err == nil {
		f.doubt(changes)
		f.open.merge(changes)
		f.open.wakes = append(f.open.wakes, result.Wake...)
	}
	return result, false, err
}

// errPanicked is why a core that panicked is given up.
var errPanicked = errors.New("the core panicked")

// guard reports whether f panicked, and tells of it.
func (f *farm) guard(ctx context.Context, what slog.Attr, call func()) (panicked bool) {
	defer func() {
		if v := recover(); v != nil {
			panicked = true
			f.log.LogAttrs(ctx, slog.LevelError, "panic in the scheduler core", what,
				slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
			f.committer.options.Invariant(ctx, "panic in the scheduler core", slog.String("farm_id", f.id), what)
		}
	}()
	call()
	return false
}

// minTick keeps a core that always wants the next Tick at once from taking the processor.
const minTick = 10 * time.Millisecond

func (f *farm) applyTick(ctx context.Context) {
	now := f.committer.now()
	next := f.committer.options.Config.TickInterval
	result, _, err := f.apply(ctx, now, scheduler.Tick{})
	if err != nil {
		f.committer.options.Invariant(ctx, "a tick was refused", slog.String("farm_id", f.id), slog.Any("error", err))
	}
	if result.NextTick > now.Mono {
		next = min(next, result.NextTick-now.Mono)
	}
	f.tick.Reset(max(next, minTick))
}

// commitOpen hands the open batch to the store when no other is on its way. A batch without changes
// is answered at once: all that its callers could have seen is durable.
func (f *farm) commitOpen(ctx context.Context) {
	if f.inFlight != nil {
		return
	}
	b := f.open
	if b.size() == 0 {
		f.settle(b)
		if len(b.waiting) > 0 || len(b.wakes) > 0 {
			f.open = &batch{}
		}
		return
	}
	f.inFlight, f.open = b, &batch{}
	go func() { f.result <- f.committer.store.Commit(ctx, b.changes()) }()
}

// finish takes the outcome of the batch in flight.
func (f *farm) finish(ctx context.Context, err error) {
	b := f.inFlight
	f.inFlight = nil
	if err != nil {
		f.failures++
		f.log.ErrorContext(ctx, "changes could not be stored", slog.Any("error", err))
		f.fail(b, err)
		return
	}
	f.failures = 0
	f.tokens.commit(b.tokens, f.commits.Add(1))
	f.settle(b)
	for _, l := range b.loads {
		go f.read(ctx, l)
	}
	if len(b.sweeps) > 0 {
		signal(f.committer.swept)
	}
}

// settle answers the callers of a batch that is durable, and wakes the workers that it concerns.
func (f *farm) settle(b *batch) {
	b.settle(nil)
	if len(b.wakes) > 0 {
		f.committer.options.Wake(f.id, b.wakes)
	}
}

// fail gives up a batch, what was applied after it, and the core.
func (f *farm) fail(b *batch, err error) {
	f.core = nil
	f.health.Store(&err)
	refusal := fmt.Errorf("%w: %w", ErrNotCommitted, err)
	if b != nil {
		b.settle(refusal)
	}
	f.open.settle(refusal)
	f.open = &batch{}
	f.refuseLoads(refusal)
	f.tokens.reset(f.commits.Add(1))
}

// abandon gives up a core that cannot be trusted any more, with the open batch. The batch
// in flight was complete before and counts if it arrives.
func (f *farm) abandon(ctx context.Context, err error) {
	if f.inFlight != nil {
		f.finish(ctx, <-f.result)
	}
	f.fail(nil, err)
}

// rebuild makes a core from the store, however often it takes. It reports false when ctx ended first.
func (f *farm) rebuild(ctx context.Context) bool {
	f.core = nil
	if f.failures > 1 && !f.pause(ctx, f.committer.options.backoff(f.failures-1)) {
		return false
	}
	for attempt := 1; ; attempt++ {
		err := f.load(ctx)
		if err == nil {
			if attempt > 1 || f.failures > 0 {
				f.log.InfoContext(ctx, "the farm was loaded again")
			}
			f.health.Store(nil)
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if attempt == 1 {
			f.log.ErrorContext(ctx, "the farm could not be loaded", slog.Any("error", err))
		}
		f.health.Store(&err)
		if !f.pause(ctx, f.committer.options.backoff(attempt)) {
			return false
		}
	}
}

// pause lets d pass and refuses what comes meanwhile. It reports false when ctx ended first.
func (f *farm) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	refusal := ErrNotCommitted
	if err := f.health.Load(); err != nil {
		refusal = fmt.Errorf("%w: %w", ErrNotCommitted, *err)
	}
	for {
		f.refuse(refusal)
		select {
		case <-timer.C:
			return true
		case <-f.wake:
		case <-ctx.Done():
			return false
		}
	}
}

// load makes a core from the store. After a failure the store must show first that it can
// write: a full disk can be read all the same.
func (f *farm) load(ctx context.Context) (err error) {
	if f.failures > 0 {
		if err := f.committer.store.Check(ctx); err != nil {
			return err
		}
	}
	snapshot, err := f.committer.store.Snapshot(ctx, f.id)
	if err != nil {
		return err
	}
	seed, now := f.committer.options.NewSeed(), f.committer.now()
	if r := f.committer.options.Recorder; r != nil {
		r.Core(f.id, now, seed, f.committer.options.Config, snapshot)
	}
	c := f.committer.options.newCore(seed)
	panicked := f.guard(ctx, slog.String("command", "restore"), func() { err = c.Restore(now, snapshot) })
	if panicked {
		return ErrInternal
	}
	if err != nil {
		return fmt.Errorf("restore farm: %w", err)
	}
	f.core = c
	return nil
}
