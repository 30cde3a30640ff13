package provisioner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
	"github.com/farmhand-render/farmhand/deadline"
)

func (f *farm) Volumes() ([]VolumeID, error) { return slices.Collect(maps.Keys(f.kept)), nil }

func (f *farm) RemoveVolume(v VolumeID) error {
	delete(f.kept, v)
	return nil
}

// putVolume calls the service's own operation.
func (f *farm) putVolume(ctx context.Context, v Volume) error {
	body := fmt.Sprintf(`{"state": %q, "workerId": %q}`, v.State, v.WorkerID)
	path := fmt.Sprintf("%s/farmhand/v1/farms/%s/fleets/%s/volumes/%s", f.endpoint, v.FarmID, v.FleetID, v.VolumeID)
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, path, strings.NewReader(body))
	if err != nil {
		return err
	}
	hash := sha256.Sum256([]byte(body))
	if err := sigv4.Sign(req, hex.EncodeToString(hash[:]), f.key, "deadline", "us-west-2", time.Now()); err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // only the status counts
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

// volumes is what the service shows of the fleet's volumes: each with its state and worker.
func (f *farm) volumes() map[string]string {
	f.t.Helper()
	out, err := f.ListVolumes(f.t.Context(), &deadline.ListVolumesInput{FarmId: f.farmID, FleetId: f.fleetID})
	if err != nil {
		f.t.Fatal(err)
	}
	all := map[string]string{}
	for _, v := range out.Volumes {
		all[v.VolumeId] = string(v.State)
		if v.AttachedWorkerId != nil {
			all[v.VolumeId] += " " + *v.AttachedWorkerId
		}
	}
	return all
}

// configureVolumes gives the fleet volumes that expire after an hour without a worker, or none.
func (f *farm) configureVolumes(wanted bool) {
	f.t.Helper()
	fleet, err := f.GetFleet(f.t.Context(), &deadline.GetFleetInput{FarmId: f.farmID, FleetId: f.fleetID})
	if err != nil {
		f.t.Fatal(err)
	}
	c := fleet.Configuration
	c.ServiceManagedEc2.PersistentVolumeConfiguration = nil
	if wanted {
		c.ServiceManagedEc2.PersistentVolumeConfiguration = &deadline.PersistentVolumeConfiguration{MountPath: "/mnt/volume", LastUsedTtlHours: new(int32(1))}
	}
	if _, err := f.UpdateFleet(f.t.Context(), &deadline.UpdateFleetInput{FarmId: f.farmID, FleetId: f.fleetID, Configuration: &c}); err != nil {
		f.t.Fatal(err)
	}
}

// TestVolumes: each host has a volume of its own, which the next one takes over; what nobody needs any more is removed.
func TestVolumes(t *testing.T) {
	t.Parallel()
	f := open(t, 2, 9, 100)
	f.provisioner.PutVolume = f.putVolume
	f.mustLook(0, 2)
	if got := f.volumes(); len(got) != 0 || f.hosts[0].volume != "" {
		t.Errorf("a fleet without the configuration has the volumes %v", got)
	}
	replace := func(i int) {
		t.Helper()
		f.hosts[i].say(deadline.UpdatedWorkerStatusStopped)
		f.hosts[i].end(nil)
		f.mustLook(time.Second, len(f.hosts)+1)
	}
	f.configureVolumes(true)
	replace(0)
	replace(1)
	first, second := f.hosts[2], f.hosts[3]
	f.mustLook(time.Second, 4)
	want := map[string]string{first.volume: "IN_USE " + first.workerID, second.volume: "IN_USE " + second.workerID}
	if got := f.volumes(); len(want) != 2 || !maps.Equal(got, want) {
		t.Fatalf("the volumes are %v, want %v", got, want)
	}
	replace(2)
	if got := f.hosts[4].volume; got != first.volume {
		t.Errorf("the next host has %s, want %s that is free", got, first.volume)
	}
	// A provisioner that begins anew leaves alone what workers of the one before it have, and may be about to have.
	pending := map[string]string{first.volume: "PENDING_ATTACHMENT", second.volume: "IN_USE " + second.workerID}
	used := map[string]string{first.volume: "IN_USE " + f.hosts[4].workerID, second.volume: "IN_USE " + second.workerID}
	before := f.provisioner
	for _, step := range []struct {
		provisioner *Provisioner
		want        map[string]string
	}{{New(before.Options), pending}, {before, used}, {New(before.Options), used}} {
		f.provisioner = step.provisioner
		f.mustLook(time.Second, 5)
		if got := f.volumes(); !maps.Equal(got, step.want) {
			t.Fatalf("the volumes are %v, want %v", got, step.want)
		}
	}
	want = used
	// Without the configuration they go when their workers do.
	f.configureVolumes(false)
	second.say(deadline.UpdatedWorkerStatusStopped)
	f.mustLook(time.Second, 6)
	f.mustLook(time.Second, 6)
	delete(want, second.volume)
	if got := f.volumes(); !maps.Equal(got, want) || f.hosts[5].volume != "" {
		t.Errorf("the volumes are %v, want %v; the next host has %q", got, want, f.hosts[5].volume)
	}
	if len(f.kept) != 1 || !f.kept[VolumeID{f.fleetID, first.volume}] {
		t.Errorf("%v are kept", f.kept)
	}
}

// TestVolumesOfHostsThatFail: a host that does not start leaves its volume to the next.
func TestVolumesOfHostsThatFail(t *testing.T) {
	t.Parallel()
	f := open(t, 1, 9, 100)
	f.provisioner.PutVolume = f.putVolume
	f.configureVolumes(true)
	f.broken = errors.New("no machine")
	if err := f.look(0); !errors.Is(err, f.broken) {
		t.Errorf("error %v", err)
	}
	f.broken = nil
	f.mustLook(time.Minute, 1)
	if got := f.volumes(); len(got) != 1 || got[f.hosts[0].volume] != "PENDING_ATTACHMENT" {
		t.Errorf("the volumes are %v, the host has %s", got, f.hosts[0].volume)
	}
	// While its worker registers it is about to have the volume.
	worker := f.hosts[0].workerID
	f.hosts[0].workerID = ""
	f.mustLook(time.Hour, 1)
	if got := f.volumes(); got[f.hosts[0].volume] != "PENDING_ATTACHMENT" {
		t.Errorf("the volumes are %v", got)
	}
	f.hosts[0].workerID = worker
	f.mustLook(time.Second, 1)
	if got := f.volumes(); got[f.hosts[0].volume] != "IN_USE "+worker {
		t.Errorf("the volumes are %v", got)
	}
}

// TestVolumesExpire: a volume without a worker is kept for as long as its fleet says, one that somebody deleted no longer.
func TestVolumesExpire(t *testing.T) {
	t.Parallel()
	f := open(t, 2, 9, 100)
	f.provisioner.PutVolume = f.putVolume
	f.configureVolumes(true)
	f.mustLook(0, 2)
	f.mustLook(time.Second, 2)
	if _, err := f.UpdateFleet(t.Context(), &deadline.UpdateFleetInput{FarmId: f.farmID, FleetId: f.fleetID, MinWorkerCount: new(int32(0))}); err != nil {
		t.Fatal(err)
	}
	for _, h := range f.hosts {
		h.say(deadline.UpdatedWorkerStatusStopped)
		h.end(nil)
	}
	f.mustLook(time.Second, 2)
	if got := f.volumes(); got[f.hosts[0].volume] != "AVAILABLE" || got[f.hosts[1].volume] != "AVAILABLE" {
		t.Fatalf("the volumes are %v", got)
	}
	if _, err := f.DeleteVolume(t.Context(), &deadline.DeleteVolumeInput{FarmId: f.farmID, FleetId: f.fleetID, VolumeId: f.hosts[0].volume}); err != nil {
		t.Fatal(err)
	}
	f.mustLook(50*time.Minute, 2)
	if len(f.kept) != 1 || !f.kept[VolumeID{f.fleetID, f.hosts[1].volume}] {
		t.Errorf("%v are kept, want what was not deleted", f.kept)
	}
	f.mustLook(11*time.Minute, 2)
	if got := f.volumes(); len(got) != 0 || len(f.kept) != 0 {
		t.Errorf("after an hour the volumes are %v, %v are kept", got, f.kept)
	}
}
