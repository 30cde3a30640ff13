package farm

import (
	"context"
	"math"
	"regexp"
	"strings"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// limitDocument is what the store keeps of a limit.
type limitDocument struct {
	DisplayName string                    `json:"displayName"`
	Description string                    `json:"description,omitempty"`
	Name        string                    `json:"amountRequirementName"` // as it was written
	Scheduling  scheduler.LimitScheduling `json:"scheduling"`
}

// limit reads a limit of a farm; ResourceNotFoundException when it does not exist there.
func (s *Service) limit(ctx context.Context, farmID, limitID string) (*resource[limitDocument], error) {
	return load[limitDocument](ctx, s, row.KindLimit, typeLimit, farmID, limitID)
}

// amountName is the form of the amounts that steps can require (OpenJD, host requirements).
var amountName = regexp.MustCompile(`^([a-zA-Z][a-zA-Z0-9]{0,63}:)?amount(\.[a-zA-Z][a-zA-Z0-9]{0,63})+$`)

// check refuses names that no step can require and counts that would let nothing run.
func (d *limitDocument) check() error {
	switch lower := strings.ToLower(d.Name); {
	case !amountName.MatchString(d.Name):
		return invalid("amountRequirementName", `must be the name of an amount such as "amount.licenses.houdini"`)
	case strings.HasPrefix(lower, reservedAmounts):
		return invalid("amountRequirementName", "must not begin with "+reservedAmounts+": such amounts belong to workers")
	case d.Scheduling.MaxCount == 0 || d.Scheduling.MaxCount < -1:
		return invalid("maxCount", "must be -1 for no limit, or at least 1")
	default:
		d.Scheduling.AmountName = lower
		return nil
	}
}

// CreateLimit makes a limit: how much of an amount the tasks of a farm may hold at once. It counts for the queues that it is
// associated with. Errors: ResourceNotFoundException (farm), ServiceQuotaExceededException, ValidationException (name, count).
func (s *Service) CreateLimit(ctx context.Context, in *deadline.CreateLimitInput) (*deadline.CreateLimitOutput, error) {
	w := write{operation: "CreateLimit", farmID: in.FarmId, clientToken: in.ClientToken, input: in}
	return configure(ctx, s, in.FarmId, w, func(now time.Time) (*deadline.CreateLimitOutput, scheduler.Command, error) {
		if err := s.admit(ctx, in.FarmId, row.KindLimit, s.quotas.limits()); err != nil {
			return nil, nil, err
		}
		r := resource[limitDocument]{
			Resource: row.Resource{Kind: row.KindLimit, ID: newID(prefixLimit), FarmID: in.FarmId, ParentID: in.FarmId, Stamp: created(ctx, now)},
			Doc: limitDocument{
				DisplayName: in.DisplayName, Description: value(in.Description), Name: in.AmountRequirementName,
				Scheduling: scheduler.LimitScheduling{MaxCount: int64(in.MaxCount)},
			},
		}
		if err := r.Doc.check(); err != nil {
			return nil, nil, err
		}
		command, err := r.put()
		return &deadline.CreateLimitOutput{LimitId: r.ID}, command, err
	})
}

// limitCounts asks the scheduler how much of each limit of a farm is in use now.
func (s *Service) limitCounts(ctx context.Context, farmID string) (map[string]int64, error) {
	result, err := s.commit(ctx, farmID, scheduler.CountLimits{})
	return result.LimitCounts, err
}

// held is a count on the wire.
func held(n int64) int32 { return int32(min(max(n, 0), math.MaxInt32)) }

// GetLimit describes a limit and how much of it is in use.
func (s *Service) GetLimit(ctx context.Context, in *deadline.GetLimitInput) (*deadline.GetLimitOutput, error) {
	r, err := s.limit(ctx, in.FarmId, in.LimitId)
	if err != nil {
		return nil, err
	}
	counts, err := s.limitCounts(ctx, in.FarmId)
	if err != nil {
		return nil, err
	}
	return &deadline.GetLimitOutput{
		FarmId: in.FarmId, LimitId: r.ID, CurrentCount: held(counts[r.ID]), DisplayName: r.Doc.DisplayName,
		Description: text(r.Doc.Description), AmountRequirementName: r.Doc.Name, MaxCount: int32(r.Doc.Scheduling.MaxCount),
		CreatedAt: at(r.CreatedAt), CreatedBy: r.CreatedBy, UpdatedAt: when(r.UpdatedAt), UpdatedBy: text(r.UpdatedBy),
	}, nil
}

// ListLimits lists the limits of a farm by age.
func (s *Service) ListLimits(ctx context.Context, in *deadline.ListLimitsInput) (*deadline.ListLimitsOutput, error) {
	if _, err := s.farm(ctx, in.FarmId); err != nil {
		return nil, err
	}
	rows, next, err := list(ctx, s, listing[store.ResourceCursor, resource[limitDocument]]{
		operation: "ListLimits", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
		read: readDocuments[limitDocument](s, row.KindLimit, in.FarmId), cursor: documentCursor[limitDocument],
	})
	if err != nil {
		return nil, err
	}
	counts, err := s.limitCounts(ctx, in.FarmId)
	if err != nil {
		return nil, err
	}
	limits := make([]deadline.LimitSummary, 0, len(rows))
	for i := range rows {
		r := &rows[i]
		limits = append(limits, deadline.LimitSummary{
			FarmId: in.FarmId, LimitId: r.ID, CurrentCount: held(counts[r.ID]), DisplayName: r.Doc.DisplayName,
			AmountRequirementName: r.Doc.Name, MaxCount: int32(r.Doc.Scheduling.MaxCount),
			CreatedAt: at(r.CreatedAt), CreatedBy: r.CreatedBy, UpdatedAt: when(r.UpdatedAt), UpdatedBy: text(r.UpdatedBy),
		})
	}
	return &deadline.ListLimitsOutput{Limits: limits, NextToken: next}, nil
}

// UpdateLimit changes the members that are given. Work that runs above a lowered count finishes; nothing new begins before.
func (s *Service) UpdateLimit(ctx context.Context, in *deadline.UpdateLimitInput) (*deadline.UpdateLimitOutput, error) {
	w := write{operation: "UpdateLimit", farmID: in.FarmId, input: in}
	return configure(ctx, s, in.FarmId, w, func(now time.Time) (*deadline.UpdateLimitOutput, scheduler.Command, error) {
		r, err := s.limit(ctx, in.FarmId, in.LimitId)
		if err != nil {
			return nil, nil, err
		}
		set(&r.Doc.DisplayName, in.DisplayName)
		set(&r.Doc.Description, in.Description)
		if in.MaxCount != nil {
			r.Doc.Scheduling.MaxCount = int64(*in.MaxCount)
		}
		if err := r.Doc.check(); err != nil {
			return nil, nil, err
		}
		touch(ctx, now, &r.Stamp)
		command, err := r.put()
		return &deadline.UpdateLimitOutput{}, command, err
	})
}

// DeleteLimit deletes a limit without associations. One with associations is a ValidationException with the reason OTHER: the
// model has no conflict here. Deleting one that does not exist succeeds: the model has no 404 either.
func (s *Service) DeleteLimit(ctx context.Context, in *deadline.DeleteLimitInput) (*deadline.DeleteLimitOutput, error) {
	w := write{operation: "DeleteLimit", farmID: in.FarmId, input: in}
	return configure(ctx, s, in.FarmId, w, func(time.Time) (*deadline.DeleteLimitOutput, scheduler.Command, error) {
		out := &deadline.DeleteLimitOutput{}
		if _, err := s.limit(ctx, in.FarmId, in.LimitId); err != nil {
			return out, nil, unlessMissing(err)
		}
		associated, err := s.store.LimitAssociations(ctx, in.FarmId, "", in.LimitId, row.LimitAssociationKey{}, 1)
		switch {
		case err != nil:
			return nil, nil, err
		case len(associated) > 0:
			return nil, nil, &deadline.ValidationException{
				Message: "the limit is still associated with queue " + associated[0].QueueID + ": delete its associations first",
				Reason:  deadline.ValidationExceptionReasonOther,
				Context: map[string]string{"resourceId": in.LimitId, "resourceType": typeLimit},
			}
		}
		return out, scheduler.DeleteResource{FarmID: in.FarmId, Kind: row.KindLimit, ID: in.LimitId}, nil
	})
}
