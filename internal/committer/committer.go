package committer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store"
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
	// NewSeed makes the seed of a new core. Default: from the operating system's randomness.
	NewSeed func() [32]byte
	// MaxBatch bounds the commands of one transaction. Default 512.
	MaxBatch int
	// MaxWaiting bounds the commands of one farm that wait to be applied. Default 16384.
	MaxWaiting int
	// TickEvery is the longest time between two Ticks of a core. Default 5 s.
	TickEvery time.Duration
	// RecentTokens is how many committed client tokens each farm keeps in memory. Default 4096.
	RecentTokens int
	// Record, when set, is told every command just before it is applied, on the farm's own goroutine.
	Record func(farmID string, now scheduler.Instant, command scheduler.Command)
	// Invariant, when set, is told of states that must not be, such as a panic in a core.
	Invariant func(ctx context.Context, message string, attrs ...slog.Attr)
	// Logger defaults to [slog.Default].
	Logger *slog.Logger
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
	Hash      [32]byte // of the request without the token
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
}

// New makes a committer on a store. Nothing happens until [Committer.Run].
func New(s store.Store, o Options) *Committer {
	return &Committer{store: s, options: o}
}

// Run starts the loops of all farms and blocks until ctx ends. It then refuses new
// commands, finishes those that were taken, and returns nil.
func (c *Committer) Run(ctx context.Context) error {
	return errors.ErrUnsupported
}

// Do applies a command and waits until its changes are durable. When ctx ends first, Do
// returns its cause; the command counts all the same.
//
// Errors: those of the core (scheduler.ConflictError, NotFoundError, InvalidError) and of this package.
func (c *Committer) Do(ctx context.Context, request Request) (Reply, error) {
	return Reply{}, errors.ErrUnsupported
}

// Healthy returns why a farm cannot make changes durable now; nil when all can.
func (c *Committer) Healthy() error { return nil }
