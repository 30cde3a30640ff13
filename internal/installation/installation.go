package installation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/farmhand-render/farmhand/deadline/server"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/committer"
	"github.com/farmhand-render/farmhand/internal/diskfile"
	"github.com/farmhand-render/farmhand/internal/farm"
	"github.com/farmhand-render/farmhand/internal/objectstore"
	"github.com/farmhand-render/farmhand/internal/retention"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/sessionlogs"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/postgres"
	"github.com/farmhand-render/farmhand/internal/store/sqlite"
	"github.com/farmhand-render/farmhand/internal/telemetry"
)

// Config says what an installation is like. DataDir and Logger are needed; zero values of the rest mean the defaults.
type Config struct {
	DataDir   string
	Region    string // default us-west-2
	AccountID string // default 000000000000
	Scheduler scheduler.Config
	Quotas    *farm.Quotas // default farm.DefaultQuotas
	Rates     *farm.Rates  // of each caller; default farm.DefaultRates
	// S3 is another service that keeps the buckets; nil keeps them in the data directory.
	S3 *objectstore.RemoteOptions
	// Hosts are names by which the service is reached. A bucket's name may stand before them (bucket.host).
	Hosts     []string
	Licensing farm.Licensing // what license endpoints stand for; default nothing
	// RoleLife is how long the credentials of roles last. Default one hour.
	RoleLife time.Duration
	// DatabaseURL is the PostgreSQL database that holds the farms (postgres://user@host/name). Default: SQLite in the
	// data directory. It may hold a password and is never logged.
	DatabaseURL string
	// Retention says how long jobs are kept.
	Retention retention.Policy
	// Relaxed does not wait for the disk at each commit; for farms that can be thrown away.
	Relaxed bool
	// Recorder is told all that the schedulers are told. Default: nobody.
	Recorder committer.Recorder
	Logger   *slog.Logger
}

// The defaults of a [Config].
const (
	DefaultRegion    = "us-west-2"
	DefaultAccountID = "000000000000"
	defaultRoleLife  = time.Hour
)

// maxSignedBody bounds the bodies that are read to check their signature.
const maxSignedBody = server.DefaultMaxBody

// Installation is the service on one data directory.
type Installation struct {
	config     Config
	lock       *diskfile.Lock
	store      store.Store
	committer  *committer.Committer
	waiting    *farm.Waiting
	identity   *Identity
	sessions   *auth.Sessions
	objects    objectstore.Objects
	ownObjects *objectstore.Store // nil when another service keeps the buckets
	invariants *telemetry.Invariants
	service    *farm.Service
	keeper     *retention.Keeper
	handler    http.Handler
	url        atomic.Pointer[string] // see SetURL
}

var errInUse = errors.New("another server is using it")

// Open opens the data directory, which is made when it does not exist. Close it when [Installation.Run] has returned.
func Open(ctx context.Context, c Config) (_ *Installation, err error) {
	c = c.withDefaults()
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	i := &Installation{config: c, invariants: &telemetry.Invariants{Logger: c.Logger}}
	i.lock, err = diskfile.TryAcquire(filepath.Join(c.DataDir, "lock"))
	if errors.Is(err, diskfile.ErrHeld) {
		err = errInUse
	}
	if err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, i.Close())
		}
	}()
	secret, err := auth.LoadSecret(SecretPath(c.DataDir))
	if err != nil {
		return nil, err
	}
	if i.identity, err = OpenIdentity(c.DataDir, secret); err != nil {
		return nil, err
	}
	if i.sessions, err = auth.NewSessions(secret); err != nil {
		return nil, err
	}
	logs, err := sessionlogs.Open(filepath.Join(c.DataDir, "logs"))
	if err != nil {
		return nil, err
	}
	if i.store, err = openStore(ctx, c); err != nil {
		return nil, err
	}
	if err := i.openObjects(ctx); err != nil {
		return nil, err
	}
	i.waiting = farm.NewWaiting(c.hold())
	i.committer = committer.New(i.store, committer.Options{
		Config: c.Scheduler, Logger: c.Logger, Invariant: i.invariants.Broken, Wake: i.waiting.Wake,
		Recorder: c.Recorder,
	})
	pages, err := secret.Derive("pages 1")
	if err != nil {
		return nil, err
	}
	service, err := farm.New(farm.Config{
		Store: i.store, Committer: i.committer, Logs: logs, Roles: roles{i}, Identities: i.identity.Identities,
		Region: c.Region, AccountID: c.AccountID, Secret: pages, Quotas: *c.Quotas, Rates: *c.Rates, Logger: c.Logger,
		Waiting:   i.waiting,
		Licensing: c.Licensing, URL: i.URL, Objects: templateObjects{i.objects},
	})
	if err != nil {
		return nil, err
	}
	i.service = service
	i.keeper = retention.New(retention.Config{
		Policy: c.Retention, Store: i.store, Committer: i.committer, Logs: logs, Group: farm.LogGroup, ARN: service.JobARN,
		NoLog: sessionlogs.IsAbsent, Logger: c.Logger,
	})
	i.handler = i.newHandler(service, logs)
	return i, nil
}

func openStore(ctx context.Context, c Config) (store.Store, error) {
	if c.DatabaseURL != "" {
		s, err := postgres.Open(ctx, c.DatabaseURL, postgres.Options{Relaxed: c.Relaxed})
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	s, err := sqlite.Open(ctx, filepath.Join(c.DataDir, "farmhand.db"), sqlite.Options{Relaxed: c.Relaxed})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// SetURL tells where the installation's web pages are, once the address is known; monitors show it.
func (i *Installation) SetURL(url string) { i.url.Store(&url) }

// URL is what SetURL told, "/" before.
func (i *Installation) URL() string {
	if url := i.url.Load(); url != nil {
		return *url
	}
	return "/"
}

func (c Config) withDefaults() Config {
	if c.Region == "" {
		c.Region = DefaultRegion
	}
	if c.AccountID == "" {
		c.AccountID = DefaultAccountID
	}
	if c.Quotas == nil {
		quotas := farm.DefaultQuotas()
		c.Quotas = &quotas
	}
	if c.Rates == nil {
		rates := farm.DefaultRates()
		c.Rates = &rates
	}
	if c.RoleLife <= 0 {
		c.RoleLife = defaultRoleLife
	}
	if c.Scheduler.OnViolation == nil {
		logger := c.Logger
		c.Scheduler.OnViolation = func(v scheduler.Violation) {
			logger.LogAttrs(context.Background(), slog.LevelError, "the scheduler refused an impossible change", slog.Any("violation", v))
		}
	}
	return c
}

// openObjects opens the buckets: in the data directory, or another service's.
func (i *Installation) openObjects(ctx context.Context) (err error) {
	c := i.config
	if c.S3 != nil {
		options := *c.S3
		options.Logger = c.Logger
		i.objects, err = objectstore.NewRemote(options)
		return err
	}
	i.ownObjects, err = objectstore.Open(ctx, filepath.Join(c.DataDir, "objects"), objectstore.Options{
		Relaxed: c.Relaxed, Region: c.Region, Logger: c.Logger,
	})
	i.objects = i.ownObjects
	return err
}

// Run makes changes durable until ctx ends. Nothing can be changed before it runs.
func (i *Installation) Run(ctx context.Context) error {
	running, runCtx := errgroup.WithContext(ctx)
	running.Go(func() error { return i.committer.Run(runCtx) })
	running.Go(func() error { return i.keeper.Run(runCtx) })
	running.Go(func() error { return i.loadSearches(runCtx) })
	if i.ownObjects != nil {
		running.Go(func() error { return i.ownObjects.Run(runCtx) })
	}
	return running.Wait()
}

// Close closes the store and the buckets and lets go of the data directory.
func (i *Installation) Close() (err error) {
	if i.service != nil {
		i.service.Close()
	}
	if i.store != nil {
		err = i.store.Close()
	}
	if i.ownObjects != nil {
		err = errors.Join(err, i.ownObjects.Close())
	}
	return errors.Join(err, i.lock.Release())
}

// EnsureBucket makes a bucket unless it is there.
func (i *Installation) EnsureBucket(ctx context.Context, name string) error {
	return i.objects.EnsureBucket(ctx, name)
}

// Handler serves all services of the port.
func (i *Installation) Handler() http.Handler { return i.handler }

// Keys are the installation's access keys.
func (i *Installation) Keys() *auth.AccessKeys { return i.identity.Keys }

// Identities are the installation's people and groups.
func (i *Installation) Identities() *auth.Identities { return i.identity.Identities }

// AdminARN is the ARN of the administrator with a name.
func (i *Installation) AdminARN(name string) string {
	return "arn:aws:iam::" + i.config.AccountID + ":user/" + name
}
