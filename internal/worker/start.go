package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/openjd/session"
	"github.com/farmhand-render/farmhand/openjd/session/process"
)

// start registers the worker where it has no id yet, assumes its role, clears away what an earlier program left, and says STARTED.
func (a *agent) start(ctx, living context.Context) error {
	var err error
	a.started = false
	if a.id, err = loadIdentity(a.cfg); err != nil {
		return err
	}
	for {
		if a.id.WorkerID == "" {
			if err := a.register(ctx); err != nil {
				return err
			}
		}
		if err = a.assumeRole(ctx); !notFound(err) {
			break
		}
		a.log.LogAttrs(ctx, slog.LevelWarn, "the service does not know this worker; registering again", slog.String("worker_id", a.id.WorkerID))
		a.id.WorkerID = ""
	}
	if err != nil {
		return err
	}
	if err := a.sweep(ctx); err != nil {
		return err
	}
	if err := a.reportEarlier(ctx); err != nil {
		return err
	}
	started, err := a.sayStarted(ctx)
	if err != nil {
		return err
	}
	a.started = true
	if started.Log != nil {
		a.stream.attach(a.logs.open(started.Log))
	}
	a.log.LogAttrs(ctx, slog.LevelInfo, "the worker is started", slog.String("worker_id", a.id.WorkerID),
		slog.String("farm_id", a.id.FarmID), slog.String("fleet_id", a.id.FleetID))
	return a.configureHost(ctx, living, started.HostConfiguration)
}

// register makes a worker in the fleet, waiting for a fleet that is being created.
func (a *agent) register(ctx context.Context) error {
	in := &deadline.CreateWorkerInput{FarmId: a.id.FarmID, FleetId: a.id.FleetID, HostProperties: hostProperties()}
	for failures := 0; ; failures++ {
		made, err := patiently(ctx, a.log, "CreateWorker", func(ctx context.Context) (*deadline.CreateWorkerOutput, error) {
			return a.host.CreateWorker(ctx, in)
		})
		if err == nil {
			a.id.WorkerID = made.WorkerId
			return writeJSON(filepath.Join(a.cfg.StateDir, identityFile), a.id)
		}
		if status, ok := statusConflict(err, a.id.FleetID); !ok || status != string(deadline.FleetStatusCreateInProgress) {
			return fmt.Errorf("register the worker: %w", err)
		}
		if err := sleep(ctx, pause(failures, faultCeil, err)); err != nil {
			return err
		}
	}
}

// assumeRole gets the credentials that the worker works with. Where the host is no longer allowed to ask, because the service counts the
// worker as online, those of an earlier start do.
func (a *agent) assumeRole(ctx context.Context) error {
	_, err := patiently(ctx, a.log, "AssumeFleetRoleForWorker", func(ctx context.Context) (struct{}, error) {
		return struct{}{}, a.role.renew(ctx, "")
	})
	if _, online := statusConflict(err, a.id.WorkerID); online && a.useStoredCredentials() == nil {
		return nil
	}
	return err
}

// sweep ends the processes and removes the directories that an earlier program, ended by force, has left behind.
func (a *agent) sweep(ctx context.Context) error {
	root := a.cfg.SessionRoot
	if root == "" {
		root = session.DefaultRoot()
	}
	root, err := filepath.Abs(filepath.Join(root, a.id.WorkerID))
	if err != nil {
		return fmt.Errorf("session directory: %w", err)
	}
	a.root = root
	limited, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	users := a.users.all()
	if err := process.KillStrays(limited, "OPENJD_SESSION_WORKING_DIR", root+string(filepath.Separator), users...); err != nil {
		a.log.LogAttrs(ctx, slog.LevelError, "processes of earlier sessions go on", slog.Any("error", err))
	}
	if !a.cfg.RetainSessionDir {
		var errs []error
		for _, user := range users {
			errs = append(errs, user.RemoveAll(limited, root))
		}
		if err := errors.Join(append(errs, os.RemoveAll(root))...); err != nil {
			a.log.LogAttrs(ctx, slog.LevelWarn, "directories of earlier sessions are left over", slog.Any("error", err))
		}
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return fmt.Errorf("session directory: %w", err)
	}
	return nil
}

// reportEarlier sends what an earlier program could not, before STARTED lets the service give that work to others. When the service has
// done so already, the results are worth nothing.
func (a *agent) reportEarlier(ctx context.Context) error {
	if a.reports.waiting() == 0 {
		return nil
	}
	a.log.LogAttrs(ctx, slog.LevelInfo, "reporting results of an earlier run", slog.Int("actions", a.reports.waiting()))
	if _, err := a.poll(ctx); err != nil {
		if ctx.Err() != nil {
			return err
		}
		a.log.LogAttrs(ctx, slog.LevelWarn, "the results of an earlier run were not accepted", slog.Any("error", err))
		return a.reports.drop()
	}
	return nil
}

// sayStarted says STARTED, by way of STOPPED where the service wants that first.
func (a *agent) sayStarted(ctx context.Context) (*deadline.UpdateWorkerOutput, error) {
	for failures := 0; ; failures++ {
		started, err := a.update(ctx, deadline.UpdatedWorkerStatusStarted)
		if notFound(err) {
			return nil, errors.Join(errOffline, err)
		}
		status, conflict := statusConflict(err, a.id.WorkerID)
		if !conflict {
			return started, err
		}
		switch status {
		case "ASSOCIATED": // the host is still being made known to the service
		case string(deadline.WorkerStatusStopping), string(deadline.WorkerStatusNotCompatible):
			if _, err := a.update(ctx, deadline.UpdatedWorkerStatusStopped); err != nil {
				return nil, err
			}
		default:
			return nil, err
		}
		if err := sleep(ctx, pause(failures, faultCeil, err)); err != nil {
			return nil, err
		}
	}
}

// update sends UpdateWorker until it is answered.
func (a *agent) update(ctx context.Context, status deadline.UpdatedWorkerStatus) (*deadline.UpdateWorkerOutput, error) {
	in := &deadline.UpdateWorkerInput{FarmId: a.id.FarmID, FleetId: a.id.FleetID, WorkerId: a.id.WorkerID, Status: status}
	if status == deadline.UpdatedWorkerStatusStarted {
		in.Capabilities = capabilities(ctx, a.cfg)
		in.HostProperties = hostProperties()
	}
	out, err := call(ctx, a, "UpdateWorker", func(ctx context.Context) (*deadline.UpdateWorkerOutput, error) { return a.api.UpdateWorker(ctx, in) })
	if err != nil {
		return nil, fmt.Errorf("set the worker to %s: %w", status, err)
	}
	return out, nil
}
