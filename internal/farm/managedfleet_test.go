package farm

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
)

// managed is the configuration of a service-managed fleet.
func managed(change ...func(*deadline.ServiceManagedEc2FleetConfiguration)) deadline.FleetConfiguration {
	c := &deadline.ServiceManagedEc2FleetConfiguration{
		InstanceCapabilities: deadline.ServiceManagedEc2InstanceCapabilities{
			VCpuCount: deadline.VCpuCountRange{Min: 2, Max: new(int32(8))}, MemoryMiB: deadline.MemoryMiBRange{Min: 4096},
			OsFamily: deadline.ServiceManagedFleetOperatingSystemFamilyLinux, CpuArchitectureType: deadline.CpuArchitectureTypeX8664,
		},
		InstanceMarketOptions: deadline.ServiceManagedEc2InstanceMarketOptions{Type: deadline.Ec2MarketTypeSpot},
	}
	for _, f := range change {
		f(c)
	}
	return deadline.FleetConfiguration{ServiceManagedEc2: c}
}

func TestServiceManagedFleet(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	id := f.newFleet(farm, func(in *deadline.CreateFleetInput) {
		in.MinWorkerCount = new(int32(1))
		in.Configuration = managed(func(c *deadline.ServiceManagedEc2FleetConfiguration) {
			c.InstanceCapabilities.AcceleratorCapabilities = &deadline.AcceleratorCapabilities{
				Selections: []deadline.AcceleratorSelection{{Name: deadline.AcceleratorNameL4}, {Name: deadline.AcceleratorNameT4}},
				Count:      &deadline.AcceleratorCountRange{Min: 2, Max: new(int32(4))},
			}
			c.PersistentVolumeConfiguration = &deadline.PersistentVolumeConfiguration{MountPath: "/mnt/cache"}
		})
	})
	got := must(f.GetFleet(ctx, &deadline.GetFleetInput{FarmId: farm, FleetId: id}))(t)
	want := managed(func(c *deadline.ServiceManagedEc2FleetConfiguration) {
		c.InstanceCapabilities.AcceleratorCapabilities = &deadline.AcceleratorCapabilities{
			Selections: []deadline.AcceleratorSelection{{Name: deadline.AcceleratorNameL4}, {Name: deadline.AcceleratorNameT4}},
			Count:      &deadline.AcceleratorCountRange{Min: 2, Max: new(int32(4))},
		}
		c.InstanceCapabilities.RootEbsVolume = &deadline.Ec2EbsVolume{SizeGiB: new(int32(250)), Iops: new(int32(3000)), ThroughputMiB: new(int32(125))}
		c.PersistentVolumeConfiguration = &deadline.PersistentVolumeConfiguration{
			MountPath: "/mnt/cache", SizeGiB: new(int32(250)), Iops: new(int32(3000)), ThroughputMiB: new(int32(125)), LastUsedTtlHours: new(int32(168)),
		}
		c.AutoScalingConfiguration = &deadline.ServiceManagedEc2AutoScalingConfiguration{
			StandbyWorkerCount: new(int32(0)), WorkerIdleDurationSeconds: new(int32(300)), ScaleOutWorkersPerMinute: new(int32(10)),
		}
	})
	if diff := cmp.Diff(want, got.Configuration); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	capabilities := &deadline.FleetCapabilities{
		Amounts: []deadline.FleetAmountCapability{
			{Name: "amount.worker.vcpu", Min: 2, Max: new(float32(8))},
			{Name: "amount.worker.memory", Min: 4096},
			{Name: "amount.worker.gpu", Min: 2, Max: new(float32(4))},
			{Name: "amount.worker.gpu.memory", Min: 2 * 16 * 1024},
		},
		Attributes: []deadline.FleetAttributeCapability{
			{Name: "attr.worker.os.family", Values: []string{"linux"}}, {Name: "attr.worker.cpu.arch", Values: []string{"x86_64"}},
		},
	}
	if diff := cmp.Diff(capabilities, got.Capabilities); diff != "" {
		t.Errorf("capabilities (-want +got):\n%s", diff)
	}
	if value(got.TargetWorkerCount) != 1 || got.WorkerCount != 0 || got.AutoScalingStatus != deadline.AutoScalingStatusGrowing {
		t.Errorf("size %v of %v, %s", got.WorkerCount, value(got.TargetWorkerCount), got.AutoScalingStatus)
	}
	// The kind stays.
	_, err := f.UpdateFleet(ctx, &deadline.UpdateFleetInput{FarmId: farm, FleetId: id, Configuration: &fleetInput(farm).Configuration})
	_ = fails[*deadline.ValidationException](t, err)
	customer := f.newFleet(farm)
	_, err = f.UpdateFleet(ctx, &deadline.UpdateFleetInput{FarmId: farm, FleetId: customer, Configuration: new(managed())})
	_ = fails[*deadline.ValidationException](t, err)
	must(f.UpdateFleet(ctx, &deadline.UpdateFleetInput{FarmId: farm, FleetId: id, Configuration: new(managed()), MaxWorkerCount: new(int32(3))}))(t)
	if got := must(f.GetFleet(ctx, &deadline.GetFleetInput{FarmId: farm, FleetId: id}))(t); len(got.Capabilities.Amounts) != 2 || got.MaxWorkerCount != 3 {
		t.Errorf("after the update: %+v", got)
	}
}

func TestAcceleratorRules(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	selection := func(runtimes ...string) []deadline.AcceleratorSelection {
		list := []deadline.AcceleratorSelection{{Name: deadline.AcceleratorNameT4}, {Name: deadline.AcceleratorNameL4}}
		for i, r := range runtimes {
			if r != "" {
				list[i].Runtime = &r
			}
		}
		return list
	}
	const field = "configuration.serviceManagedEc2.instanceCapabilities.acceleratorCapabilities"
	for _, tt := range []struct {
		name, field string
		change      func(*deadline.ServiceManagedEc2FleetConfiguration, *deadline.AcceleratorCapabilities)
	}{
		{"wait-and-save", field, func(c *deadline.ServiceManagedEc2FleetConfiguration, _ *deadline.AcceleratorCapabilities) {
			c.InstanceMarketOptions.Type = deadline.Ec2MarketTypeWaitAndSave
		}},
		{"no bound", field + ".count", func(_ *deadline.ServiceManagedEc2FleetConfiguration, a *deadline.AcceleratorCapabilities) {
			a.Count.Max = nil
		}},
		{"min above max", field + ".count", func(_ *deadline.ServiceManagedEc2FleetConfiguration, a *deadline.AcceleratorCapabilities) {
			a.Count.Min = 9
		}},
		{"repeated", field + ".selections[1].name", func(_ *deadline.ServiceManagedEc2FleetConfiguration, a *deadline.AcceleratorCapabilities) {
			a.Selections[1].Name = a.Selections[0].Name
		}},
		{"two runtimes", field + ".selections[1].runtime", func(_ *deadline.ServiceManagedEc2FleetConfiguration, a *deadline.AcceleratorCapabilities) {
			a.Selections = selection("grid:r570", "grid:r580")
		}},
		{"latest and none", field + ".selections[1].runtime", func(_ *deadline.ServiceManagedEc2FleetConfiguration, a *deadline.AcceleratorCapabilities) {
			a.Selections = selection("latest", "")
		}},
		{"too old a runtime", field + ".selections[1].runtime", func(_ *deadline.ServiceManagedEc2FleetConfiguration, a *deadline.AcceleratorCapabilities) {
			a.Selections = selection("grid:r535", "grid:r535")
		}},
		{"no runtime", field + ".selections[0].runtime", func(_ *deadline.ServiceManagedEc2FleetConfiguration, a *deadline.AcceleratorCapabilities) {
			a.Selections = selection("cuda", "cuda")
		}},
		{"accepted by number", "", func(_ *deadline.ServiceManagedEc2FleetConfiguration, a *deadline.AcceleratorCapabilities) {
			a.Selections = selection("grid:r570", "grid:r570")
		}},
		{"accepted", "", func(_ *deadline.ServiceManagedEc2FleetConfiguration, a *deadline.AcceleratorCapabilities) {
			a.Selections = selection("latest", "latest")
		}},
		{"accepted by instance types", "", func(c *deadline.ServiceManagedEc2FleetConfiguration, a *deadline.AcceleratorCapabilities) {
			a.Count, c.InstanceCapabilities.AllowedInstanceTypes = nil, []string{"g5.xlarge"}
		}},
	} {
		in := fleetInput(farm)
		in.Configuration = managed(func(c *deadline.ServiceManagedEc2FleetConfiguration) {
			a := &deadline.AcceleratorCapabilities{Selections: selection(), Count: &deadline.AcceleratorCountRange{Min: 1, Max: new(int32(1))}}
			c.InstanceCapabilities.AcceleratorCapabilities = a
			tt.change(c, a)
		})
		_, err := f.CreateFleet(ctx, in)
		if tt.field == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		if e := fails[*deadline.ValidationException](t, err); len(e.FieldList) != 1 || e.FieldList[0].Name != tt.field {
			t.Errorf("%s: %+v, want field %s", tt.name, e.FieldList, tt.field)
		}
	}
}

// TestSurplusWorkersAreToldToStop: the recommendation follows the work, and a worker that is idle too long is told to stop.
func TestSurplusWorkersAreToldToStop(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	must(r.UpdateFleet(t.Context(), &deadline.UpdateFleetInput{FarmId: r.farmID, FleetId: r.fleetID, Configuration: &deadline.FleetConfiguration{
		CustomerManaged: &deadline.CustomerManagedFleetConfiguration{
			Mode:                     deadline.AutoScalingModeEventBasedAutoScaling,
			WorkerCapabilities:       fleetInput(r.farmID).Configuration.CustomerManaged.WorkerCapabilities,
			AutoScalingConfiguration: &deadline.CustomerManagedAutoScalingConfiguration{WorkerIdleDurationSeconds: new(int32(0))},
		},
	}}))(t)
	target := func() (deadline.AutoScalingStatus, int32) {
		got := must(r.ListFleets(t.Context(), &deadline.ListFleetsInput{FarmId: r.farmID}))(t).Fleets[0]
		return got.AutoScalingStatus, value(got.TargetWorkerCount)
	}
	r.submit(plainTemplate(3))
	if status, n := target(); status != deadline.AutoScalingStatusGrowing || n != 3 {
		t.Errorf("with three tasks %d workers are recommended, %s", n, status)
	}
	w := r.join()
	for range 3 {
		w.poll(nil)
		w.work(nil)
	}
	if status, n := target(); status != deadline.AutoScalingStatusShrinking || n != 0 {
		t.Errorf("without work %d workers are recommended, %s", n, status)
	}
	r.apply(r.farmID, scheduler.Tick{})
	if got := w.poll(nil); got.DesiredWorkerStatus != deadline.DesiredWorkerStatusStopped {
		t.Errorf("the idle worker is told %q", got.DesiredWorkerStatus)
	}
}

// TestVolumesOnlyGrow: the volumes of a fleet are made larger or given up, never smaller.
func TestVolumesOnlyGrow(t *testing.T) {
	t.Parallel()
	f := openFarm(t)
	farm := f.newFarm()
	sized := func(gib *int32) deadline.FleetConfiguration {
		return managed(func(c *deadline.ServiceManagedEc2FleetConfiguration) {
			c.PersistentVolumeConfiguration = &deadline.PersistentVolumeConfiguration{MountPath: "/mnt/cache", SizeGiB: gib}
		})
	}
	id := f.newFleet(farm, func(in *deadline.CreateFleetInput) { in.Configuration = sized(new(int32(300))) })
	update := func(c deadline.FleetConfiguration) error {
		return second(f.UpdateFleet(t.Context(), &deadline.UpdateFleetInput{FarmId: farm, FleetId: id, Configuration: &c}))
	}
	const field = "configuration.serviceManagedEc2.persistentVolumeConfiguration.sizeGiB"
	failsOn(t, update(sized(new(int32(299)))), field)
	failsOn(t, update(sized(nil)), field) // the default
	for _, c := range []deadline.FleetConfiguration{sized(new(int32(300))), sized(new(int32(400))), managed(), sized(new(int32(1)))} {
		if err := update(c); err != nil {
			t.Error(err)
		}
	}
}
