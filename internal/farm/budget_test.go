package farm

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
)

func (f *testFarm) budgetInput(farm, queue string) *deadline.CreateBudgetInput {
	now := f.clock().UTC().Truncate(time.Second)
	return &deadline.CreateBudgetInput{
		FarmId: farm, DisplayName: "film", UsageTrackingResource: deadline.UsageTrackingResource{QueueId: &queue}, ApproximateDollarLimit: 10,
		Actions:  []deadline.BudgetActionToAdd{{Type: deadline.BudgetActionTypeStopSchedulingAndCompleteTasks, ThresholdPercentage: 50, Description: new("half")}},
		Schedule: deadline.BudgetSchedule{Fixed: &deadline.FixedBudgetSchedule{StartTime: now.Add(-time.Hour), EndTime: now.Add(time.Hour)}},
		Tags:     map[string]string{"show": "film"},
	}
}

func TestBudgetLifeCycle(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	queue := f.newQueue(farm)
	in := f.budgetInput(farm, queue)
	id := must(f.CreateBudget(ctx, in))(t).BudgetId
	get := func() *deadline.GetBudgetOutput {
		t.Helper()
		return must(f.GetBudget(ctx, &deadline.GetBudgetInput{FarmId: farm, BudgetId: id}))(t)
	}
	got := get()
	want := &deadline.GetBudgetOutput{
		BudgetId: id, UsageTrackingResource: in.UsageTrackingResource, Status: deadline.BudgetStatusActive, DisplayName: "film",
		ApproximateDollarLimit: 10, Schedule: in.Schedule, CreatedBy: adminARN, CreatedAt: got.CreatedAt,
		Actions: []deadline.ResponseBudgetAction{{Type: in.Actions[0].Type, ThresholdPercentage: 50, Description: new("half")}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("GetBudget (-want +got):\n%s", diff)
	}
	if tags := f.tagsOf("arn:aws:deadline:us-west-2:123456789012:farm/" + farm + "/budget/" + id); tags["show"] != "film" {
		t.Errorf("tags %v", tags)
	}
	must(f.UpdateBudget(ctx, &deadline.UpdateBudgetInput{
		FarmId: farm, BudgetId: id, DisplayName: new("series"), ApproximateDollarLimit: new(float32(20)),
		ActionsToRemove: []deadline.BudgetActionToRemove{{Type: in.Actions[0].Type, ThresholdPercentage: 50}},
		ActionsToAdd:    []deadline.BudgetActionToAdd{{Type: deadline.BudgetActionTypeStopSchedulingAndCancelTasks, ThresholdPercentage: 100}},
	}))(t)
	if got := get(); got.DisplayName != "series" || got.ApproximateDollarLimit != 20 || len(got.Actions) != 1 || got.Actions[0].ThresholdPercentage != 100 || got.UpdatedBy == nil {
		t.Errorf("changed: %+v", got)
	}
	f.advance(2 * time.Hour) // the schedule is over
	if got := get(); got.Status != deadline.BudgetStatusInactive {
		t.Errorf("after its end the budget is %s", got.Status)
	}
	for status, want := range map[deadline.BudgetStatus]int{deadline.BudgetStatusActive: 0, deadline.BudgetStatusInactive: 1, "": 1} {
		if n := len(must(f.ListBudgets(ctx, &deadline.ListBudgetsInput{FarmId: farm, Status: status}))(t).Budgets); n != want {
			t.Errorf("ListBudgets %q gives %d, want %d", status, n, want)
		}
	}
	must(f.DeleteBudget(ctx, &deadline.DeleteBudgetInput{FarmId: farm, BudgetId: id}))(t)
	_, err := f.GetBudget(ctx, &deadline.GetBudgetInput{FarmId: farm, BudgetId: id})
	failsMissing(t, err, "budget", id)
	_, err = f.DeleteBudget(ctx, &deadline.DeleteBudgetInput{FarmId: farm, BudgetId: id})
	failsMissing(t, err, "budget", id)
}

func TestBudgetRefusals(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t, func(c *Config) { c.Quotas.BudgetsPerFarm = 1 }), t.Context()
	farm := f.newFarm()
	queue := f.newQueue(farm)
	in := f.budgetInput(farm, queue)
	in.Schedule.Fixed.EndTime = in.Schedule.Fixed.StartTime
	_, err := f.CreateBudget(ctx, in)
	failsOn(t, err, "schedule.fixed")
	in = f.budgetInput(farm, queue)
	in.Actions = append(in.Actions, in.Actions[0])
	_, err = f.CreateBudget(ctx, in)
	failsOn(t, err, "actions")
	_, err = f.CreateBudget(ctx, f.budgetInput(farm, "queue-"+noID))
	failsMissing(t, err, "queue", "queue-"+noID)
	id := must(f.CreateBudget(ctx, f.budgetInput(farm, queue)))(t).BudgetId
	_, err = f.CreateBudget(ctx, f.budgetInput(farm, queue))
	if e := fails[*deadline.ServiceQuotaExceededException](t, err); e.QuotaCode != "L-86C1F13E" {
		t.Errorf("quota: %+v", e)
	}
	_, err = f.UpdateBudget(ctx, &deadline.UpdateBudgetInput{FarmId: farm, BudgetId: id, ActionsToAdd: f.budgetInput(farm, queue).Actions})
	failsOn(t, err, "actionsToAdd")
	_, err = f.DeleteFarm(ctx, &deadline.DeleteFarmInput{FarmId: farm})
	if e := fails[*deadline.ValidationException](t, err); e.Reason != deadline.ValidationExceptionReasonOther {
		t.Errorf("deleting the farm: %+v", e)
	}
}

// TestBudgetStopsQueue: what sessions cost is counted, scaled by the farm, and stops the queue at the threshold.
func TestBudgetStopsQueue(t *testing.T) {
	t.Parallel()
	scheduling := scheduler.Config{Prices: scheduler.Prices{PerHour: 3600}} // a second costs a dollar
	r := openRenderFarmOn(t, openScheduledFarm(t, openStore(t), scheduling))
	ctx := t.Context()
	must(r.UpdateFarm(ctx, &deadline.UpdateFarmInput{FarmId: r.farmID, CostScaleFactor: new(float32(2))}))(t)
	id := must(r.CreateBudget(ctx, r.budgetInput(r.farmID, r.queueID)))(t).BudgetId
	job := r.submit(plainTemplate(50))
	w := r.join()
	w.poll(nil)
	for range 3 { // each takes 1.234 s by the worker's clock
		w.end(w.queued()[0], deadline.CompletedStatusSucceeded)
	}
	got := must(r.GetBudget(ctx, &deadline.GetBudgetInput{FarmId: r.farmID, BudgetId: id}))(t)
	if want := float32(3 * 1.234 * 2); got.Usages.ApproximateDollarUsage != want || got.QueueStoppedAt == nil {
		t.Errorf("%v dollars (stopped %v), want %v", got.Usages.ApproximateDollarUsage, got.QueueStoppedAt, want)
	}
	queue := must(r.GetQueue(ctx, &deadline.GetQueueInput{FarmId: r.farmID, QueueId: r.queueID}))(t)
	if queue.Status != deadline.QueueStatusSchedulingBlocked || queue.BlockedReason != deadline.QueueBlockedReasonBudgetThresholdReached {
		t.Errorf("the queue is %s, %s", queue.Status, queue.BlockedReason)
	}
	w.work(nil) // what it held already
	if left := r.getJob(job).TaskRunStatusCounts[string(deadline.TaskRunStatusReady)]; left == 0 {
		t.Error("nothing waits for money")
	}
	must(r.UpdateBudget(ctx, &deadline.UpdateBudgetInput{FarmId: r.farmID, BudgetId: id, ApproximateDollarLimit: new(float32(10_000))}))(t)
	w.work(nil)
	r.wantStatus(job, deadline.TaskRunStatusSucceeded)
	got = must(r.GetBudget(ctx, &deadline.GetBudgetInput{FarmId: r.farmID, BudgetId: id}))(t)
	// A budget that is made later counts the same from what is stored.
	second := must(r.CreateBudget(ctx, r.budgetInput(r.farmID, r.queueID)))(t).BudgetId
	later := must(r.GetBudget(ctx, &deadline.GetBudgetInput{FarmId: r.farmID, BudgetId: second}))(t)
	if want := float32(50 * 1.234 * 2); got.Usages.ApproximateDollarUsage != want || later.Usages != got.Usages {
		t.Errorf("%v and %v dollars, want both %v", got.Usages.ApproximateDollarUsage, later.Usages.ApproximateDollarUsage, want)
	}
}
