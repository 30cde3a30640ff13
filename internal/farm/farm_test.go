package farm

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
)

const noFarm = "farm-00000000000000000000000000000000"

func TestFarmLifeCycle(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	start := f.clock().UTC().Truncate(time.Millisecond)
	id := must(f.CreateFarm(ctx, &deadline.CreateFarmInput{
		DisplayName: "Nord", Description: new("first"),
		KmsKeyArn: new("arn:aws:kms:us-west-2:123456789012:key/abc"), Tags: map[string]string{"team": "fx"},
	}))(t).FarmId
	got := must(f.GetFarm(ctx, &deadline.GetFarmInput{FarmId: id}))(t)
	got.CreatedAt = got.CreatedAt.UTC().Truncate(time.Millisecond)
	want := &deadline.GetFarmOutput{
		FarmId: id, DisplayName: "Nord", Description: new("first"), CostScaleFactor: 1,
		KmsKeyArn: new("arn:aws:kms:us-west-2:123456789012:key/abc"), CreatedAt: start, CreatedBy: adminARN,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("GetFarm (-want +got):\n%s", diff)
	}
	f.advance(time.Minute)
	must(f.UpdateFarm(ctx, &deadline.UpdateFarmInput{
		FarmId: id, Description: new(""), CostScaleFactor: deadline.Ptr[float32](0.5),
	}))(t)
	want.Description, want.CostScaleFactor = nil, 0.5
	want.UpdatedAt, want.UpdatedBy = new(start.Add(time.Minute)), new(adminARN)
	got = must(f.GetFarm(ctx, &deadline.GetFarmInput{FarmId: id}))(t)
	got.CreatedAt = got.CreatedAt.UTC().Truncate(time.Millisecond)
	got.UpdatedAt = new(got.UpdatedAt.UTC().Truncate(time.Millisecond))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("GetFarm after UpdateFarm (-want +got):\n%s", diff)
	}
	listed := must(f.ListFarms(ctx, &deadline.ListFarmsInput{}))(t).Farms
	if len(listed) != 1 || listed[0].FarmId != id || listed[0].UpdatedBy == nil {
		t.Errorf("ListFarms: %v", listed)
	}
	must(f.DeleteFarm(ctx, &deadline.DeleteFarmInput{FarmId: id}))(t)
	_, err := f.GetFarm(ctx, &deadline.GetFarmInput{FarmId: id})
	failsMissing(t, err, "farm", id)
	if tags, _ := f.store.Tags(ctx, f.service.farmARN(id)); len(tags) > 0 {
		t.Errorf("the tags of the deleted farm are left: %v", tags)
	}
}

func TestDeleteFarmNeedsItEmpty(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	id := f.newFarm()
	for _, content := range []struct {
		make   func() string
		remove func(string)
	}{
		{func() string { return f.newQueue(id) }, func(queue string) {
			must(f.DeleteQueue(ctx, &deadline.DeleteQueueInput{FarmId: id, QueueId: queue}))(t)
		}},
		{func() string { return f.newFleet(id) }, func(fleet string) {
			must(f.DeleteFleet(ctx, &deadline.DeleteFleetInput{FarmId: id, FleetId: fleet}))(t)
		}},
	} {
		made := content.make()
		_, err := f.DeleteFarm(ctx, &deadline.DeleteFarmInput{FarmId: id})
		if e := fails[*deadline.ValidationException](t, err); e.Reason != deadline.ValidationExceptionReasonOther {
			t.Errorf("reason %s", e.Reason)
		}
		content.remove(made)
	}
	must(f.DeleteFarm(ctx, &deadline.DeleteFarmInput{FarmId: id}))(t)
}

func TestListFarmsPages(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	made := []string{}
	for range 5 {
		f.advance(time.Second)
		made = append(made, f.newFarm())
	}
	got := collect(t, func(size int32, token *string) ([]deadline.FarmSummary, *string, error) {
		out, err := f.ListFarms(ctx, &deadline.ListFarmsInput{MaxResults: &size, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.Farms, out.NextToken, nil
	}, func(s *deadline.FarmSummary) string { return s.FarmId })
	if diff := cmp.Diff(made, got); diff != "" {
		t.Errorf("farms by age (-want +got):\n%s", diff)
	}
	member := new("11111111-2222-3333-4444-555555555555")
	if out := must(f.ListFarms(ctx, &deadline.ListFarmsInput{PrincipalId: member}))(t); len(out.Farms) != 0 {
		t.Errorf("a principal without memberships sees %v", out.Farms)
	}
}

// TestMissingParents calls everything below a farm that does not exist, and below a queue and fleet of another farm.
func TestMissingParents(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm, other := f.newFarm(), f.newFarm()
	queue, fleet := f.newQueue(other), f.newFleet(other)
	hex := strings.Repeat("0", 32)
	tests := []struct {
		name, resourceType, id string
		call                   func() error
	}{
		{"CreateQueue", "farm", noFarm, func() error {
			_, err := f.CreateQueue(ctx, &deadline.CreateQueueInput{FarmId: noFarm, DisplayName: "q"})
			return err
		}},
		{"CreateFleet", "farm", noFarm, func() error { _, err := f.CreateFleet(ctx, fleetInput(noFarm)); return err }},
		{"UpdateFarm", "farm", noFarm, func() error {
			_, err := f.UpdateFarm(ctx, &deadline.UpdateFarmInput{FarmId: noFarm})
			return err
		}},
		{"DeleteFarm", "farm", noFarm, func() error {
			_, err := f.DeleteFarm(ctx, &deadline.DeleteFarmInput{FarmId: noFarm})
			return err
		}},
		{"ListQueues", "farm", noFarm, func() error {
			_, err := f.ListQueues(ctx, &deadline.ListQueuesInput{FarmId: noFarm})
			return err
		}},
		{"ListFleets", "farm", noFarm, func() error {
			_, err := f.ListFleets(ctx, &deadline.ListFleetsInput{FarmId: noFarm})
			return err
		}},
		{"ListQueueFleetAssociations", "farm", noFarm, func() error {
			_, err := f.ListQueueFleetAssociations(ctx, &deadline.ListQueueFleetAssociationsInput{FarmId: noFarm})
			return err
		}},
		{"ListQueueFleetAssociations of a queue", "queue", queue, func() error {
			_, err := f.ListQueueFleetAssociations(ctx, &deadline.ListQueueFleetAssociationsInput{FarmId: farm, QueueId: &queue})
			return err
		}},
		{"ListQueueFleetAssociations of a fleet", "fleet", fleet, func() error {
			_, err := f.ListQueueFleetAssociations(ctx, &deadline.ListQueueFleetAssociationsInput{FarmId: farm, FleetId: &fleet})
			return err
		}},
		{"GetQueue", "queue", queue, func() error {
			_, err := f.GetQueue(ctx, &deadline.GetQueueInput{FarmId: farm, QueueId: queue})
			return err
		}},
		{"UpdateQueue", "queue", queue, func() error {
			_, err := f.UpdateQueue(ctx, &deadline.UpdateQueueInput{FarmId: farm, QueueId: queue})
			return err
		}},
		{"DeleteQueue", "queue", queue, func() error {
			_, err := f.DeleteQueue(ctx, &deadline.DeleteQueueInput{FarmId: farm, QueueId: queue})
			return err
		}},
		{"GetFleet", "fleet", fleet, func() error {
			_, err := f.GetFleet(ctx, &deadline.GetFleetInput{FarmId: farm, FleetId: fleet})
			return err
		}},
		{"UpdateFleet", "fleet", fleet, func() error {
			_, err := f.UpdateFleet(ctx, &deadline.UpdateFleetInput{FarmId: farm, FleetId: fleet})
			return err
		}},
		{"DeleteFleet", "fleet", fleet, func() error {
			_, err := f.DeleteFleet(ctx, &deadline.DeleteFleetInput{FarmId: farm, FleetId: fleet})
			return err
		}},
		{"CreateQueueEnvironment", "queue", queue, func() error {
			_, err := f.CreateQueueEnvironment(ctx, environmentInput(farm, queue))
			return err
		}},
		{"GetQueueEnvironment", "queue-environment", "queueenv-" + hex, func() error {
			_, err := f.GetQueueEnvironment(ctx, &deadline.GetQueueEnvironmentInput{
				FarmId: other, QueueId: queue, QueueEnvironmentId: "queueenv-" + hex,
			})
			return err
		}},
		{"UpdateQueueEnvironment", "queue-environment", "queueenv-" + hex, func() error {
			_, err := f.UpdateQueueEnvironment(ctx, &deadline.UpdateQueueEnvironmentInput{
				FarmId: other, QueueId: queue, QueueEnvironmentId: "queueenv-" + hex,
			})
			return err
		}},
		{"ListQueueEnvironments", "queue", queue, func() error {
			_, err := f.ListQueueEnvironments(ctx, &deadline.ListQueueEnvironmentsInput{FarmId: farm, QueueId: queue})
			return err
		}},
		{"CreateQueueFleetAssociation", "queue", queue, func() error {
			_, err := f.CreateQueueFleetAssociation(ctx, &deadline.CreateQueueFleetAssociationInput{
				FarmId: farm, QueueId: queue, FleetId: fleet,
			})
			return err
		}},
		{"GetQueueFleetAssociation", "queue-fleet-association", queue + "/" + fleet, func() error {
			_, err := f.GetQueueFleetAssociation(ctx, &deadline.GetQueueFleetAssociationInput{
				FarmId: other, QueueId: queue, FleetId: fleet,
			})
			return err
		}},
		{"UpdateQueueFleetAssociation", "queue-fleet-association", queue + "/" + fleet, func() error {
			_, err := f.UpdateQueueFleetAssociation(ctx, &deadline.UpdateQueueFleetAssociationInput{
				FarmId: other, QueueId: queue, FleetId: fleet, Status: deadline.UpdateQueueFleetAssociationStatusActive,
			})
			return err
		}},
		{"DeleteQueueFleetAssociation", "queue-fleet-association", queue + "/" + fleet, func() error {
			_, err := f.DeleteQueueFleetAssociation(ctx, &deadline.DeleteQueueFleetAssociationInput{
				FarmId: other, QueueId: queue, FleetId: fleet,
			})
			return err
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { failsMissing(t, tt.call(), tt.resourceType, tt.id) })
	}
}

func TestQuotas(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t, func(c *Config) {
		c.Quotas = Quotas{Farms: 1, QueuesPerFarm: 2, FleetsPerFarm: 2, QueueEnvironmentsPerQueue: 1, QueueFleetAssociationsPerFarm: 1}
	}), t.Context()
	farm := f.newFarm()
	queue, fleet := f.newQueue(farm), f.newFleet(farm)
	f.newQueue(farm)
	second := f.newFleet(farm)
	f.associate(farm, queue, fleet)
	f.associate(farm, queue, fleet) // again: nothing new
	must(f.CreateQueueEnvironment(ctx, environmentInput(farm, queue)))(t)
	tests := []struct {
		code, resourceType, id string
		call                   func() error
	}{
		{"L-2DEF7E07", "farm", "", func() error {
			_, err := f.CreateFarm(ctx, &deadline.CreateFarmInput{DisplayName: "f"})
			return err
		}},
		{"L-5E4FD3A4", "queue", farm, func() error {
			_, err := f.CreateQueue(ctx, &deadline.CreateQueueInput{FarmId: farm, DisplayName: "q"})
			return err
		}},
		{"L-55A8E463", "fleet", farm, func() error { _, err := f.CreateFleet(ctx, fleetInput(farm)); return err }},
		{"queue-environments-per-queue", "queue-environment", queue, func() error {
			_, err := f.CreateQueueEnvironment(ctx, environmentInput(farm, queue))
			return err
		}},
		{"L-BF011D88", "queue-fleet-association", farm, func() error {
			_, err := f.CreateQueueFleetAssociation(ctx, &deadline.CreateQueueFleetAssociationInput{
				FarmId: farm, QueueId: queue, FleetId: second,
			})
			return err
		}},
	}
	for _, tt := range tests {
		e := fails[*deadline.ServiceQuotaExceededException](t, tt.call())
		if e.QuotaCode != tt.code || e.ResourceType != tt.resourceType || value(e.ResourceId) != tt.id || e.ServiceCode != "deadline" {
			t.Errorf("%s: got %+v", tt.code, e)
		}
	}
}
