package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
	"github.com/farmhand-render/farmhand/internal/logsclient"
)

// identity is what is kept over restarts.
type identity struct {
	FarmID   string `json:"farmId"`
	FleetID  string `json:"fleetId"`
	WorkerID string `json:"workerId"`
}

const identityFile = "worker.json"

// readIdentity gives the worker id that this state directory has in the fleet, "" when it has none.
func readIdentity(c *Config) (string, error) {
	text, err := os.ReadFile(filepath.Join(c.StateDir, identityFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the worker's identity: %w", err)
	}
	var i identity
	if err := json.Unmarshal(text, &i); err != nil {
		return "", fmt.Errorf("read the worker's identity: %w", err)
	}
	if i.FarmID != c.FarmID || i.FleetID != c.FleetID {
		return "", nil // of another fleet
	}
	return i.WorkerID, nil
}

func writeIdentity(c *Config, id string) error {
	text, err := json.Marshal(identity{c.FarmID, c.FleetID, id})
	if err != nil {
		return fmt.Errorf("write the worker's identity: %w", err)
	}
	return writeFile(filepath.Join(c.StateDir, identityFile), text)
}

func forgetIdentity(stateDir string) error {
	if err := os.Remove(filepath.Join(stateDir, identityFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget the worker's identity: %w", err)
	}
	return nil
}

// writeFile puts a private file in place whole.
func writeFile(path string, data []byte) error {
	staged := path + ".staged"
	if err := os.WriteFile(staged, data, 0o600); err != nil {
		return err
	}
	return os.Rename(staged, path)
}

// start registers the worker where it has no id yet, assumes its role and says STARTED.
func (w *Worker) start(ctx, living context.Context) error {
	id, err := readIdentity(&w.config)
	if err != nil {
		return err
	}
	for {
		if id == "" {
			if id, err = w.register(ctx); err != nil {
				return err
			}
		}
		w.id = id
		err = w.assumeRole(ctx, living)
		if _, ok := errors.AsType[*deadline.ResourceNotFoundException](err); !ok {
			break
		}
		w.config.Logger.LogAttrs(ctx, slog.LevelWarn, "the service has forgotten the worker", slog.String("worker_id", id))
		id = ""
	}
	if err != nil {
		return err
	}
	started, err := w.sayStarted(ctx)
	if err != nil {
		return err
	}
	w.queues = newQueueRoles(w)
	w.log = newLogStream(w.logs(), started.Log, w.config.Logger)
	w.log.json(living, slog.LevelInfo, "worker started", map[string]any{"workerId": w.id, "farmId": w.config.FarmID, "fleetId": w.config.FleetID})
	return w.configureHost(ctx, living, started.HostConfiguration)
}

// register makes a worker in the fleet.
func (w *Worker) register(ctx context.Context) (string, error) {
	var made *deadline.CreateWorkerOutput
	err := w.persist(ctx, "CreateWorker", func() (err error) {
		made, err = w.host.CreateWorker(ctx, &deadline.CreateWorkerInput{
			FarmId: w.config.FarmID, FleetId: w.config.FleetID, HostProperties: hostProperties(),
		})
		return err
	})
	if err != nil {
		return "", fmt.Errorf("register the worker: %w", err)
	}
	return made.WorkerId, writeIdentity(&w.config, made.WorkerId)
}

// assumeRole gets the credentials that the worker works with, and keeps them fresh.
func (w *Worker) assumeRole(ctx, living context.Context) error {
	w.role = newRoleCredentials(w)
	if err := w.persist(ctx, "AssumeFleetRoleForWorker", func() error { return w.role.refresh(ctx, w.host) }); err != nil {
		return fmt.Errorf("assume the fleet's role: %w", err)
	}
	cfg := w.config.AWS
	cfg.Credentials = w.role
	w.service = client.New(cfg)
	go w.role.keep(living)
	return nil
}

// sayStarted says STARTED, by way of STOPPED where the service wants that first.
func (w *Worker) sayStarted(ctx context.Context) (*deadline.UpdateWorkerOutput, error) {
	for {
		started, err := w.update(ctx, deadline.UpdatedWorkerStatusStarted)
		var conflict *deadline.ConflictException
		if err == nil || !errors.As(err, &conflict) || conflict.ResourceId != w.id {
			return started, err
		}
		switch conflict.Context["status"] {
		case string(deadline.WorkerStatusStopping), string(deadline.WorkerStatusNotCompatible):
			if _, err := w.update(ctx, deadline.UpdatedWorkerStatusStopped); err != nil {
				return nil, err
			}
		default:
			return nil, err
		}
	}
}

// update sends UpdateWorker until it is answered.
func (w *Worker) update(ctx context.Context, status deadline.UpdatedWorkerStatus) (out *deadline.UpdateWorkerOutput, err error) {
	in := &deadline.UpdateWorkerInput{FarmId: w.config.FarmID, FleetId: w.config.FleetID, WorkerId: w.id, Status: status}
	if status == deadline.UpdatedWorkerStatusStarted {
		in.Capabilities = capabilities(ctx, &w.config)
		in.HostProperties = hostProperties()
	}
	err = w.persist(ctx, "UpdateWorker", func() (err error) {
		out, err = w.service.UpdateWorker(ctx, in)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("set the worker to %s: %w", status, err)
	}
	return out, nil
}

func (w *Worker) logs() *logsclient.Client {
	endpoint := fmt.Sprintf("https://logs.%s.amazonaws.com", w.config.AWS.Region)
	if w.config.AWS.BaseEndpoint != nil {
		endpoint = *w.config.AWS.BaseEndpoint
	}
	if named := os.Getenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"); named != "" {
		endpoint = named
	}
	return &logsclient.Client{Endpoint: endpoint, Region: w.config.AWS.Region, Credentials: w.role}
}
