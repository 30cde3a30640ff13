package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/farm"
	"github.com/farmhand-render/farmhand/internal/httpserver"
	"github.com/farmhand-render/farmhand/internal/installation"
	"github.com/farmhand-render/farmhand/internal/retention"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/telemetry"
)

const defaultListen = "127.0.0.1:7890"

// envDatabaseURL names the database where a password should not be on the command line.
const envDatabaseURL = "FARMHAND_DATABASE_URL"

// serverFlags are those of a process that serves.
type serverFlags struct {
	listen           string
	certFile         string
	keyFile          string
	accountID        string
	logLevel         string
	databaseURL      string
	relaxed          bool
	archiveAfter     time.Duration
	deleteAfter      time.Duration
	updateInterval   time.Duration
	heartbeatTimeout time.Duration
	roleLife         time.Duration
	quotas           string
	rate             float64
	record           string
	burst            int
	hosts            []string
	fleetProvider    string
	s3               s3Flags
	pricesFile       string
	publicURL        string
	licenseServer    string
	meteredProducts  string
}

func (f *serverFlags) add(cmd *cobra.Command, updateInterval time.Duration, fleetProvider string) {
	s := cmd.Flags()
	s.StringVar(&f.listen, "listen", defaultListen, "the address to serve on; port 0 takes a free one")
	s.StringVar(&f.certFile, "tls-cert", "", "serve TLS with this certificate (PEM)")
	s.StringVar(&f.keyFile, "tls-key", "", "the certificate's key (PEM)")
	s.StringVar(&f.accountID, "account-id", installation.DefaultAccountID, "the account in ARNs, 12 digits")
	s.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
	s.StringVar(&f.databaseURL, "database-url", "",
		"keep the farms in this PostgreSQL database (postgres://user@host/name), not in the data directory; also "+envDatabaseURL)
	s.DurationVar(&f.archiveAfter, "archive-jobs-after", retention.DefaultArchiveAfter, "archive jobs that are over for so long; 0 for never")
	s.DurationVar(&f.deleteAfter, "delete-jobs-after", retention.DefaultDeleteAfter, "delete jobs that are archived for so long, with their logs; 0 for never")
	s.BoolVar(&f.relaxed, "relaxed-durability", false, "do not wait for the disk: a power cut may lose the last changes")
	s.DurationVar(&f.updateInterval, "update-interval", updateInterval, "how often idle workers ask for work, whole seconds")
	s.DurationVar(&f.heartbeatTimeout, "heartbeat-timeout", 5*time.Minute, "how long a worker may be silent before its work is given to others")
	s.DurationVar(&f.roleLife, "role-lifetime", time.Hour, "how long the credentials of workers and queue roles last")
	s.StringVar(&f.quotas, "quotas", "", "a JSON file with quotas and rates (docs/operations.md)")
	s.Float64Var(&f.rate, "rate", 0, "calls per second of each class that a caller may make, instead of the rates of --quotas or the defaults")
	s.StringArrayVar(&f.hosts, "host-name", nil, "a name by which clients reach the service, so that BUCKET.NAME is a bucket; may be repeated")
	f.s3.add(s)
	s.StringVar(&f.fleetProvider, "fleet-provider", fleetProvider, "who provides the workers of service-managed fleets: local (processes on this machine) or none")
	s.StringVar(&f.pricesFile, "prices", "", "what the time of sessions costs (JSON, see docs/costs.md); without it everything is free")
	s.StringVar(&f.publicURL, "public-url", "", "where people reach the web pages, as monitors show it (default: the address served on)")
	s.StringVar(&f.licenseServer, "license-server", "", "the host name of the site's license server, as license endpoints show it")
	s.StringVar(&f.meteredProducts, "metered-products", "", "the products that the license server serves: a JSON file, see docs/operations.md")
	s.StringVar(&f.record, "record", "", "append everything that the scheduler is told to this file, for farmhand replay")
	s.IntVar(&f.burst, "burst", 100, "calls that a caller may make at once when --rate is given")
}

// bounds gives the quotas and rates: the defaults, what --quotas changes of them, and --rate.
func (f *serverFlags) bounds() (farm.Bounds, error) {
	bounds := farm.Bounds{Quotas: farm.DefaultQuotas(), Rates: farm.DefaultRates()}
	if f.quotas != "" {
		if err := farm.ReadBounds(f.quotas, &bounds); err != nil {
			return bounds, &usageError{err, "docs/operations.md lists the names"}
		}
	}
	if f.rate > 0 {
		bounds.Rates = farm.UniformRates(farm.RateLimit{PerSecond: f.rate, Burst: f.burst})
	}
	return bounds, nil
}

// logger logs to standard error.
func (a *app) logger(level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, &usageError{fmt.Errorf("--log-level %q is unknown", level), "use debug, info, warn or error"}
	}
	return telemetry.NewLogger(a.streams.Err, l), nil
}

func (a *app) serverCommand() *cobra.Command {
	var flags serverFlags
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Run the service alone",
		Long: `Runs the service on the data directory: the Deadline Cloud API, the scheduler and the logs, without workers.
At the first start it makes an access key for the administrator; ` + "`farmhand env`" + ` prints it.`,
		Args: noArgs,
	}
	flags.add(cmd, 15*time.Second, providerNone)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		logger, err := a.logger(flags.logLevel)
		if err != nil {
			return err
		}
		if err := flags.checkProvider(); err != nil {
			return err
		}
		if flags.fleetProvider == providerNone {
			return a.serve(cmd.Context(), &flags, logger, func(context.Context, *endpoint) error { return nil })
		}
		// Workers drain before the service goes.
		serving, stopServing := context.WithCancel(context.WithoutCancel(cmd.Context()))
		defer stopServing()
		return a.serve(serving, &flags, logger, func(served context.Context, e *endpoint) error {
			defer stopServing()
			running, stop := context.WithCancel(cmd.Context())
			defer stop()
			defer context.AfterFunc(served, stop)()
			return a.provision(running, e, &flags, logger)
		})
	}
	return cmd
}

// orNever makes of 0 what a policy takes for never.
func orNever(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

// serve runs the service until ctx ends. once runs when everything answers; the service ends when once fails.
func (a *app) serve(ctx context.Context, flags *serverFlags, logger *slog.Logger, once func(context.Context, *endpoint) error) (err error) {
	prices, err := readPrices(flags.pricesFile)
	if err != nil {
		return err
	}
	licensing, err := flags.licensing()
	if err != nil {
		return err
	}
	databaseURL := firstOf(flags.databaseURL, os.Getenv(envDatabaseURL))
	bounds, err := flags.bounds()
	if err != nil {
		return err
	}
	s3, err := flags.s3.options(ctx)
	if err != nil {
		return err
	}
	recorder, endRecording, err := openRecording(flags.record)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, endRecording()) }()
	in, err := installation.Open(ctx, installation.Config{
		Recorder: recorder,
		DataDir:  a.global.dataDir, Region: a.global.region, AccountID: flags.accountID, RoleLife: flags.roleLife,
		DatabaseURL: databaseURL, Relaxed: flags.relaxed,
		Retention: retention.Policy{ArchiveAfter: orNever(flags.archiveAfter), DeleteAfter: orNever(flags.deleteAfter)},
		Scheduler: scheduler.Config{UpdateInterval: flags.updateInterval, HeartbeatTimeout: flags.heartbeatTimeout, Prices: prices},
		Quotas:    &bounds.Quotas,
		Rates:     &bounds.Rates,
		S3:        s3,
		Hosts:     flags.hosts,
		Licensing: licensing,
		Logger:    logger,
	})
	if err != nil && databaseURL != "" {
		return &hinted{err, "check --database-url, that PostgreSQL runs, and that no other server uses the database"}
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	e, err := a.endpoint(in, flags)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", flags.listen) //nolint:noctx // there is nothing to cancel yet
	if err != nil {
		return &hinted{fmt.Errorf("listen on %s: %w", flags.listen, err), "name another address with --listen"}
	}
	e.setAddress(listener.Addr(), flags.certFile != "")
	in.SetURL(firstOf(flags.publicURL, e.MonitorURL))

	// The committer outlives the listener, so that requests in flight are answered.
	committing, stopCommitting := context.WithCancel(context.WithoutCancel(ctx))
	defer stopCommitting()
	committed := make(chan error, 1)
	go func() { committed <- in.Run(committing) }()

	serving, serveCtx := errgroup.WithContext(ctx)
	defer context.AfterFunc(serveCtx, in.EndPolls)()
	serving.Go(func() error {
		return httpserver.Serve(serveCtx, listener, httpserver.Options{
			Handler: in.Handler(), Logger: logger, CertFile: flags.certFile, KeyFile: flags.keyFile,
		})
	})
	serving.Go(func() error {
		tuneCollector(serveCtx)
		return nil
	})
	serving.Go(func() error { return a.announce(serveCtx, e, logger, once) })
	err = serving.Wait()
	stopCommitting()
	return errors.Join(err, <-committed, os.Remove(a.endpointPath()))
}

// announce leaves the endpoint where other commands find it, and calls once.
func (a *app) announce(ctx context.Context, e *endpoint, logger *slog.Logger, once func(context.Context, *endpoint) error) error {
	if err := e.write(a.endpointPath()); err != nil {
		return err
	}
	logger.LogAttrs(ctx, slog.LevelInfo, "serving", slog.String("endpoint", e.Endpoint), slog.String("data_dir", e.DataDir))
	return once(ctx, e)
}

func (a *app) endpointPath() string { return filepath.Join(a.global.dataDir, endpointFile) }

// adminKey is the name of the access key that the first start makes.
const adminKey = "admin"

// endpoint describes the service with the administrator's key, which is made when there is none.
func (a *app) endpoint(in *installation.Installation, flags *serverFlags) (*endpoint, error) {
	dataDir, err := filepath.Abs(a.global.dataDir)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	e := &endpoint{
		Region: firstOf(a.global.region, installation.DefaultRegion), DataDir: dataDir, ensureBucket: in.EnsureBucket,
		hostKey: func() (sigv4.Credentials, error) { return hostKey(in) },
	}
	keys, err := in.Keys().List()
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if key.Name == adminKey && key.Principal.Kind == auth.Admin {
			e.AccessKeyID = key.AccessKeyID
			e.SecretAccessKey, _, err = in.Keys().Secret(key.AccessKeyID)
			return e, err
		}
	}
	made, err := in.Keys().Create(adminKey, auth.Principal{Kind: auth.Admin, ARN: in.AdminARN(adminKey)}, time.Now())
	e.AccessKeyID, e.SecretAccessKey = made.AccessKeyID, made.SecretAccessKey
	return e, err
}

func (e *endpoint) setAddress(addr net.Addr, tls bool) {
	scheme := "http"
	if tls {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		host, port = addr.String(), "80"
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	e.Endpoint = scheme + "://" + net.JoinHostPort(host, port)
	e.MonitorURL = e.Endpoint + "/"
}
