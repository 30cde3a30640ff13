package farm

import (
	"context"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// volumeDocument is what the store keeps of a persistent volume of a service-managed fleet. Volumes are made by what provides the fleet's
// workers, never by the API. Times are microseconds since 1970 UTC, 0 when absent.
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
