package provisioner

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
)

// VolumeKeeper is a [Provider] that keeps persistent volumes: it makes the volume that a launched host is to have, unless it is there.
type VolumeKeeper interface {
	Provider
	// Volumes are the volumes that it keeps, whatever the service knows of.
	Volumes() ([]VolumeID, error)
	// RemoveVolume removes a volume that no host has, with what is in it.
	RemoveVolume(VolumeID) error
}

// VolumeID names a volume of a fleet.
type VolumeID struct{ FleetID, VolumeID string }

// Volume is what became of a volume.
type Volume struct {
	FarmID, FleetID, VolumeID string
	State                     deadline.VolumeState
	WorkerID                  string // that has it, while it is IN_USE
}

func newVolumeID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return "volume-" + hex.EncodeToString(id[:])
}

// keeper is the provider as one that keeps volumes; nil when there are none.
func (p *Provisioner) keeper() VolumeKeeper {
	k, ok := p.Provider.(VolumeKeeper)
	if !ok || p.PutVolume == nil {
		return nil
	}
	return k
}

// holder is the host of ours that has a volume, nil when none has.
func (f *managed) holder(volumeID string) *hosted {
	for _, h := range f.hosts {
		if h.volume == volumeID {
			return h
		}
	}
	return nil
}

// followVolumes tells the service which workers have which volumes, deletes those that expired, and gives those that a new host can have,
// by age. others are the workers of hosts that are not ours.
func (p *Provisioner) followVolumes(ctx context.Context, f *managed, fleet *deadline.FleetSummary, others map[string]bool) (free []string, err error) {
	if p.keeper() == nil {
		return nil, nil
	}
	pages := client.NewListVolumesPaginator(p.Client, &deadline.ListVolumesInput{FarmId: fleet.FarmId, FleetId: fleet.FleetId})
	f.volumes = map[string]bool{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list volumes: %w", err)
		}
		for i := range page.Volumes {
			v := &page.Volumes[i]
			kept, err := p.followVolume(ctx, f, v, others)
			if err != nil {
				return nil, fmt.Errorf("volume %s: %w", v.VolumeId, err)
			}
			f.volumes[v.VolumeId] = kept
			if kept && v.State == deadline.VolumeStateAvailable {
				free = append(free, v.VolumeId)
			}
		}
	}
	return free, nil
}

// followVolume says whether a volume stays, and brings its state up to date, here too.
func (p *Provisioner) followVolume(ctx context.Context, f *managed, v *deadline.VolumeSummary, others map[string]bool) (stays bool, err error) {
	now := Volume{FarmID: v.FarmId, FleetID: v.FleetId, VolumeID: v.VolumeId, State: deadline.VolumeStateAvailable}
	attached := ""
	if v.AttachedWorkerId != nil {
		attached = *v.AttachedWorkerId
	}
	switch h := f.holder(v.VolumeId); {
	case h != nil && h.WorkerID() == "": // it starts
		return true, nil
	case h != nil:
		now.State, now.WorkerID = deadline.VolumeStateInUse, h.WorkerID()
	case others[attached]:
		return true, nil
	}
	if now.State == deadline.VolumeStateInUse && v.State == now.State && attached == now.WorkerID {
		return true, nil
	}
	found, err := p.Client.GetVolume(ctx, &deadline.GetVolumeInput{FarmId: v.FarmId, FleetId: v.FleetId, VolumeId: v.VolumeId})
	if err != nil {
		return false, fmt.Errorf("look how long it is free: %w", err)
	}
	switch {
	case now.State == deadline.VolumeStateAvailable && found.State == deadline.VolumeStatePendingAttachment &&
		found.LastAssignedAt != nil && p.Now().Sub(*found.LastAssignedAt) < registering: // of a host that an earlier program started
		return true, nil
	case found.State != now.State || attached != now.WorkerID:
		v.State = now.State
		return true, p.PutVolume(ctx, now)
	case found.ExpiresAt == nil || p.Now().Before(*found.ExpiresAt):
		return true, nil
	}
	_, err = p.Client.DeleteVolume(ctx, &deadline.DeleteVolumeInput{FarmId: v.FarmId, FleetId: v.FleetId, VolumeId: v.VolumeId})
	return false, err
}

// volumeFor makes sure that the service knows of the volume that a new host of a fleet gets; "" when it gets none.
func (p *Provisioner) volumeFor(ctx context.Context, f *managed, fleet *deadline.FleetSummary, free *[]string) (string, error) {
	if p.keeper() == nil || fleet.Configuration.ServiceManagedEc2.PersistentVolumeConfiguration == nil {
		return "", nil
	}
	id := newVolumeID()
	if len(*free) > 0 {
		id, *free = (*free)[0], (*free)[1:]
	}
	v := Volume{FarmID: fleet.FarmId, FleetID: fleet.FleetId, VolumeID: id, State: deadline.VolumeStatePendingAttachment}
	if err := p.PutVolume(ctx, v); err != nil {
		return "", fmt.Errorf("prepare volume %s: %w", id, err)
	}
	f.volumes[id] = true
	return id, nil
}

// releaseVolume takes a volume back from a host that did not start.
func (p *Provisioner) releaseVolume(ctx context.Context, fleet *deadline.FleetSummary, id string) error {
	if id == "" {
		return nil
	}
	return p.PutVolume(ctx, Volume{FarmID: fleet.FarmId, FleetID: fleet.FleetId, VolumeID: id, State: deadline.VolumeStateAvailable})
}

// removeVolumes removes what is kept of volumes that the service does not know any more. All fleets must have been looked at.
func (p *Provisioner) removeVolumes() error {
	k := p.keeper()
	if k == nil {
		return nil
	}
	kept, err := k.Volumes()
	if err != nil {
		return err
	}
	var failed error
	for _, v := range kept {
		f := p.fleets[v.FleetID]
		if f != nil && (f.volumes[v.VolumeID] || f.holder(v.VolumeID) != nil) {
			continue
		}
		failed = errors.Join(failed, k.RemoveVolume(v))
	}
	return failed
}
