package farm

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
)

// Defaults of a service-managed fleet's configuration.
const (
	defaultVolumeGiB        = 250
	defaultVolumeIOPS       = 3000
	defaultVolumeThroughput = 125
	defaultVolumeTTLHours   = 168

	gibi = 1024 // MiB
)

// acceleratorMemory is the memory of AWS's accelerators in MiB; of those that are not here it is not known.
var acceleratorMemory = map[deadline.AcceleratorName]int32{
	deadline.AcceleratorNameT4:               16 * gibi,
	deadline.AcceleratorNameA10g:             24 * gibi,
	deadline.AcceleratorNameL4:               24 * gibi,
	deadline.AcceleratorNameL40s:             48 * gibi,
	deadline.AcceleratorNameRtxProServer6000: 96 * gibi,
}

// oldestRuntime is the first version of the runtime "grid:r…" that knows an accelerator; the others are known by all versions.
var oldestRuntime = map[deadline.AcceleratorName]int{
	deadline.AcceleratorNameL4:               570,
	deadline.AcceleratorNameL40s:             570,
	deadline.AcceleratorNameRtxProServer6000: 580,
}

// managedDefaults fills in what the configuration of a service-managed fleet leaves out.
func managedDefaults(c deadline.ServiceManagedEc2FleetConfiguration) deadline.ServiceManagedEc2FleetConfiguration {
	volume := deadline.Ec2EbsVolume{}
	set(&volume, c.InstanceCapabilities.RootEbsVolume)
	orDefault(&volume.SizeGiB, defaultVolumeGiB)
	orDefault(&volume.Iops, defaultVolumeIOPS)
	orDefault(&volume.ThroughputMiB, defaultVolumeThroughput)
	c.InstanceCapabilities.RootEbsVolume = &volume
	if p := c.PersistentVolumeConfiguration; p != nil {
		filled := *p
		orDefault(&filled.SizeGiB, defaultVolumeGiB)
		orDefault(&filled.Iops, defaultVolumeIOPS)
		orDefault(&filled.ThroughputMiB, defaultVolumeThroughput)
		orDefault(&filled.LastUsedTtlHours, defaultVolumeTTLHours)
		c.PersistentVolumeConfiguration = &filled
	}
	scaling := deadline.ServiceManagedEc2AutoScalingConfiguration{}
	set(&scaling, c.AutoScalingConfiguration)
	orDefault(&scaling.StandbyWorkerCount, defaultStandbyWorkerCount)
	orDefault(&scaling.WorkerIdleDurationSeconds, defaultWorkerIdleDurationSeconds)
	orDefault(&scaling.ScaleOutWorkersPerMinute, defaultScaleOutWorkersPerMinute)
	c.AutoScalingConfiguration = &scaling
	return c
}

// checkAccelerators refuses what AWS's guide forbids (§8.3).
func checkAccelerators(c *deadline.ServiceManagedEc2FleetConfiguration) error {
	a := c.InstanceCapabilities.AcceleratorCapabilities
	if a == nil {
		return nil
	}
	const field = "configuration.serviceManagedEc2.instanceCapabilities.acceleratorCapabilities"
	if c.InstanceMarketOptions.Type == deadline.Ec2MarketTypeWaitAndSave {
		return invalid(field, "must not be given for wait-and-save instances")
	}
	if (a.Count == nil || a.Count.Max == nil) && len(c.InstanceCapabilities.AllowedInstanceTypes) == 0 {
		return invalid(field+".count", "needs a max, unless allowedInstanceTypes are given")
	}
	if a.Count != nil && a.Count.Max != nil && *a.Count.Max < a.Count.Min {
		return invalid(field+".count", fmt.Sprintf("must not have a min above its max: %d > %d", a.Count.Min, *a.Count.Max))
	}
	var names []deadline.AcceleratorName
	for i, one := range a.Selections {
		if slices.Contains(names, one.Name) {
			return invalid(fmt.Sprintf("%s.selections[%d].name", field, i), fmt.Sprintf("repeats %s", one.Name))
		}
		names = append(names, one.Name)
		if first := a.Selections[0].Runtime; value(first) != value(one.Runtime) {
			return invalid(fmt.Sprintf("%s.selections[%d].runtime", field, i), "must be the same for all accelerators")
		}
		if err := checkRuntime(one); err != nil {
			return invalid(fmt.Sprintf("%s.selections[%d].runtime", field, i), err.Error())
		}
	}
	return nil
}

// checkRuntime refuses a runtime that does not exist, or that does not know the accelerator. The latest knows all.
func checkRuntime(s deadline.AcceleratorSelection) error {
	const latest, numbered = "latest", "grid:r"
	if s.Runtime == nil || *s.Runtime == latest {
		return nil
	}
	version, found := strings.CutPrefix(*s.Runtime, numbered)
	number, err := strconv.Atoi(version)
	switch oldest := oldestRuntime[s.Name]; {
	case !found || err != nil:
		return fmt.Errorf("must be %s or %s followed by a number", latest, numbered)
	case number < oldest:
		return fmt.Errorf("must be %s or at least %s%d for the accelerator %s", latest, numbered, oldest, s.Name)
	}
	return nil
}

// checkVolumes refuses to make the volumes of a fleet smaller: AWS's only grow.
func checkVolumes(have, want *deadline.PersistentVolumeConfiguration) error {
	if have == nil || want == nil || value(want.SizeGiB) >= value(have.SizeGiB) {
		return nil
	}
	return invalid("configuration.serviceManagedEc2.persistentVolumeConfiguration.sizeGiB",
		fmt.Sprintf("must not be less than %d, what the fleet has: volumes only grow", value(have.SizeGiB)))
}

// workerCapabilities are what the workers of a fleet have, in the form of a customer-managed fleet.
func (d *fleetDocument) workerCapabilities() *deadline.CustomerManagedWorkerCapabilities {
	if d.ServiceManaged == nil {
		return &d.CustomerManaged.WorkerCapabilities
	}
	have := &d.ServiceManaged.InstanceCapabilities
	out := &deadline.CustomerManagedWorkerCapabilities{
		VCpuCount: have.VCpuCount, MemoryMiB: have.MemoryMiB, CpuArchitectureType: have.CpuArchitectureType,
		OsFamily:      deadline.CustomerManagedFleetOperatingSystemFamily(have.OsFamily),
		CustomAmounts: have.CustomAmounts, CustomAttributes: have.CustomAttributes,
	}
	if a := have.AcceleratorCapabilities; a != nil {
		count := deadline.AcceleratorCountRange{Min: 1}
		set(&count, a.Count)
		out.AcceleratorCount = &count
		if memory := leastMemory(a.Selections); memory > 0 {
			out.AcceleratorTotalMemoryMiB = &deadline.AcceleratorTotalMemoryMiBRange{Min: memory * count.Min}
		}
	}
	return out
}

// leastMemory is the memory in MiB that each of the accelerators has at least, 0 when it is not known.
func leastMemory(selections []deadline.AcceleratorSelection) int32 {
	var least int32
	for i, s := range selections {
		memory := acceleratorMemory[s.Name]
		if i == 0 || memory < least {
			least = memory
		}
	}
	return least
}

// storageProfileID is the storage profile of all workers of the fleet, nil when there is none.
func (d *fleetDocument) storageProfileID() *string {
	if d.ServiceManaged != nil {
		return d.ServiceManaged.StorageProfileId
	}
	return d.CustomerManaged.StorageProfileId
}

// scaling says how the fleet scales, nil when it does not by itself.
func (d *fleetDocument) scaling() *scheduler.FleetScaling {
	var standby, idle *int32
	switch c := d.CustomerManaged.AutoScalingConfiguration; {
	case d.ServiceManaged != nil:
		standby = d.ServiceManaged.AutoScalingConfiguration.StandbyWorkerCount
		idle = d.ServiceManaged.AutoScalingConfiguration.WorkerIdleDurationSeconds
	case d.CustomerManaged.Mode == deadline.AutoScalingModeEventBasedAutoScaling && c != nil:
		standby, idle = c.StandbyWorkerCount, c.WorkerIdleDurationSeconds
	default:
		return nil
	}
	return &scheduler.FleetScaling{Min: min(max(d.MinWorkerCount, value(standby)), d.MaxWorkerCount), IdleSeconds: value(idle)}
}
