package farm

import (
	"context"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// DrainInput says how a worker is drained; an operation of our own (docs/own-api.md).
type DrainInput struct {
	FarmID   string `json:"-"`
	FleetID  string `json:"-"`
	WorkerID string `json:"-"`
	Mode     string `json:"mode"` // EVENTUAL, IMMEDIATE or NONE
}

// DrainWorker lets a worker have no more work. Who may delete the worker may drain it. Errors: AccessDeniedException, ThrottlingException,
// ResourceNotFoundException, ValidationException (mode), ConflictException (the worker is offline).
func (s *Service) DrainWorker(ctx context.Context, in DrainInput) error {
	remove := &deadline.DeleteWorkerInput{FarmId: in.FarmID, FleetId: in.FleetID, WorkerId: in.WorkerID}
	if err := s.Authorize(ctx, operation("DeleteWorker"), remove); err != nil {
		return err
	}
	if _, err := s.worker(ctx, in.FarmID, in.FleetID, in.WorkerID); err != nil {
		return err
	}
	command := scheduler.DrainWorker{FleetID: in.FleetID, WorkerID: in.WorkerID, By: callerOf(ctx).By}
	switch in.Mode {
	case "NONE":
	case string(row.DrainEventual), string(row.DrainImmediate):
		command.Drain = row.Drain(in.Mode)
	default:
		return invalid("mode", "must be EVENTUAL, IMMEDIATE or NONE")
	}
	_, err := s.commit(ctx, in.FarmID, command)
	return err
}
