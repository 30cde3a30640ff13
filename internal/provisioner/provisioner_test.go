package provisioner

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/diskfile"
	"github.com/farmhand-render/farmhand/internal/installation"
)

// farm is a real service with a service-managed fleet, and a provider whose hosts are workers of this test.
type farm struct {
	*client.Client
	t               *testing.T
	farmID, fleetID string
	provisioner     *Provisioner
	now             time.Time
	hosts           []*host
	broken          error // what Launch answers
	kept            map[VolumeID]bool
	key             sigv4.Credentials
	endpoint        string
}

// host is a worker that does what the test says.
type host struct {
	farm     *farm
	workerID string
	volume   string
	drained  bool
	done     chan struct{}
	err      error
}

func (h *host) WorkerID() string      { return h.workerID }
func (h *host) Drain()                { h.drained = true }
func (h *host) Done() <-chan struct{} { return h.done }
func (h *host) Err() error            { return h.err }

func (h *host) end(err error) {
	h.err = err
	close(h.done)
}

// Launch registers a worker and starts it.
func (f *farm) Launch(ctx context.Context, fleet Fleet) (Host, error) {
	if f.broken != nil {
		return nil, f.broken
	}
	made, err := f.CreateWorker(ctx, &deadline.CreateWorkerInput{FarmId: fleet.FarmID, FleetId: fleet.FleetID})
	if err != nil {
		return nil, err
	}
	h := &host{farm: f, workerID: made.WorkerId, volume: fleet.VolumeID, done: make(chan struct{})}
	if h.volume != "" {
		f.kept[VolumeID{fleet.FleetID, fleet.VolumeID}] = true
	}
	h.say(deadline.UpdatedWorkerStatusStarted)
	f.hosts = append(f.hosts, h)
	return h, nil
}

func (h *host) say(status deadline.UpdatedWorkerStatus) {
	h.farm.t.Helper()
	if _, err := h.farm.UpdateWorker(h.farm.t.Context(), &deadline.UpdateWorkerInput{
		FarmId: h.farm.farmID, FleetId: h.farm.fleetID, WorkerId: h.workerID, Status: status,
	}); err != nil {
		h.farm.t.Error(err)
	}
}

func open(t *testing.T, least, most, perMinute int32) *farm {
	t.Helper()
	in, err := installation.Open(t.Context(), installation.Config{DataDir: t.TempDir(), Relaxed: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ran := make(chan error, 1)
	go func() { ran <- in.Run(ctx) }()
	server := httptest.NewServer(in.Handler())
	t.Cleanup(func() {
		server.Close()
		cancel()
		if err := errors.Join(<-ran, in.Close()); err != nil {
			t.Error(err)
		}
	})
	key, err := in.Keys().Create("admin", auth.Principal{Kind: auth.Admin, ARN: in.AdminARN("admin")}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	f := &farm{t: t, now: time.Now(), kept: map[VolumeID]bool{}, key: key, endpoint: server.URL, Client: client.New(aws.Config{
		Region: "us-west-2", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""),
	})}
	f.provisioner = New(Options{Client: f.Client, Provider: f, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return f.now }})
	made, err := f.CreateFarm(t.Context(), &deadline.CreateFarmInput{DisplayName: "Farm"})
	if err != nil {
		t.Fatal(err)
	}
	f.farmID = made.FarmId
	fleet, err := f.CreateFleet(t.Context(), &deadline.CreateFleetInput{
		FarmId: f.farmID, DisplayName: "Cloud", RoleArn: "arn:aws:iam::000000000000:role/fleet", MinWorkerCount: &least, MaxWorkerCount: most,
		Configuration: deadline.FleetConfiguration{ServiceManagedEc2: &deadline.ServiceManagedEc2FleetConfiguration{
			InstanceCapabilities: deadline.ServiceManagedEc2InstanceCapabilities{
				VCpuCount: deadline.VCpuCountRange{Min: 1}, MemoryMiB: deadline.MemoryMiBRange{Min: 512},
				OsFamily: deadline.ServiceManagedFleetOperatingSystemFamilyLinux, CpuArchitectureType: deadline.CpuArchitectureTypeX8664,
			},
			InstanceMarketOptions:    deadline.ServiceManagedEc2InstanceMarketOptions{Type: deadline.Ec2MarketTypeOnDemand},
			AutoScalingConfiguration: &deadline.ServiceManagedEc2AutoScalingConfiguration{ScaleOutWorkersPerMinute: &perMinute},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	f.fleetID = fleet.FleetId
	return f
}

// look has the provisioner look at the fleets, some time later.
func (f *farm) look(later time.Duration) error {
	f.now = f.now.Add(later)
	return f.provisioner.reconcile(f.t.Context(), f.t.Context())
}

// workers lists the fleet's workers.
func (f *farm) workers() int {
	f.t.Helper()
	out, err := f.ListWorkers(f.t.Context(), &deadline.ListWorkersInput{FarmId: f.farmID, FleetId: f.fleetID})
	if err != nil {
		f.t.Fatal(err)
	}
	return len(out.Workers)
}

func (f *farm) mustLook(later time.Duration, hosts int) {
	f.t.Helper()
	if err := f.look(later); err != nil {
		f.t.Fatal(err)
	}
	if len(f.hosts) != hosts {
		f.t.Fatalf("%d hosts were started so far, want %d", len(f.hosts), hosts)
	}
}

func TestScaleOutKeepsToItsRate(t *testing.T) {
	t.Parallel()
	f := open(t, 5, 9, 2)
	f.mustLook(0, 2)
	f.mustLook(10*time.Second, 2)
	f.mustLook(20*time.Second, 3)
	f.mustLook(time.Minute, 5)
	f.mustLook(time.Hour, 5)
	if n := f.workers(); n != 5 {
		t.Errorf("the fleet has %d workers", n)
	}
}

// TestEndedHostsAreReplaced: the worker of a host that ended is deleted, and another one takes its place.
func TestEndedHostsAreReplaced(t *testing.T) {
	t.Parallel()
	f := open(t, 2, 9, 100)
	f.mustLook(0, 2)
	f.hosts[0].say(deadline.UpdatedWorkerStatusStopped)
	f.mustLook(time.Second, 2) // it is ending
	f.hosts[0].end(nil)
	f.mustLook(time.Second, 3)
	if n := f.workers(); n != 2 {
		t.Errorf("the fleet has %d workers, want 2: that of the host that ended is deleted", n)
	}
}

// TestOldHostsAreReplaced: a host that is a day old gets no more work, one at a time; when it has ended, another one takes its place.
func TestOldHostsAreReplaced(t *testing.T) {
	t.Parallel()
	f := open(t, 2, 9, 100)
	var retired []string
	var refusal error
	f.provisioner.Retire = func(_ context.Context, farmID, fleetID, workerID string) error {
		if farmID != f.farmID || fleetID != f.fleetID {
			t.Errorf("worker %s is looked for in %s of %s", workerID, fleetID, farmID)
		}
		if refusal == nil {
			retired = append(retired, workerID)
		}
		return refusal
	}
	replaced := func(want ...string) {
		t.Helper()
		if !slices.Equal(retired, want) {
			t.Fatalf("%v were replaced, want %v", retired, want)
		}
	}
	f.mustLook(0, 2)
	f.mustLook(24*time.Hour-time.Second, 2)
	replaced()
	refusal = errors.New("the service is away")
	if err := f.look(time.Second); !errors.Is(err, refusal) {
		t.Errorf("error %v", err)
	}
	refusal = nil
	f.mustLook(time.Second, 2)
	f.mustLook(time.Second, 2)
	first, second := f.hosts[0], f.hosts[1]
	replaced(first.workerID) // and the other one goes on meanwhile
	first.say(deadline.UpdatedWorkerStatusStopped)
	first.end(nil)
	f.mustLook(time.Second, 3)
	replaced(first.workerID, second.workerID)
	if first.drained || second.drained {
		t.Error("a host was asked to give its work back")
	}
}

// TestFailingHostsAreStartedEverMoreSlowly: neither a provider that fails nor hosts that end by themselves are tried without a pause.
func TestFailingHostsAreStartedEverMoreSlowly(t *testing.T) {
	t.Parallel()
	f := open(t, 1, 9, 100)
	f.broken = errors.New("no machine")
	if err := f.look(0); !errors.Is(err, f.broken) {
		t.Errorf("error %v", err)
	}
	f.broken = nil
	f.mustLook(time.Second/2, 0)
	f.mustLook(time.Second/2, 1)
	f.hosts[0].say(deadline.UpdatedWorkerStatusStopped)
	f.hosts[0].end(errors.New("exit status 1"))
	f.mustLook(time.Second, 1) // two seconds from now
	f.mustLook(3*time.Second/2, 1)
	f.mustLook(time.Second/2, 2)
	for range 30 { // the pauses have an end
		h := f.hosts[len(f.hosts)-1]
		h.say(deadline.UpdatedWorkerStatusStopped)
		h.end(errors.New("exit status 1"))
		if err := f.look(0); err != nil {
			t.Fatal(err)
		}
		before := len(f.hosts)
		f.mustLook(maxPause, before+1)
	}
	f.mustLook(maxPause, len(f.hosts))
	if f.provisioner.fleets[f.fleetID].failures == 0 {
		t.Error("the failures are forgotten before a worker was ready")
	}
}

// TestWorkersOfOthersCount: workers that an earlier program started are part of the fleet; what is left of dead ones is deleted.
func TestWorkersOfOthersCount(t *testing.T) {
	t.Parallel()
	f := open(t, 2, 9, 100)
	for range 3 {
		if _, err := f.Launch(t.Context(), Fleet{FarmID: f.farmID, FleetID: f.fleetID}); err != nil {
			t.Fatal(err)
		}
	}
	f.hosts[1].say(deadline.UpdatedWorkerStatusStopped)
	f.mustLook(0, 3)
	if n := f.workers(); n != 2 {
		t.Errorf("the fleet has %d workers", n)
	}
	f.hosts[2].say(deadline.UpdatedWorkerStatusStopped)
	f.mustLook(0, 4)
	// A worker that registered and was never started is given up.
	if _, err := f.CreateWorker(t.Context(), &deadline.CreateWorkerInput{FarmId: f.farmID, FleetId: f.fleetID}); err != nil {
		t.Fatal(err)
	}
	f.mustLook(time.Minute, 4)
	if n := f.workers(); n != 3 {
		t.Errorf("%d workers, one of them registered a minute ago", n)
	}
	f.mustLook(time.Hour, 4)
	if n := f.workers(); n != 2 {
		t.Errorf("%d workers after an hour", n)
	}
}

// TestDeletedFleetsDrain: hosts of a fleet that is gone are asked to end.
func TestDeletedFleetsDrain(t *testing.T) {
	t.Parallel()
	f := open(t, 1, 9, 100)
	f.mustLook(0, 1)
	f.hosts[0].say(deadline.UpdatedWorkerStatusStopped)
	if _, err := f.DeleteFleet(t.Context(), &deadline.DeleteFleetInput{FarmId: f.farmID, FleetId: f.fleetID}); err != nil {
		t.Fatal(err)
	}
	f.mustLook(time.Second, 1)
	if !f.hosts[0].drained {
		t.Error("the host was not asked to end")
	}
	f.hosts[0].end(nil)
	f.mustLook(time.Second, 1)
	if len(f.provisioner.fleets) != 0 {
		t.Error("the fleet is still known")
	}
}

// TestLocalProcesses: a process is told to drain by the end of its input, and nothing of it stays.
func TestLocalProcesses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var output strings.Builder
	l := &Local{
		Command: func(_ Fleet, stateDir string) []string {
			return []string{"sh", "-c", `echo '{"workerId":"worker-1"}' > "$0"/worker.json; cat; echo drained`, stateDir}
		},
		Env: func() ([]string, error) { return os.Environ(), nil }, Dir: dir, Output: &output,
	}
	h, err := l.Launch(t.Context(), Fleet{FleetID: "fleet-1"})
	if err != nil {
		t.Fatal(err)
	}
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for h.WorkerID() != "worker-1" {
		<-ticker.C
	}
	h.Drain()
	h.Drain()
	<-h.Done()
	if h.Err() != nil || output.String() != "drained\n" {
		t.Errorf("error %v, output %q", h.Err(), output.String())
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*", "*")); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	held, left := filepath.Join(dir, "fleet-1", "worker-held"), filepath.Join(dir, "fleet-1", "worker-left")
	for _, dir := range []string{held, left} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	lock, err := diskfile.TryAcquire(filepath.Join(held, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Sweep(); err != nil {
		t.Fatal(err)
	}
	if there, err := filepath.Glob(filepath.Join(dir, "*", "*")); err != nil || len(there) != 1 || there[0] != held {
		t.Errorf("after the sweep: %v, %v", there, err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	windows := &deadline.ServiceManagedEc2FleetConfiguration{InstanceCapabilities: deadline.ServiceManagedEc2InstanceCapabilities{
		OsFamily: deadline.ServiceManagedFleetOperatingSystemFamilyWindows,
	}}
	if _, err := l.Launch(t.Context(), Fleet{FleetID: "fleet-1", Configuration: windows}); err == nil {
		t.Error("a fleet of Windows workers was taken")
	}
	l.Command = func(Fleet, string) []string { return []string{"sh", "-c", "exit 3"} }
	if h, err = l.Launch(t.Context(), Fleet{FleetID: "fleet-1"}); err != nil {
		t.Fatal(err)
	}
	if <-h.Done(); h.Err() == nil {
		t.Error("a process that failed has no error")
	}
}
