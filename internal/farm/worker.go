package farm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// worker reads a worker of a fleet. It is ResourceNotFoundException when it does not exist there: of the farm or the fleet when one of
// those does not exist, else of the worker.
func (s *Service) worker(ctx context.Context, farmID, fleetID, workerID string) (*row.Worker, error) {
	w, err := s.store.Worker(ctx, workerID)
	switch {
	case err == nil && w.FarmID == farmID && w.FleetID == fleetID:
		return w, nil
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return nil, fmt.Errorf("read worker %s: %w", workerID, err)
	}
	if _, err := s.fleetOf(ctx, farmID, fleetID); err != nil {
		return nil, err
	}
	return nil, notFound(typeWorker, workerID)
}

// fleetOf reads a fleet; when it is not there and the farm is not either, the ResourceNotFoundException is the farm's.
func (s *Service) fleetOf(ctx context.Context, farmID, fleetID string) (*resource[fleetDocument], error) {
	f, err := s.fleet(ctx, farmID, fleetID)
	if _, ok := errors.AsType[*deadline.ResourceNotFoundException](err); ok {
		if _, farmErr := s.farm(ctx, farmID); farmErr != nil {
			return nil, farmErr
		}
	}
	return f, err
}

// hostProperties encodes what a worker tells of its host, as answers show it; nil when it tells nothing.
func hostProperties(told *deadline.HostPropertiesRequest) ([]byte, error) {
	if told == nil {
		return nil, nil
	}
	stored, err := json.Marshal(&deadline.HostPropertiesResponse{IpAddresses: told.IpAddresses, HostName: told.HostName})
	if err != nil {
		return nil, fmt.Errorf("encode host properties: %w", err)
	}
	return stored, nil
}

// CreateWorker registers a worker in a fleet; it is CREATED until it says that it is STARTED. A fleet that has its maximum of workers is
// a ConflictException of the fleet, a farm that has its quota of workers one of the farm: no quota error is modelled. Other errors: ResourceNotFoundException, ValidationException (tags), ConflictException (client token).
func (s *Service) CreateWorker(ctx context.Context, in *deadline.CreateWorkerInput) (*deadline.CreateWorkerOutput, error) {
	w := write{operation: "CreateWorker", farmID: in.FarmId, clientToken: in.ClientToken, input: in}
	return apply(ctx, s, w, func(now time.Time) (*deadline.CreateWorkerOutput, scheduler.Command, error) {
		fleet, err := s.fleetOf(ctx, in.FarmId, in.FleetId)
		if err != nil {
			return nil, nil, err
		}
		host, err := hostProperties(in.HostProperties)
		if err != nil {
			return nil, nil, err
		}
		id := newID(prefixWorker)
		tags, err := s.workerTags(ctx, fleet, in.Tags)
		if err != nil {
			return nil, nil, err
		}
		if err := s.tagNew(ctx, in.FarmId, s.workerARN(in.FarmId, in.FleetId, id), tags); err != nil {
			return nil, nil, err
		}
		return &deadline.CreateWorkerOutput{WorkerId: id}, scheduler.CreateWorker{
			Worker: row.Worker{
				FarmID: in.FarmId, FleetID: in.FleetId, WorkerID: id, Stamp: created(ctx, now), HostProperties: host,
			},
			MaxInFarm: s.quotas.WorkersPerFarm,
			Sole:      auth.FromContext(ctx).Instance,
		}, nil
	})
}

// workerTags are the tags of a new worker: those of its fleet, where the fleet passes them on, and its own, which win.
func (s *Service) workerTags(ctx context.Context, fleet *resource[fleetDocument], own map[string]string) (map[string]string, error) {
	if fleet.Doc.CustomerManaged.TagPropagationMode != deadline.TagPropagationModePropagateTagsToWorkersAtLaunch {
		return own, nil
	}
	inherited, err := s.tags(ctx, s.fleetARN(fleet.FarmID, fleet.ID))
	if err != nil {
		return nil, err
	}
	all := maps.Clone(inherited)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, own)
	return all, nil
}

// workerLog says where a worker's log is; nil before the worker was started for the first time.
func workerLog(w *row.Worker) *deadline.LogConfiguration {
	if w.Status == status.WorkerCreated {
		return nil
	}
	return new(logConfiguration(LogGroup(w.FarmID, w.FleetID), w.WorkerID))
}

// GetWorker describes a worker.
func (s *Service) GetWorker(ctx context.Context, in *deadline.GetWorkerInput) (*deadline.GetWorkerOutput, error) {
	w, err := s.worker(ctx, in.FarmId, in.FleetId, in.WorkerId)
	if err != nil {
		return nil, err
	}
	out := &deadline.GetWorkerOutput{
		FarmId: w.FarmID, FleetId: w.FleetID, WorkerId: w.WorkerID,
		Status: deadline.WorkerStatus(w.Status.String()), Log: workerLog(w),
		CreatedAt: at(w.CreatedAt), CreatedBy: w.CreatedBy, UpdatedAt: when(w.UpdatedAt), UpdatedBy: text(w.UpdatedBy),
	}
	return out, decodeStored("host properties", w.HostProperties, &out.HostProperties)
}

// ListWorkers lists the workers of a fleet by age.
func (s *Service) ListWorkers(ctx context.Context, in *deadline.ListWorkersInput) (*deadline.ListWorkersOutput, error) {
	if _, err := s.fleetOf(ctx, in.FarmId, in.FleetId); err != nil {
		return nil, err
	}
	rows, next, err := list(ctx, s, listing[store.ResourceCursor, row.Worker]{
		operation: "ListWorkers", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
		read: func(ctx context.Context, after store.ResourceCursor, limit int) ([]row.Worker, error) {
			workers, err := s.store.Workers(ctx, in.FleetId, after, limit)
			return reading("workers", workers, err)
		},
		cursor: func(w *row.Worker) store.ResourceCursor {
			return store.ResourceCursor{CreatedAt: w.CreatedAt, ID: w.WorkerID}
		},
	})
	if err != nil {
		return nil, err
	}
	workers := make([]deadline.WorkerSummary, len(rows))
	for i := range rows {
		w := &rows[i]
		workers[i] = deadline.WorkerSummary{
			FarmId: w.FarmID, FleetId: w.FleetID, WorkerId: w.WorkerID,
			Status: deadline.WorkerStatus(w.Status.String()), Log: workerLog(w),
			CreatedAt: at(w.CreatedAt), CreatedBy: w.CreatedBy, UpdatedAt: when(w.UpdatedAt), UpdatedBy: text(w.UpdatedBy),
		}
		if err := decodeStored("host properties", w.HostProperties, &workers[i].HostProperties); err != nil {
			return nil, err
		}
	}
	return &deadline.ListWorkersOutput{Workers: workers, NextToken: next}, nil
}

// UpdateWorker changes a worker's status and what it tells of itself. STARTED is answered with where the worker's log is, and with the
// fleet's host configuration script when it has one. STARTED and STOPPED end all sessions of the worker. Errors:
// ResourceNotFoundException, ConflictException (a worker that is STOPPING cannot be STARTED).
func (s *Service) UpdateWorker(ctx context.Context, in *deadline.UpdateWorkerInput) (*deadline.UpdateWorkerOutput, error) {
	if _, err := s.worker(ctx, in.FarmId, in.FleetId, in.WorkerId); err != nil {
		return nil, err
	}
	command, err := workerUpdate(ctx, in)
	if err != nil {
		return nil, err
	}
	out := &deadline.UpdateWorkerOutput{}
	if in.Status == deadline.UpdatedWorkerStatusStarted {
		log, err := s.ensureLog(ctx, LogGroup(in.FarmId, in.FleetId), in.WorkerId)
		if err != nil {
			return nil, err
		}
		fleet, err := s.fleet(ctx, in.FarmId, in.FleetId)
		if err != nil {
			return nil, err
		}
		out.Log, out.HostConfiguration = &log, fleet.Doc.HostConfiguration
	}
	if _, err := s.commit(ctx, in.FarmId, command); err != nil {
		return nil, err
	}
	return out, nil
}

func workerUpdate(ctx context.Context, in *deadline.UpdateWorkerInput) (scheduler.UpdateWorker, error) {
	command := scheduler.UpdateWorker{FleetID: in.FleetId, WorkerID: in.WorkerId, By: callerOf(ctx).By}
	var err error
	if command.Status, err = status.ParseWorker(string(in.Status)); err != nil {
		return command, invalid("status", err.Error())
	}
	if command.HostProperties, err = hostProperties(in.HostProperties); err != nil {
		return command, err
	}
	if in.Capabilities != nil {
		if command.Capabilities, err = json.Marshal(in.Capabilities); err != nil {
			return command, fmt.Errorf("encode capabilities: %w", err)
		}
	}
	return command, nil
}

// DeleteWorker deletes a worker that is CREATED, STOPPED or NOT_RESPONDING; its sessions stay with their jobs. A worker in another status
// is a ConflictException with the status in its context.
func (s *Service) DeleteWorker(ctx context.Context, in *deadline.DeleteWorkerInput) (*deadline.DeleteWorkerOutput, error) {
	if _, err := s.worker(ctx, in.FarmId, in.FleetId, in.WorkerId); err != nil {
		return nil, err
	}
	if _, err := s.commit(ctx, in.FarmId, scheduler.DeleteWorker{FleetID: in.FleetId, WorkerID: in.WorkerId}); err != nil {
		return nil, err
	}
	s.reporting.remove(reportingKey(in.FarmId, in.FleetId, in.WorkerId))
	s.untagDeleted(ctx, in.FarmId, s.workerARN(in.FarmId, in.FleetId, in.WorkerId))
	return &deadline.DeleteWorkerOutput{}, nil
}

// ListSessionsForWorker lists the sessions of a worker in the order in which they began.
func (s *Service) ListSessionsForWorker(
	ctx context.Context, in *deadline.ListSessionsForWorkerInput,
) (*deadline.ListSessionsForWorkerOutput, error) {
	if _, err := s.worker(ctx, in.FarmId, in.FleetId, in.WorkerId); err != nil {
		return nil, err
	}
	rows, next, err := list(ctx, s, listing[store.ResourceCursor, row.Session]{
		operation: "ListSessionsForWorker", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
		read: func(ctx context.Context, after store.ResourceCursor, limit int) ([]row.Session, error) {
			sessions, err := s.store.WorkerSessions(ctx, in.WorkerId, after, limit)
			return reading("the sessions of a worker", sessions, err)
		},
		cursor: func(r *row.Session) store.ResourceCursor {
			return store.ResourceCursor{CreatedAt: r.StartedAt, ID: r.SessionID}
		},
	})
	if err != nil {
		return nil, err
	}
	sessions := make([]deadline.WorkerSessionSummary, len(rows))
	for i := range rows {
		r := &rows[i]
		sessions[i] = deadline.WorkerSessionSummary{
			SessionId: r.SessionID, QueueId: r.QueueID, JobId: r.JobID, StartedAt: at(r.StartedAt), EndedAt: when(r.EndedAt),
			LifecycleStatus:       deadline.SessionLifecycleStatus(r.Lifecycle.String()),
			TargetLifecycleStatus: deadline.SessionLifecycleTargetStatus(r.Target.String()),
		}
	}
	return &deadline.ListSessionsForWorkerOutput{Sessions: sessions, NextToken: next}, nil
}
