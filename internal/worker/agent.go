package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
	"github.com/farmhand-render/farmhand/internal/logsclient"
	"github.com/farmhand-render/farmhand/jobattachments"
	"github.com/farmhand-render/farmhand/openjd/session/process"
)

// errOffline means that the service counts the worker as offline, or does not know it: its work was given to others.
var errOffline = errors.New("the service counts this worker as offline")

// agent is one Run of a worker.
type agent struct {
	cfg   *Config
	log   *slog.Logger // local, and the worker's stream at the service
	hurry <-chan struct{}

	id      identity
	root    string  // of working directories
	host    service // with the host's credentials
	api     service // with the role's
	role    *roleCredentials
	reports *reports
	queues  *queueRoles
	users   *jobUsers
	logs    *shipper
	stream  *workerStream
	s3HTTP  *http.Client // of job attachments

	sessions map[string]*jobSession // the loop's own
	state    string                 // that the service named with its latest answer, see hold.go; "": it does not hold polls
	running  sync.WaitGroup         // the goroutines of sessions
	started  bool                   // STARTED was said
	hosted   *process.Tree          // what the host configuration script started
}

func newAgent(cfg *Config, hurry <-chan struct{}) (*agent, error) {
	book, err := openReports(filepath.Join(cfg.StateDir, reportsFile))
	if err != nil {
		return nil, err
	}
	users, err := openJobUsers(filepath.Join(cfg.StateDir, jobUsersFile))
	if err != nil {
		return nil, err
	}
	a := &agent{
		cfg: cfg, hurry: hurry, reports: book, users: users, sessions: map[string]*jobSession{}, stream: &workerStream{}, hosted: process.NewTree(),
		s3HTTP: jobattachments.NewHTTPClient(),
	}
	a.log = slog.New(slog.NewMultiHandler(cfg.Logger.Handler(), slog.NewJSONHandler(a.stream, &slog.HandlerOptions{Level: slog.LevelInfo})))
	a.host = a.client(cfg.AWS.Credentials)
	a.role = &roleCredentials{name: "the fleet's role", log: a.log, fetch: a.assumeFleetRole, keep: a.keepCredentials}
	a.api = a.client(a.role)
	a.queues = newQueueRoles(a)
	a.logs = newShipper(cfg, a.logSink())
	return a, nil
}

// client returns a client that leaves repeating to the agent, which knows when to give up.
func (a *agent) client(credentials aws.CredentialsProvider) service {
	cfg := a.cfg.AWS
	cfg.Credentials = credentials
	return client.New(cfg, func(o *client.Options) {
		o.Retry.MaxAttempts = 1
		o.UserAgent = "farmhand-worker"
		o.HTTP = holdingDoer{o.HTTP}
	})
}

func (a *agent) logSink() logSink {
	return &logsclient.Client{Endpoint: logsEndpoint(a.cfg), Region: a.cfg.AWS.Region, Credentials: a.role}
}

// quickEnd is how long the worker must have been started for a new start to follow without a pause.
const quickEnd = time.Minute

// run works until ctx is done.
func (a *agent) run(ctx context.Context) error {
	// What serves the sessions goes on while the worker drains.
	living, end := context.WithCancel(context.WithoutCancel(ctx))
	var helpers sync.WaitGroup
	defer func() {
		a.cleanUp(living)
		end()
		helpers.Wait()
	}()
	helping := false
	for quick := 0; ; quick++ {
		began := time.Now()
		err := a.start(ctx, living)
		if err == nil && !helping {
			helping = true
			helpers.Go(func() { a.role.run(living) })
			helpers.Go(func() { a.queues.run(living) })
		}
		if err == nil {
			err = a.loop(ctx, living)
		}
		if ctx.Err() != nil || !errors.Is(err, errOffline) {
			return a.leave(ctx, living, err)
		}
		a.log.LogAttrs(ctx, slog.LevelWarn, "starting again: the work was given to others", slog.Any("error", err))
		a.dropSessions()
		if err := a.reports.drop(); err != nil {
			a.log.LogAttrs(ctx, slog.LevelWarn, "old results stay on disk", slog.Any("error", err))
		}
		if time.Since(began) > quickEnd {
			quick = 0
		}
		if sleep(ctx, pause(quick, faultCeil, err)) != nil {
			return nil
		}
	}
}

// leave ends the worker in good order.
func (a *agent) leave(ctx, living context.Context, err error) error {
	switch {
	case ctx.Err() == nil && errors.Is(err, ErrShutdown):
		a.dropSessions() // the service lists none
		a.stop(living)
		return err
	case ctx.Err() == nil:
		a.dropSessions()
		return err
	case a.started:
		a.drain(living)
	}
	return nil
}

// cleanUp sends the last logs and gives up what the worker holds.
func (a *agent) cleanUp(living context.Context) {
	ctx, cancel := context.WithTimeout(living, closePatience)
	defer cancel()
	err := a.hosted.Close(ctx)
	a.logs.close(a.lastPatience())
	err = errors.Join(err, a.reports.close())
	if a.root != "" && !a.cfg.RetainSessionDir {
		err = errors.Join(err, os.RemoveAll(a.root))
	}
	if err != nil {
		a.cfg.Logger.LogAttrs(living, slog.LevelWarn, "the worker could not clean up", slog.Any("error", err))
	}
}

// dropSessions ends everything that runs and says nothing about it.
func (a *agent) dropSessions() {
	for id, s := range a.sessions {
		s.end()
		delete(a.sessions, id)
	}
	a.running.Wait()
}

// call makes a request as the worker until it is answered. Credentials that are refused are renewed on the way.
func call[T any](ctx context.Context, a *agent, operation string, f func(context.Context) (T, error)) (T, error) {
	return patiently(ctx, a.log, operation, func(ctx context.Context) (T, error) {
		used := a.role.now().AccessKeyId
		out, err := f(ctx)
		if err == nil || !expired(err) {
			return out, err
		}
		if err := a.role.renew(ctx, used); err != nil {
			return out, err
		}
		return f(ctx)
	})
}

// assumeFleetRole uses the role itself while it lasts, else the host's credentials.
func (a *agent) assumeFleetRole(ctx context.Context) (*deadline.AwsCredentials, error) {
	in := &deadline.AssumeFleetRoleForWorkerInput{FarmId: a.id.FarmID, FleetId: a.id.FleetID, WorkerId: a.id.WorkerID}
	if time.Now().Before(a.role.now().Expiration) {
		if out, err := a.api.AssumeFleetRoleForWorker(ctx, in); err == nil {
			return &out.Credentials, nil
		}
	}
	out, err := a.host.AssumeFleetRoleForWorker(ctx, in)
	if err != nil {
		return nil, err
	}
	return &out.Credentials, nil
}

// storedCredentials is the role's credentials on disk, for the next start of this program.
type storedCredentials struct {
	WorkerID        string    `json:"workerId"`
	AccessKeyID     string    `json:"accessKeyId"`
	SecretAccessKey string    `json:"secretAccessKey"`
	SessionToken    string    `json:"sessionToken"`
	Expiration      time.Time `json:"expiration"`
}

func (a *agent) keepCredentials(c *deadline.AwsCredentials) error {
	return writeJSON(filepath.Join(a.cfg.StateDir, credentialsFile), storedCredentials{
		a.id.WorkerID, c.AccessKeyId, c.SecretAccessKey, c.SessionToken, c.Expiration,
	})
}

// useStoredCredentials puts the credentials of an earlier start to use, if they still last.
func (a *agent) useStoredCredentials() error {
	var c storedCredentials
	if err := readJSON(filepath.Join(a.cfg.StateDir, credentialsFile), &c); err != nil {
		return fmt.Errorf("the credentials of an earlier start: %w", err)
	}
	if c.WorkerID != a.id.WorkerID || time.Now().After(c.Expiration) {
		return fmt.Errorf("%w of an earlier start that still last", errNoCredentials)
	}
	a.role.set(deadline.AwsCredentials{
		AccessKeyId: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken, Expiration: c.Expiration,
	})
	return nil
}
