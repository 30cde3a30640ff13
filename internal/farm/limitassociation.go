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

// limitUsage is the status of an association in the API's words.
func limitUsage(a *row.LimitAssociation) deadline.QueueLimitAssociationStatus {
	return deadline.QueueLimitAssociationStatus(a.Status.LimitUsage())
}

// limitAssociation reads an association; ResourceNotFoundException when the farm does not have the queue, the limit or it.
func (s *Service) limitAssociation(ctx context.Context, farmID, queueID, limitID string) (*row.LimitAssociation, error) {
	if _, err := s.queue(ctx, farmID, queueID); err != nil {
		return nil, err
	}
	if _, err := s.limit(ctx, farmID, limitID); err != nil {
		return nil, err
	}
	a, err := s.store.LimitAssociation(ctx, row.LimitAssociationKey{FarmID: farmID, QueueID: queueID, LimitID: limitID})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, notFound(typeLimitAssociation, queueID+"/"+limitID)
	case err != nil:
		return nil, fmt.Errorf("read the association of %s and %s: %w", queueID, limitID, err)
	}
	return a, nil
}

// CreateQueueLimitAssociation makes a limit count for a queue, at once. Where the association exists nothing changes. A queue has one
// limit for each amount. Errors: ResourceNotFoundException, ValidationException.
func (s *Service) CreateQueueLimitAssociation(
	ctx context.Context, in *deadline.CreateQueueLimitAssociationInput,
) (*deadline.CreateQueueLimitAssociationOutput, error) {
	w := write{operation: "CreateQueueLimitAssociation", farmID: in.FarmId, input: in}
	return configure(ctx, s, in.FarmId, w, func(time.Time) (*deadline.CreateQueueLimitAssociationOutput, scheduler.Command, error) {
		out := &deadline.CreateQueueLimitAssociationOutput{}
		if _, err := s.queue(ctx, in.FarmId, in.QueueId); err != nil {
			return nil, nil, err
		}
		limit, err := s.limit(ctx, in.FarmId, in.LimitId)
		if err != nil {
			return nil, nil, err
		}
		most := s.quotas.LimitAssociationsPerQueue
		others, err := s.store.LimitAssociations(ctx, in.FarmId, in.QueueId, "", row.LimitAssociationKey{}, int(most)+1)
		if err != nil {
			return nil, nil, fmt.Errorf("read the limits of queue %s: %w", in.QueueId, err)
		}
		if slices.ContainsFunc(others, func(a row.LimitAssociation) bool { return a.LimitID == in.LimitId }) {
			return out, nil, nil
		}
		if int64(len(others)) >= most {
			return nil, nil, invalid("queueId", fmt.Sprintf("must have fewer than %d limits", most))
		}
		for i := range others {
			other, err := s.limit(ctx, in.FarmId, others[i].LimitID)
			if err != nil {
				return nil, nil, err
			}
			if other.Doc.Scheduling.AmountName == limit.Doc.Scheduling.AmountName {
				return nil, nil, invalid("limitId", fmt.Sprintf("must be for another amount: %s of the queue is for %s already", other.ID, other.Doc.Name))
			}
		}
		return out, scheduler.PutLimitAssociation{
			FarmID: in.FarmId, QueueID: in.QueueId, LimitID: in.LimitId, Status: status.AssociationActive, By: callerOf(ctx).By,
		}, nil
	})
}

// GetQueueLimitAssociation describes an association.
func (s *Service) GetQueueLimitAssociation(
	ctx context.Context, in *deadline.GetQueueLimitAssociationInput,
) (*deadline.GetQueueLimitAssociationOutput, error) {
	a, err := s.limitAssociation(ctx, in.FarmId, in.QueueId, in.LimitId)
	if err != nil {
		return nil, err
	}
	return &deadline.GetQueueLimitAssociationOutput{
		QueueId: a.QueueID, LimitId: a.LimitID, Status: limitUsage(a),
		CreatedAt: at(a.CreatedAt), CreatedBy: a.CreatedBy, UpdatedAt: when(a.UpdatedAt), UpdatedBy: text(a.UpdatedBy),
	}, nil
}

// ListQueueLimitAssociations lists the associations of a farm by queue and limit, or those of one queue, one limit or both.
func (s *Service) ListQueueLimitAssociations(
	ctx context.Context, in *deadline.ListQueueLimitAssociationsInput,
) (*deadline.ListQueueLimitAssociationsOutput, error) {
	err := s.narrowed(ctx, in.FarmId, in.QueueId, in.LimitId, func(id string) error { return second(s.limit(ctx, in.FarmId, id)) })
	if err != nil {
		return nil, err
	}
	rows, next, err := list(ctx, s, listing[row.LimitAssociationKey, row.LimitAssociation]{
		operation: "ListQueueLimitAssociations", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
		cursor: func(a *row.LimitAssociation) row.LimitAssociationKey {
			return row.LimitAssociationKey{FarmID: a.FarmID, QueueID: a.QueueID, LimitID: a.LimitID}
		},
		read: func(ctx context.Context, after row.LimitAssociationKey, limit int) ([]row.LimitAssociation, error) {
			return s.store.LimitAssociations(ctx, in.FarmId, value(in.QueueId), value(in.LimitId), after, limit)
		},
	})
	if err != nil {
		return nil, err
	}
	associations := make([]deadline.QueueLimitAssociationSummary, 0, len(rows))
	for i := range rows {
		a := &rows[i]
		associations = append(associations, deadline.QueueLimitAssociationSummary{
			QueueId: a.QueueID, LimitId: a.LimitID, Status: limitUsage(a),
			CreatedAt: at(a.CreatedAt), CreatedBy: a.CreatedBy, UpdatedAt: when(a.UpdatedAt), UpdatedBy: text(a.UpdatedBy),
		})
	}
	return &deadline.ListQueueLimitAssociationsOutput{QueueLimitAssociations: associations, NextToken: next}, nil
}

// UpdateQueueLimitAssociation sets an association ACTIVE or begins to stop it: tasks that need the limit wait. It becomes STOPPED by
// itself when no task of the queue holds any of the limit.
func (s *Service) UpdateQueueLimitAssociation(
	ctx context.Context, in *deadline.UpdateQueueLimitAssociationInput,
) (*deadline.UpdateQueueLimitAssociationOutput, error) {
	w := write{operation: "UpdateQueueLimitAssociation", farmID: in.FarmId, input: in}
	return configure(ctx, s, in.FarmId, w, func(time.Time) (*deadline.UpdateQueueLimitAssociationOutput, scheduler.Command, error) {
		if _, err := s.limitAssociation(ctx, in.FarmId, in.QueueId, in.LimitId); err != nil {
			return nil, nil, err
		}
		wanted, err := status.ParseLimitUsage(string(in.Status))
		if err != nil {
			return nil, nil, invalid("status", err.Error())
		}
		return &deadline.UpdateQueueLimitAssociationOutput{}, scheduler.PutLimitAssociation{
			FarmID: in.FarmId, QueueID: in.QueueId, LimitID: in.LimitId, Status: wanted, By: callerOf(ctx).By,
		}, nil
	})
}

// DeleteQueueLimitAssociation deletes a STOPPED association; another one is a ConflictException. Steps that need the amount become
// NOT_COMPATIBLE unless a fleet has it.
func (s *Service) DeleteQueueLimitAssociation(
	ctx context.Context, in *deadline.DeleteQueueLimitAssociationInput,
) (*deadline.DeleteQueueLimitAssociationOutput, error) {
	w := write{operation: "DeleteQueueLimitAssociation", farmID: in.FarmId, input: in}
	return configure(ctx, s, in.FarmId, w, func(time.Time) (*deadline.DeleteQueueLimitAssociationOutput, scheduler.Command, error) {
		_, err := s.limitAssociation(ctx, in.FarmId, in.QueueId, in.LimitId)
		return &deadline.DeleteQueueLimitAssociationOutput{},
			scheduler.DeleteLimitAssociation{FarmID: in.FarmId, QueueID: in.QueueId, LimitID: in.LimitId}, err
	})
}
