package farm

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
)

// TestDeletedIsGone: what was deleted is not read, changed or deleted again; where the model has no 404 for the deletion, it succeeds.
func TestDeletedIsGone(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	queue, fleet := f.newQueue(farm), f.newFleet(farm)
	soon := f.clock().Add(time.Hour)
	name := new("name")
	environment := must(f.CreateQueueEnvironment(ctx, &deadline.CreateQueueEnvironmentInput{
		FarmId: farm, QueueId: queue, TemplateType: deadline.EnvironmentTemplateTypeYaml,
		Template: "specificationVersion: environment-2023-09\nenvironment: {name: A, variables: {A: b}}\n",
	}))(t).QueueEnvironmentId
	limit := must(f.CreateLimit(ctx, &deadline.CreateLimitInput{FarmId: farm, DisplayName: "l", AmountRequirementName: "amount.a", MaxCount: 1}))(t).LimitId
	budget := must(f.CreateBudget(ctx, &deadline.CreateBudgetInput{
		FarmId: farm, DisplayName: "b", ApproximateDollarLimit: 1, Actions: []deadline.BudgetActionToAdd{},
		UsageTrackingResource: deadline.UsageTrackingResource{QueueId: &queue},
		Schedule:              deadline.BudgetSchedule{Fixed: &deadline.FixedBudgetSchedule{StartTime: f.clock(), EndTime: soon}},
	}))(t).BudgetId
	profile, monitor := f.newProfile(farm), f.newMonitor("gone")
	worker := must(f.CreateWorker(ctx, &deadline.CreateWorkerInput{FarmId: farm, FleetId: fleet}))(t).WorkerId
	endpoint := must(f.CreateLicenseEndpoint(ctx, &deadline.CreateLicenseEndpointInput{
		VpcId: "vpc-1", SubnetIds: []string{"subnet-1"}, SecurityGroupIds: []string{"sg-1"},
	}))(t).LicenseEndpointId
	for _, tt := range []struct {
		kind, id            string
		delete, get, change func(context.Context) error
		silent              bool // the model has no 404 for the deletion
	}{
		{typeQueueEnvironment, environment, func(ctx context.Context) error {
			return second(f.DeleteQueueEnvironment(ctx, &deadline.DeleteQueueEnvironmentInput{FarmId: farm, QueueId: queue, QueueEnvironmentId: environment}))
		}, func(ctx context.Context) error {
			return second(f.GetQueueEnvironment(ctx, &deadline.GetQueueEnvironmentInput{FarmId: farm, QueueId: queue, QueueEnvironmentId: environment}))
		}, func(ctx context.Context) error {
			return second(f.UpdateQueueEnvironment(ctx, &deadline.UpdateQueueEnvironmentInput{
				FarmId: farm, QueueId: queue, QueueEnvironmentId: environment, Priority: new(int32(1)),
			}))
		}, true},
		{typeLimit, limit, func(ctx context.Context) error {
			return second(f.DeleteLimit(ctx, &deadline.DeleteLimitInput{FarmId: farm, LimitId: limit}))
		}, func(ctx context.Context) error {
			return second(f.GetLimit(ctx, &deadline.GetLimitInput{FarmId: farm, LimitId: limit}))
		}, func(ctx context.Context) error {
			return second(f.UpdateLimit(ctx, &deadline.UpdateLimitInput{FarmId: farm, LimitId: limit, DisplayName: name}))
		}, true},
		{typeBudget, budget, func(ctx context.Context) error {
			return second(f.DeleteBudget(ctx, &deadline.DeleteBudgetInput{FarmId: farm, BudgetId: budget}))
		}, func(ctx context.Context) error {
			return second(f.GetBudget(ctx, &deadline.GetBudgetInput{FarmId: farm, BudgetId: budget}))
		}, func(ctx context.Context) error {
			return second(f.UpdateBudget(ctx, &deadline.UpdateBudgetInput{FarmId: farm, BudgetId: budget, DisplayName: name}))
		}, false},
		{typeStorageProfile, profile, func(ctx context.Context) error {
			return second(f.DeleteStorageProfile(ctx, &deadline.DeleteStorageProfileInput{FarmId: farm, StorageProfileId: profile}))
		}, func(ctx context.Context) error {
			return second(f.GetStorageProfile(ctx, &deadline.GetStorageProfileInput{FarmId: farm, StorageProfileId: profile}))
		}, func(ctx context.Context) error {
			return second(f.UpdateStorageProfile(ctx, &deadline.UpdateStorageProfileInput{FarmId: farm, StorageProfileId: profile, DisplayName: name}))
		}, true},
		{typeMonitor, monitor, func(ctx context.Context) error {
			return second(f.DeleteMonitor(ctx, &deadline.DeleteMonitorInput{MonitorId: monitor}))
		}, func(ctx context.Context) error {
			return second(f.GetMonitor(ctx, &deadline.GetMonitorInput{MonitorId: monitor}))
		}, func(ctx context.Context) error {
			return second(f.UpdateMonitorSettings(ctx, &deadline.UpdateMonitorSettingsInput{MonitorId: monitor, Settings: map[string]string{"a": "b"}}))
		}, false},
		{typeLicenseEndpoint, endpoint, func(ctx context.Context) error {
			return second(f.DeleteLicenseEndpoint(ctx, &deadline.DeleteLicenseEndpointInput{LicenseEndpointId: endpoint}))
		}, func(ctx context.Context) error {
			return second(f.GetLicenseEndpoint(ctx, &deadline.GetLicenseEndpointInput{LicenseEndpointId: endpoint}))
		}, func(ctx context.Context) error {
			return second(f.PutMeteredProduct(ctx, &deadline.PutMeteredProductInput{LicenseEndpointId: endpoint, ProductId: "nuke-14"}))
		}, false},
		{typeWorker, worker, func(ctx context.Context) error {
			return second(f.DeleteWorker(ctx, &deadline.DeleteWorkerInput{FarmId: farm, FleetId: fleet, WorkerId: worker}))
		}, func(ctx context.Context) error {
			return second(f.GetWorker(ctx, &deadline.GetWorkerInput{FarmId: farm, FleetId: fleet, WorkerId: worker}))
		}, func(ctx context.Context) error {
			return second(f.UpdateWorker(ctx, &deadline.UpdateWorkerInput{
				FarmId: farm, FleetId: fleet, WorkerId: worker, Status: deadline.UpdatedWorkerStatusStarted,
			}))
		}, false},
		{typeFleet, fleet, func(ctx context.Context) error {
			return second(f.DeleteFleet(ctx, &deadline.DeleteFleetInput{FarmId: farm, FleetId: fleet}))
		}, func(ctx context.Context) error {
			return second(f.GetFleet(ctx, &deadline.GetFleetInput{FarmId: farm, FleetId: fleet}))
		}, func(ctx context.Context) error {
			return second(f.UpdateFleet(ctx, &deadline.UpdateFleetInput{FarmId: farm, FleetId: fleet, DisplayName: name}))
		}, false},
		{typeQueue, queue, func(ctx context.Context) error {
			return second(f.DeleteQueue(ctx, &deadline.DeleteQueueInput{FarmId: farm, QueueId: queue}))
		}, func(ctx context.Context) error {
			return second(f.GetQueue(ctx, &deadline.GetQueueInput{FarmId: farm, QueueId: queue}))
		}, func(ctx context.Context) error {
			return second(f.UpdateQueue(ctx, &deadline.UpdateQueueInput{FarmId: farm, QueueId: queue, DisplayName: name}))
		}, false},
		{typeFarm, farm, func(ctx context.Context) error {
			return second(f.DeleteFarm(ctx, &deadline.DeleteFarmInput{FarmId: farm}))
		}, func(ctx context.Context) error {
			return second(f.GetFarm(ctx, &deadline.GetFarmInput{FarmId: farm}))
		}, func(ctx context.Context) error {
			return second(f.UpdateFarm(ctx, &deadline.UpdateFarmInput{FarmId: farm, DisplayName: name}))
		}, false},
	} {
		if err := tt.get(ctx); err != nil {
			t.Errorf("%s before its deletion: %v", tt.kind, err)
		}
		if err := tt.delete(ctx); err != nil {
			t.Errorf("delete %s: %v", tt.kind, err)
		}
		failsMissing(t, tt.get(ctx), tt.kind, tt.id)
		failsMissing(t, tt.change(ctx), tt.kind, tt.id)
		if err := tt.delete(ctx); !tt.silent {
			failsMissing(t, err, tt.kind, tt.id)
		} else if err != nil {
			t.Errorf("delete %s again: %v", tt.kind, err)
		}
	}
}

// TestDeletionOrder: what is used is not deleted, and the refusal names what uses it; in the right order all goes.
func TestDeletionOrder(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	profile := f.newProfile(farm)
	queue := f.newQueue(farm, func(in *deadline.CreateQueueInput) { in.AllowedStorageProfileIds = []string{profile} })
	fleet := f.newFleet(farm)
	limit := must(f.CreateLimit(ctx, &deadline.CreateLimitInput{FarmId: farm, DisplayName: "l", AmountRequirementName: "amount.a", MaxCount: 1}))(t).LimitId
	must(f.CreateQueueLimitAssociation(ctx, &deadline.CreateQueueLimitAssociationInput{FarmId: farm, QueueId: queue, LimitId: limit}))(t)
	f.associate(farm, queue, fleet)
	f.submit(farm, queue)

	inUse := func(err error, resourceType, id, status, userType, userID string) {
		t.Helper()
		e := fails[*deadline.ConflictException](t, err)
		context := map[string]string{"status": status, "userResourceType": userType, "userResourceId": userID}
		if e.Reason != deadline.ConflictExceptionReasonResourceInUse || e.ResourceType != resourceType || e.ResourceId != id || e.Message == "" ||
			!maps.Equal(e.Context, context) {
			t.Errorf("got %+v, want that %s %s is in use: %v", e, resourceType, id, context)
		}
	}
	refused := func(err error, resourceType, id string) {
		t.Helper()
		e := fails[*deadline.ValidationException](t, err)
		if e.Reason != deadline.ValidationExceptionReasonOther || e.Context["resourceType"] != resourceType || e.Context["resourceId"] != id {
			t.Errorf("got %+v, want that %s %s is named", e, resourceType, id)
		}
	}
	deleteFarm := func() error { return second(f.DeleteFarm(ctx, &deadline.DeleteFarmInput{FarmId: farm})) }
	deleteQueue := func() error {
		return second(f.DeleteQueue(ctx, &deadline.DeleteQueueInput{FarmId: farm, QueueId: queue}))
	}
	deleteFleet := func() error {
		return second(f.DeleteFleet(ctx, &deadline.DeleteFleetInput{FarmId: farm, FleetId: fleet}))
	}
	deleteLimit := func() error {
		return second(f.DeleteLimit(ctx, &deadline.DeleteLimitInput{FarmId: farm, LimitId: limit}))
	}
	deleteProfile := func() error {
		return second(f.DeleteStorageProfile(ctx, &deadline.DeleteStorageProfileInput{FarmId: farm, StorageProfileId: profile}))
	}
	stop := func() error {
		return second(f.UpdateQueueFleetAssociation(ctx, &deadline.UpdateQueueFleetAssociationInput{
			FarmId: farm, QueueId: queue, FleetId: fleet, Status: deadline.UpdateQueueFleetAssociationStatusStopSchedulingAndCompleteTasks,
		}))
	}
	deleteAssociation := func() error {
		return second(f.DeleteQueueFleetAssociation(ctx, &deadline.DeleteQueueFleetAssociationInput{FarmId: farm, QueueId: queue, FleetId: fleet}))
	}

	refused(deleteFarm(), typeFarm, farm)
	inUse(deleteQueue(), typeQueue, queue, "SCHEDULING", typeAssociation, queue+"/"+fleet)
	inUse(deleteFleet(), typeFleet, fleet, "ACTIVE", typeAssociation, queue+"/"+fleet)
	refused(deleteLimit(), typeLimit, limit)
	refused(deleteProfile(), typeQueue, queue)
	if e := fails[*deadline.ConflictException](t, deleteAssociation()); e.ResourceType != typeAssociation || e.Context["status"] != "ACTIVE" {
		t.Errorf("got %+v", e)
	}
	for _, step := range []func() error{stop, deleteAssociation} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	inUse(deleteQueue(), typeQueue, queue, "IDLE", typeLimitAssociation, queue+"/"+limit)
	must(f.UpdateQueueLimitAssociation(ctx, &deadline.UpdateQueueLimitAssociationInput{
		FarmId: farm, QueueId: queue, LimitId: limit, Status: deadline.UpdateQueueLimitAssociationStatusStopLimitUsageAndCompleteTasks,
	}))(t)
	must(f.DeleteQueueLimitAssociation(ctx, &deadline.DeleteQueueLimitAssociationInput{FarmId: farm, QueueId: queue, LimitId: limit}))(t)
	worker := must(f.CreateWorker(ctx, &deadline.CreateWorkerInput{FarmId: farm, FleetId: fleet}))(t).WorkerId
	for _, to := range []deadline.UpdatedWorkerStatus{deadline.UpdatedWorkerStatusStarted, deadline.UpdatedWorkerStatusStopped} {
		must(f.UpdateWorker(ctx, &deadline.UpdateWorkerInput{FarmId: farm, FleetId: fleet, WorkerId: worker, Status: to}))(t)
		if to == deadline.UpdatedWorkerStatusStarted {
			inUse(deleteFleet(), typeFleet, fleet, "ACTIVE", typeWorker, worker)
		}
	}
	for _, step := range []func() error{deleteLimit, deleteQueue, deleteFleet, deleteProfile, deleteFarm} {
		if err := step(); err != nil {
			t.Error(err)
		}
	}
}
