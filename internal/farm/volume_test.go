package farm

import (
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// TestPutVolume follows a volume from its first worker until it expires.
func TestPutVolume(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), auth.WithPrincipal(t.Context(), admin())
	farm := f.newFarm()
	with := func(volumes *deadline.PersistentVolumeConfiguration) deadline.FleetConfiguration {
		return managed(func(c *deadline.ServiceManagedEc2FleetConfiguration) { c.PersistentVolumeConfiguration = volumes })
	}
	fleet := f.newFleet(farm, func(in *deadline.CreateFleetInput) {
		in.Configuration = with(&deadline.PersistentVolumeConfiguration{
			MountPath: "/mnt/volume", SizeGiB: new(int32(20)), LastUsedTtlHours: new(int32(2)),
		})
	})
	worker := must(f.CreateWorker(ctx, &deadline.CreateWorkerInput{FarmId: farm, FleetId: fleet}))(t).WorkerId
	id := "volume-" + noID
	put := func(state deadline.VolumeState, worker string) error {
		return f.service.PutVolume(ctx, VolumeInput{FarmID: farm, FleetID: fleet, VolumeID: id, State: state, WorkerID: worker})
	}
	get := func() *deadline.GetVolumeOutput {
		t.Helper()
		return must(f.GetVolume(ctx, &deadline.GetVolumeInput{FarmId: farm, FleetId: fleet, VolumeId: id}))(t)
	}
	step := func(state deadline.VolumeState, worker string) *deadline.GetVolumeOutput {
		t.Helper()
		if err := put(state, worker); err != nil {
			t.Fatal(err)
		}
		got := get()
		if got.State != state || value(got.AttachedWorkerId) != worker {
			t.Errorf("the volume is %s of %q, want %s of %q", got.State, value(got.AttachedWorkerId), state, worker)
		}
		return got
	}
	begun := f.clock()
	v := step(deadline.VolumeStatePendingAttachment, "")
	if v.SizeGiB != 20 || value(v.Iops) != defaultVolumeIOPS || value(v.ThroughputMiB) != defaultVolumeThroughput || v.AvailabilityZoneId != localZone {
		t.Errorf("a new volume is %+v", v)
	}
	f.advance(time.Minute)
	if v = step(deadline.VolumeStateInUse, worker); v.LastAssignedAt.UnixMilli() != begun.UnixMilli() || v.LastReleasedAt != nil || v.ExpiresAt != nil {
		t.Errorf("a volume in use is %+v", v)
	}
	f.advance(time.Minute)
	v = step(deadline.VolumeStateAvailable, "")
	if released := f.clock(); v.LastReleasedAt.UnixMilli() != released.UnixMilli() || v.ExpiresAt.UnixMilli() != released.Add(2*time.Hour).UnixMilli() {
		t.Errorf("a volume without a worker is %+v", v)
	}
	// It grows with the next worker, and never becomes smaller.
	config := func(c *deadline.PersistentVolumeConfiguration) {
		t.Helper()
		to := with(c)
		must(f.UpdateFleet(ctx, &deadline.UpdateFleetInput{FarmId: farm, FleetId: fleet, Configuration: &to}))(t)
	}
	for _, size := range []int32{10, 30} {
		config(nil) // or a smaller size is refused
		config(&deadline.PersistentVolumeConfiguration{MountPath: "/mnt/volume", SizeGiB: &size})
		if v = step(deadline.VolumeStateInUse, worker); v.SizeGiB != max(size, 20) || v.ExpiresAt != nil {
			t.Errorf("with %d GiB wanted the volume is %+v", size, v)
		}
	}
	// Without a configuration it expires at once, and there are no new ones.
	config(nil)
	if v = step(deadline.VolumeStateAvailable, ""); v.ExpiresAt.UnixMilli() != f.clock().UnixMilli() {
		t.Errorf("the volume expires at %s", v.ExpiresAt)
	}
	failsOn(t, put(deadline.VolumeStatePendingAttachment, ""), "fleetId")
}

// TestPutVolumeRefusals: what cannot be, and what is another fleet's.
func TestPutVolumeRefusals(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), auth.WithPrincipal(t.Context(), admin())
	farm := f.newFarm()
	newFleet := func() string {
		t.Helper()
		return f.newFleet(farm, func(in *deadline.CreateFleetInput) {
			in.Configuration = managed(func(c *deadline.ServiceManagedEc2FleetConfiguration) {
				c.PersistentVolumeConfiguration = &deadline.PersistentVolumeConfiguration{MountPath: "/mnt/volume"}
			})
		})
	}
	fleet := newFleet()
	id := "volume-" + noID
	put := func(change func(*VolumeInput)) error {
		in := VolumeInput{FarmID: farm, FleetID: fleet, VolumeID: id, State: deadline.VolumeStatePendingAttachment}
		change(&in)
		return f.service.PutVolume(ctx, in)
	}
	failsOn(t, put(func(in *VolumeInput) { in.VolumeID = "volume-1" }), "volumeId")
	failsOn(t, put(func(in *VolumeInput) { in.State = deadline.VolumeStatePendingDeletion }), "state")
	failsOn(t, put(func(in *VolumeInput) { in.WorkerID = "worker-" + noID }), "workerId")
	failsOn(t, put(func(in *VolumeInput) { in.FleetID = f.newFleet(farm) }), "fleetId")
	missing := func(in *VolumeInput) { in.State, in.WorkerID = deadline.VolumeStateInUse, "worker-"+noID }
	failsMissing(t, put(missing), typeWorker, "worker-"+noID)
	failsMissing(t, put(func(in *VolumeInput) { in.FleetID = "fleet-" + noID }), typeFleet, "fleet-"+noID)
	if err := put(func(*VolumeInput) {}); err != nil {
		t.Fatal(err)
	}
	failsMissing(t, put(func(in *VolumeInput) { in.FleetID = newFleet() }), typeVolume, id)
	if n := must(f.store.CountResources(ctx, row.KindVolume, fleet))(t); n != 1 {
		t.Errorf("the fleet has %d volumes", n)
	}
}
