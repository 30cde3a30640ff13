package farm

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
)

// Names of the capabilities that every worker has. Custom ones may not begin like these.
const (
	amountVCPU      = "amount.worker.vcpu"
	amountMemory    = "amount.worker.memory" // MiB
	amountGPU       = "amount.worker.gpu"
	amountGPUMemory = "amount.worker.gpu.memory" // MiB
	attrOSFamily    = "attr.worker.os.family"
	attrCPUArch     = "attr.worker.cpu.arch"

	reservedAmounts    = "amount.worker."
	reservedAttributes = "attr.worker."
)

// checkWorkerCapabilities refuses ranges that end before they begin, and custom names that are reserved or occur twice. Names are
// compared without regard to case, as they are matched. path is where the request has them.
func checkWorkerCapabilities(c *deadline.CustomerManagedWorkerCapabilities, path string) error {
	var fields []deadline.ValidationExceptionField
	refuse := func(field, message string) {
		fields = append(fields, deadline.ValidationExceptionField{Name: path + field, Message: message})
	}
	ordered := func(field string, least int32, most *int32) {
		if most != nil && *most < least {
			refuse(field, fmt.Sprintf("must not have a min above its max: %d > %d", least, *most))
		}
	}
	ordered("vCpuCount", c.VCpuCount.Min, c.VCpuCount.Max)
	ordered("memoryMiB", c.MemoryMiB.Min, c.MemoryMiB.Max)
	if r := c.AcceleratorCount; r != nil {
		ordered("acceleratorCount", r.Min, r.Max)
	}
	if r := c.AcceleratorTotalMemoryMiB; r != nil {
		ordered("acceleratorTotalMemoryMiB", r.Min, r.Max)
	}
	seen := map[string]bool{}
	named := func(field, name, reserved string) {
		lower := strings.ToLower(name)
		switch {
		case strings.HasPrefix(lower, reserved):
			refuse(field, fmt.Sprintf("must not be named %s: names that begin with %s are reserved", name, reserved))
		case seen[lower]:
			refuse(field, "repeats the name "+name)
		}
		seen[lower] = true
	}
	for i, a := range c.CustomAmounts {
		field := fmt.Sprintf("customAmounts[%d]", i)
		named(field, a.Name, reservedAmounts)
		switch {
		case a.Min < 0:
			refuse(field, fmt.Sprintf("must not have a negative min: %v", a.Min))
		case a.Max != nil && *a.Max < a.Min:
			refuse(field, fmt.Sprintf("must not have a min above its max: %v > %v", a.Min, *a.Max))
		}
	}
	for i, a := range c.CustomAttributes {
		named(fmt.Sprintf("customAttributes[%d]", i), a.Name, reservedAttributes)
	}
	if len(fields) > 0 {
		return invalidFields(fields...)
	}
	return nil
}

// fleetCapabilities gives what every worker of a fleet has, by the names that job templates ask for.
func fleetCapabilities(c *deadline.CustomerManagedWorkerCapabilities) *deadline.FleetCapabilities {
	out := &deadline.FleetCapabilities{}
	amount := func(name string, least int32, most *int32) {
		a := deadline.FleetAmountCapability{Name: name, Min: float32(least)}
		if most != nil {
			a.Max = new(float32(*most))
		}
		out.Amounts = append(out.Amounts, a)
	}
	amount(amountVCPU, c.VCpuCount.Min, c.VCpuCount.Max)
	amount(amountMemory, c.MemoryMiB.Min, c.MemoryMiB.Max)
	if r := c.AcceleratorCount; r != nil {
		amount(amountGPU, r.Min, r.Max)
	}
	if r := c.AcceleratorTotalMemoryMiB; r != nil {
		amount(amountGPUMemory, r.Min, r.Max)
	}
	out.Amounts = append(out.Amounts, c.CustomAmounts...)
	out.Attributes = append([]deadline.FleetAttributeCapability{
		{Name: attrOSFamily, Values: []string{strings.ToLower(string(c.OsFamily))}},
		{Name: attrCPUArch, Values: []string{string(c.CpuArchitectureType)}},
	}, c.CustomAttributes...)
	return out
}

// fleetScheduling is the same for the scheduler.
func fleetScheduling(maxWorkers int32, c *deadline.FleetCapabilities) scheduler.FleetScheduling {
	out := scheduler.FleetScheduling{MaxWorkers: maxWorkers}
	for _, a := range c.Amounts {
		amount := scheduler.AmountRange{Name: a.Name, Min: widen(a.Min)}
		if a.Max != nil {
			amount.Max = new(widen(*a.Max))
		}
		out.Amounts = append(out.Amounts, amount)
	}
	for _, a := range c.Attributes {
		out.Attributes = append(out.Attributes, scheduler.AttributeSet{Name: a.Name, Values: a.Values})
	}
	return out
}

// widen gives the number that was meant: 0.1 as float32 becomes 0.1, not 0.10000000149011612, so that it matches a template's 0.1.
func widen(v float32) float64 {
	wide, err := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64)
	if err != nil {
		return float64(v)
	}
	return wide
}
