package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// RunTexts checks that the texts of jobs follow the jobs: made with them, changed with their names, gone with them, and added to the
// jobs of an older release.
func RunTexts(t *testing.T, engine store.Engine) {
	t.Helper()
	s := store.New(engine)
	c := &row.Changes{}
	for i := range 5 {
		j := row.Job{JobID: fmt.Sprint("job-", i), QueueID: "queue-1", Number: int64(i), Name: fmt.Sprint("Shot ", i)}
		c.Jobs = append(c.Jobs, j)
		c.JobDocuments = append(c.JobDocuments, row.JobDocument{
			JobID: j.JobID, Parameters: fmt.Appendf(nil, `{"Frames":{"int":"%d"},"Scene":{"path":"/A\u0000b/%d"}}`, i, i%2),
		})
	}
	commit(t, s, c)
	find := func(want store.Condition) (ids []string) {
		t.Helper()
		found, total, err := s.FindJobs(t.Context(), &store.JobSearch{QueueIDs: []string{"queue-1"}, Where: want}, 0, 10, 10)
		if err != nil || total != len(found) {
			t.Fatalf("found %d of %d: %v", len(found), total, err)
		}
		for i := range found {
			ids = append(ids, found[i].JobID)
		}
		return ids
	}
	expect := func(when string, want store.Condition, ids ...string) {
		t.Helper()
		if got := find(want); !slices.Equal(got, ids) {
			t.Errorf("%s: found %v, want %v", when, got, ids)
		}
	}
	scene := store.HasParameter(store.ParameterLine("Scene", "/A\x00b/1", false))
	expect("new", store.Mentions("hot 3"), "job-3")
	expect("new", store.Mentions("b/1"), "job-3", "job-1")
	expect("new", scene, "job-3", "job-1")
	expect("new", store.HasParameter(store.ParameterLine("Frames", "2.0", true)), "job-2")
	expect("new", store.HasParameter(store.ParameterLine("scene", "/A\x00b/1", false)))

	renamed := c.Jobs[3]
	renamed.Name = "Comp"
	commit(t, s, &row.Changes{Jobs: []row.Job{renamed}, Renamed: []string{renamed.JobID, "job-absent"}})
	expect("renamed", store.Mentions("hot 3"))
	expect("renamed", store.Mentions("comp"), "job-3")
	expect("renamed", scene, "job-3", "job-1")

	olden(t, engine)
	if known, err := s.KnowsTexts(t.Context()); err != nil || known {
		t.Errorf("all texts are known: %t, %v", known, err)
	}
	commit(t, s, &row.Changes{DeleteJobs: []string{"job-1"}})
	for _, want := range []int{3, 1, 0} {
		if n, err := s.AddTexts(t.Context(), 3); err != nil || n != want {
			t.Errorf("added %d texts, want %d: %v", n, want, err)
		}
	}
	if known, err := s.KnowsTexts(t.Context()); err != nil || !known {
		t.Errorf("all texts are known: %t, %v", known, err)
	}
	expect("added", store.Mentions("comp"), "job-3")
	expect("added", scene, "job-3")

	commit(t, s, &row.Changes{DeleteJobs: []string{"job-0", "job-2", "job-3", "job-4"}})
	expect("deleted", store.Mentions("job-"))
}

// olden makes the jobs those of an older release.
func olden(t *testing.T, engine store.Engine) {
	t.Helper()
	err := engine.Update(t.Context(), func(tx store.Tx) error {
		for _, text := range []string{
			`DELETE FROM job_text WHERE job_id >= ''`, `INSERT INTO job_without_text (job_id) SELECT job_id FROM job`,
		} {
			if _, err := tx.Exec(t.Context(), text); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
