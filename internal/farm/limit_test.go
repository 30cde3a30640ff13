package farm

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
)

func limitInput(farm string) *deadline.CreateLimitInput {
	return &deadline.CreateLimitInput{
		FarmId: farm, DisplayName: "Houdini", AmountRequirementName: "amount.licenses.Houdini", MaxCount: 2, Description: new("of the studio"),
	}
}

func TestLimitLifeCycle(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	id := must(f.CreateLimit(ctx, limitInput(farm)))(t).LimitId
	get := func() *deadline.GetLimitOutput {
		t.Helper()
		return must(f.GetLimit(ctx, &deadline.GetLimitInput{FarmId: farm, LimitId: id}))(t)
	}
	got := get()
	want := &deadline.GetLimitOutput{
		FarmId: farm, LimitId: id, DisplayName: "Houdini", AmountRequirementName: "amount.licenses.Houdini", MaxCount: 2,
		Description: new("of the studio"), CreatedAt: got.CreatedAt, CreatedBy: adminARN,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("GetLimit (-want +got):\n%s", diff)
	}
	must(f.UpdateLimit(ctx, &deadline.UpdateLimitInput{FarmId: farm, LimitId: id, DisplayName: new("other"), Description: new(""), MaxCount: deadline.Ptr[int32](-1)}))(t)
	if got := get(); got.DisplayName != "other" || got.Description != nil || got.MaxCount != -1 || got.UpdatedBy == nil {
		t.Errorf("changed: %+v", got)
	}
	limits := must(f.ListLimits(ctx, &deadline.ListLimitsInput{FarmId: farm}))(t).Limits
	if len(limits) != 1 || limits[0].LimitId != id || limits[0].MaxCount != -1 || limits[0].AmountRequirementName != "amount.licenses.Houdini" {
		t.Errorf("ListLimits: %+v", limits)
	}
	for range 2 { // the model has no 404 for it
		must(f.DeleteLimit(ctx, &deadline.DeleteLimitInput{FarmId: farm, LimitId: id}))(t)
	}
	_, err := f.GetLimit(ctx, &deadline.GetLimitInput{FarmId: farm, LimitId: id})
	failsMissing(t, err, "limit", id)
	_, err = f.UpdateLimit(ctx, &deadline.UpdateLimitInput{FarmId: farm, LimitId: id})
	failsMissing(t, err, "limit", id)
}

func TestLimitRefusals(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t, func(c *Config) { c.Quotas.LimitsPerFarm = 1 }), t.Context()
	farm := f.newFarm()
	tests := []struct {
		field  string
		change func(*deadline.CreateLimitInput)
	}{
		{"amountRequirementName", func(in *deadline.CreateLimitInput) { in.AmountRequirementName = "licenses" }},
		{"amountRequirementName", func(in *deadline.CreateLimitInput) { in.AmountRequirementName = "amount." }},
		{"amountRequirementName", func(in *deadline.CreateLimitInput) { in.AmountRequirementName = "Amount.worker.vcpu" }},
		{"amountRequirementName", func(in *deadline.CreateLimitInput) { in.AmountRequirementName = "amount.WORKER.vcpu" }},
		{"maxCount", func(in *deadline.CreateLimitInput) { in.MaxCount = 0 }},
	}
	for _, tt := range tests {
		in := limitInput(farm)
		tt.change(in)
		_, err := f.CreateLimit(ctx, in)
		failsOn(t, err, tt.field)
	}
	id := must(f.CreateLimit(ctx, limitInput(farm)))(t).LimitId
	_, err := f.CreateLimit(ctx, limitInput(farm))
	if e := fails[*deadline.ServiceQuotaExceededException](t, err); e.QuotaCode != "L-253A82CE" || e.ResourceType != "limit" {
		t.Errorf("quota: %+v", e)
	}
	_, err = f.UpdateLimit(ctx, &deadline.UpdateLimitInput{FarmId: farm, LimitId: id, MaxCount: new(int32)})
	failsOn(t, err, "maxCount")
	_, err = f.GetLimit(ctx, &deadline.GetLimitInput{FarmId: f.newFarm(), LimitId: id})
	failsMissing(t, err, "limit", id)
}

func TestLimitAssociations(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t, func(c *Config) { c.Quotas.LimitAssociationsPerQueue = 1 }), t.Context()
	farm := f.newFarm()
	queue, id := f.newQueue(farm), must(f.CreateLimit(ctx, limitInput(farm)))(t).LimitId
	associate := func(limit string) error {
		_, err := f.CreateQueueLimitAssociation(ctx, &deadline.CreateQueueLimitAssociationInput{FarmId: farm, QueueId: queue, LimitId: limit})
		return err
	}
	get := func() *deadline.GetQueueLimitAssociationOutput {
		t.Helper()
		return must(f.GetQueueLimitAssociation(ctx, &deadline.GetQueueLimitAssociationInput{FarmId: farm, QueueId: queue, LimitId: id}))(t)
	}
	remove := func() error {
		_, err := f.DeleteQueueLimitAssociation(ctx, &deadline.DeleteQueueLimitAssociationInput{FarmId: farm, QueueId: queue, LimitId: id})
		return err
	}
	failsMissing(t, remove(), "queue-limit-association", queue+"/"+id)
	for range 2 {
		if err := associate(id); err != nil {
			t.Fatal(err)
		}
	}
	if got := get(); got.Status != deadline.QueueLimitAssociationStatusActive || got.CreatedBy != adminARN || got.UpdatedAt != nil {
		t.Errorf("new: %+v", got)
	}
	other := must(f.CreateLimit(ctx, limitInput(farm)))(t).LimitId
	failsOn(t, associate(other), "queueId") // no room for another one
	f.service.quotas.LimitAssociationsPerQueue = 2
	failsOn(t, associate(other), "limitId") // of the same amount
	listed := must(f.ListQueueLimitAssociations(ctx, &deadline.ListQueueLimitAssociationsInput{FarmId: farm, QueueId: &queue, LimitId: &id}))(t)
	if len(listed.QueueLimitAssociations) != 1 || listed.QueueLimitAssociations[0].LimitId != id {
		t.Errorf("ListQueueLimitAssociations: %+v", listed)
	}
	if e := fails[*deadline.ConflictException](t, remove()); e.ResourceType != "queue-limit-association" || e.Reason != deadline.ConflictExceptionReasonStatusConflict {
		t.Errorf("deleting an ACTIVE one: %+v", e)
	}
	_, err := f.DeleteLimit(ctx, &deadline.DeleteLimitInput{FarmId: farm, LimitId: id})
	if e := fails[*deadline.ValidationException](t, err); e.Reason != deadline.ValidationExceptionReasonOther || e.Context["resourceId"] != id {
		t.Errorf("deleting an associated limit: %+v", e)
	}
	_, err = f.DeleteQueue(ctx, &deadline.DeleteQueueInput{FarmId: farm, QueueId: queue})
	if e := fails[*deadline.ConflictException](t, err); e.Reason != deadline.ConflictExceptionReasonResourceInUse {
		t.Errorf("deleting the queue: %+v", e)
	}
	for _, stop := range []deadline.UpdateQueueLimitAssociationStatus{
		deadline.UpdateQueueLimitAssociationStatusStopLimitUsageAndCancelTasks,
		deadline.UpdateQueueLimitAssociationStatusActive,
		deadline.UpdateQueueLimitAssociationStatusStopLimitUsageAndCompleteTasks,
	} {
		must(f.UpdateQueueLimitAssociation(ctx, &deadline.UpdateQueueLimitAssociationInput{FarmId: farm, QueueId: queue, LimitId: id, Status: stop}))(t)
		want := deadline.QueueLimitAssociationStatusStopped // nothing holds any of it
		if stop == deadline.UpdateQueueLimitAssociationStatusActive {
			want = deadline.QueueLimitAssociationStatusActive
		}
		if got := get(); got.Status != want || got.UpdatedBy == nil {
			t.Errorf("%s: %+v", stop, got)
		}
	}
	if err := remove(); err != nil {
		t.Error(err)
	}
	must(f.DeleteQueue(ctx, &deadline.DeleteQueueInput{FarmId: farm, QueueId: queue}))(t)
}

// TestAcquiredLimits: what a task holds is counted while it runs, and shown for ever.
func TestAcquiredLimits(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	id := must(r.CreateLimit(t.Context(), limitInput(r.farmID)))(t).LimitId
	must(r.CreateQueueLimitAssociation(t.Context(), &deadline.CreateQueueLimitAssociationInput{FarmId: r.farmID, QueueId: r.queueID, LimitId: id}))(t)
	count := func() int32 {
		t.Helper()
		return must(r.GetLimit(t.Context(), &deadline.GetLimitInput{FarmId: r.farmID, LimitId: id}))(t).CurrentCount
	}
	job := r.submit(`
specificationVersion: jobtemplate-2023-09
name: limited
steps:
- name: Render
  parameterSpace: {taskParameterDefinitions: [{name: Frame, type: INT, range: "1-2"}]}
  hostRequirements: {amounts: [{name: amount.licenses.houdini, min: 2}]}
  script: {actions: {onRun: {command: "true"}}}
`)
	first, second := r.join(), r.join()
	first.poll(nil)
	second.poll(nil)
	if got, queued := count(), second.queued(); got != 2 || len(queued) != 0 {
		t.Errorf("%d in use, the second worker holds %v; want 2 and nothing", got, queued)
	}
	first.work(nil)
	if got := count(); got != 0 {
		t.Errorf("%d in use after the end, want none", got)
	}
	r.wantStatus(job, deadline.TaskRunStatusSucceeded)
	for _, a := range r.actions(job) {
		got := must(r.GetSessionAction(t.Context(), &deadline.GetSessionActionInput{
			FarmId: r.farmID, QueueId: r.queueID, JobId: job, SessionActionId: a.SessionActionId,
		}))(t)
		if diff := cmp.Diff([]deadline.AcquiredLimit{{LimitId: id, Count: 2}}, got.AcquiredLimits); diff != "" {
			t.Errorf("acquiredLimits (-want +got):\n%s", diff)
		}
	}
}
