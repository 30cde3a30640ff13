package farm

import (
	"context"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// farmDocument is what the store keeps of a farm.
type farmDocument struct {
	DisplayName     string                   `json:"displayName"`
	Description     string                   `json:"description,omitempty"`
	KMSKeyARN       string                   `json:"kmsKeyArn,omitempty"` // kept for the caller; Farmhand encrypts with its own keys
	CostScaleFactor float32                  `json:"costScaleFactor"`
	Scheduling      scheduler.FarmScheduling `json:"scheduling"`
}

// defaultCostScaleFactor leaves costs as they are.
const defaultCostScaleFactor = 1

// scale sets what every cost of the farm is multiplied by from now on.
func (d *farmDocument) scale(factor *float32) {
	set(&d.CostScaleFactor, factor)
	scale := float64(d.CostScaleFactor)
	d.Scheduling.CostScale = &scale
}

// farm reads a farm; ResourceNotFoundException when it does not exist.
func (s *Service) farm(ctx context.Context, farmID string) (*resource[farmDocument], error) {
	return load[farmDocument](ctx, s, row.KindFarm, typeFarm, "", farmID)
}

// CreateFarm makes a farm. Errors: ServiceQuotaExceededException, ValidationException (tags), ConflictException (client token).
func (s *Service) CreateFarm(ctx context.Context, in *deadline.CreateFarmInput) (*deadline.CreateFarmOutput, error) {
	w := write{operation: "CreateFarm", clientToken: in.ClientToken, input: in}
	return configure(ctx, s, "", w, func(now time.Time) (*deadline.CreateFarmOutput, scheduler.Command, error) {
		if err := s.admitGlobal(ctx, row.KindFarm, s.quotas.farms()); err != nil {
			return nil, nil, err
		}
		id := newID(prefixFarm)
		if err := s.tagNew(ctx, "", s.farmARN(id), in.Tags); err != nil {
			return nil, nil, err
		}
		r := resource[farmDocument]{
			Resource: row.Resource{Kind: row.KindFarm, ID: id, Stamp: created(ctx, now)},
			Doc: farmDocument{
				DisplayName: in.DisplayName, Description: value(in.Description), KMSKeyARN: value(in.KmsKeyArn),
				CostScaleFactor: defaultCostScaleFactor,
			},
		}
		r.Doc.scale(in.CostScaleFactor)
		command, err := r.put()
		return &deadline.CreateFarmOutput{FarmId: id}, command, err
	})
}

// GetFarm describes a farm.
func (s *Service) GetFarm(ctx context.Context, in *deadline.GetFarmInput) (*deadline.GetFarmOutput, error) {
	r, err := s.farm(ctx, in.FarmId)
	if err != nil {
		return nil, err
	}
	return &deadline.GetFarmOutput{
		FarmId: r.ID, DisplayName: r.Doc.DisplayName, Description: text(r.Doc.Description), KmsKeyArn: text(r.Doc.KMSKeyARN),
		CostScaleFactor: r.Doc.CostScaleFactor,
		CreatedAt:       at(r.CreatedAt), CreatedBy: r.CreatedBy, UpdatedAt: when(r.UpdatedAt), UpdatedBy: text(r.UpdatedBy),
	}, nil
}

// ListFarms lists the farms of the installation by age; with a principalId those that this principal is a member of, and for a service
// account that is limited to some farms, those.
func (s *Service) ListFarms(ctx context.Context, in *deadline.ListFarmsInput) (*deadline.ListFarmsOutput, error) {
	member, err := memberOnly(ctx, s, in.PrincipalId, deadline.MembershipResourceTypeFarm, documentID[farmDocument])
	if err != nil {
		return nil, err
	}
	who := auth.FromContext(ctx)
	rows, next, err := list(ctx, s, listing[store.ResourceCursor, resource[farmDocument]]{
		operation: "ListFarms", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
		read: readDocuments[farmDocument](s, row.KindFarm, ""), cursor: documentCursor[farmDocument],
		keep: both(member, keepIf(who.Kind == auth.Service, func(r *resource[farmDocument]) bool { return who.MayUseFarm(r.ID) })),
	})
	if err != nil {
		return nil, err
	}
	farms := make([]deadline.FarmSummary, 0, len(rows))
	for i := range rows {
		r := &rows[i]
		farms = append(farms, deadline.FarmSummary{
			FarmId: r.ID, DisplayName: r.Doc.DisplayName, KmsKeyArn: text(r.Doc.KMSKeyARN),
			CreatedAt: at(r.CreatedAt), CreatedBy: r.CreatedBy, UpdatedAt: when(r.UpdatedAt), UpdatedBy: text(r.UpdatedBy),
		})
	}
	return &deadline.ListFarmsOutput{Farms: farms, NextToken: next}, nil
}

// UpdateFarm changes the members that are given. An empty description clears it.
func (s *Service) UpdateFarm(ctx context.Context, in *deadline.UpdateFarmInput) (*deadline.UpdateFarmOutput, error) {
	w := write{operation: "UpdateFarm", farmID: in.FarmId, input: in} // the farm's own core learns what costs are scaled by
	return configure(ctx, s, in.FarmId, w, func(now time.Time) (*deadline.UpdateFarmOutput, scheduler.Command, error) {
		r, err := s.farm(ctx, in.FarmId)
		if err != nil {
			return nil, nil, err
		}
		set(&r.Doc.DisplayName, in.DisplayName)
		set(&r.Doc.Description, in.Description)
		r.Doc.scale(in.CostScaleFactor)
		touch(ctx, now, &r.Stamp)
		command, err := r.put()
		return &deadline.UpdateFarmOutput{}, command, err
	})
}

// farmContents are the kinds of resources that must be gone before their farm is.
var farmContents = []struct {
	kind         row.Kind
	resourceType string
}{
	{row.KindQueue, typeQueue},
	{row.KindFleet, typeFleet},
	{row.KindBudget, typeBudget},
	{row.KindLimit, typeLimit},
	{row.KindStorageProfile, typeStorageProfile},
}

// DeleteFarm deletes an empty farm. One that holds anything is a ValidationException with the reason OTHER: the model has no
// conflict here.
func (s *Service) DeleteFarm(ctx context.Context, in *deadline.DeleteFarmInput) (*deadline.DeleteFarmOutput, error) {
	w := write{operation: "DeleteFarm", input: in}
	out, err := configure(ctx, s, in.FarmId, w, func(time.Time) (*deadline.DeleteFarmOutput, scheduler.Command, error) {
		if _, err := s.farm(ctx, in.FarmId); err != nil {
			return nil, nil, err
		}
		for _, content := range farmContents {
			count, err := s.store.CountResources(ctx, content.kind, in.FarmId)
			if err != nil {
				return nil, nil, err
			}
			if count > 0 {
				return nil, nil, &deadline.ValidationException{
					Message: "the farm still has resources of the type " + content.resourceType + ": delete them first",
					Reason:  deadline.ValidationExceptionReasonOther,
					Context: map[string]string{"resourceId": in.FarmId, "resourceType": typeFarm},
				}
			}
		}
		return &deadline.DeleteFarmOutput{}, scheduler.DeleteResource{Kind: row.KindFarm, ID: in.FarmId}, nil
	})
	if err == nil {
		s.untagDeleted(ctx, "", s.farmARN(in.FarmId))
	}
	return out, err
}
