package farm

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

func TestFleetDefaultsAndCapabilities(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	id := f.newFleet(farm, func(in *deadline.CreateFleetInput) {
		in.HostConfiguration = &deadline.HostConfiguration{ScriptBody: "true"}
		c := &in.Configuration.CustomerManaged.WorkerCapabilities
		c.VCpuCount.Max = deadline.Ptr[int32](8)
		c.OsFamily = deadline.CustomerManagedFleetOperatingSystemFamilyMacos
		c.AcceleratorTypes = []deadline.AcceleratorType{deadline.AcceleratorTypeGpu}
		c.AcceleratorCount = &deadline.AcceleratorCountRange{Min: 1, Max: deadline.Ptr[int32](2)}
		c.AcceleratorTotalMemoryMiB = &deadline.AcceleratorTotalMemoryMiBRange{Min: 4096}
		c.CustomAmounts = []deadline.FleetAmountCapability{{Name: "amount.slots", Min: 0.1, Max: deadline.Ptr[float32](3)}}
		c.CustomAttributes = []deadline.FleetAttributeCapability{{Name: "studio:attr.room", Values: []string{"a", "b"}}}
	})
	got := must(f.GetFleet(ctx, &deadline.GetFleetInput{FarmId: farm, FleetId: id}))(t)
	want := &deadline.FleetCapabilities{
		Amounts: []deadline.FleetAmountCapability{
			{Name: "amount.worker.vcpu", Min: 1, Max: deadline.Ptr[float32](8)},
			{Name: "amount.worker.memory", Min: 512},
			{Name: "amount.worker.gpu", Min: 1, Max: deadline.Ptr[float32](2)},
			{Name: "amount.worker.gpu.memory", Min: 4096},
			{Name: "amount.slots", Min: 0.1, Max: deadline.Ptr[float32](3)},
		},
		Attributes: []deadline.FleetAttributeCapability{
			{Name: "attr.worker.os.family", Values: []string{"macos"}},
			{Name: "attr.worker.cpu.arch", Values: []string{"x86_64"}},
			{Name: "studio:attr.room", Values: []string{"a", "b"}},
		},
	}
	if diff := cmp.Diff(want, got.Capabilities); diff != "" {
		t.Errorf("capabilities (-want +got):\n%s", diff)
	}
	if got.Status != deadline.FleetStatusActive || got.AutoScalingStatus != deadline.AutoScalingStatusSteady ||
		got.WorkerCount != 0 || value(got.TargetWorkerCount) != 0 || got.MinWorkerCount != 0 || got.MaxWorkerCount != 10 ||
		*got.HostConfiguration.ScriptTimeoutSeconds != 300 || got.RoleArn != testRole ||
		got.Configuration.CustomerManaged.TagPropagationMode != deadline.TagPropagationModeNoPropagation ||
		got.Configuration.CustomerManaged.AutoScalingConfiguration != nil {
		t.Errorf("GetFleet: %+v", got)
	}
	stored := must(f.service.fleet(ctx, farm, id))(t).Doc.Scheduling
	if stored.MaxWorkers != 10 || stored.Amounts[4].Min != 0.1 || *stored.Amounts[4].Max != 3 || stored.Attributes[0].Values[0] != "macos" {
		t.Errorf("the scheduler is told %+v", stored)
	}
	if group := "/aws/deadline/" + farm + "/" + id; !slices.Contains(f.logs.groups, group) {
		t.Errorf("the log group %s was not made", group)
	}
}

func TestFleetAutoScalingDefaults(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	id := f.newFleet(farm, func(in *deadline.CreateFleetInput) {
		in.Configuration.CustomerManaged.Mode = deadline.AutoScalingModeEventBasedAutoScaling
	})
	got := must(f.GetFleet(ctx, &deadline.GetFleetInput{FarmId: farm, FleetId: id}))(t)
	want := &deadline.CustomerManagedAutoScalingConfiguration{
		StandbyWorkerCount: deadline.Ptr[int32](0), WorkerIdleDurationSeconds: deadline.Ptr[int32](300),
		ScaleOutWorkersPerMinute: deadline.Ptr[int32](10),
	}
	if diff := cmp.Diff(want, got.Configuration.CustomerManaged.AutoScalingConfiguration); diff != "" {
		t.Errorf("autoScalingConfiguration (-want +got):\n%s", diff)
	}
	if value(got.TargetWorkerCount) != 0 || got.AutoScalingStatus != deadline.AutoScalingStatusSteady {
		t.Errorf("a fleet without work should have %v workers, %s", value(got.TargetWorkerCount), got.AutoScalingStatus)
	}
}

func TestUpdateFleet(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	id := f.newFleet(farm, func(in *deadline.CreateFleetInput) {
		in.HostConfiguration = &deadline.HostConfiguration{ScriptBody: "true"}
	})
	changed := fleetInput(farm).Configuration
	changed.CustomerManaged.WorkerCapabilities.VCpuCount.Min = 4
	must(f.UpdateFleet(ctx, &deadline.UpdateFleetInput{
		FarmId: farm, FleetId: id, DisplayName: new("other"), MinWorkerCount: deadline.Ptr[int32](2),
		Configuration: &changed, HostConfiguration: &deadline.HostConfiguration{ScriptBody: ""},
	}))(t)
	got := must(f.GetFleet(ctx, &deadline.GetFleetInput{FarmId: farm, FleetId: id}))(t)
	if got.DisplayName != "other" || got.MinWorkerCount != 2 || got.MaxWorkerCount != 10 || got.HostConfiguration != nil ||
		got.Capabilities.Amounts[0].Min != 4 || got.UpdatedAt == nil {
		t.Errorf("GetFleet: %+v", got)
	}
}

func TestFleetRefusals(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	fleet := f.newFleet(farm)
	const capabilities = "configuration.customerManaged.workerCapabilities."
	tests := []struct {
		name, field string
		change      func(*deadline.CreateFleetInput, *deadline.CustomerManagedWorkerCapabilities)
	}{
		{"accelerators without a bound", "configuration.serviceManagedEc2.instanceCapabilities.acceleratorCapabilities.count", func(in *deadline.CreateFleetInput, _ *deadline.CustomerManagedWorkerCapabilities) {
			in.Configuration = deadline.FleetConfiguration{ServiceManagedEc2: &deadline.ServiceManagedEc2FleetConfiguration{
				InstanceCapabilities: deadline.ServiceManagedEc2InstanceCapabilities{
					VCpuCount: deadline.VCpuCountRange{Min: 1}, MemoryMiB: deadline.MemoryMiBRange{Min: 512},
					OsFamily:            deadline.ServiceManagedFleetOperatingSystemFamilyLinux,
					CpuArchitectureType: deadline.CpuArchitectureTypeX8664,
					AcceleratorCapabilities: &deadline.AcceleratorCapabilities{
						Selections: []deadline.AcceleratorSelection{{Name: deadline.AcceleratorNameT4}},
					},
				},
				InstanceMarketOptions: deadline.ServiceManagedEc2InstanceMarketOptions{Type: deadline.Ec2MarketTypeSpot},
			}}
		}},
		{"min above max", "minWorkerCount", func(in *deadline.CreateFleetInput, _ *deadline.CustomerManagedWorkerCapabilities) {
			in.MinWorkerCount = deadline.Ptr[int32](11)
		}},
		{"vcpu range", capabilities + "vCpuCount", func(_ *deadline.CreateFleetInput, c *deadline.CustomerManagedWorkerCapabilities) {
			c.VCpuCount = deadline.VCpuCountRange{Min: 8, Max: deadline.Ptr[int32](4)}
		}},
		{"memory range", capabilities + "memoryMiB", func(_ *deadline.CreateFleetInput, c *deadline.CustomerManagedWorkerCapabilities) {
			c.MemoryMiB = deadline.MemoryMiBRange{Min: 2048, Max: deadline.Ptr[int32](1024)}
		}},
		{"gpu range", capabilities + "acceleratorCount", func(_ *deadline.CreateFleetInput, c *deadline.CustomerManagedWorkerCapabilities) {
			c.AcceleratorCount = &deadline.AcceleratorCountRange{Min: 2, Max: deadline.Ptr[int32](1)}
		}},
		{"reserved amount", capabilities + "customAmounts[0]", func(_ *deadline.CreateFleetInput, c *deadline.CustomerManagedWorkerCapabilities) {
			c.CustomAmounts = []deadline.FleetAmountCapability{{Name: "amount.Worker.vcpu", Min: 1}}
		}},
		{"amount range", capabilities + "customAmounts[0]", func(_ *deadline.CreateFleetInput, c *deadline.CustomerManagedWorkerCapabilities) {
			c.CustomAmounts = []deadline.FleetAmountCapability{{Name: "amount.x", Min: 2, Max: deadline.Ptr[float32](1)}}
		}},
		{"amount twice", capabilities + "customAmounts[1]", func(_ *deadline.CreateFleetInput, c *deadline.CustomerManagedWorkerCapabilities) {
			c.CustomAmounts = []deadline.FleetAmountCapability{{Name: "amount.x", Min: 2}, {Name: "amount.X", Min: 1}}
		}},
		{"reserved attribute", capabilities + "customAttributes[0]", func(_ *deadline.CreateFleetInput, c *deadline.CustomerManagedWorkerCapabilities) {
			c.CustomAttributes = []deadline.FleetAttributeCapability{{Name: "attr.worker.os.family", Values: []string{"linux"}}}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := fleetInput(farm)
			tt.change(in, &in.Configuration.CustomerManaged.WorkerCapabilities)
			_, err := f.CreateFleet(ctx, in)
			failsOn(t, err, tt.field)
			_, err = f.UpdateFleet(ctx, &deadline.UpdateFleetInput{
				FarmId: farm, FleetId: fleet, MinWorkerCount: in.MinWorkerCount, Configuration: &in.Configuration,
			})
			failsOn(t, err, tt.field)
		})
	}
	if n := len(must(f.ListFleets(ctx, &deadline.ListFleetsInput{FarmId: farm}))(t).Fleets); n != 1 {
		t.Errorf("refused fleets were made: there are %d", n)
	}
}

func TestListFleetsFilters(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	var made []string
	for _, name := range []string{"a", "b", "a", "b", "a"} {
		f.advance(time.Second)
		made = append(made, f.newFleet(farm, func(in *deadline.CreateFleetInput) { in.DisplayName = name }))
	}
	tests := []struct {
		in   deadline.ListFleetsInput
		want []string
	}{
		{deadline.ListFleetsInput{}, made},
		{deadline.ListFleetsInput{DisplayName: new("a")}, []string{made[0], made[2], made[4]}},
		{deadline.ListFleetsInput{DisplayName: new("A")}, nil},
		{deadline.ListFleetsInput{Status: deadline.FleetStatusActive}, made},
		{deadline.ListFleetsInput{Status: deadline.FleetStatusSuspended}, nil},
		{deadline.ListFleetsInput{PrincipalId: new("11111111-2222-3333-4444-555555555555")}, nil},
	}
	for _, tt := range tests {
		got := collect(t, func(size int32, token *string) ([]deadline.FleetSummary, *string, error) {
			in := tt.in
			in.FarmId, in.MaxResults, in.NextToken = farm, &size, token
			out, err := f.ListFleets(ctx, &in)
			if err != nil {
				return nil, nil, err
			}
			return out.Fleets, out.NextToken, nil
		}, func(s *deadline.FleetSummary) string { return s.FleetId })
		if !slices.Equal(got, tt.want) {
			t.Errorf("%+v: got %v, want %v", tt.in, got, tt.want)
		}
	}
}

func TestDeleteFleet(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	queue, fleet := f.newQueue(farm), f.newFleet(farm)
	f.associate(farm, queue, fleet)
	inUse := func() {
		t.Helper()
		_, err := f.DeleteFleet(ctx, &deadline.DeleteFleetInput{FarmId: farm, FleetId: fleet})
		e := fails[*deadline.ConflictException](t, err)
		if e.Reason != deadline.ConflictExceptionReasonResourceInUse || e.ResourceId != fleet || e.ResourceType != "fleet" {
			t.Errorf("got %+v", e)
		}
	}
	inUse()
	f.stopAndDelete(farm, queue, fleet)
	worker := newID(prefixWorker)
	f.apply(farm, scheduler.CreateWorker{Worker: row.Worker{FarmID: farm, FleetID: fleet, WorkerID: worker, Status: status.WorkerCreated}})
	f.apply(farm, scheduler.UpdateWorker{FleetID: fleet, WorkerID: worker, Status: status.WorkerStarted})
	if got := must(f.GetFleet(ctx, &deadline.GetFleetInput{FarmId: farm, FleetId: fleet}))(t); got.WorkerCount != 1 || *got.TargetWorkerCount != 1 {
		t.Errorf("workerCount %d, target %v", got.WorkerCount, *got.TargetWorkerCount)
	}
	inUse()
	f.apply(farm, scheduler.UpdateWorker{FleetID: fleet, WorkerID: worker, Status: status.WorkerStopped})
	token := new("once")
	must(f.DeleteFleet(ctx, &deadline.DeleteFleetInput{FarmId: farm, FleetId: fleet, ClientToken: token}))(t)
	must(f.DeleteFleet(ctx, &deadline.DeleteFleetInput{FarmId: farm, FleetId: fleet, ClientToken: token}))(t)
	_, err := f.DeleteFleet(ctx, &deadline.DeleteFleetInput{FarmId: farm, FleetId: fleet, ClientToken: new("twice")})
	failsMissing(t, err, "fleet", fleet)
	// Its workers hear of it, so that agents exit.
	_, err = f.UpdateWorkerSchedule(ctx, &deadline.UpdateWorkerScheduleInput{FarmId: farm, FleetId: fleet, WorkerId: worker})
	failsMissing(t, err, "fleet", fleet)
}
