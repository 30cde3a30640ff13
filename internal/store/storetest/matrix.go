package storetest

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// RunFaults is the crash matrix of an engine: a commit with rows and deletions of every kind fails at each of its writes, and
// in each way. Whatever the way, the store has all of it or nothing, everything that was acknowledged before, and works on.
// lose ends the connection that writes; nil for an engine that has none to lose.
func RunFaults(t *testing.T, engine store.Engine, lose func()) {
	t.Helper()
	faulty := &FaultyEngine{Engine: engine}
	s := store.New(faulty)
	ways := map[string]func(n int){
		"before the write": func(n int) { faulty.Arm(n, Before, nil) },
		"after the write":  func(n int) { faulty.Arm(n, After, nil) },
	}
	if lose != nil {
		ways["connection lost"] = func(n int) { faulty.Arm(n, Before, lose) }
	}
	round := 0
	for way, arm := range ways {
		for n, fired := 1, true; fired; n++ {
			round++
			before, batch := matrixRows(t, round)
			insist(t, s, before)
			old := matrixState(t, s, before, batch)
			arm(n)
			err := s.Commit(t.Context(), batch)
			fired = faulty.Fired()
			got := matrixState(t, s, before, batch)
			if fired && err == nil && way != "connection lost" {
				t.Fatalf("%s %d: the commit succeeded", way, n)
			}
			if err != nil && cmp.Equal(old, got, cmpopts.EquateEmpty()) {
				insist(t, s, batch)
				got = matrixState(t, s, before, batch)
			}
			clean := store.New(engine)
			if diff := cmp.Diff(matrixWant(t, clean, before, batch), got, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("%s %d: neither all nor nothing was stored (-want +got):\n%s", way, n, diff)
			}
			if n > 200 {
				t.Fatal("the fault does not stop to happen")
			}
		}
	}
}

// matrixRows are rows of a farm, and a batch that writes some of each kind and deletes others.
func matrixRows(t *testing.T, round int) (before, batch *row.Changes) {
	t.Helper()
	random := func(seed int, prefix string) *row.Changes {
		return rapid.Custom(func(r *rapid.T) *row.Changes {
			_, c := (&Random{T: r, Prefix: prefix}).Farm()
			return c
		}).Example(seed)
	}
	prefix := t.Name() + string(rune('a'+round%26)) + string(rune('a'+round/26))
	before, batch = random(round, prefix+"-old"), random(round+1, prefix+"-new")
	batch.DeleteJobs = []string{before.Jobs[0].JobID}
	batch.DeleteWorkers = []string{before.Workers[0].WorkerID}
	for _, a := range before.Associations {
		batch.DeleteAssociations = append(batch.DeleteAssociations, row.AssociationKey{FarmID: a.FarmID, QueueID: a.QueueID, FleetID: a.FleetID})
	}
	sweep := row.Sweep{JobID: batch.Tasks[0].JobID, Seq: math.MaxInt64, To: status.TaskReady, MaxRetries: math.MaxInt32}
	for from := range status.NumTask {
		sweep.From = append(sweep.From, status.Task(from))
	}
	batch.Sweeps = []row.Sweep{sweep}
	batch.Tags = append(batch.Tags, row.Tags{ARN: before.Tags[0].ARN})
	return before, batch
}

// matrixState is what a store has of two sets of rows.
func matrixState(t *testing.T, s store.Store, sets ...*row.Changes) (all []any) {
	t.Helper()
	for _, c := range sets {
		farm, err := s.Snapshot(t.Context(), c.Resources[0].ID)
		all = append(all, must(t, farm, err))
		for i := range c.Jobs {
			if job, err := s.JobSnapshot(t.Context(), c.Jobs[i].JobID); err == nil {
				all = append(all, job)
			}
		}
		for i := range c.Tags {
			tags, err := s.Tags(t.Context(), c.Tags[i].ARN)
			all = append(all, must(t, tags, err))
		}
		for _, token := range c.Tokens {
			if got, err := s.RequestToken(t.Context(), token.Principal, token.Operation, token.Token); err == nil {
				all = append(all, got)
			}
		}
	}
	return all
}

// matrixWant is the state after the batch was committed for certain. Committing it again changes nothing.
func matrixWant(t *testing.T, s store.Store, before, batch *row.Changes) []any {
	t.Helper()
	again := *batch
	again.Usages = nil // sums are added to
	insist(t, s, &again)
	return matrixState(t, s, before, batch)
}

// insist commits, again when a connection proves to be lost.
func insist(t *testing.T, s store.Store, c *row.Changes) {
	t.Helper()
	if err := s.Commit(t.Context(), c); errors.Is(err, store.ErrIO) {
		commit(t, s, c)
	} else if err != nil {
		t.Fatal(err)
	}
}
