package worker

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
)

const mebi = 1 << 20

// capabilities are what this machine has, as the AWS worker agent names it, and what the configuration adds or overrides.
func capabilities(ctx context.Context, c *Config) *deadline.WorkerCapabilities {
	count, memory := gpus(ctx)
	amounts := map[string]float64{
		"amount.worker.vcpu":         float64(runtime.NumCPU()),
		"amount.worker.memory":       float64(totalMemory() / mebi),
		"amount.worker.disk.scratch": float64(freeDisk(c.StateDir) / mebi),
		"amount.worker.gpu":          count,
		"amount.worker.gpu.memory":   memory,
	}
	maps.Copy(amounts, c.Amounts)
	attributes := map[string][]string{
		"attr.worker.os.family": {osFamily()},
		"attr.worker.cpu.arch":  {cpuArch()},
	}
	maps.Copy(attributes, c.Attributes)
	out := new(deadline.WorkerCapabilities)
	for _, name := range slices.Sorted(maps.Keys(amounts)) {
		out.Amounts = append(out.Amounts, deadline.WorkerAmountCapability{Name: name, Value: float32(amounts[name])})
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		out.Attributes = append(out.Attributes, deadline.WorkerAttributeCapability{Name: name, Values: attributes[name]})
	}
	return out
}

func osFamily() string {
	if runtime.GOOS == "darwin" {
		return "macos"
	}
	return runtime.GOOS
}

func cpuArch() string {
	if runtime.GOARCH == "amd64" {
		return "x86_64"
	}
	return runtime.GOARCH
}

// gpus asks NVIDIA's tool, where it is installed, for the number of GPUs and the memory of the smallest in MiB.
func gpus(ctx context.Context) (count, memory float64) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits").Output()
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(out)) {
		mib, err := strconv.ParseFloat(strings.TrimSpace(line), 64)
		if err != nil {
			continue
		}
		if count == 0 || mib < memory {
			memory = mib
		}
		count++
	}
	return count, memory
}

// hostProperties names this machine.
func hostProperties() *deadline.HostPropertiesRequest {
	p := &deadline.HostPropertiesRequest{IpAddresses: new(deadline.IpAddresses)}
	if name, err := os.Hostname(); err == nil {
		p.HostName = &name
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return p
	}
	for _, a := range addresses {
		network, ok := a.(*net.IPNet)
		if !ok || network.IP.IsLoopback() {
			continue
		}
		ip, ok := netip.AddrFromSlice(network.IP)
		if !ok {
			continue
		}
		if ip = ip.Unmap(); ip.Is4() {
			p.IpAddresses.IpV4Addresses = append(p.IpAddresses.IpV4Addresses, ip.String())
		} else {
			p.IpAddresses.IpV6Addresses = append(p.IpAddresses.IpV6Addresses, fullIPv6(ip))
		}
	}
	return p
}

// fullIPv6 writes an address as the API wants it: eight groups, upper case.
func fullIPv6(ip netip.Addr) string {
	b := ip.As16()
	groups := make([]string, 8)
	for i := range groups {
		groups[i] = fmt.Sprintf("%X", uint16(b[2*i])<<8|uint16(b[2*i+1]))
	}
	return strings.Join(groups, ":")
}
