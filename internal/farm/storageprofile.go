package farm

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// storageProfileDocument is what the store keeps of a storage profile: where the places that have a name are on machines of one kind.
type storageProfileDocument struct {
	DisplayName string                                       `json:"displayName"`
	OSFamily    deadline.StorageProfileOperatingSystemFamily `json:"osFamily"`
	Locations   []deadline.FileSystemLocation                `json:"fileSystemLocations,omitempty"`
}

// maxLocations bounds the file system locations of a storage profile.
const maxLocations = 20

// storageProfile reads a storage profile of a farm; ResourceNotFoundException when it does not exist there.
func (s *Service) storageProfile(ctx context.Context, farmID, id string) (*resource[storageProfileDocument], error) {
	return load[storageProfileDocument](ctx, s, row.KindStorageProfile, typeStorageProfile, farmID, id)
}

// check refuses two locations of one name or one path: a name is one place, and a path cannot stand for two.
func (d *storageProfileDocument) check(field string) error {
	if len(d.Locations) > maxLocations {
		return invalid(field, fmt.Sprintf("would give the profile %d locations; it can have %d", len(d.Locations), maxLocations))
	}
	names, paths := map[string]bool{}, map[string]string{}
	for _, location := range d.Locations {
		if names[location.Name] {
			return invalid(field, fmt.Sprintf("has the name %q twice", location.Name))
		}
		if other, twice := paths[location.Path]; twice {
			return invalid(field, fmt.Sprintf("has the same path for %q and %q", other, location.Name))
		}
		names[location.Name], paths[location.Path] = true, location.Name
	}
	return nil
}

func (d *storageProfileDocument) has(location string) bool {
	return slices.ContainsFunc(d.Locations, func(l deadline.FileSystemLocation) bool { return l.Name == location })
}

// edit removes locations by name, then adds others: a location moves by being in both lists. Adding what is there already as it is,
// and removing what is not there, changes nothing.
func (d *storageProfileDocument) edit(add, remove []deadline.FileSystemLocation) error {
	kept := slices.DeleteFunc(slices.Clone(d.Locations), func(l deadline.FileSystemLocation) bool {
		return slices.ContainsFunc(remove, func(r deadline.FileSystemLocation) bool { return r.Name == l.Name })
	})
	for _, location := range add {
		if !slices.Contains(kept, location) {
			kept = append(kept, location)
		}
	}
	d.Locations = kept
	return d.check("fileSystemLocationsToAdd")
}

// CreateStorageProfile makes a storage profile of a farm. Errors: ResourceNotFoundException (farm), ServiceQuotaExceededException,
// ValidationException (locations), ConflictException (client token).
func (s *Service) CreateStorageProfile(
	ctx context.Context, in *deadline.CreateStorageProfileInput,
) (*deadline.CreateStorageProfileOutput, error) {
	w := write{operation: "CreateStorageProfile", farmID: in.FarmId, clientToken: in.ClientToken, input: in}
	return configure(ctx, s, in.FarmId, w, func(now time.Time) (*deadline.CreateStorageProfileOutput, scheduler.Command, error) {
		if err := s.admit(ctx, in.FarmId, row.KindStorageProfile, s.quotas.storageProfiles()); err != nil {
			return nil, nil, err
		}
		r := resource[storageProfileDocument]{
			Resource: row.Resource{
				Kind: row.KindStorageProfile, ID: newID(prefixStorageProfile), FarmID: in.FarmId, ParentID: in.FarmId,
				Stamp: created(ctx, now),
			},
			Doc: storageProfileDocument{DisplayName: in.DisplayName, OSFamily: in.OsFamily, Locations: in.FileSystemLocations},
		}
		if err := r.Doc.check("fileSystemLocations"); err != nil {
			return nil, nil, err
		}
		command, err := r.put()
		return &deadline.CreateStorageProfileOutput{StorageProfileId: r.ID}, command, err
	})
}

// GetStorageProfile describes a storage profile.
func (s *Service) GetStorageProfile(
	ctx context.Context, in *deadline.GetStorageProfileInput,
) (*deadline.GetStorageProfileOutput, error) {
	r, err := s.storageProfile(ctx, in.FarmId, in.StorageProfileId)
	if err != nil {
		return nil, err
	}
	return &deadline.GetStorageProfileOutput{
		StorageProfileId: r.ID, DisplayName: r.Doc.DisplayName, OsFamily: r.Doc.OSFamily, FileSystemLocations: r.Doc.Locations,
		CreatedAt: at(r.CreatedAt), CreatedBy: r.CreatedBy, UpdatedAt: when(r.UpdatedAt), UpdatedBy: text(r.UpdatedBy),
	}, nil
}

// ListStorageProfiles lists the storage profiles of a farm by age.
func (s *Service) ListStorageProfiles(
	ctx context.Context, in *deadline.ListStorageProfilesInput,
) (*deadline.ListStorageProfilesOutput, error) {
	if _, err := s.farm(ctx, in.FarmId); err != nil {
		return nil, err
	}
	rows, next, err := list(ctx, s, listing[store.ResourceCursor, resource[storageProfileDocument]]{
		operation: "ListStorageProfiles", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
		read:   readDocuments[storageProfileDocument](s, row.KindStorageProfile, in.FarmId),
		cursor: documentCursor[storageProfileDocument],
	})
	if err != nil {
		return nil, err
	}
	return &deadline.ListStorageProfilesOutput{StorageProfiles: storageProfileSummaries(rows), NextToken: next}, nil
}

func storageProfileSummaries(rows []resource[storageProfileDocument]) []deadline.StorageProfileSummary {
	summaries := make([]deadline.StorageProfileSummary, 0, len(rows))
	for i := range rows {
		r := &rows[i]
		summaries = append(summaries, deadline.StorageProfileSummary{
			StorageProfileId: r.ID, DisplayName: r.Doc.DisplayName, OsFamily: r.Doc.OSFamily,
		})
	}
	return summaries
}

// UpdateStorageProfile changes the members that are given. A profile keeps the locations that a queue which allows it requires; losing
// one is a ValidationException.
func (s *Service) UpdateStorageProfile(
	ctx context.Context, in *deadline.UpdateStorageProfileInput,
) (*deadline.UpdateStorageProfileOutput, error) {
	w := write{operation: "UpdateStorageProfile", farmID: in.FarmId, clientToken: in.ClientToken, input: in}
	return configure(ctx, s, in.FarmId, w, func(now time.Time) (*deadline.UpdateStorageProfileOutput, scheduler.Command, error) {
		r, err := s.storageProfile(ctx, in.FarmId, in.StorageProfileId)
		if err != nil {
			return nil, nil, err
		}
		set(&r.Doc.DisplayName, in.DisplayName)
		if in.OsFamily != "" {
			r.Doc.OSFamily = in.OsFamily
		}
		if err := r.Doc.edit(in.FileSystemLocationsToAdd, in.FileSystemLocationsToRemove); err != nil {
			return nil, nil, err
		}
		err = eachDocument(ctx, s, row.KindQueue, in.FarmId, func(queue *resource[queueDocument]) error {
			if !slices.Contains(queue.Doc.AllowedStorageProfileIDs, r.ID) {
				return nil
			}
			return requireLocations(queue.Doc.RequiredFileSystemLocationNames, r)
		})
		if err != nil {
			return nil, nil, err
		}
		touch(ctx, now, &r.Stamp)
		command, err := r.put()
		return &deadline.UpdateStorageProfileOutput{}, command, err
	})
}

// requireLocations refuses a profile without one of the locations that a queue requires. Clients know the text.
func requireLocations(required []string, profile *resource[storageProfileDocument]) error {
	for _, name := range required {
		if !profile.Doc.has(name) {
			return &deadline.ValidationException{
				Message: fmt.Sprintf("Storage profile id: %s does not have required file system location: %s", profile.ID, name),
				Reason:  deadline.ValidationExceptionReasonFieldValidationFailed,
				FieldList: []deadline.ValidationExceptionField{{
					Name: "requiredFileSystemLocationNames", Message: fmt.Sprintf("%s has no location %q", profile.ID, name),
				}},
			}
		}
	}
	return nil
}

// checkQueueProfiles refuses a queue whose allowed profiles do not exist, or lack a location that the queue requires.
func (s *Service) checkQueueProfiles(ctx context.Context, farmID string, queue *queueDocument) error {
	for _, id := range queue.AllowedStorageProfileIDs {
		profile, err := s.storageProfile(ctx, farmID, id)
		if err != nil {
			return err
		}
		if err := requireLocations(queue.RequiredFileSystemLocationNames, profile); err != nil {
			return err
		}
	}
	return nil
}

// DeleteStorageProfile deletes a storage profile that no queue allows and no fleet has; one that is used is a ValidationException: the
// model has no conflict here. Deleting one that does not exist succeeds.
func (s *Service) DeleteStorageProfile(
	ctx context.Context, in *deadline.DeleteStorageProfileInput,
) (*deadline.DeleteStorageProfileOutput, error) {
	w := write{operation: "DeleteStorageProfile", farmID: in.FarmId, input: in}
	return configure(ctx, s, in.FarmId, w, func(time.Time) (*deadline.DeleteStorageProfileOutput, scheduler.Command, error) {
		out := &deadline.DeleteStorageProfileOutput{}
		if _, err := s.storageProfile(ctx, in.FarmId, in.StorageProfileId); err != nil {
			return out, nil, unlessMissing(err)
		}
		err := s.profileUnused(ctx, in.FarmId, in.StorageProfileId)
		return out, scheduler.DeleteResource{FarmID: in.FarmId, Kind: row.KindStorageProfile, ID: in.StorageProfileId}, err
	})
}

func (s *Service) profileUnused(ctx context.Context, farmID, id string) error {
	err := eachDocument(ctx, s, row.KindQueue, farmID, func(queue *resource[queueDocument]) error {
		if !slices.Contains(queue.Doc.AllowedStorageProfileIDs, id) {
			return nil
		}
		return stillUsed(typeStorageProfile, id, typeQueue, queue.ID)
	})
	if err != nil {
		return err
	}
	return eachDocument(ctx, s, row.KindFleet, farmID, func(fleet *resource[fleetDocument]) error {
		if value(fleet.Doc.storageProfileID()) != id {
			return nil
		}
		return stillUsed(typeStorageProfile, id, typeFleet, fleet.ID)
	})
}

// stillUsed refuses to delete a resource that another one needs, where the model has no conflict.
func stillUsed(resourceType, id, userType, userID string) error {
	return &deadline.ValidationException{
		Message: fmt.Sprintf("%s %s is used by %s %s: change that first", resourceType, id, userType, userID),
		Reason:  deadline.ValidationExceptionReasonOther,
		Context: map[string]string{"resourceId": userID, "resourceType": userType},
	}
}

// GetStorageProfileForQueue describes a storage profile that the queue allows; any other does not exist for the queue.
func (s *Service) GetStorageProfileForQueue(
	ctx context.Context, in *deadline.GetStorageProfileForQueueInput,
) (*deadline.GetStorageProfileForQueueOutput, error) {
	queue, err := s.queueOf(ctx, in.FarmId, in.QueueId)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(queue.Doc.AllowedStorageProfileIDs, in.StorageProfileId) {
		return nil, notFound(typeStorageProfile, in.StorageProfileId)
	}
	r, err := s.storageProfile(ctx, in.FarmId, in.StorageProfileId)
	if err != nil {
		return nil, err
	}
	return &deadline.GetStorageProfileForQueueOutput{
		StorageProfileId: r.ID, DisplayName: r.Doc.DisplayName, OsFamily: r.Doc.OSFamily, FileSystemLocations: r.Doc.Locations,
	}, nil
}

// ListStorageProfilesForQueue lists the storage profiles that a queue allows, by age.
func (s *Service) ListStorageProfilesForQueue(
	ctx context.Context, in *deadline.ListStorageProfilesForQueueInput,
) (*deadline.ListStorageProfilesForQueueOutput, error) {
	queue, err := s.queueOf(ctx, in.FarmId, in.QueueId)
	if err != nil {
		return nil, err
	}
	rows, next, err := list(ctx, s, listing[store.ResourceCursor, resource[storageProfileDocument]]{
		operation: "ListStorageProfilesForQueue", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
		read:   readDocuments[storageProfileDocument](s, row.KindStorageProfile, in.FarmId),
		cursor: documentCursor[storageProfileDocument],
		keep: func(r *resource[storageProfileDocument]) bool {
			return slices.Contains(queue.Doc.AllowedStorageProfileIDs, r.ID)
		},
	})
	if err != nil {
		return nil, err
	}
	return &deadline.ListStorageProfilesForQueueOutput{StorageProfiles: storageProfileSummaries(rows), NextToken: next}, nil
}
