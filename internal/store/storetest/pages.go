package storetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// collect reads a list in pages and gives the keys of its rows.
func collect[R, C any](
	t testingT, limit int, first C, page func(after C, limit int) ([]R, error), next func(R) C, key func(R) string,
) []string {
	t.Helper()
	var keys []string
	for after := first; ; {
		rows, err := page(after, limit)
		must(t, rows, err)
		if len(rows) > limit {
			t.Errorf("a page of %d rows, limit %d", len(rows), limit)
		}
		for _, r := range rows {
			keys = append(keys, key(r))
		}
		if len(rows) < limit {
			return keys
		}
		after = next(rows[len(rows)-1])
	}
}

func actionKey(a row.SessionAction) string { return fmt.Sprint(a.SessionID, "/", a.ActionIndex) }

// testPages: pages of any size, joined, are the whole list in its order.
func testPages(t *testing.T, s store.Store) {
	t.Helper()
	ctx := t.Context()
	check(t, func(r *Random) {
		farmID, c := r.Farm()
		commit(r, s, c)
		limit := rapid.IntRange(1, 4).Draw(r.T, "limit")
		pagesByAge(ctx, r, s, c, limit)
		pagesOfAssociations(ctx, r, s, farmID, limit)
		pagesOfLimitAssociations(ctx, r, s, farmID, limit)
		pagesOfJobs(ctx, r, s, c, limit)
		pagesOfMemberships(ctx, r, s, c, limit)
		for _, filter := range actionFilters(c) {
			want := slices.DeleteFunc(slices.Clone(c.Actions), func(a row.SessionAction) bool { return !matches(&filter, &a) })
			slices.SortFunc(want, func(a, b row.SessionAction) int {
				return cmp.Or(cmp.Compare(a.SessionSeq, b.SessionSeq), cmp.Compare(a.ActionIndex, b.ActionIndex))
			})
			same(r, "Actions", keys(want, actionKey), collectActions(ctx, r, s, filter, limit))
		}
	})
}

// pagesOfMemberships: the members of a resource are listed by age, the memberships of a principal by farm and resource.
func pagesOfMemberships(ctx context.Context, r *Random, s store.Store, c *row.Changes, limit int) {
	key := func(m row.Membership) string { return m.ResourceID + " " + m.PrincipalID }
	some := c.Memberships[len(c.Memberships)-1]
	want := slices.DeleteFunc(slices.Clone(c.Memberships), func(m row.Membership) bool { return m.ResourceID != some.ResourceID })
	slices.SortFunc(want, func(a, b row.Membership) int {
		return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.PrincipalID, b.PrincipalID))
	})
	same(r, "Members", keys(want, key), collect(r, limit, store.ResourceCursor{CreatedAt: -1 << 63},
		func(after store.ResourceCursor, limit int) ([]row.Membership, error) {
			return s.Members(ctx, some.ResourceID, after, limit)
		},
		func(m row.Membership) store.ResourceCursor {
			return store.ResourceCursor{CreatedAt: m.CreatedAt, ID: m.PrincipalID}
		}, key))
	n, err := s.CountMembers(ctx, some.ResourceID)
	same(r, "CountMembers", int64(len(want)), must(r, n, err))

	want = slices.DeleteFunc(slices.Clone(c.Memberships), func(m row.Membership) bool {
		return m.PrincipalID != some.PrincipalID || m.ResourceType != some.ResourceType
	})
	slices.SortFunc(want, func(a, b row.Membership) int { return cmp.Compare(a.ResourceID, b.ResourceID) })
	same(r, "Memberships", keys(want, key), collect(r, limit, store.MembershipCursor{},
		func(after store.MembershipCursor, limit int) ([]row.Membership, error) {
			return s.Memberships(ctx, some.PrincipalID, some.ResourceType, after, limit)
		},
		func(m row.Membership) store.MembershipCursor {
			return store.MembershipCursor{FarmID: m.FarmID, ResourceID: m.ResourceID}
		}, key))
}

func keys[R any](rows []R, key func(R) string) []string {
	var all []string
	for _, r := range rows {
		all = append(all, key(r))
	}
	return all
}

func collectActions(ctx context.Context, t testingT, s store.Store, filter store.ActionFilter, limit int) []string {
	return collect(t, limit, store.FirstAction,
		func(after store.ActionCursor, limit int) ([]row.SessionAction, error) {
			return s.Actions(ctx, filter, after, limit)
		},
		func(a row.SessionAction) store.ActionCursor {
			return store.ActionCursor{SessionSeq: a.SessionSeq, ActionIndex: a.ActionIndex}
		},
		actionKey)
}

// actionFilters are all combinations that match something in c, and some that do not.
func actionFilters(c *row.Changes) []store.ActionFilter {
	var filters []store.ActionFilter
	for _, j := range c.Jobs {
		filters = append(filters, store.ActionFilter{JobID: j.JobID})
		for seq := range int64(3) {
			filters = append(filters, store.ActionFilter{JobID: j.JobID, SessionSeq: &seq})
			for task := range int64(3) {
				key := &store.TaskKey{StepIndex: 0, TaskIndex: task}
				filters = append(filters, store.ActionFilter{JobID: j.JobID, Task: key},
					store.ActionFilter{JobID: j.JobID, SessionSeq: &seq, Task: key})
			}
		}
	}
	return filters
}

func matches(f *store.ActionFilter, a *row.SessionAction) bool {
	return a.JobID == f.JobID && (f.SessionSeq == nil || *f.SessionSeq == a.SessionSeq) &&
		(f.Task == nil || *f.Task == store.TaskKey{StepIndex: a.StepIndex, TaskIndex: a.TaskIndex})
}

func pagesByAge(ctx context.Context, r *Random, s store.Store, c *row.Changes, limit int) {
	fleet := c.Workers[0].FleetID
	start := store.ResourceCursor{CreatedAt: -1 << 63}
	workers := slices.Clone(c.Workers)
	slices.SortFunc(workers, func(a, b row.Worker) int {
		return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.WorkerID, b.WorkerID))
	})
	id := func(w row.Worker) string { return w.WorkerID }
	same(r, "Workers", keys(workers, id), collect(r, limit, start,
		func(after store.ResourceCursor, limit int) ([]row.Worker, error) {
			return s.Workers(ctx, fleet, after, limit)
		},
		func(w row.Worker) store.ResourceCursor {
			return store.ResourceCursor{CreatedAt: w.CreatedAt, ID: w.WorkerID}
		}, id))
	n, err := s.CountWorkers(ctx, fleet)
	same(r, "CountWorkers", int64(len(workers)), must(r, n, err))

	for _, worker := range workers {
		sessions := slices.DeleteFunc(slices.Clone(c.Sessions), func(x row.Session) bool { return x.WorkerID != worker.WorkerID })
		slices.SortFunc(sessions, func(a, b row.Session) int {
			return cmp.Or(cmp.Compare(a.StartedAt, b.StartedAt), cmp.Compare(a.SessionID, b.SessionID))
		})
		id := func(x row.Session) string { return x.SessionID }
		same(r, "WorkerSessions", keys(sessions, id), collect(r, limit, start,
			func(after store.ResourceCursor, limit int) ([]row.Session, error) {
				return s.WorkerSessions(ctx, worker.WorkerID, after, limit)
			},
			func(x row.Session) store.ResourceCursor {
				return store.ResourceCursor{CreatedAt: x.StartedAt, ID: x.SessionID}
			}, id))
	}
	for _, kind := range []row.Kind{row.KindQueue, row.KindFleet} {
		parent := c.Resources[0].ID
		got, err := s.Resources(ctx, kind, parent, start, limit)
		if must(r, got, err); len(got) != 1 || got[0].Kind != kind {
			r.Errorf("Resources(%s) = %v, want one", kind, got)
		}
		n, err := s.CountResources(ctx, kind, parent)
		same(r, "CountResources", int64(1), must(r, n, err))
	}
}

func pagesOfAssociations(ctx context.Context, r *Random, s store.Store, farmID string, limit int) {
	key := func(a row.Association) string { return a.QueueID + "/" + a.FleetID }
	after := func(a row.Association) row.AssociationKey {
		return row.AssociationKey{FarmID: a.FarmID, QueueID: a.QueueID, FleetID: a.FleetID}
	}
	own := r.ID(farmID)
	c := &row.Changes{}
	for _, queue := range []string{"queue-1", "queue-2"} {
		for _, fleet := range []string{"fleet-1", "fleet-2", "fleet-3"} {
			c.Associations = append(c.Associations, r.Association(row.AssociationKey{FarmID: own, QueueID: queue, FleetID: fleet}))
		}
	}
	commit(r, s, c)
	for _, filter := range [][2]string{{"", ""}, {"queue-2", ""}, {"", "fleet-2"}, {"queue-1", "fleet-3"}, {"queue-3", ""}} {
		want := slices.DeleteFunc(slices.Clone(c.Associations), func(a row.Association) bool {
			return filter[0] != "" && a.QueueID != filter[0] || filter[1] != "" && a.FleetID != filter[1]
		})
		same(r, "Associations", keys(want, key), collect(r, limit, row.AssociationKey{},
			func(after row.AssociationKey, limit int) ([]row.Association, error) {
				return s.Associations(ctx, own, filter[0], filter[1], after, limit)
			}, after, key))
	}
}

func pagesOfJobs(ctx context.Context, r *Random, s store.Store, c *row.Changes, limit int) {
	queue := c.Jobs[0].QueueID
	jobs := slices.Clone(c.Jobs)
	slices.Reverse(jobs)
	id := func(j row.Job) string { return j.JobID }
	same(r, "Jobs", keys(jobs, id), collect(r, limit, int64(0),
		func(before int64, limit int) ([]row.Job, error) { return s.Jobs(ctx, queue, before, limit) },
		func(j row.Job) int64 { return j.Number }, id))
	n, err := s.CountJobs(ctx, queue)
	same(r, "CountJobs", int64(len(jobs)), must(r, n, err))

	for _, job := range jobs {
		stepKey := func(x row.Step) string { return x.StepID }
		steps := slices.DeleteFunc(slices.Clone(c.Steps), func(x row.Step) bool { return x.JobID != job.JobID })
		same(r, "Steps", keys(steps, stepKey), collect(r, limit, int32(0),
			func(from int32, limit int) ([]row.Step, error) { return s.Steps(ctx, job.JobID, from, limit) },
			func(x row.Step) int32 { return x.StepIndex + 1 }, stepKey))
		sessionKey := func(x row.Session) string { return x.SessionID }
		sessions := slices.DeleteFunc(slices.Clone(c.Sessions), func(x row.Session) bool { return x.JobID != job.JobID })
		same(r, "Sessions", keys(sessions, sessionKey), collect(r, limit, int64(0),
			func(from int64, limit int) ([]row.Session, error) { return s.Sessions(ctx, job.JobID, from, limit) },
			func(x row.Session) int64 { return x.Seq + 1 }, sessionKey))
	}
}

// testPagesWhileWriting: while rows are changed and added, a walk through the pages sees every
// row that was there when it began, and none twice.
func testPagesWhileWriting(t *testing.T, s store.Store) {
	t.Helper()
	const sessions, actions = 8, 10
	add := func(from, to int64, message string) {
		c := &row.Changes{}
		for seq := range int64(sessions) {
			for index := from; index < to; index++ {
				c.Actions = append(c.Actions, row.SessionAction{
					JobID: "job-1", SessionSeq: seq, ActionIndex: index, SessionID: fmt.Sprint("session-", seq),
					StepIndex: -1, TaskIndex: -1, ProgressMessage: message,
				})
			}
		}
		commit(t, s, c)
	}
	add(0, actions, "")
	before := collectActions(t.Context(), t, s, store.ActionFilter{JobID: "job-1"}, 100)
	if len(before) != sessions*actions {
		t.Fatalf("%d actions, want %d", len(before), sessions*actions)
	}
	stop := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		for n := int64(actions); ; n++ {
			select {
			case <-stop:
				return
			default:
				add(n, n+1, "")
				add(0, actions, "changed")
			}
		}
	})
	for limit := range 7 {
		got := collectActions(t.Context(), t, s, store.ActionFilter{JobID: "job-1"}, limit+3)
		seen := map[string]int{}
		for _, key := range got {
			seen[key]++
			if seen[key] > 1 {
				t.Errorf("limit %d: %s was seen twice", limit+3, key)
			}
		}
		for _, key := range before {
			if seen[key] == 0 {
				t.Errorf("limit %d: %s was skipped", limit+3, key)
			}
		}
	}
	close(stop)
	writer.Wait()
}
