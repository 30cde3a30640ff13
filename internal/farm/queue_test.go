package farm

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
)

func TestQueueDefaults(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	id := f.newQueue(farm)
	got := must(f.GetQueue(ctx, &deadline.GetQueueInput{FarmId: farm, QueueId: id}))(t)
	got.CreatedAt = time.Time{}
	want := &deadline.GetQueueOutput{
		FarmId: farm, QueueId: id, DisplayName: "queue", Status: deadline.QueueStatusIdle,
		DefaultBudgetAction: deadline.DefaultQueueBudgetActionNone, CreatedBy: adminARN,
		JobRunAsUser: &deadline.JobRunAsUser{RunAs: deadline.RunAsWorkerAgentUser},
		SchedulingConfiguration: &deadline.SchedulingConfiguration{
			PriorityFifo: &deadline.PriorityFifoSchedulingConfiguration{},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("GetQueue (-want +got):\n%s", diff)
	}
	if want := "/aws/deadline/" + farm + "/" + id; !slices.Contains(f.logs.groups, want) {
		t.Errorf("the log group %s was not made, only %v", want, f.logs.groups)
	}
}

func TestQueueKeepsWhatItIsGiven(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	user := &deadline.JobRunAsUser{
		RunAs: deadline.RunAsQueueConfiguredUser,
		Posix: &deadline.PosixUser{User: "job", Group: "jobs"},
		Windows: &deadline.WindowsUser{
			User: "job", PasswordArn: "arn:aws:secretsmanager:us-west-2:123456789012:secret:job",
		},
	}
	id := f.newQueue(farm, func(in *deadline.CreateQueueInput) {
		in.Description = new("text")
		in.DefaultBudgetAction = deadline.DefaultQueueBudgetActionStopSchedulingAndCompleteTasks
		in.JobAttachmentSettings = &deadline.JobAttachmentSettings{S3BucketName: "bucket", RootPrefix: "root"}
		in.RoleArn = new(testRole)
		in.JobRunAsUser = user
		in.RequiredFileSystemLocationNames = []string{"Shared", "Tools"}
		in.SchedulingConfiguration = &deadline.SchedulingConfiguration{
			WeightedBalanced: &deadline.WeightedBalancedSchedulingConfiguration{ErrorWeight: new(-1.5)},
		}
	})
	got := must(f.GetQueue(ctx, &deadline.GetQueueInput{FarmId: farm, QueueId: id}))(t)
	got.CreatedAt = time.Time{}
	want := &deadline.GetQueueOutput{
		FarmId: farm, QueueId: id, DisplayName: "queue", Description: new("text"),
		Status: deadline.QueueStatusSchedulingBlocked, BlockedReason: deadline.QueueBlockedReasonNoBudgetConfigured,
		DefaultBudgetAction:   deadline.DefaultQueueBudgetActionStopSchedulingAndCompleteTasks,
		JobAttachmentSettings: &deadline.JobAttachmentSettings{S3BucketName: "bucket", RootPrefix: "root"},
		RoleArn:               new(testRole), JobRunAsUser: user, CreatedBy: adminARN,
		RequiredFileSystemLocationNames: []string{"Shared", "Tools"},
		SchedulingConfiguration: &deadline.SchedulingConfiguration{
			WeightedBalanced: &deadline.WeightedBalancedSchedulingConfiguration{
				PriorityWeight: new(100.0), ErrorWeight: new(-1.5), SubmissionTimeWeight: new(3.0),
				RenderingTaskWeight: new(-100.0), RenderingTaskBuffer: deadline.Ptr[int32](1),
			},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("GetQueue (-want +got):\n%s", diff)
	}
}

func TestUpdateQueue(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	id := f.newQueue(farm, func(in *deadline.CreateQueueInput) {
		in.Description = new("text")
		in.RequiredFileSystemLocationNames = []string{"A", "B"}
	})
	must(f.UpdateQueue(ctx, &deadline.UpdateQueueInput{
		FarmId: farm, QueueId: id, DisplayName: new("other"), Description: new(""),
		RequiredFileSystemLocationNamesToAdd: []string{"B", "C"}, RequiredFileSystemLocationNamesToRemove: []string{"A", "X"},
		SchedulingConfiguration: &deadline.SchedulingConfiguration{
			PriorityBalanced: &deadline.PriorityBalancedSchedulingConfiguration{},
		},
		DefaultBudgetAction: deadline.DefaultQueueBudgetActionStopSchedulingAndCancelTasks,
	}))(t)
	got := must(f.GetQueue(ctx, &deadline.GetQueueInput{FarmId: farm, QueueId: id}))(t)
	if got.DisplayName != "other" || got.Description != nil || got.Status != deadline.QueueStatusSchedulingBlocked ||
		got.UpdatedBy == nil || got.UpdatedAt == nil ||
		!slices.Equal(got.RequiredFileSystemLocationNames, []string{"B", "C"}) ||
		*got.SchedulingConfiguration.PriorityBalanced.RenderingTaskBuffer != 1 {
		t.Errorf("GetQueue: %+v", got)
	}
	must(f.UpdateQueue(ctx, &deadline.UpdateQueueInput{
		FarmId: farm, QueueId: id, DefaultBudgetAction: deadline.DefaultQueueBudgetActionNone,
	}))(t)
	if got = must(f.GetQueue(ctx, &deadline.GetQueueInput{FarmId: farm, QueueId: id}))(t); got.Status != deadline.QueueStatusIdle {
		t.Errorf("status after lifting the block: %s", got.Status)
	}
}

func TestQueueRefusals(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	queue := f.newQueue(farm)
	profile := "sp-" + strings.Repeat("0", 32)
	posix := &deadline.PosixUser{User: "job", Group: "jobs"}
	create := func(change func(*deadline.CreateQueueInput)) error {
		in := &deadline.CreateQueueInput{FarmId: farm, DisplayName: "q"}
		change(in)
		_, err := f.CreateQueue(ctx, in)
		return err
	}
	update := func(change func(*deadline.UpdateQueueInput)) error {
		in := &deadline.UpdateQueueInput{FarmId: farm, QueueId: queue}
		change(in)
		_, err := f.UpdateQueue(ctx, in)
		return err
	}
	names := func(n int) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = "N" + strings.Repeat("x", i)
		}
		return out
	}
	must(f.UpdateQueue(ctx, &deadline.UpdateQueueInput{
		FarmId: farm, QueueId: queue, RequiredFileSystemLocationNamesToAdd: names(20),
	}))(t)
	tests := []struct {
		name, field string
		err         error
	}{
		{"agent user with posix", "jobRunAsUser", create(func(in *deadline.CreateQueueInput) {
			in.JobRunAsUser = &deadline.JobRunAsUser{RunAs: deadline.RunAsWorkerAgentUser, Posix: posix}
		})},
		{"half a posix user", "jobRunAsUser.posix", create(func(in *deadline.CreateQueueInput) {
			in.JobRunAsUser = &deadline.JobRunAsUser{RunAs: deadline.RunAsQueueConfiguredUser, Posix: &deadline.PosixUser{User: "job"}}
		})},
		{"names twice", "requiredFileSystemLocationNames[1]", create(func(in *deadline.CreateQueueInput) {
			in.RequiredFileSystemLocationNames = []string{"A", "A"}
		})},
		{"reserved tag", "tags", create(func(in *deadline.CreateQueueInput) {
			in.Tags = map[string]string{"aws:x": ""}
		})},
		{"update: agent user with posix", "jobRunAsUser", update(func(in *deadline.UpdateQueueInput) {
			in.JobRunAsUser = &deadline.JobRunAsUser{RunAs: deadline.RunAsWorkerAgentUser, Posix: posix}
		})},
		{"update: added and removed", "requiredFileSystemLocationNamesToAdd", update(func(in *deadline.UpdateQueueInput) {
			in.RequiredFileSystemLocationNamesToAdd = []string{"A"}
			in.RequiredFileSystemLocationNamesToRemove = []string{"A"}
		})},
		{"update: too many", "requiredFileSystemLocationNamesToAdd", update(func(in *deadline.UpdateQueueInput) {
			in.RequiredFileSystemLocationNamesToAdd = []string{"another"}
		})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { failsOn(t, tt.err, tt.field) })
	}
	failsMissing(t, create(func(in *deadline.CreateQueueInput) { in.AllowedStorageProfileIds = []string{profile} }), "storage-profile", profile)
	failsMissing(t, update(func(in *deadline.UpdateQueueInput) { in.AllowedStorageProfileIdsToAdd = []string{profile} }), "storage-profile", profile)
	if n := len(must(f.ListQueues(ctx, &deadline.ListQueuesInput{FarmId: farm}))(t).Queues); n != 1 {
		t.Errorf("refused queues were made: there are %d", n)
	}
}

func TestListQueuesFilters(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	fleet := f.newFleet(farm)
	want := map[deadline.QueueStatus][]string{}
	all := []string{}
	for i := range 6 {
		f.advance(time.Second)
		status := []deadline.QueueStatus{
			deadline.QueueStatusIdle, deadline.QueueStatusScheduling, deadline.QueueStatusSchedulingBlocked,
		}[i%3]
		id := f.newQueue(farm, func(in *deadline.CreateQueueInput) {
			if status == deadline.QueueStatusSchedulingBlocked {
				in.DefaultBudgetAction = deadline.DefaultQueueBudgetActionStopSchedulingAndCompleteTasks
			}
		})
		if status != deadline.QueueStatusIdle {
			f.associate(farm, id, fleet)
		}
		want[status] = append(want[status], id)
		all = append(all, id)
	}
	want[""] = all
	for status, ids := range want {
		got := collect(t, func(size int32, token *string) ([]deadline.QueueSummary, *string, error) {
			out, err := f.ListQueues(ctx, &deadline.ListQueuesInput{FarmId: farm, Status: status, MaxResults: &size, NextToken: token})
			if err != nil {
				return nil, nil, err
			}
			return out.Queues, out.NextToken, nil
		}, func(q *deadline.QueueSummary) string {
			if status != "" && q.Status != status {
				t.Errorf("queue %s has the status %s", q.QueueId, q.Status)
			}
			return q.QueueId
		})
		if !slices.Equal(got, ids) {
			t.Errorf("status %q: got %v, want %v", status, got, ids)
		}
	}
}

func TestDeleteQueue(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	queue, fleet := f.newQueue(farm), f.newFleet(farm)
	environment := must(f.CreateQueueEnvironment(ctx, environmentInput(farm, queue)))(t).QueueEnvironmentId
	f.associate(farm, queue, fleet)
	_, err := f.DeleteQueue(ctx, &deadline.DeleteQueueInput{FarmId: farm, QueueId: queue})
	e := fails[*deadline.ConflictException](t, err)
	if e.Reason != deadline.ConflictExceptionReasonResourceInUse || e.ResourceId != queue || e.ResourceType != "queue" {
		t.Errorf("got %+v", e)
	}
	f.stopAndDelete(farm, queue, fleet)
	must(f.DeleteQueue(ctx, &deadline.DeleteQueueInput{FarmId: farm, QueueId: queue}))(t)
	_, err = f.GetQueueEnvironment(ctx, &deadline.GetQueueEnvironmentInput{FarmId: farm, QueueId: queue, QueueEnvironmentId: environment})
	failsMissing(t, err, "queue", queue)
}

// stopAndDelete takes an association apart in the order that the API wants.
func (f *testFarm) stopAndDelete(farm, queue, fleet string) {
	f.t.Helper()
	must(f.UpdateQueueFleetAssociation(f.t.Context(), &deadline.UpdateQueueFleetAssociationInput{
		FarmId: farm, QueueId: queue, FleetId: fleet,
		Status: deadline.UpdateQueueFleetAssociationStatusStopSchedulingAndCompleteTasks,
	}))(f.t)
	must(f.DeleteQueueFleetAssociation(f.t.Context(), &deadline.DeleteQueueFleetAssociationInput{
		FarmId: farm, QueueId: queue, FleetId: fleet,
	}))(f.t)
}
