package farm

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// budgetDocument is what the store keeps of a budget. What it has counted stands in a [row.Spending] of its id.
type budgetDocument struct {
	DisplayName string                          `json:"displayName"`
	Description string                          `json:"description,omitempty"`
	Status      deadline.BudgetStatus           `json:"status"` // as it was set; see status
	Limit       float32                         `json:"approximateDollarLimit"`
	Actions     []deadline.ResponseBudgetAction `json:"actions"`
	Start       time.Time                       `json:"start"`
	End         time.Time                       `json:"end"`
	Scheduling  scheduler.BudgetScheduling      `json:"scheduling"`
}

// budget reads a budget of a farm; ResourceNotFoundException when it does not exist there.
func (s *Service) budget(ctx context.Context, farmID, budgetID string) (*resource[budgetDocument], error) {
	return load[budgetDocument](ctx, s, row.KindBudget, typeBudget, farmID, budgetID)
}

// status is INACTIVE too once the schedule is over.
func (d *budgetDocument) status(now time.Time) deadline.BudgetStatus {
	if !now.Before(d.End) {
		return deadline.BudgetStatusInactive
	}
	return d.Status
}

// derive checks the whole and fills in what the scheduler needs.
func (d *budgetDocument) derive() error {
	if !d.Start.Before(d.End) {
		return invalid("schedule.fixed", "must have a startTime before its endTime")
	}
	if len(d.Actions) > maxBudgetActions {
		return invalid("actions", fmt.Sprintf("must be at most %d", maxBudgetActions))
	}
	k := &d.Scheduling
	k.Active = d.Status == deadline.BudgetStatusActive
	k.Start, k.End = d.Start.UnixMicro(), d.End.UnixMicro()
	k.Limit = scheduler.Dollars(float64(d.Limit))
	k.Actions = nil
	for _, a := range d.Actions {
		k.Actions = append(k.Actions, scheduler.BudgetAction{
			Percent: float64(a.ThresholdPercentage),
			Cancel:  a.Type == deadline.BudgetActionTypeStopSchedulingAndCancelTasks,
		})
	}
	return nil
}

const maxBudgetActions = 10

// addActions adds actions that are not there yet: one is known by type and threshold.
func (d *budgetDocument) addActions(field string, actions []deadline.BudgetActionToAdd) error {
	for _, a := range actions {
		if slices.ContainsFunc(d.Actions, func(b deadline.ResponseBudgetAction) bool {
			return a.Type == b.Type && a.ThresholdPercentage == b.ThresholdPercentage
		}) {
			return invalid(field, fmt.Sprintf("must not repeat the action %s at %v %%", a.Type, a.ThresholdPercentage))
		}
		d.Actions = append(d.Actions, deadline.ResponseBudgetAction(a))
	}
	return nil
}

func (d *budgetDocument) setSchedule(s *deadline.BudgetSchedule) error {
	if s.Fixed == nil {
		return invalid("schedule", "must have the member fixed")
	}
	d.Start, d.End = s.Fixed.StartTime, s.Fixed.EndTime
	return nil
}

func (d *budgetDocument) schedule() deadline.BudgetSchedule {
	return deadline.BudgetSchedule{Fixed: &deadline.FixedBudgetSchedule{StartTime: d.Start, EndTime: d.End}}
}

func (d *budgetDocument) tracks() deadline.UsageTrackingResource {
	return deadline.UsageTrackingResource{QueueId: &d.Scheduling.QueueID}
}

// baseline makes the budget count from what its queue spent inside the schedule so far.
func (s *Service) baseline(ctx context.Context, farmID string, d *budgetDocument) error {
	from := d.Start.UnixMicro() / row.UsagePeriod * row.UsagePeriod
	within, ever, err := s.store.SpentBy(ctx, farmID, d.Scheduling.QueueID, from, d.End.UnixMicro())
	if err != nil {
		return err
	}
	d.Scheduling.Baseline = &scheduler.BudgetBaseline{Within: within, Ever: ever}
	return nil
}

// CreateBudget makes a budget of a queue: it counts what sessions of the queue cost inside its schedule, and its actions stop the queue
// at their thresholds. Errors: ResourceNotFoundException (farm, queue), ServiceQuotaExceededException, ValidationException.
func (s *Service) CreateBudget(ctx context.Context, in *deadline.CreateBudgetInput) (*deadline.CreateBudgetOutput, error) {
	w := write{operation: "CreateBudget", farmID: in.FarmId, clientToken: in.ClientToken, input: in}
	return configure(ctx, s, in.FarmId, w, func(now time.Time) (*deadline.CreateBudgetOutput, scheduler.Command, error) {
		if err := s.admit(ctx, in.FarmId, row.KindBudget, s.quotas.budgets()); err != nil {
			return nil, nil, err
		}
		if in.UsageTrackingResource.QueueId == nil {
			return nil, nil, invalid("usageTrackingResource", "must have the member queueId")
		}
		queue, err := s.queue(ctx, in.FarmId, *in.UsageTrackingResource.QueueId)
		if err != nil {
			return nil, nil, err
		}
		doc := budgetDocument{
			DisplayName: in.DisplayName, Description: value(in.Description), Status: deadline.BudgetStatusActive, Limit: in.ApproximateDollarLimit,
			Scheduling: scheduler.BudgetScheduling{QueueID: queue.ID},
		}
		if err := firstError(doc.setSchedule(&in.Schedule), doc.addActions("actions", in.Actions)); err != nil {
			return nil, nil, err
		}
		if err := firstError(doc.derive(), s.baseline(ctx, in.FarmId, &doc)); err != nil {
			return nil, nil, err
		}
		id := newID(prefixBudget)
		if err := s.tagNew(ctx, in.FarmId, s.arn("farm", in.FarmId, "budget", id), in.Tags); err != nil {
			return nil, nil, err
		}
		r := resource[budgetDocument]{Doc: doc, Resource: row.Resource{
			Kind: row.KindBudget, ID: id, FarmID: in.FarmId, ParentID: in.FarmId, Stamp: created(ctx, now),
		}}
		command, err := r.put()
		return &deadline.CreateBudgetOutput{BudgetId: id}, command, err
	})
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// dollars is an amount of nanodollars on the wire.
func dollars(nanos int64) float64 { return float64(nanos) / 1e9 }

// GetBudget describes a budget and what it has counted.
func (s *Service) GetBudget(ctx context.Context, in *deadline.GetBudgetInput) (*deadline.GetBudgetOutput, error) {
	r, err := s.budget(ctx, in.FarmId, in.BudgetId)
	if err != nil {
		return nil, err
	}
	spent, err := s.store.Spendings(ctx, in.FarmId)
	if err != nil {
		return nil, err
	}
	return &deadline.GetBudgetOutput{
		BudgetId: r.ID, UsageTrackingResource: r.Doc.tracks(), Status: r.Doc.status(s.now()), DisplayName: r.Doc.DisplayName,
		Description: text(r.Doc.Description), ApproximateDollarLimit: r.Doc.Limit,
		Usages:  deadline.ConsumedUsages{ApproximateDollarUsage: float32(dollars(spent[r.ID].Amount))},
		Actions: orEmpty(r.Doc.Actions), Schedule: r.Doc.schedule(), QueueStoppedAt: when(spent[r.ID].StoppedAt),
		CreatedAt: at(r.CreatedAt), CreatedBy: r.CreatedBy, UpdatedAt: when(r.UpdatedAt), UpdatedBy: text(r.UpdatedBy),
	}, nil
}

// orEmpty is a list that is required on the wire.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// ListBudgets lists the budgets of a farm by age, all or those of one status.
func (s *Service) ListBudgets(ctx context.Context, in *deadline.ListBudgetsInput) (*deadline.ListBudgetsOutput, error) {
	if _, err := s.farm(ctx, in.FarmId); err != nil {
		return nil, err
	}
	now := s.now()
	rows, next, err := list(ctx, s, listing[store.ResourceCursor, resource[budgetDocument]]{
		operation: "ListBudgets", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
		read: readDocuments[budgetDocument](s, row.KindBudget, in.FarmId), cursor: documentCursor[budgetDocument],
		keep: keepIf(in.Status != "", func(r *resource[budgetDocument]) bool { return r.Doc.status(now) == in.Status }),
	})
	if err != nil {
		return nil, err
	}
	spent, err := s.store.Spendings(ctx, in.FarmId)
	if err != nil {
		return nil, err
	}
	budgets := make([]deadline.BudgetSummary, 0, len(rows))
	for i := range rows {
		r := &rows[i]
		budgets = append(budgets, deadline.BudgetSummary{
			BudgetId: r.ID, UsageTrackingResource: r.Doc.tracks(), Status: r.Doc.status(now), DisplayName: r.Doc.DisplayName,
			ApproximateDollarLimit: r.Doc.Limit, Usages: deadline.ConsumedUsages{ApproximateDollarUsage: float32(dollars(spent[r.ID].Amount))},
			CreatedAt: at(r.CreatedAt), CreatedBy: r.CreatedBy, UpdatedAt: when(r.UpdatedAt), UpdatedBy: text(r.UpdatedBy),
		})
	}
	return &deadline.ListBudgetsOutput{Budgets: budgets, NextToken: next}, nil
}

// UpdateBudget changes the members that are given. Raising the limit, removing an action or another schedule may let the queue go on.
func (s *Service) UpdateBudget(ctx context.Context, in *deadline.UpdateBudgetInput) (*deadline.UpdateBudgetOutput, error) {
	w := write{operation: "UpdateBudget", farmID: in.FarmId, clientToken: in.ClientToken, input: in}
	return configure(ctx, s, in.FarmId, w, func(now time.Time) (*deadline.UpdateBudgetOutput, scheduler.Command, error) {
		r, err := s.budget(ctx, in.FarmId, in.BudgetId)
		if err != nil {
			return nil, nil, err
		}
		d := &r.Doc
		set(&d.DisplayName, in.DisplayName)
		set(&d.Description, in.Description)
		set(&d.Limit, in.ApproximateDollarLimit)
		if in.Status != "" {
			d.Status = in.Status
		}
		for _, gone := range in.ActionsToRemove {
			d.Actions = slices.DeleteFunc(d.Actions, func(a deadline.ResponseBudgetAction) bool {
				return a.Type == gone.Type && a.ThresholdPercentage == gone.ThresholdPercentage
			})
		}
		if err := d.addActions("actionsToAdd", in.ActionsToAdd); err != nil {
			return nil, nil, err
		}
		d.Scheduling.Baseline = nil
		if in.Schedule != nil {
			if err := firstError(d.setSchedule(in.Schedule), s.baseline(ctx, in.FarmId, d)); err != nil {
				return nil, nil, err
			}
		}
		if err := d.derive(); err != nil {
			return nil, nil, err
		}
		touch(ctx, now, &r.Stamp)
		command, err := r.put()
		return &deadline.UpdateBudgetOutput{}, command, err
	})
}

// DeleteBudget deletes a budget; its queue is free of it.
func (s *Service) DeleteBudget(ctx context.Context, in *deadline.DeleteBudgetInput) (*deadline.DeleteBudgetOutput, error) {
	w := write{operation: "DeleteBudget", farmID: in.FarmId, input: in}
	out, err := configure(ctx, s, in.FarmId, w, func(time.Time) (*deadline.DeleteBudgetOutput, scheduler.Command, error) {
		_, err := s.budget(ctx, in.FarmId, in.BudgetId)
		return &deadline.DeleteBudgetOutput{}, scheduler.DeleteResource{FarmID: in.FarmId, Kind: row.KindBudget, ID: in.BudgetId}, err
	})
	if err == nil {
		s.untagDeleted(ctx, in.FarmId, s.arn("farm", in.FarmId, "budget", in.BudgetId))
	}
	return out, err
}
