package farm

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/auth"
)

// TestRolesOfPeople: the roles that people and programs assume say what they reach: the bucket and prefix of the queue as they are now.
func TestRolesOfPeople(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	user := &deadline.AssumeQueueRoleForUserInput{FarmId: r.farmID, QueueId: r.queueID}
	reader := &deadline.AssumeQueueRoleForReadInput{FarmId: r.farmID, QueueId: r.queueID}
	must(r.UpdateQueue(t.Context(), &deadline.UpdateQueueInput{
		FarmId: r.farmID, QueueId: r.queueID, JobAttachmentSettings: &deadline.JobAttachmentSettings{S3BucketName: "bucket-1", RootPrefix: "root"},
	}))(t)
	got := map[auth.Kind]deadline.AwsCredentials{
		auth.QueueRoleUser: must(r.AssumeQueueRoleForUser(t.Context(), user))(t).Credentials,
		auth.QueueRoleRead: must(r.AssumeQueueRoleForRead(t.Context(), reader))(t).Credentials,
		auth.FleetRoleRead: must(r.AssumeFleetRoleForRead(t.Context(), &deadline.AssumeFleetRoleForReadInput{
			FarmId: r.farmID, FleetId: r.fleetID,
		}))(t).Credentials,
	}
	type role struct{ Of, Reach string }
	given := map[auth.Kind]role{}
	for kind, c := range got {
		given[kind] = role{c.AccessKeyId, c.SecretAccessKey}
		if c.SessionToken != "admin" {
			t.Errorf("%s is assumed as %q", kind, c.SessionToken)
		}
	}
	want := map[auth.Kind]role{
		auth.QueueRoleUser: {r.farmID + r.queueID, "queue-role-user bucket-1 root " + testRole},
		auth.QueueRoleRead: {r.farmID + r.queueID, "queue-role-read bucket-1 root " + testRole},
		auth.FleetRoleRead: {r.farmID + r.fleetID, "fleet-role-read   " + testRole},
	}
	if diff := cmp.Diff(want, given); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}

	user.QueueId, reader.QueueId = r.newQueue(r.farmID), "queue-00000000000000000000000000000000"
	_, err := r.AssumeQueueRoleForUser(t.Context(), user)
	if e := fails[*deadline.ValidationException](t, err); len(e.FieldList) != 1 || e.FieldList[0].Name != "queueId" {
		t.Errorf("a queue without a role: %+v", e)
	}
	_, err = r.AssumeQueueRoleForRead(t.Context(), reader)
	_ = fails[*deadline.ResourceNotFoundException](t, err)
	_, err = r.AssumeFleetRoleForRead(t.Context(), &deadline.AssumeFleetRoleForReadInput{
		FarmId: r.farmID, FleetId: "fleet-00000000000000000000000000000000",
	})
	_ = fails[*deadline.ResourceNotFoundException](t, err)
}
