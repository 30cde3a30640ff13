package farm

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
)

// newProfile makes a storage profile with locations "name=path".
func (f *testFarm) newProfile(farmID string, locations ...string) string {
	f.t.Helper()
	return must(f.CreateStorageProfile(f.t.Context(), &deadline.CreateStorageProfileInput{
		FarmId: farmID, DisplayName: "profile", OsFamily: deadline.StorageProfileOperatingSystemFamilyLinux,
		FileSystemLocations: testLocations(locations...),
	}))(f.t).StorageProfileId
}

func testLocations(texts ...string) []deadline.FileSystemLocation {
	var all []deadline.FileSystemLocation
	for _, text := range texts {
		name, path, _ := strings.Cut(text, "=")
		all = append(all, deadline.FileSystemLocation{Name: name, Path: path, Type: deadline.FileSystemLocationTypeShared})
	}
	return all
}

func TestStorageProfileLifeCycle(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	id := f.newProfile(farm, "Shared=/mnt/shared", "Tools=/opt/tools")
	f.advance(time.Second)
	must(f.UpdateStorageProfile(ctx, &deadline.UpdateStorageProfileInput{
		FarmId: farm, StorageProfileId: id, DisplayName: new("windows"), OsFamily: deadline.StorageProfileOperatingSystemFamilyWindows,
		FileSystemLocationsToRemove: testLocations("Tools=", "Absent="),
		FileSystemLocationsToAdd:    testLocations("Tools=T:", "Shared=/mnt/shared"),
	}))(t)
	got := must(f.GetStorageProfile(ctx, &deadline.GetStorageProfileInput{FarmId: farm, StorageProfileId: id}))(t)
	if got.UpdatedAt == nil || !got.UpdatedAt.After(got.CreatedAt) {
		t.Errorf("updatedAt %v, createdAt %v", got.UpdatedAt, got.CreatedAt)
	}
	got.CreatedAt, got.UpdatedAt = time.Time{}, nil
	want := &deadline.GetStorageProfileOutput{
		StorageProfileId: id, DisplayName: "windows", OsFamily: deadline.StorageProfileOperatingSystemFamilyWindows,
		FileSystemLocations: testLocations("Shared=/mnt/shared", "Tools=T:"), CreatedBy: adminARN, UpdatedBy: new(adminARN),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("GetStorageProfile (-want +got):\n%s", diff)
	}
	other := f.newProfile(farm)
	list := must(f.ListStorageProfiles(ctx, &deadline.ListStorageProfilesInput{FarmId: farm}))(t)
	summaries := []deadline.StorageProfileSummary{
		{StorageProfileId: id, DisplayName: "windows", OsFamily: deadline.StorageProfileOperatingSystemFamilyWindows},
		{StorageProfileId: other, DisplayName: "profile", OsFamily: deadline.StorageProfileOperatingSystemFamilyLinux},
	}
	if diff := cmp.Diff(summaries, list.StorageProfiles); diff != "" {
		t.Errorf("ListStorageProfiles (-want +got):\n%s", diff)
	}
	// The second deletion finds nothing; no 404 is modelled.
	for range 2 {
		must(f.DeleteStorageProfile(ctx, &deadline.DeleteStorageProfileInput{FarmId: farm, StorageProfileId: id}))(t)
	}
	_, err := f.GetStorageProfile(ctx, &deadline.GetStorageProfileInput{FarmId: farm, StorageProfileId: id})
	failsMissing(t, err, typeStorageProfile, id)
	_, err = f.GetStorageProfile(ctx, &deadline.GetStorageProfileInput{FarmId: f.newFarm(), StorageProfileId: other})
	failsMissing(t, err, typeStorageProfile, other)
}

func TestStorageProfileRefusals(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t, func(c *Config) { c.Quotas.StorageProfilesPerFarm = 1 }), t.Context()
	farm := f.newFarm()
	create := func(locations ...string) error {
		_, err := f.CreateStorageProfile(ctx, &deadline.CreateStorageProfileInput{
			FarmId: farm, DisplayName: "p", OsFamily: deadline.StorageProfileOperatingSystemFamilyMacos,
			FileSystemLocations: testLocations(locations...),
		})
		return err
	}
	failsOn(t, create("A=/a", "A=/b"), "fileSystemLocations")
	failsOn(t, create("A=/a", "B=/a"), "fileSystemLocations")
	id := f.newProfile(farm, "A=/a")
	update := func(locations ...string) error {
		_, err := f.UpdateStorageProfile(ctx, &deadline.UpdateStorageProfileInput{
			FarmId: farm, StorageProfileId: id, FileSystemLocationsToAdd: testLocations(locations...),
		})
		return err
	}
	failsOn(t, update("A=/elsewhere"), "fileSystemLocationsToAdd")
	var many []string
	for i := range maxLocations {
		many = append(many, "L"+strings.Repeat("x", i)+"=/"+strings.Repeat("x", i))
	}
	failsOn(t, update(many...), "fileSystemLocationsToAdd")
	if e := fails[*deadline.ServiceQuotaExceededException](t, create()); e.ResourceType != typeStorageProfile || value(e.ResourceId) != farm {
		t.Errorf("got %+v", e)
	}
}

// TestStorageProfilesOfQueues: a queue's profiles have the locations that it requires, whichever of them changes; a used profile stays.
func TestStorageProfilesOfQueues(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	full, bare := f.newProfile(farm, "Shared=/s"), f.newProfile(farm)
	_, err := f.CreateQueue(ctx, &deadline.CreateQueueInput{
		FarmId: farm, DisplayName: "q", RequiredFileSystemLocationNames: []string{"Shared"}, AllowedStorageProfileIds: []string{full, bare},
	})
	failsOn(t, err, "requiredFileSystemLocationNames")
	want := "Storage profile id: " + bare + " does not have required file system location: Shared"
	if e := fails[*deadline.ValidationException](t, err); e.Message != want {
		t.Errorf("got %q, want %q", e.Message, want)
	}
	queue := f.newQueue(farm, func(in *deadline.CreateQueueInput) {
		in.RequiredFileSystemLocationNames, in.AllowedStorageProfileIds = []string{"Shared"}, []string{full}
	})
	_, err = f.UpdateQueue(ctx, &deadline.UpdateQueueInput{FarmId: farm, QueueId: queue, AllowedStorageProfileIdsToAdd: []string{bare}})
	failsOn(t, err, "requiredFileSystemLocationNames")
	_, err = f.UpdateQueue(ctx, &deadline.UpdateQueueInput{FarmId: farm, QueueId: queue, RequiredFileSystemLocationNamesToAdd: []string{"X"}})
	failsOn(t, err, "requiredFileSystemLocationNames")
	lose := &deadline.UpdateStorageProfileInput{FarmId: farm, StorageProfileId: full, FileSystemLocationsToRemove: testLocations("Shared=/s")}
	_, err = f.UpdateStorageProfile(ctx, lose)
	failsOn(t, err, "requiredFileSystemLocationNames")

	got := must(f.GetStorageProfileForQueue(ctx, &deadline.GetStorageProfileForQueueInput{FarmId: farm, QueueId: queue, StorageProfileId: full}))(t)
	if got.StorageProfileId != full || len(got.FileSystemLocations) != 1 {
		t.Errorf("got %+v", got)
	}
	_, err = f.GetStorageProfileForQueue(ctx, &deadline.GetStorageProfileForQueueInput{FarmId: farm, QueueId: queue, StorageProfileId: bare})
	failsMissing(t, err, typeStorageProfile, bare)
	list := must(f.ListStorageProfilesForQueue(ctx, &deadline.ListStorageProfilesForQueueInput{FarmId: farm, QueueId: queue}))(t)
	if len(list.StorageProfiles) != 1 || list.StorageProfiles[0].StorageProfileId != full {
		t.Errorf("got %+v", list)
	}

	fleet := f.newFleet(farm, func(in *deadline.CreateFleetInput) { in.Configuration.CustomerManaged.StorageProfileId = &bare })
	for profile, user := range map[string]string{full: queue, bare: fleet} {
		_, err := f.DeleteStorageProfile(ctx, &deadline.DeleteStorageProfileInput{FarmId: farm, StorageProfileId: profile})
		e := fails[*deadline.ValidationException](t, err)
		if e.Reason != deadline.ValidationExceptionReasonOther || e.Context["resourceId"] != user {
			t.Errorf("deleting a profile in use: %+v", e)
		}
	}
	must(f.UpdateQueue(ctx, &deadline.UpdateQueueInput{FarmId: farm, QueueId: queue, AllowedStorageProfileIdsToRemove: []string{full}}))(t)
	must(f.UpdateStorageProfile(ctx, lose))(t)
	must(f.DeleteStorageProfile(ctx, &deadline.DeleteStorageProfileInput{FarmId: farm, StorageProfileId: full}))(t)
}
