package committer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// The errors of [Committer.Do] besides those of the core (see package scheduler) and of the caller's context.
var (
	// ErrNotCommitted: the store did not confirm the command's changes. Whether they happened is
	// unknown; the request may be sent again, with its client token when it has one.
	ErrNotCommitted = errors.New("the change could not be stored")
	// ErrTokenReused: the client token belongs to an earlier request with other parameters.
	ErrTokenReused = errors.New("the client token was used with other parameters")
	// ErrOverloaded: too many commands wait. Nothing was applied; try again later.
	ErrOverloaded = errors.New("too many commands are waiting")
	// ErrStopped: the committer is shutting down. Nothing was applied.
	ErrStopped = errors.New("the committer has stopped")
	// ErrInternal: the core panicked on the command. Nothing of it is stored.
	ErrInternal = errors.New("internal error of the scheduler")
)

// TokenLifetime is how long the answer to a request with a client token is remembered.
const TokenLifetime = 24 * time.Hour

// Options configure a [Committer]. Zero values mean the defaults.
type Options struct {
	// Config is that of every core. A core gets a Tick at least every Config.TickInterval.
	Config scheduler.Config
	// NewSeed makes the seed of a new core. Default: from the operating system's randomness.
	NewSeed func() [32]byte
	// MaxBatch bounds the commands of one transaction. Default 512.
	MaxBatch int
	// MaxWaiting bounds the commands of one farm that wait to be applied. Default 16384.
	MaxWaiting int
	// RecentTokens is how many committed client tokens each farm keeps in memory. Default 4096.
	RecentTokens int
	// RetryAfter is the pause after a store that failed, failed again; it doubles up to 100 times that. Default 50 ms.
	RetryAfter time.Duration
	// Recorder, when set, is told all that the cores are told, on the farms' own goroutines.
	Recorder Recorder
	// Wake, when set, is told which workers should ask for work now, once the reason is durable. It is called on the farm's own
	// goroutine and must not block.
	Wake func(farmID string, wakes []scheduler.Wake)
	// Invariant, when set, is told of states that must not be, such as a panic in a core.
	Invariant func(ctx context.Context, message string, attrs ...slog.Attr)
	// Logger defaults to [slog.Default].
	Logger *slog.Logger

	newCore func(seed [32]byte) core // default: a scheduler.Core
}

// Recorder is told what makes a core what it is: see package replay.
type Recorder interface {
	Core(farmID string, now scheduler.Instant, seed [32]byte, config scheduler.Config, rows *row.Snapshot)
	Load(farmID string, job *row.JobSnapshot)
	Command(farmID string, now scheduler.Instant, command scheduler.Command, changes *row.Changes, refusal error)
	State(farmID, dump string)
}

func (o Options) withDefaults() Options {
	if o.NewSeed == nil {
		o.NewSeed = func() (seed [32]byte) {
			_, _ = rand.Read(seed[:]) // never fails
			return seed
		}
	}
	if o.newCore == nil {
		o.newCore = func(seed [32]byte) core { return scheduler.New(o.Config, seed) }
	}
	if o.Config.TickInterval <= 0 {
		o.Config.TickInterval = 5 * time.Second
	}
	if o.MaxBatch <= 0 {
		o.MaxBatch = 512
	}
	if o.MaxWaiting <= 0 {
		o.MaxWaiting = 16384
	}
	if o.RecentTokens <= 0 {
		o.RecentTokens = 4096
	}
	if o.RetryAfter <= 0 {
		o.RetryAfter = 50 * time.Millisecond
	}
	if o.Wake == nil {
		o.Wake = func(string, []scheduler.Wake) {}
	}
	if o.Invariant == nil {
		o.Invariant = func(context.Context, string, ...slog.Attr) {}
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

// Request is a command on a farm.
type Request struct {
	FarmID  string // "" for the resources of the installation
	Command scheduler.Command
	Token   *Token // nil when the request has no client token
}

// Token is the client token of a request, with all that is needed to answer a repetition.
type Token struct {
	Principal string   // who asks
	Operation string   // API operation
	Token     string   // as the client sent it
	Hash      [32]byte // of the request without the token; a farm's id belongs to it
	Response  []byte   // JSON answer, complete before the command is applied: the caller makes the ids
}

// Reply answers a [Request] whose changes are stored.
type Reply struct {
	Result scheduler.Result
	// Replayed is the stored response of an earlier request with the same token; nil when the
	// command was applied now.
	Replayed []byte
}

// Committer owns the scheduler cores of an installation.
type Committer struct {
	store   store.Store
	options Options
	started time.Time     // zero of Instant.Mono
	wake    chan struct{} // farms wait in starting
	swept   chan struct{} // sweeps were committed
	reads   chan struct{} // has room for maxReads

	mu       sync.Mutex // guards the fields below
	phase    phase
	farms    map[string]*farm
	starting []*farm // known, without a loop yet
	listing  error   // why the farms of the store are not known yet
}

type phase int

const (
	before phase = iota // Run was not called
	running
	stopped
)

var (
	errNotRunning = errors.New("the committer does not run")
	errStarting   = errors.New("the farms are being loaded")
)

// New makes a committer on a store. Nothing happens until [Committer.Run]; commands wait for it.
func New(s store.Store, o Options) *Committer {
	return &Committer{
		store:   s,
		options: o.withDefaults(),
		started: time.Now(),
		wake:    make(chan struct{}, 1),
		swept:   make(chan struct{}, 1),
		reads:   make(chan struct{}, maxReads),
		farms:   map[string]*farm{},
		listing: errStarting,
	}
}

// Run starts the loops of all farms and blocks until ctx ends. It then refuses new
// commands, finishes those that were taken, and returns nil. It runs once.
func (c *Committer) Run(ctx context.Context) error {
	if err := c.begin(); err != nil {
		return err
	}
	var loops sync.WaitGroup
	loops.Go(func() { c.listFarms(ctx) })
	loops.Go(func() { c.purgeTokens(ctx) })
	loops.Go(func() { c.sweepTasks(ctx) })
	for {
		for _, f := range c.takeStarting() {
			loops.Go(func() { f.run(ctx) })
		}
		select {
		case <-c.wake:
		case <-ctx.Done():
			for _, f := range c.end() {
				f.close()
			}
			loops.Wait()
			return nil
		}
	}
}

func (c *Committer) begin() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != before {
		return errors.New("the committer was started before")
	}
	c.phase = running
	return nil
}

// end refuses new farms and gives those that never got a loop.
func (c *Committer) end() []*farm {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.phase = stopped
	orphans := c.starting
	c.starting = nil
	return orphans
}

func (c *Committer) takeStarting() []*farm {
	c.mu.Lock()
	defer c.mu.Unlock()
	farms := c.starting
	c.starting = nil
	return farms
}

// farm gives the farm's loop, which starts when it is asked for the first time.
func (c *Committer) farm(id string) (*farm, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase == stopped {
		return nil, ErrStopped
	}
	f := c.farms[id]
	if f == nil {
		f = newFarm(c, id)
		c.farms[id] = f
		c.starting = append(c.starting, f)
		signal(c.wake)
	}
	return f, nil
}

// listFarms starts the loops of all farms in the store, so that their workers are watched
// before anybody calls.
func (c *Committer) listFarms(ctx context.Context) {
	for attempt := 1; ; attempt++ {
		ids, err := c.store.FarmIDs(ctx)
		c.mu.Lock()
		c.listing = err
		c.mu.Unlock()
		if err == nil {
			for _, id := range append(ids, "") {
				if _, err := c.farm(id); err != nil {
					return
				}
			}
			return
		}
		if attempt == 1 {
			c.options.Logger.ErrorContext(ctx, "farms could not be listed", slog.Any("error", err))
		}
		if !sleep(ctx, c.options.backoff(attempt)) {
			return
		}
	}
}

const (
	purgeEvery = 10 * time.Minute
	purgeChunk = 1000 // rows of one transaction: a command waits no longer for it than for a batch
)

// purgeTokens deletes what is older than TokenLifetime, from time to time.
func (c *Committer) purgeTokens(ctx context.Context) {
	for sleep(ctx, purgeEvery) {
		limit := time.Now().Add(-TokenLifetime).UnixMicro()
		for {
			n, err := c.store.PurgeTokens(ctx, limit, purgeChunk)
			if err != nil && ctx.Err() == nil {
				c.options.Logger.WarnContext(ctx, "client tokens could not be purged", slog.Any("error", err))
			}
			if n < purgeChunk {
				break
			}
		}
	}
}

// sweepChunk is the number of tasks that sweepTasks changes in one transaction: a command waits no longer for it than for a batch.
const sweepChunk = 1000

// sweepTasks finishes the sweeps that were committed, those of earlier runs too.
func (c *Committer) sweepTasks(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		left, err := c.store.SweepTasks(ctx, sweepChunk)
		switch {
		case err != nil && ctx.Err() == nil:
			if failures++; failures == 1 {
				c.options.Logger.WarnContext(ctx, "tasks could not be swept", slog.Any("error", err))
			}
			sleep(ctx, c.options.backoff(failures))
		case !left:
			failures = 0
			select {
			case <-c.swept:
			case <-ctx.Done():
			}
		}
	}
}

// Do applies a command and waits until its changes are durable. When ctx ends first, Do
// returns its cause; the command counts all the same.
//
// Errors: those of the core (scheduler.ConflictError, NotFoundError, InvalidError) and of this package.
func (c *Committer) Do(ctx context.Context, request Request) (Reply, error) {
	f, err := c.farm(request.FarmID)
	if err != nil {
		return Reply{}, err
	}
	p := &pending{request: request, seen: f.commits.Load(), done: make(chan outcome, 1)}
	if request.Token != nil {
		// Here rather than in the loop, which so need not wait for the store: see recentTokens.
		answer, found := c.lookUp(ctx, request.Token, time.Now().UnixMicro())
		if found {
			return answer.reply, answer.err
		}
	}
	if err := f.enqueue(p); err != nil {
		return Reply{}, err
	}
	select {
	case o := <-p.done:
		return o.reply, o.err
	case <-ctx.Done():
		return Reply{}, context.Cause(ctx)
	}
}

// lookUp answers a request whose token the store knows or cannot be asked for.
func (c *Committer) lookUp(ctx context.Context, t *Token, now int64) (answer outcome, found bool) {
	stored, err := c.store.RequestToken(ctx, t.Principal, t.Operation, t.Token)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return outcome{}, false
	case err != nil && ctx.Err() != nil:
		return outcome{err: context.Cause(ctx)}, true
	case err != nil:
		return outcome{err: fmt.Errorf("%w: %w", ErrNotCommitted, err)}, true
	}
	return t.answered(&remembered{hash: stored.Hash, response: stored.Response, at: stored.CreatedAt}, now)
}

// Healthy returns why the committer cannot make changes durable now; nil when it can for all farms.
func (c *Committer) Healthy() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != running {
		return errNotRunning
	}
	var failed []error
	if c.listing != nil {
		failed = append(failed, fmt.Errorf("list farms: %w", c.listing))
	}
	for id, f := range c.farms {
		if err := f.health.Load(); err != nil {
			failed = append(failed, fmt.Errorf("farm %q: %w", id, *err))
		}
	}
	return errors.Join(failed...)
}

// now reads the clock for one batch.
func (c *Committer) now() scheduler.Instant {
	now := time.Now()
	return scheduler.Instant{Wall: now.UnixMicro(), Mono: now.Sub(c.started)}
}

// backoff is the pause after the n-th failure in a row, from 1.
func (o *Options) backoff(n int) time.Duration {
	d, longest := o.RetryAfter, 100*o.RetryAfter
	for ; n > 1 && d < longest; n-- {
		d *= 2
	}
	return min(d, longest)
}

// sleep reports whether d passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// signal makes the next receive from a channel of capacity one succeed.
func signal(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}
