package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// Run is the conformance suite: what every engine must do. open gives an empty store,
// and closes it when its test ends.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, s store.Store){
		"round trip":        testRoundTrip,
		"snapshot":          testSnapshot,
		"absent rows":       testAbsent,
		"all or nothing":    testAtomic,
		"deletes":           testDeletes,
		"deleted queue":     testDeletedQueue,
		"deleted job":       testDeletedJob,
		"sweeps":            testSweeps,
		"usage":             testUsage,
		"replaced row":      testReplace,
		"tokens are purged": testPurge,
		"open sessions":     testHoldsJob,
		"pages":             testPages,
		"pages under load":  testPagesWhileWriting,
		"ended context":     testContext,
		"closed":            testClosed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

var prefixes atomic.Int64

// check runs a property with ids that no other run has.
func check(t *testing.T, property func(r *Random)) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		property(&Random{T: t, Prefix: fmt.Sprint(prefixes.Add(1))})
	})
}

func must[T any](t testingT, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// testingT is what [testing.T] and [rapid.T] share.
type testingT interface {
	Helper()
	Fatal(args ...any)
	Errorf(format string, args ...any)
}

func same(t testingT, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func commit(t testingT, s store.Store, c *row.Changes) {
	t.Helper()
	if err := s.Commit(context.Background(), c); err != nil {
		t.Fatal(err)
	}
}

// testRoundTrip: every row comes back as it was written, by every method that reads it.
func testRoundTrip(t *testing.T, s store.Store) {
	t.Helper()
	ctx := t.Context()
	check(t, func(r *Random) {
		_, c := r.Farm()
		commit(r, s, c)
		for _, want := range c.Resources {
			got, err := s.Resource(ctx, want.Kind, want.ID)
			same(r, "Resource", &want, must(r, got, err))
		}
		for _, want := range c.Associations {
			got, err := s.Association(ctx, row.AssociationKey{FarmID: want.FarmID, QueueID: want.QueueID, FleetID: want.FleetID})
			same(r, "Association", &want, must(r, got, err))
		}
		for _, want := range c.Memberships {
			got, err := s.Membership(ctx, row.MembershipKey{ResourceID: want.ResourceID, PrincipalID: want.PrincipalID})
			same(r, "Membership", &want, must(r, got, err))
		}
		for _, want := range c.LimitAssociations {
			got, err := s.LimitAssociation(ctx, row.LimitAssociationKey{FarmID: want.FarmID, QueueID: want.QueueID, LimitID: want.LimitID})
			same(r, "LimitAssociation", &want, must(r, got, err))
		}
		for _, want := range c.Workers {
			got, err := s.Worker(ctx, want.WorkerID)
			same(r, "Worker", &want, must(r, got, err))
		}
		for _, want := range c.Tags {
			got, err := s.Tags(ctx, want.ARN)
			same(r, "Tags", want.Tags, must(r, got, err))
		}
		for _, want := range c.Tokens {
			got, err := s.RequestToken(ctx, want.Principal, want.Operation, want.Token)
			same(r, "RequestToken", &want, must(r, got, err))
		}
		roundTripJobs(ctx, r, s, c)
	})
}

func roundTripJobs(ctx context.Context, r *Random, s store.Store, c *row.Changes) {
	for _, want := range c.Jobs {
		got, err := s.Job(ctx, want.JobID)
		same(r, "Job", &want, must(r, got, err))
	}
	for _, want := range c.JobDocuments {
		got, err := s.JobDocument(ctx, want.JobID)
		same(r, "JobDocument", &want, must(r, got, err))
	}
	for _, want := range c.Steps {
		got, err := s.StepByID(ctx, want.StepID)
		same(r, "StepByID", &want, must(r, got, err))
	}
	for _, want := range c.StepDocuments {
		got, err := s.StepDocument(ctx, want.JobID, want.StepIndex)
		same(r, "StepDocument", &want, must(r, got, err))
	}
	for _, want := range c.Tasks {
		got, err := s.Tasks(ctx, want.JobID, want.StepIndex, want.TaskIndex, want.TaskIndex+1)
		same(r, "Tasks", []row.Task{want}, must(r, got, err))
	}
	for _, want := range c.Sessions {
		got, err := s.SessionByID(ctx, want.SessionID)
		same(r, "SessionByID", &want, must(r, got, err))
	}
	for _, want := range c.Actions {
		got, err := s.Action(ctx, want.JobID, want.SessionSeq, want.ActionIndex)
		same(r, "Action", &want, must(r, got, err))
	}
}

// testSnapshot: a snapshot is the active part of what was written.
func testSnapshot(t *testing.T, s store.Store) {
	t.Helper()
	ctx := t.Context()
	check(t, func(r *Random) {
		farmID, c := r.Farm()
		commit(r, s, c)
		order := []cmp.Option{
			cmpopts.EquateEmpty(),
			cmpopts.SortSlices(func(a, b row.Resource) bool { return a.ID < b.ID }),
			cmpopts.SortSlices(func(a, b row.Worker) bool { return a.WorkerID < b.WorkerID }),
		}
		want := expectedSnapshot(farmID, c)
		got, err := s.Snapshot(ctx, farmID)
		if diff := cmp.Diff(want, must(r, got, err), order...); diff != "" {
			r.Errorf("Snapshot (-want +got):\n%s", diff)
		}
		for i := range c.Jobs {
			got, err := s.JobSnapshot(ctx, c.Jobs[i].JobID)
			same(r, "JobSnapshot", expectedJob(&c.Jobs[i], c), must(r, got, err))
		}
	})
}

func expectedSnapshot(farmID string, c *row.Changes) *row.Snapshot {
	want := &row.Snapshot{
		FarmID: farmID, Associations: c.Associations, LimitAssociations: c.LimitAssociations, Spendings: c.Spendings,
		Workers: c.Workers, LastNumber: int64(len(c.Jobs)),
	}
	for _, r := range c.Resources {
		switch r.Kind {
		case row.KindFarm, row.KindQueue, row.KindQueueEnvironment, row.KindFleet, row.KindLimit, row.KindBudget:
			want.Resources = append(want.Resources, r)
		}
	}
	for i := range c.Jobs {
		job := expectedJob(&c.Jobs[i], c)
		unfinished := job.Job.TaskStatus != status.TaskNone && !job.Job.TaskStatus.Terminal()
		if unfinished || len(job.Sessions) > 0 {
			want.Jobs = append(want.Jobs, *job)
		}
	}
	return want
}

func expectedJob(job *row.Job, c *row.Changes) *row.JobSnapshot {
	want := &row.JobSnapshot{Job: *job}
	open := map[int64]bool{}
	for _, r := range c.JobDocuments {
		if r.JobID == job.JobID {
			want.Document = r
		}
	}
	for i, r := range c.Steps {
		if r.JobID == job.JobID {
			want.Steps, want.StepDocuments = append(want.Steps, r), append(want.StepDocuments, c.StepDocuments[i])
		}
	}
	for _, r := range c.Tasks {
		if r.JobID == job.JobID {
			want.Tasks = append(want.Tasks, r)
		}
	}
	for _, r := range c.Sessions {
		if r.JobID == job.JobID && r.Lifecycle != status.SessionEnded {
			want.Sessions = append(want.Sessions, r)
			open[r.Seq] = true
		}
	}
	for _, r := range c.Actions {
		if r.JobID == job.JobID && open[r.SessionSeq] {
			want.Actions = append(want.Actions, r)
		}
	}
	return want
}

func testAbsent(t *testing.T, s store.Store) {
	t.Helper()
	ctx := t.Context()
	for name, read := range map[string]func() error{
		"Resource":     func() error { _, err := s.Resource(ctx, row.KindFarm, "no"); return err },
		"Association":  func() error { _, err := s.Association(ctx, row.AssociationKey{}); return err },
		"Limit":        func() error { _, err := s.LimitAssociation(ctx, row.LimitAssociationKey{}); return err },
		"Worker":       func() error { _, err := s.Worker(ctx, "no"); return err },
		"Membership":   func() error { _, err := s.Membership(ctx, row.MembershipKey{}); return err },
		"Job":          func() error { _, err := s.Job(ctx, "no"); return err },
		"JobDocument":  func() error { _, err := s.JobDocument(ctx, "no"); return err },
		"JobSnapshot":  func() error { _, err := s.JobSnapshot(ctx, "no"); return err },
		"StepByID":     func() error { _, err := s.StepByID(ctx, "no"); return err },
		"StepDocument": func() error { _, err := s.StepDocument(ctx, "no", 0); return err },
		"SessionByID":  func() error { _, err := s.SessionByID(ctx, "no"); return err },
		"Action":       func() error { _, err := s.Action(ctx, "no", 0, 0); return err },
		"RequestToken": func() error { _, err := s.RequestToken(ctx, "no", "no", "no"); return err },
	} {
		if err := read(); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
	tags, err := s.Tags(ctx, "no")
	if err != nil || len(tags) != 0 {
		t.Errorf("Tags: %v %v, want none", tags, err)
	}
	empty, err := s.Snapshot(ctx, "no")
	same(t, "Snapshot", &row.Snapshot{FarmID: "no"}, must(t, empty, err))
	if err := s.Check(ctx); err != nil {
		t.Errorf("Check: %v", err)
	}
}

// testAtomic: a commit with a row that cannot be written writes none.
func testAtomic(t *testing.T, s store.Store) {
	t.Helper()
	commit(t, s, &row.Changes{Sessions: []row.Session{{JobID: "job-1", SessionID: "session-1"}}})
	err := s.Commit(t.Context(), &row.Changes{
		Jobs:     []row.Job{{JobID: "job-2", TaskStatus: status.TaskReady}},
		Sessions: []row.Session{{JobID: "job-2", SessionID: "session-1"}},
	})
	if !errors.Is(err, store.ErrConstraint) {
		t.Errorf("second session with the id: %v, want ErrConstraint", err)
	}
	if _, err := s.Job(t.Context(), "job-2"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("job of the refused commit: %v, want ErrNotFound", err)
	}
	commit(t, s, &row.Changes{Jobs: []row.Job{{JobID: "job-2"}}})
}

func testDeletes(t *testing.T, s store.Store) {
	t.Helper()
	ctx := t.Context()
	check(t, func(r *Random) {
		farmID, c := r.Farm()
		commit(r, s, c)
		keep, keepDocument := r.Job(farmID, r.ID("queue"), 1000)
		keep.TaskStatus = status.TaskReady
		commit(r, s, &row.Changes{Jobs: []row.Job{keep}, JobDocuments: []row.JobDocument{keepDocument}})

		gone := &row.Changes{}
		if rapid.Bool().Draw(r.T, "with their queue") {
			gone.DeleteResources = []row.ResourceKey{{Kind: row.KindQueue, ID: c.Jobs[0].QueueID}}
		} else {
			for _, j := range c.Jobs {
				gone.DeleteJobs = append(gone.DeleteJobs, j.JobID)
			}
		}
		for _, a := range c.Associations {
			gone.DeleteAssociations = append(gone.DeleteAssociations,
				row.AssociationKey{FarmID: a.FarmID, QueueID: a.QueueID, FleetID: a.FleetID})
		}
		for _, a := range c.LimitAssociations {
			gone.DeleteLimitAssociations = append(gone.DeleteLimitAssociations,
				row.LimitAssociationKey{FarmID: a.FarmID, QueueID: a.QueueID, LimitID: a.LimitID})
		}
		for i := range c.Resources {
			if c.Resources[i].Kind == row.KindBudget {
				gone.DeleteResources = append(gone.DeleteResources, row.ResourceKey{Kind: row.KindBudget, ID: c.Resources[i].ID})
			}
		}
		for _, w := range c.Workers {
			gone.DeleteWorkers = append(gone.DeleteWorkers, w.WorkerID)
		}
		left, key := c.Memberships[2], row.MembershipKey{ResourceID: farmID, PrincipalID: c.Memberships[0].PrincipalID}
		gone.DeleteMemberships = []row.MembershipKey{key}
		gone.Tags = []row.Tags{{ARN: c.Tags[0].ARN}}
		commit(r, s, gone)

		got, err := s.Snapshot(ctx, farmID)
		must(r, got, err)
		same(r, "associations left", []row.Association(nil), got.Associations)
		same(r, "limit associations left", []row.LimitAssociation(nil), got.LimitAssociations)
		same(r, "spendings left", []row.Spending(nil), got.Spendings)
		same(r, "workers left", []row.Worker(nil), got.Workers)
		same(r, "jobs left", []row.JobSnapshot{{Job: keep, Document: keepDocument}}, got.Jobs)
		tags, err := s.Tags(ctx, c.Tags[0].ARN)
		same(r, "tags left", map[string]string(nil), must(r, tags, err))
		purge(ctx, r, s.PurgeQueue, c.Jobs[0].QueueID)
		for _, j := range c.Jobs {
			purge(ctx, r, s.PurgeJob, j.JobID)
		}
		noRowsLeft(ctx, r, s, c)
		if _, err := s.Membership(ctx, key); !errors.Is(err, store.ErrNotFound) {
			r.Errorf("membership left: %v", err)
		}
		// The fleet's was not deleted; its queue's is, with the queue.
		fleets, err := s.Members(ctx, left.ResourceID, store.ResourceCursor{CreatedAt: -1 << 63}, 10)
		same(r, "members left", []row.Membership{left}, must(r, fleets, err))
		if len(gone.DeleteResources) > 0 {
			n, err := s.CountMembers(ctx, gone.DeleteResources[0].ID)
			same(r, "members of the deleted queue", int64(0), must(r, n, err))
		}
	})
}

// noRowsLeft checks that nothing is left of the jobs in c.
func noRowsLeft(ctx context.Context, t testingT, s store.Store, c *row.Changes) {
	for _, j := range c.Jobs {
		steps, err := s.Steps(ctx, j.JobID, 0, 10)
		same(t, "steps left", []row.Step(nil), must(t, steps, err))
		documents, err := s.StepDocuments(ctx, j.JobID)
		same(t, "step documents left", []row.StepDocument(nil), must(t, documents, err))
		tasks, err := s.Tasks(ctx, j.JobID, 0, 0, 100)
		same(t, "tasks left", []row.Task(nil), must(t, tasks, err))
		sessions, err := s.Sessions(ctx, j.JobID, 0, 10)
		same(t, "sessions left", []row.Session(nil), must(t, sessions, err))
		actions, err := s.Actions(ctx, store.ActionFilter{JobID: j.JobID}, store.FirstAction, 100)
		same(t, "actions left", []row.SessionAction(nil), must(t, actions, err))
		members, err := s.CountMembers(ctx, j.JobID)
		same(t, "members left", int64(0), must(t, members, err))
		if _, err := s.JobDocument(ctx, j.JobID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("job document left: %v", err)
		}
	}
}

// testReplace: the last write of a row counts, for all members that may change.
func testReplace(t *testing.T, s store.Store) {
	t.Helper()
	ctx := t.Context()
	check(t, func(r *Random) {
		job, document := r.Job("farm", "queue", 1)
		commit(r, s, &row.Changes{Jobs: []row.Job{job}, JobDocuments: []row.JobDocument{document}})
		next, _ := r.Job("farm", "queue", 1)
		next.JobID, next.CreatedAt, next.CreatedBy, next.SourceJobID = job.JobID, job.CreatedAt, job.CreatedBy, job.SourceJobID
		commit(r, s, &row.Changes{Jobs: []row.Job{next}})
		got, err := s.Job(ctx, job.JobID)
		same(r, "Job", &next, must(r, got, err))

		session := r.Session(&job, 0, "fleet", "worker")
		action := r.Action(&session, 0)
		commit(r, s, &row.Changes{Sessions: []row.Session{session}, Actions: []row.SessionAction{action}})
		ended := r.Action(&session, 0)
		ended.Kind, ended.EnvironmentID = action.Kind, action.EnvironmentID
		ended.StepIndex, ended.TaskIndex = action.StepIndex, action.TaskIndex
		commit(r, s, &row.Changes{Actions: []row.SessionAction{ended}})
		gotAction, err := s.Action(ctx, job.JobID, 0, 0)
		same(r, "Action", &ended, must(r, gotAction, err))

		// Deleted and written in one transaction: a new row.
		key := row.AssociationKey{FarmID: r.ID("farm"), QueueID: "queue", FleetID: "fleet"}
		commit(r, s, &row.Changes{Associations: []row.Association{r.Association(key)}})
		association := r.Association(key)
		commit(r, s, &row.Changes{
			DeleteAssociations: []row.AssociationKey{key}, Associations: []row.Association{association},
		})
		gotAssociation, err := s.Association(ctx, key)
		same(r, "Association", &association, must(r, gotAssociation, err))
	})
}

func testPurge(t *testing.T, s store.Store) {
	t.Helper()
	c := &row.Changes{}
	for i := range int64(10) {
		c.Tokens = append(c.Tokens, row.RequestToken{Principal: "p", Operation: "o", Token: fmt.Sprint(i), CreatedAt: i})
	}
	commit(t, s, c)
	for _, want := range []int64{4, 2, 0} { // of those before 6, at most 4 at a time
		n, err := s.PurgeTokens(t.Context(), 6, 4)
		if must(t, n, err) != want {
			t.Errorf("purged %d, want %d", n, want)
		}
	}
	for i := range 10 {
		_, err := s.RequestToken(t.Context(), "p", "o", fmt.Sprint(i))
		if purged := errors.Is(err, store.ErrNotFound); purged != (i < 6) {
			t.Errorf("token %d: %v", i, err)
		}
	}
}

func testHoldsJob(t *testing.T, s store.Store) {
	t.Helper()
	commit(t, s, &row.Changes{Sessions: []row.Session{
		{JobID: "job-1", QueueID: "queue-1", Seq: 0, SessionID: "s0", WorkerID: "worker-1", Lifecycle: status.SessionEnded},
		{JobID: "job-1", QueueID: "queue-1", Seq: 1, SessionID: "s1", WorkerID: "worker-2", Lifecycle: status.SessionUpdateInProgress},
		{JobID: "job-2", QueueID: "queue-2", Seq: 0, SessionID: "s2", WorkerID: "worker-1", Lifecycle: status.SessionStarted},
	}})
	for _, tt := range []struct {
		worker, queue string
		want          bool
	}{
		{"worker-1", "queue-1", false}, {"worker-2", "queue-1", true}, {"worker-1", "queue-2", true}, {"worker-2", "queue-2", false},
	} {
		got, err := s.HoldsQueue(t.Context(), tt.worker, tt.queue)
		if must(t, got, err) != tt.want {
			t.Errorf("HoldsQueue(%s, %s) = %t, want %t", tt.worker, tt.queue, got, tt.want)
		}
	}
	for _, tt := range []struct {
		worker, job string
		want        bool
	}{
		{"worker-1", "job-1", false}, {"worker-2", "job-1", true}, {"worker-1", "job-2", true}, {"worker-2", "job-2", false},
	} {
		got, err := s.HoldsJob(t.Context(), tt.worker, tt.job)
		if must(t, got, err) != tt.want {
			t.Errorf("HoldsJob(%s, %s) = %t, want %t", tt.worker, tt.job, got, tt.want)
		}
	}
}

func testContext(t *testing.T, s store.Store) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Commit(ctx, &row.Changes{Jobs: []row.Job{{JobID: "job-1"}}}); !errors.Is(err, context.Canceled) {
		t.Errorf("Commit: %v, want context.Canceled", err)
	}
	if _, err := s.Job(ctx, "job-1"); !errors.Is(err, context.Canceled) {
		t.Errorf("Job: %v, want context.Canceled", err)
	}
	if _, err := s.Job(t.Context(), "job-1"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Job: %v, want ErrNotFound", err)
	}
}

func testClosed(t *testing.T, s store.Store) {
	t.Helper()
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Check(t.Context()); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Check: %v, want ErrClosed", err)
	}
	if _, err := s.FarmIDs(t.Context()); !errors.Is(err, store.ErrClosed) {
		t.Errorf("FarmIDs: %v, want ErrClosed", err)
	}
}
