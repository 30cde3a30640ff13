package farm

import (
	"slices"
	"strings"
	"testing"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

func TestAssociationLifeCycle(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	queue, fleet := f.newQueue(farm), f.newFleet(farm)
	get := func() *deadline.GetQueueFleetAssociationOutput {
		t.Helper()
		return must(f.GetQueueFleetAssociation(ctx, &deadline.GetQueueFleetAssociationInput{FarmId: farm, QueueId: queue, FleetId: fleet}))(t)
	}
	update := func(to deadline.UpdateQueueFleetAssociationStatus) {
		t.Helper()
		must(f.UpdateQueueFleetAssociation(ctx, &deadline.UpdateQueueFleetAssociationInput{
			FarmId: farm, QueueId: queue, FleetId: fleet, Status: to,
		}))(t)
	}
	queueStatus := func() deadline.QueueStatus {
		t.Helper()
		return must(f.GetQueue(ctx, &deadline.GetQueueInput{FarmId: farm, QueueId: queue}))(t).Status
	}
	f.associate(farm, queue, fleet)
	if got := get(); got.Status != deadline.QueueFleetAssociationStatusActive || got.CreatedBy != adminARN || got.UpdatedAt != nil {
		t.Errorf("new: %+v", got)
	}
	if queueStatus() != deadline.QueueStatusScheduling {
		t.Errorf("the queue is %s", queueStatus())
	}
	_, err := f.DeleteQueueFleetAssociation(ctx, &deadline.DeleteQueueFleetAssociationInput{FarmId: farm, QueueId: queue, FleetId: fleet})
	e := fails[*deadline.ConflictException](t, err)
	if e.Reason != deadline.ConflictExceptionReasonStatusConflict || e.ResourceType != "queue-fleet-association" || e.Context["status"] != "ACTIVE" {
		t.Errorf("deleting an ACTIVE one: %+v", e)
	}
	for _, stop := range []deadline.UpdateQueueFleetAssociationStatus{
		deadline.UpdateQueueFleetAssociationStatusStopSchedulingAndCompleteTasks,
		deadline.UpdateQueueFleetAssociationStatusStopSchedulingAndCancelTasks,
	} {
		update(stop)
		// Nothing runs, so it has stopped by the time of the answer.
		if got := get(); got.Status != deadline.QueueFleetAssociationStatusStopped || got.UpdatedBy == nil {
			t.Errorf("%s: %+v", stop, got)
		}
		if queueStatus() != deadline.QueueStatusIdle {
			t.Errorf("the queue is %s", queueStatus())
		}
		f.associate(farm, queue, fleet) // leaves it as it is
		if got := get(); got.Status != deadline.QueueFleetAssociationStatusStopped {
			t.Errorf("creating it again made it %s", got.Status)
		}
		update(deadline.UpdateQueueFleetAssociationStatusActive)
		if got := get(); got.Status != deadline.QueueFleetAssociationStatusActive {
			t.Errorf("activated again: %s", got.Status)
		}
	}
	f.stopAndDelete(farm, queue, fleet)
	_, err = f.GetQueueFleetAssociation(ctx, &deadline.GetQueueFleetAssociationInput{FarmId: farm, QueueId: queue, FleetId: fleet})
	failsMissing(t, err, "queue-fleet-association", queue+"/"+fleet)
}

func TestListAssociations(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	queues := sorted(f.newQueue(farm), f.newQueue(farm), f.newQueue(farm))
	fleets := sorted(f.newFleet(farm), f.newFleet(farm))
	var all []string
	for _, q := range queues {
		for _, l := range fleets {
			f.associate(farm, q, l)
			all = append(all, q+" "+l)
		}
	}
	tests := []struct {
		name         string
		queue, fleet *string
		want         []string
	}{
		{"all", nil, nil, all},
		{"of a queue", &queues[1], nil, all[2:4]},
		{"of a fleet", nil, &fleets[1], []string{all[1], all[3], all[5]}},
		{"of both", &queues[2], &fleets[0], all[4:5]},
	}
	for _, tt := range tests {
		got := collect(t, func(size int32, token *string) ([]deadline.QueueFleetAssociationSummary, *string, error) {
			out, err := f.ListQueueFleetAssociations(ctx, &deadline.ListQueueFleetAssociationsInput{
				FarmId: farm, QueueId: tt.queue, FleetId: tt.fleet, MaxResults: &size, NextToken: token,
			})
			if err != nil {
				return nil, nil, err
			}
			return out.QueueFleetAssociations, out.NextToken, nil
		}, func(a *deadline.QueueFleetAssociationSummary) string { return a.QueueId + " " + a.FleetId })
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestAssociationNeedsUser covers who may be associated, and that a later change cannot break what is.
func TestAssociationNeedsUser(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	agent := &deadline.JobRunAsUser{RunAs: deadline.RunAsWorkerAgentUser}
	nobody := &deadline.JobRunAsUser{RunAs: deadline.RunAsQueueConfiguredUser, Posix: &deadline.PosixUser{}}
	posix := &deadline.JobRunAsUser{RunAs: deadline.RunAsQueueConfiguredUser, Posix: &deadline.PosixUser{User: "job", Group: "jobs"}}
	windows := &deadline.JobRunAsUser{
		RunAs:   deadline.RunAsQueueConfiguredUser,
		Windows: &deadline.WindowsUser{User: "job", PasswordArn: "arn:aws:secretsmanager:us-west-2:123456789012:secret:job"},
	}
	const (
		linux = deadline.CustomerManagedFleetOperatingSystemFamilyLinux
		macos = deadline.CustomerManagedFleetOperatingSystemFamilyMacos
		win   = deadline.CustomerManagedFleetOperatingSystemFamilyWindows
	)
	tests := []struct {
		name string
		user *deadline.JobRunAsUser
		os   deadline.CustomerManagedFleetOperatingSystemFamily
		ok   bool
	}{
		{"unset", nil, linux, true},
		{"agent", agent, win, true},
		{"nobody", nobody, linux, false},
		{"posix on linux", posix, linux, true},
		{"posix on macos", posix, macos, true},
		{"posix on windows", posix, win, false},
		{"windows on windows", windows, win, true},
		{"windows on linux", windows, linux, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			withOS := func(in *deadline.CreateFleetInput) {
				in.Configuration.CustomerManaged.WorkerCapabilities.OsFamily = tt.os
			}
			withUser := func(in *deadline.CreateQueueInput) { in.JobRunAsUser = tt.user }
			queue, fleet := f.newQueue(farm, withUser), f.newFleet(farm, withOS)
			_, err := f.CreateQueueFleetAssociation(ctx, &deadline.CreateQueueFleetAssociationInput{FarmId: farm, QueueId: queue, FleetId: fleet})
			if tt.ok != (err == nil) {
				t.Fatalf("got %v", err)
			}
			if !tt.ok {
				failsOn(t, err, "jobRunAsUser")
			}
			if tt.user == nil {
				return
			}
			// The same rule holds for changes of either side.
			queue = f.newQueue(farm)
			f.associate(farm, queue, fleet)
			_, err = f.UpdateQueue(ctx, &deadline.UpdateQueueInput{FarmId: farm, QueueId: queue, JobRunAsUser: tt.user})
			if tt.ok != (err == nil) {
				t.Errorf("UpdateQueue: %v", err)
			}
			other := f.newFleet(farm)
			queue = f.newQueue(farm, withUser)
			if _, err := f.CreateQueueFleetAssociation(ctx, &deadline.CreateQueueFleetAssociationInput{
				FarmId: farm, QueueId: queue, FleetId: other,
			}); err != nil {
				return
			}
			changed := fleetInput(farm)
			withOS(changed)
			_, err = f.UpdateFleet(ctx, &deadline.UpdateFleetInput{FarmId: farm, FleetId: other, Configuration: &changed.Configuration})
			if tt.ok != (err == nil) {
				t.Errorf("UpdateFleet: %v", err)
			}
		})
	}
}

func TestStorageProfilesOfAssociations(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	profile := func(digit string) string {
		id := "sp-" + strings.Repeat(digit, 32)
		f.apply(farm, scheduler.PutResource{Resource: row.Resource{
			Kind: row.KindStorageProfile, ID: id, FarmID: farm, ParentID: farm, Doc: []byte("{}"),
		}})
		return id
	}
	one, two := profile("1"), profile("2")
	with := func(id string) func(*deadline.CreateFleetInput) {
		return func(in *deadline.CreateFleetInput) { in.Configuration.CustomerManaged.StorageProfileId = &id }
	}
	mismatch := func(err error) {
		t.Helper()
		if e := fails[*deadline.ValidationException](t, err); e.Message != "Mismatch between storage profile ids." {
			t.Errorf("got %s", e.Message)
		}
	}
	queue := f.newQueue(farm, func(in *deadline.CreateQueueInput) { in.AllowedStorageProfileIds = []string{one} })
	allowed, none, other := f.newFleet(farm, with(one)), f.newFleet(farm), f.newFleet(farm, with(two))
	f.associate(farm, queue, allowed)
	f.associate(farm, queue, none)
	_, err := f.CreateQueueFleetAssociation(ctx, &deadline.CreateQueueFleetAssociationInput{FarmId: farm, QueueId: queue, FleetId: other})
	mismatch(err)
	changed := fleetInput(farm)
	with(two)(changed)
	_, err = f.UpdateFleet(ctx, &deadline.UpdateFleetInput{FarmId: farm, FleetId: allowed, Configuration: &changed.Configuration})
	mismatch(err)
	_, err = f.UpdateQueue(ctx, &deadline.UpdateQueueInput{FarmId: farm, QueueId: queue, AllowedStorageProfileIdsToRemove: []string{one}})
	mismatch(err)
	must(f.UpdateQueue(ctx, &deadline.UpdateQueueInput{FarmId: farm, QueueId: queue, AllowedStorageProfileIdsToAdd: []string{two}}))(t)
	f.associate(farm, queue, other)
}
