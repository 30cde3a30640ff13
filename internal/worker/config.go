package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/farmhand-render/farmhand/internal/diskfile"
	"github.com/farmhand-render/farmhand/openjd/session/process"
)

// Config describes a worker. AWS, FarmID, FleetID and StateDir are needed.
type Config struct {
	// AWS is how the service is reached, with the credentials of the host, which must allow CreateWorker and AssumeFleetRoleForWorker.
	AWS             aws.Config
	FarmID, FleetID string
	// StateDir keeps what outlives the program: the worker's id, results not reported yet, the role's credentials. One worker uses it at
	// a time.
	StateDir string
	// SessionRoot is the directory of the sessions' working directories; "" means one below the system's temporary directory. The
	// worker uses a directory of its own in it, named by its id.
	SessionRoot string

	// Amounts and Attributes are capabilities besides the detected ones, or instead of them, by name.
	Amounts    map[string]float64
	Attributes map[string][]string

	// RunJobsAsAgentUser runs all jobs as this program's user, whatever their queues configure.
	RunJobsAsAgentUser bool
	// JobUser runs all jobs as this user instead; nil leaves it to the queues.
	JobUser *process.User
	// RetainSessionDir keeps the directories of sessions.
	RetainSessionDir bool

	// Grace bounds how long a drain lets actions end and environments exit. Default 20 s.
	Grace time.Duration
	// ReportEvery is the least time between requests that carry progress only. Default 1 s.
	ReportEvery time.Duration
	// FlushEvery is how long a log line waits for others before it is sent. Default 1 s.
	FlushEvery time.Duration
	// Logger receives the worker's log, besides the worker's log stream at the service. Default slog.Default.
	Logger *slog.Logger
}

// Errors that end a worker.
var (
	// ErrShutdown means that the service wants the host to be shut down; the worker has stopped in good order.
	ErrShutdown = errors.New("the service asked for this host to be shut down")
	// ErrInUse means that another worker uses the state directory.
	ErrInUse = errors.New("another worker uses the state directory")
	// ErrHostConfiguration means that the fleet's host configuration script failed.
	ErrHostConfiguration = errors.New("the fleet's host configuration script failed")
)

// Worker is a worker agent. Make it with [New] and run it once.
type Worker struct {
	cfg   Config
	hurry chan struct{}
	once  sync.Once
}

// New returns a worker that does nothing until Run.
func New(c Config) (*Worker, error) {
	switch {
	case c.FarmID == "" || c.FleetID == "":
		return nil, errors.New("worker: a farm and a fleet are needed")
	case c.StateDir == "":
		return nil, errors.New("worker: a state directory is needed")
	case c.AWS.Credentials == nil:
		return nil, errors.New("worker: credentials are needed")
	}
	dir, err := filepath.Abs(c.StateDir)
	if err != nil {
		return nil, fmt.Errorf("worker: state directory: %w", err)
	}
	c.StateDir = dir
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	setDefault(&c.Grace, 20*time.Second)
	setDefault(&c.ReportEvery, time.Second)
	setDefault(&c.FlushEvery, time.Second)
	return &Worker{cfg: c, hurry: make(chan struct{})}, nil
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d <= 0 {
		*d = value
	}
}

// Hurry cuts a drain short: what still runs is killed. It is meant for a second signal and may be called at any time.
func (w *Worker) Hurry() { w.once.Do(func() { close(w.hurry) }) }

// Run works until ctx is done and then drains: running actions are interrupted, environments exited, results reported, the worker
// set to STOPPED. It returns nil after a drain, else why going on makes no sense, such as [ErrShutdown], [ErrInUse], [ErrHostConfiguration]
// or an error of the service that repeating cannot mend.
func (w *Worker) Run(ctx context.Context) error {
	if err := os.MkdirAll(w.cfg.StateDir, 0o700); err != nil {
		return fmt.Errorf("worker: state directory: %w", err)
	}
	lock, err := diskfile.TryAcquire(filepath.Join(w.cfg.StateDir, "lock"))
	if errors.Is(err, diskfile.ErrHeld) {
		err = ErrInUse
	}
	if err != nil {
		return fmt.Errorf("worker: lock %s: %w", w.cfg.StateDir, err)
	}
	defer lock.Release() //nolint:errcheck // it ends with the process at the latest
	a, err := newAgent(&w.cfg, w.hurry)
	if err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	return a.run(ctx)
}
