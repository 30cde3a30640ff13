package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// queueOfJobs is a queue with three jobs, each with a step, some tasks, sessions and actions, and a member. Ids begin with the queue's.
func queueOfJobs(queueID string) *row.Changes {
	c := &row.Changes{Resources: []row.Resource{{Kind: row.KindQueue, ID: queueID, FarmID: "farm", ParentID: "farm", Doc: []byte(`{}`)}}}
	for n := range int64(3) {
		id := fmt.Sprintf("%s-job-%d", queueID, n)
		c.Jobs = append(c.Jobs, row.Job{
			JobID: id, QueueID: queueID, FarmID: "farm", Number: n + 1, TaskStatus: status.TaskReady, Lifecycle: status.LifecycleCreateComplete,
		})
		c.JobDocuments = append(c.JobDocuments, row.JobDocument{JobID: id})
		c.Steps = append(c.Steps, row.Step{JobID: id, StepID: id + "-step", Tasks: 4})
		c.StepDocuments = append(c.StepDocuments, row.StepDocument{JobID: id, StepID: id + "-step"})
		c.Memberships = append(c.Memberships, row.Membership{
			ResourceID: id, PrincipalID: "ada", ResourceType: "JOB", FarmID: "farm", QueueID: queueID,
		})
		for i := range int64(4) {
			c.Tasks = append(c.Tasks, row.Task{JobID: id, TaskIndex: i, Status: status.TaskSucceeded})
			c.Sessions = append(c.Sessions, row.Session{
				JobID: id, QueueID: queueID, Seq: i, SessionID: fmt.Sprintf("%s-session-%d", id, i), WorkerID: "worker", Lifecycle: status.SessionEnded,
			})
			c.Actions = append(c.Actions, row.SessionAction{JobID: id, SessionSeq: i})
		}
	}
	return c
}

// seen is which jobs of a queue any read shows that does not name the queue; those of the farm's core are there, too.
func seen(ctx context.Context, t testingT, s store.Store, c *row.Changes) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	saw := func(where, id string) { found[where] = append(found[where], id) }
	for i := range c.Jobs {
		id := c.Jobs[i].JobID
		if _, err := s.Job(ctx, id); !errors.Is(err, store.ErrNotFound) {
			must(t, 0, err)
			saw("job", id)
		}
		if _, err := s.JobSnapshot(ctx, id); !errors.Is(err, store.ErrNotFound) {
			must(t, 0, err)
			saw("snapshot of the job", id)
		}
		if _, err := s.Membership(ctx, row.MembershipKey{ResourceID: id, PrincipalID: "ada"}); !errors.Is(err, store.ErrNotFound) {
			must(t, 0, err)
			saw("membership", id)
		}
	}
	queueID := c.Resources[0].ID
	memberships, err := s.Memberships(ctx, "ada", "JOB", store.MembershipCursor{}, 100)
	for _, m := range must(t, memberships, err) {
		if m.QueueID == queueID {
			saw("memberships", m.ResourceID)
		}
	}
	sessions, err := s.WorkerSessions(ctx, "worker", store.ResourceCursor{}, 100)
	for _, one := range must(t, sessions, err) {
		if one.QueueID == queueID && !slices.Contains(found["sessions of the worker"], one.JobID) {
			saw("sessions of the worker", one.JobID)
		}
	}
	farm, err := s.Snapshot(ctx, "farm")
	for _, j := range must(t, farm, err).Jobs {
		if j.Job.QueueID == queueID {
			saw("snapshot of the farm", j.Job.JobID)
		}
	}
	for _, ids := range found {
		slices.Sort(ids)
	}
	return found
}

// whole is what [seen] gives of a queue that is there.
func whole(c *row.Changes) map[string][]string {
	var ids []string
	for i := range c.Jobs {
		ids = append(ids, c.Jobs[i].JobID)
	}
	all := map[string][]string{}
	for _, where := range []string{"job", "snapshot of the job", "membership", "memberships", "sessions of the worker", "snapshot of the farm"} {
		all[where] = ids
	}
	return all
}

func deleteQueue(c *row.Changes) *row.Changes {
	return &row.Changes{DeleteResources: []row.ResourceKey{{Kind: row.KindQueue, ID: c.Resources[0].ID}}}
}

// purge deletes all that is left of something that was deleted, a few rows at a time.
func purge(ctx context.Context, t testingT, some func(context.Context, string, int) (int64, error), id string) {
	t.Helper()
	for range 10_000 {
		n, err := some(ctx, id, 3)
		if must(t, n, err) < 3 {
			return
		}
	}
	t.Fatal("it is never purged")
}

// testDeletedQueue: the jobs of a deleted queue are gone at once for every read, those of another queue are not, and their rows go in
// steps of bounded size.
func testDeletedQueue(t *testing.T, s store.Store) {
	t.Helper()
	gone, kept := queueOfJobs("queue-gone"), queueOfJobs("queue-kept")
	commit(t, s, gone)
	for i := range kept.Jobs { // numbers are the farm's
		kept.Jobs[i].Number += 10
	}
	commit(t, s, kept)
	if n, err := s.PurgeQueue(t.Context(), "queue-kept", 100); err != nil || n != 0 {
		t.Errorf("a queue that was not deleted lost %d rows, %v", n, err)
	}
	same(t, "jobs before", whole(gone), seen(t.Context(), t, s, gone))
	commit(t, s, deleteQueue(gone))
	queues, err := s.DeletedQueues(t.Context(), "", 10)
	same(t, "deleted queues", []string{"queue-gone"}, must(t, queues, err))
	for steps := 0; ; steps++ {
		same(t, "jobs seen", map[string][]string{}, seen(t.Context(), t, s, gone))
		same(t, "jobs of the other queue", whole(kept), seen(t.Context(), t, s, kept))
		n, err := s.PurgeQueue(t.Context(), "queue-gone", 5)
		if must(t, n, err) > 5+5 { // a job's last rows go together
			t.Errorf("one step deleted %d rows", n)
		}
		if n < 5 {
			if steps < 3*(4+4+4)/10 {
				t.Errorf("all was gone after %d steps", steps)
			}
			break
		}
	}
	queues, err = s.DeletedQueues(t.Context(), "", 10)
	same(t, "deleted queues after", []string(nil), must(t, queues, err))
	noRowsLeft(t.Context(), t, s, gone)
	same(t, "jobs of the other queue", whole(kept), seen(t.Context(), t, s, kept))
}

// testDeletedJob: a deleted job is gone at once for every read, its rows go in steps of bounded size, and other jobs stay whole.
func testDeletedJob(t *testing.T, s store.Store) {
	t.Helper()
	ctx, c := t.Context(), queueOfJobs("queue-of-jobs")
	commit(t, s, c)
	gone, want := c.Jobs[1].JobID, whole(c)
	for where, ids := range want {
		want[where] = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == gone })
	}
	commit(t, s, &row.Changes{DeleteJobs: []string{gone}})
	left, err := s.DeletedJobs(ctx, "", 10)
	same(t, "deleted jobs", []row.DeletedJob{{JobID: gone, FarmID: "farm", QueueID: "queue-of-jobs"}}, must(t, left, err))
	if n, err := s.PurgeJob(ctx, c.Jobs[0].JobID, 100); err != nil || n != 0 {
		t.Errorf("a job that was not deleted lost %d rows, %v", n, err)
	}
	sessions, err := s.Sessions(ctx, gone, 0, 10)
	if len(must(t, sessions, err)) != 4 {
		t.Errorf("%d sessions have rows, want all: a deletion must not depend on how many there are", len(sessions))
	}
	for {
		same(t, "jobs seen", want, seen(ctx, t, s, c))
		listed, err := s.Jobs(ctx, "queue-of-jobs", 0, 10)
		if len(must(t, listed, err)) != 2 {
			t.Errorf("%d jobs are listed, want 2", len(listed))
		}
		n, err := s.PurgeJob(ctx, gone, 5)
		if must(t, n, err) > 5 {
			t.Errorf("one step deleted %d rows", n)
		}
		if n < 5 {
			break
		}
	}
	left, err = s.DeletedJobs(ctx, "", 10)
	same(t, "deleted jobs after", []row.DeletedJob(nil), must(t, left, err))
	noRowsLeft(ctx, t, s, &row.Changes{Jobs: c.Jobs[1:2]})
	same(t, "jobs seen", want, seen(ctx, t, s, c))
}

// RunPurgeFaults is the crash matrix of the purge of a queue: each of its writes fails, in each way. Whatever the way, nothing of the
// queue shows, and the next purges end it.
func RunPurgeFaults(t *testing.T, engine store.Engine, lose func()) {
	t.Helper()
	faulty := &FaultyEngine{Engine: engine}
	s := store.New(faulty)
	faulty.eachFault(lose, func(round int, arm func()) (fired bool) {
		c := queueOfJobs(fmt.Sprint("queue-", round))
		for i := range c.Jobs {
			c.Jobs[i].Number += int64(10 * round)
		}
		insist(t, s, c)
		insist(t, s, deleteQueue(c))
		arm()
		for range 100 { // each error is one of a caller that tries again later
			if left, err := s.PurgeQueue(t.Context(), c.Resources[0].ID, 7); err == nil && left < 7 {
				break
			}
			same(t, "jobs seen", map[string][]string{}, seen(t.Context(), t, s, c))
		}
		fired = faulty.Fired()
		queues, err := s.DeletedQueues(t.Context(), "", 10)
		same(t, "deleted queues after", []string(nil), must(t, queues, err))
		if left, err := s.CountJobs(t.Context(), c.Resources[0].ID); err != nil || left != 0 {
			t.Fatalf("%d jobs are left, %v", left, err)
		}
		return fired
	})
}
