package farm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// association reads a queue-fleet association; ResourceNotFoundException when the farm does not have the queue, the fleet or it.
func (s *Service) association(ctx context.Context, farmID, queueID, fleetID string) (*row.Association, error) {
	if _, err := s.queue(ctx, farmID, queueID); err != nil {
		return nil, err
	}
	if _, err := s.fleet(ctx, farmID, fleetID); err != nil {
		return nil, err
	}
	a, err := s.store.Association(ctx, row.AssociationKey{FarmID: farmID, QueueID: queueID, FleetID: fleetID})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, notFound(typeAssociation, queueID+"/"+fleetID)
	case err != nil:
		return nil, fmt.Errorf("read the association of %s and %s: %w", queueID, fleetID, err)
	}
	return a, nil
}

// associations reads all associations of a farm, or those of a queue or fleet.
func (s *Service) associations(ctx context.Context, farmID, queueID, fleetID string) ([]row.Association, error) {
	const batch = 1000
	var all []row.Association
	after := row.AssociationKey{FarmID: farmID}
	for {
		some, err := s.store.Associations(ctx, farmID, queueID, fleetID, after, batch)
		if err != nil {
			return nil, fmt.Errorf("read the associations of %s: %w", farmID, err)
		}
		all = append(all, some...)
		if len(some) < batch {
			return all, nil
		}
		after = associationCursor(&some[len(some)-1])
	}
}

func associationCursor(a *row.Association) row.AssociationKey {
	return row.AssociationKey{FarmID: a.FarmID, QueueID: a.QueueID, FleetID: a.FleetID}
}

// fits says whether jobs of the queue may run on the fleet: the fleet's storage profile must be allowed, and the queue must say as
// which user jobs run on the fleet's operating system.
func fits(queue *queueDocument, fleet *fleetDocument) error {
	if profile := fleet.storageProfileID(); profile != nil && !slices.Contains(queue.AllowedStorageProfileIDs, *profile) {
		return &deadline.ValidationException{
			Message: "Mismatch between storage profile ids.", // clients know this text
			Reason:  deadline.ValidationExceptionReasonFieldValidationFailed,
			FieldList: []deadline.ValidationExceptionField{{
				Name: "storageProfileId", Message: "must be one of the queue's allowedStorageProfileIds",
			}},
		}
	}
	user := &queue.JobRunAsUser
	if user.RunAs == deadline.RunAsWorkerAgentUser {
		return nil
	}
	os := fleet.workerCapabilities().OsFamily
	has := user.Posix != nil && user.Posix.User != ""
	if os == deadline.CustomerManagedFleetOperatingSystemFamilyWindows {
		has = user.Windows != nil && user.Windows.User != ""
	}
	if !has {
		return invalid("jobRunAsUser", fmt.Sprintf("must have a user for %s, the system of the fleet, or runAs WORKER_AGENT_USER", os))
	}
	return nil
}

// queueStillFits checks a changed queue against the fleets that it is associated with.
func (s *Service) queueStillFits(ctx context.Context, queue *resource[queueDocument]) error {
	associations, err := s.associations(ctx, queue.FarmID, queue.ID, "")
	if err != nil {
		return err
	}
	for i := range associations {
		fleet, err := s.fleet(ctx, queue.FarmID, associations[i].FleetID)
		if err != nil {
			return err
		}
		if err := fits(&queue.Doc, &fleet.Doc); err != nil {
			return err
		}
	}
	return nil
}

// fleetStillFits checks a changed fleet against the queues that it is associated with.
func (s *Service) fleetStillFits(ctx context.Context, fleet *resource[fleetDocument]) error {
	associations, err := s.associations(ctx, fleet.FarmID, "", fleet.ID)
	if err != nil {
		return err
	}
	for i := range associations {
		queue, err := s.queue(ctx, fleet.FarmID, associations[i].QueueID)
		if err != nil {
			return err
		}
		if err := fits(&queue.Doc, &fleet.Doc); err != nil {
			return err
		}
	}
	return nil
}

// CreateQueueFleetAssociation lets a fleet work for a queue, ACTIVE at once. Where the association exists nothing changes. Errors:
// ResourceNotFoundException, ValidationException when they do not fit, ServiceQuotaExceededException.
func (s *Service) CreateQueueFleetAssociation(
	ctx context.Context, in *deadline.CreateQueueFleetAssociationInput,
) (*deadline.CreateQueueFleetAssociationOutput, error) {
	w := write{operation: "CreateQueueFleetAssociation", farmID: in.FarmId, input: in}
	return configure(ctx, s, in.FarmId, w, func(time.Time) (*deadline.CreateQueueFleetAssociationOutput, scheduler.Command, error) {
		out := &deadline.CreateQueueFleetAssociationOutput{}
		queue, err := s.queue(ctx, in.FarmId, in.QueueId)
		if err != nil {
			return nil, nil, err
		}
		fleet, err := s.fleet(ctx, in.FarmId, in.FleetId)
		if err != nil {
			return nil, nil, err
		}
		all, err := s.associations(ctx, in.FarmId, "", "")
		if err != nil {
			return nil, nil, err
		}
		if slices.ContainsFunc(all, func(a row.Association) bool { return a.QueueID == in.QueueId && a.FleetID == in.FleetId }) {
			return out, nil, nil
		}
		if err := fits(&queue.Doc, &fleet.Doc); err != nil {
			return nil, nil, err
		}
		if err := s.quotas.associations().admit(int64(len(all)), in.FarmId); err != nil {
			return nil, nil, err
		}
		return out, scheduler.PutAssociation{
			FarmID: in.FarmId, QueueID: in.QueueId, FleetID: in.FleetId,
			Status: status.AssociationActive, By: callerOf(ctx).By,
		}, nil
	})
}

// GetQueueFleetAssociation describes an association.
func (s *Service) GetQueueFleetAssociation(
	ctx context.Context, in *deadline.GetQueueFleetAssociationInput,
) (*deadline.GetQueueFleetAssociationOutput, error) {
	a, err := s.association(ctx, in.FarmId, in.QueueId, in.FleetId)
	if err != nil {
		return nil, err
	}
	return &deadline.GetQueueFleetAssociationOutput{
		QueueId: a.QueueID, FleetId: a.FleetID, Status: deadline.QueueFleetAssociationStatus(a.Status.String()),
		CreatedAt: at(a.CreatedAt), CreatedBy: a.CreatedBy, UpdatedAt: when(a.UpdatedAt), UpdatedBy: text(a.UpdatedBy),
	}, nil
}

// narrowed checks what a list of associations is asked of: the farm and, where it is narrowed to them, the queue and the other side.
func (s *Service) narrowed(ctx context.Context, farmID string, queueID, otherID *string, other func(id string) error) error {
	if _, err := s.farm(ctx, farmID); err != nil {
		return err
	}
	if queueID != nil {
		if _, err := s.queue(ctx, farmID, *queueID); err != nil {
			return err
		}
	}
	if otherID != nil {
		return other(*otherID)
	}
	return nil
}

// second is the error of a call alone.
func second[T any](_ T, err error) error { return err }

// ListQueueFleetAssociations lists the associations of a farm by queue and fleet, or those of one queue, one fleet or both.
func (s *Service) ListQueueFleetAssociations(
	ctx context.Context, in *deadline.ListQueueFleetAssociationsInput,
) (*deadline.ListQueueFleetAssociationsOutput, error) {
	err := s.narrowed(ctx, in.FarmId, in.QueueId, in.FleetId, func(id string) error { return second(s.fleet(ctx, in.FarmId, id)) })
	if err != nil {
		return nil, err
	}
	rows, next, err := list(ctx, s, listing[row.AssociationKey, row.Association]{
		operation: "ListQueueFleetAssociations", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
		first: row.AssociationKey{FarmID: in.FarmId}, cursor: associationCursor,
		read: func(ctx context.Context, after row.AssociationKey, limit int) ([]row.Association, error) {
			return s.store.Associations(ctx, in.FarmId, value(in.QueueId), value(in.FleetId), after, limit)
		},
	})
	if err != nil {
		return nil, err
	}
	associations := make([]deadline.QueueFleetAssociationSummary, 0, len(rows))
	for i := range rows {
		a := &rows[i]
		associations = append(associations, deadline.QueueFleetAssociationSummary{
			QueueId: a.QueueID, FleetId: a.FleetID, Status: deadline.QueueFleetAssociationStatus(a.Status.String()),
			CreatedAt: at(a.CreatedAt), CreatedBy: a.CreatedBy, UpdatedAt: when(a.UpdatedAt), UpdatedBy: text(a.UpdatedBy),
		})
	}
	return &deadline.ListQueueFleetAssociationsOutput{QueueFleetAssociations: associations, NextToken: next}, nil
}

// UpdateQueueFleetAssociation sets an association ACTIVE or begins to stop it. It becomes STOPPED by itself when nothing runs any more.
func (s *Service) UpdateQueueFleetAssociation(
	ctx context.Context, in *deadline.UpdateQueueFleetAssociationInput,
) (*deadline.UpdateQueueFleetAssociationOutput, error) {
	w := write{operation: "UpdateQueueFleetAssociation", farmID: in.FarmId, input: in}
	return configure(ctx, s, in.FarmId, w, func(time.Time) (*deadline.UpdateQueueFleetAssociationOutput, scheduler.Command, error) {
		if _, err := s.association(ctx, in.FarmId, in.QueueId, in.FleetId); err != nil {
			return nil, nil, err
		}
		wanted, err := status.ParseAssociation(string(in.Status))
		if err != nil {
			return nil, nil, invalid("status", err.Error())
		}
		return &deadline.UpdateQueueFleetAssociationOutput{}, scheduler.PutAssociation{
			FarmID: in.FarmId, QueueID: in.QueueId, FleetID: in.FleetId, Status: wanted, By: callerOf(ctx).By,
		}, nil
	})
}

// DeleteQueueFleetAssociation deletes a STOPPED association; another one is a ConflictException.
func (s *Service) DeleteQueueFleetAssociation(
	ctx context.Context, in *deadline.DeleteQueueFleetAssociationInput,
) (*deadline.DeleteQueueFleetAssociationOutput, error) {
	w := write{operation: "DeleteQueueFleetAssociation", farmID: in.FarmId, input: in}
	return configure(ctx, s, in.FarmId, w, func(time.Time) (*deadline.DeleteQueueFleetAssociationOutput, scheduler.Command, error) {
		_, err := s.association(ctx, in.FarmId, in.QueueId, in.FleetId)
		return &deadline.DeleteQueueFleetAssociationOutput{},
			scheduler.DeleteAssociation{FarmID: in.FarmId, QueueID: in.QueueId, FleetID: in.FleetId}, err
	})
}
