package farm

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// volumeDocument is what the store keeps of a persistent volume of a service-managed fleet. Volumes are made by what provides the fleet's
// workers, which says so by PutVolume, never by AWS's API. Times are microseconds since 1970 UTC, 0 when absent.
type volumeDocument struct {
	State              deadline.VolumeState `json:"state"`
	SizeGiB            int32                `json:"sizeGiB"`
	AvailabilityZoneID string               `json:"availabilityZoneId"`
	AttachedWorkerID   string               `json:"attachedWorkerId,omitempty"`
	IOPS               *int32               `json:"iops,omitempty"`
	ThroughputMiB      *int32               `json:"throughputMiB,omitempty"`
	LastAssignedAt     int64                `json:"lastAssignedAt,omitempty"`
	LastReleasedAt     int64                `json:"lastReleasedAt,omitempty"`
	ExpiresAt          int64                `json:"expiresAt,omitempty"`
}

// volume reads a volume of a fleet; ResourceNotFoundException when the farm has no such fleet or the fleet no such volume.
func (s *Service) volume(ctx context.Context, farmID, fleetID, id string) (*resource[volumeDocument], error) {
	if _, err := s.fleet(ctx, farmID, fleetID); err != nil {
		return nil, err
	}
	return load[volumeDocument](ctx, s, row.KindVolume, typeVolume, fleetID, id)
}

// GetVolume describes a volume.
func (s *Service) GetVolume(ctx context.Context, in *deadline.GetVolumeInput) (*deadline.GetVolumeOutput, error) {
	r, err := s.volume(ctx, in.FarmId, in.FleetId, in.VolumeId)
	if err != nil {
		return nil, err
	}
	d := &r.Doc
	return &deadline.GetVolumeOutput{
		VolumeId: r.ID, FarmId: r.FarmID, FleetId: r.ParentID, State: d.State, SizeGiB: d.SizeGiB,
		AvailabilityZoneId: d.AvailabilityZoneID, AttachedWorkerId: text(d.AttachedWorkerID),
		VolumeType: deadline.EbsVolumeTypeGp3, Iops: d.IOPS, ThroughputMiB: d.ThroughputMiB, CreatedAt: at(r.CreatedAt),
		LastAssignedAt: when(d.LastAssignedAt), LastReleasedAt: when(d.LastReleasedAt), ExpiresAt: when(d.ExpiresAt),
	}, nil
}

// ListVolumes lists the volumes of a fleet by age.
func (s *Service) ListVolumes(ctx context.Context, in *deadline.ListVolumesInput) (*deadline.ListVolumesOutput, error) {
	if _, err := s.fleet(ctx, in.FarmId, in.FleetId); err != nil {
		return nil, err
	}
	rows, next, err := list(ctx, s, listing[store.ResourceCursor, resource[volumeDocument]]{
		operation: "ListVolumes", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
		read: readDocuments[volumeDocument](s, row.KindVolume, in.FleetId), cursor: documentCursor[volumeDocument],
	})
	if err != nil {
		return nil, err
	}
	volumes := make([]deadline.VolumeSummary, len(rows))
	for i := range rows {
		r := &rows[i]
		volumes[i] = deadline.VolumeSummary{
			VolumeId: r.ID, FarmId: r.FarmID, FleetId: r.ParentID, State: r.Doc.State, SizeGiB: r.Doc.SizeGiB,
			AvailabilityZoneId: r.Doc.AvailabilityZoneID, AttachedWorkerId: text(r.Doc.AttachedWorkerID),
		}
	}
	return &deadline.ListVolumesOutput{Volumes: volumes, NextToken: next}, nil
}

// DeleteVolume deletes a volume that no worker has; one that a worker has, or is about to have, is a ConflictException.
func (s *Service) DeleteVolume(ctx context.Context, in *deadline.DeleteVolumeInput) (*deadline.DeleteVolumeOutput, error) {
	w := write{operation: "DeleteVolume", farmID: in.FarmId, input: in}
	return configure(ctx, s, in.FarmId, w, func(time.Time) (*deadline.DeleteVolumeOutput, scheduler.Command, error) {
		r, err := s.volume(ctx, in.FarmId, in.FleetId, in.VolumeId)
		if err != nil {
			return nil, nil, err
		}
		if err := volumeFree(r); err != nil {
			return nil, nil, err
		}
		return &deadline.DeleteVolumeOutput{}, scheduler.DeleteResource{FarmID: in.FarmId, Kind: row.KindVolume, ID: r.ID}, nil
	})
}

// VolumeInput says what became of a volume; an operation of our own (docs/own-api.md).
type VolumeInput struct {
	FarmID   string               `json:"-"`
	FleetID  string               `json:"-"`
	VolumeID string               `json:"-"`
	State    deadline.VolumeState `json:"state"`              // PENDING_ATTACHMENT, IN_USE or AVAILABLE
	WorkerID string               `json:"workerId,omitempty"` // that has it; for IN_USE only
}

// localZone is the availability zone of volumes: an installation has one.
const localZone = "local"

var volumeIDs = regexp.MustCompile(`^volume-[0-9a-f]{32}$`)

// PutVolume makes a volume of a fleet or changes its state. A new one, and one that a worker gets, is as the fleet's configuration says, but
// never smaller than it was; one that is AVAILABLE expires after lastUsedTtlHours. Who may delete volumes may do it. Errors:
// AccessDeniedException, ThrottlingException, ResourceNotFoundException (farm, fleet, worker), ValidationException.
func (s *Service) PutVolume(ctx context.Context, in VolumeInput) error {
	remove := &deadline.DeleteVolumeInput{FarmId: in.FarmID, FleetId: in.FleetID, VolumeId: in.VolumeID}
	if err := s.Authorize(ctx, operation("DeleteVolume"), remove); err != nil {
		return err
	}
	if !volumeIDs.MatchString(in.VolumeID) {
		return invalid("volumeId", "must match "+volumeIDs.String())
	}
	if err := s.checkHolder(ctx, &in); err != nil {
		return err
	}
	w := write{operation: "PutVolume", farmID: in.FarmID, input: &in}
	_, err := configure(ctx, s, in.FarmID, w, func(now time.Time) (*struct{}, scheduler.Command, error) {
		fleet, err := s.fleet(ctx, in.FarmID, in.FleetID)
		if err != nil {
			return nil, nil, err
		}
		r, err := s.volumeOrNew(ctx, &in, now)
		if err != nil {
			return nil, nil, err
		}
		if err := r.Doc.become(&in, &fleet.Doc, now); err != nil {
			return nil, nil, err
		}
		command, err := r.put()
		return &struct{}{}, command, err
	})
	return err
}

// volumeOrNew reads a volume of a fleet, or begins one where nobody has the id.
func (s *Service) volumeOrNew(ctx context.Context, in *VolumeInput, now time.Time) (*resource[volumeDocument], error) {
	old, err := s.store.Resource(ctx, row.KindVolume, in.VolumeID)
	if errors.Is(err, store.ErrNotFound) {
		return &resource[volumeDocument]{
			Resource: row.Resource{Kind: row.KindVolume, ID: in.VolumeID, FarmID: in.FarmID, ParentID: in.FleetID, Stamp: created(ctx, now)},
			Doc:      volumeDocument{AvailabilityZoneID: localZone},
		}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read volume %s: %w", in.VolumeID, err)
	}
	if old.ParentID != in.FleetID {
		return nil, notFound(typeVolume, in.VolumeID)
	}
	touch(ctx, now, &old.Stamp)
	return decodeResource[volumeDocument](old)
}

// checkHolder refuses a state without its worker, and the other way round.
func (s *Service) checkHolder(ctx context.Context, in *VolumeInput) error {
	switch in.State {
	case deadline.VolumeStateInUse:
		_, err := s.worker(ctx, in.FarmID, in.FleetID, in.WorkerID)
		return err
	case deadline.VolumeStatePendingAttachment, deadline.VolumeStateAvailable:
		if in.WorkerID != "" {
			return invalid("workerId", "is for IN_USE only")
		}
		return nil
	default:
		return invalid("state", "must be PENDING_ATTACHMENT, IN_USE or AVAILABLE")
	}
}

// become changes a volume as its fleet's configuration says. Without one there are no new volumes, and the old ones expire at once.
func (d *volumeDocument) become(in *VolumeInput, fleet *fleetDocument, now time.Time) error {
	var c *deadline.PersistentVolumeConfiguration
	if fleet.ServiceManaged != nil {
		c = fleet.ServiceManaged.PersistentVolumeConfiguration
	}
	released := d.State == deadline.VolumeStateInUse || d.State == deadline.VolumeStatePendingAttachment
	if in.State != deadline.VolumeStateAvailable || d.State == "" {
		if c == nil {
			return invalid("fleetId", "has no persistentVolumeConfiguration")
		}
		d.SizeGiB, d.IOPS, d.ThroughputMiB = max(d.SizeGiB, value(c.SizeGiB)), c.Iops, c.ThroughputMiB
	}
	d.State, d.AttachedWorkerID = in.State, in.WorkerID
	if in.State != deadline.VolumeStateAvailable {
		if !released {
			d.LastAssignedAt = now.UnixMicro()
		}
		d.ExpiresAt = 0
		return nil
	}
	if released {
		d.LastReleasedAt = now.UnixMicro()
	}
	d.ExpiresAt = now.UnixMicro()
	if c != nil {
		d.ExpiresAt = now.Add(time.Duration(value(c.LastUsedTtlHours)) * time.Hour).UnixMicro()
	}
	return nil
}

// volumeFree refuses a volume that a worker has, or is about to have.
func volumeFree(r *resource[volumeDocument]) error {
	switch {
	case r.Doc.AttachedWorkerID != "", r.Doc.State == deadline.VolumeStateInUse, r.Doc.State == deadline.VolumeStatePendingAttachment:
		return conflictOf(&scheduler.ConflictError{
			Reason: scheduler.ReasonResourceInUse, ResourceType: typeVolume, ResourceID: r.ID, Status: string(r.Doc.State),
			UserType: typeWorker, UserID: r.Doc.AttachedWorkerID,
			Message: "the volume is attached to a worker: wait until the worker has stopped",
		})
	}
	return nil
}

// volumesFree is volumeFree for all volumes of a fleet.
func (s *Service) volumesFree(ctx context.Context, fleetID string) error {
	return eachDocument(ctx, s, row.KindVolume, fleetID, volumeFree)
}
