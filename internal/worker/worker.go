package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
)

// Config describes a worker. AWS, FarmID, FleetID and StateDir are needed.
type Config struct {
	// AWS is how the service is reached, with the credentials of the host, which may register workers.
	AWS             aws.Config
	FarmID, FleetID string
	// StateDir holds the worker's id over restarts, and what running jobs need.
	StateDir string
	// SessionRoot is the directory of sessions; "" means a directory below the system's temporary one.
	SessionRoot string
	// Amounts and Attributes are capabilities besides those that are detected.
	Amounts    map[string]float64
	Attributes map[string][]string
	// RunJobsAsAgentUser runs all jobs as this program's user, whatever their queues configure.
	RunJobsAsAgentUser bool
	// RetainSessionDir keeps the directories of sessions.
	RetainSessionDir bool
	// Grace is how long environments may take to exit after the end was asked for. Default 20 s.
	Grace time.Duration
	// ReportEvery is how often progress is reported at most. Default 1 s.
	ReportEvery time.Duration
	Logger      *slog.Logger
}

// Worker is a worker agent. Make it with New and run it once.
type Worker struct {
	config  Config
	id      string
	host    *client.Client // as the host
	service *client.Client // as the worker, after its role was assumed
	role    *roleCredentials
	outbox  *outbox
	queues  *queueRoles
	live    map[string]*session // by session id; the polling goroutine's
	log     *logStream          // of the worker
}

// New returns a worker with the configuration.
func New(c Config) (*Worker, error) {
	switch {
	case c.FarmID == "" || c.FleetID == "":
		return nil, errors.New("worker: a farm and a fleet are needed")
	case c.StateDir == "":
		return nil, errors.New("worker: a state directory is needed")
	}
	stateDir, err := filepath.Abs(c.StateDir)
	if err != nil {
		return nil, fmt.Errorf("worker: state directory: %w", err)
	}
	c.StateDir = stateDir
	if c.Grace <= 0 {
		c.Grace = 20 * time.Second
	}
	if c.ReportEvery <= 0 {
		c.ReportEvery = time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return &Worker{config: c, host: client.New(c.AWS), outbox: newOutbox(), live: make(map[string]*session)}, nil
}

// errOffline: the service holds the worker to be offline. All its work was given to others; it must start again.
var errOffline = errors.New("the service holds the worker to be offline")

// errUnknown: the service does not know the worker.
var errUnknown = errors.New("the service does not know the worker")

// Run works until ctx ends, then drains. The error says what cannot be mended by trying again, nil after a drain.
func (w *Worker) Run(ctx context.Context) error {
	if err := os.MkdirAll(w.config.StateDir, 0o700); err != nil {
		return fmt.Errorf("worker: state directory: %w", err)
	}
	for {
		err := w.life(ctx)
		switch {
		case ctx.Err() != nil:
			return err
		case errors.Is(err, errOffline), errors.Is(err, errUnknown):
			w.config.Logger.LogAttrs(ctx, slog.LevelWarn, "starting again", slog.String("why", err.Error()))
		default:
			return err
		}
	}
}

// life is one time of being started. Its sessions do not outlive it.
func (w *Worker) life(ctx context.Context) error {
	// Sessions, logs and credentials go on while the worker drains.
	living, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	if err := w.start(ctx, living); err != nil {
		if ctx.Err() != nil {
			return nil // asked to end before anything was begun
		}
		return err
	}
	defer w.log.close(living)
	defer w.dropSessions(living)
	w.config.Logger.LogAttrs(ctx, slog.LevelInfo, "the worker is started", slog.String("worker_id", w.id))
	if err := w.poll(ctx, living); err != nil {
		return err
	}
	return w.drain(living)
}

// dropSessions ends everything that runs, without a report.
func (w *Worker) dropSessions(ctx context.Context) {
	for id, s := range w.live {
		s.drop(ctx)
		delete(w.live, id)
	}
	w.outbox.clear()
}

// pollError is what a failed UpdateWorkerSchedule means.
func (w *Worker) pollError(err error) error {
	if _, ok := errors.AsType[*deadline.ResourceNotFoundException](err); ok {
		return errors.Join(errUnknown, forgetIdentity(w.config.StateDir))
	}
	var conflict *deadline.ConflictException
	if errors.As(err, &conflict) && conflict.Reason == deadline.ConflictExceptionReasonStatusConflict && conflict.ResourceId == w.id {
		return errOffline
	}
	return err
}
