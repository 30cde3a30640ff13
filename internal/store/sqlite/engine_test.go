package sqlite

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/storetest"
)

func openTestEngine(t *testing.T) *engine {
	t.Helper()
	e, err := openEngine(t.Context(), filepath.Join(t.TempDir(), "farm.db"), Options{Readers: 1, Relaxed: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// When space runs out a commit fails as a whole with its own error, and once there is room again work goes on.
func TestFull(t *testing.T) {
	t.Parallel()
	e := openTestEngine(t)
	s := store.New(e)
	limit := func(pages string) {
		t.Helper()
		err := e.writer.with(t.Context(), func(c *conn) error {
			return c.Query(t.Context(), "PRAGMA max_page_count = "+pages, nil, func(store.Scanner) error { return nil })
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	limit("1") // as small as the database is now
	big := &row.Changes{JobDocuments: []row.JobDocument{{JobID: "job-1", Template: strings.Repeat("x", 1<<20)}}}
	if err := s.Commit(t.Context(), big); !errors.Is(err, store.ErrFull) {
		t.Fatalf("Commit: %v, want ErrFull", err)
	}
	if _, err := s.JobDocument(t.Context(), "job-1"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("JobDocument: %v, want ErrNotFound", err)
	}
	limit("1000000")
	if err := s.Commit(t.Context(), big); err != nil {
		t.Errorf("Commit with room again: %v", err)
	}
}

// Every query of the store runs on an index: none looks through a table.
func TestQueryPlans(t *testing.T) {
	t.Parallel()
	e := openTestEngine(t)
	for text, args := range storetest.Queries(t, e) {
		for _, detail := range explain(t, e, text, args) {
			sorts := strings.Contains(detail, "TEMP B-TREE") && !sortsLittle(text)
			looks := strings.HasPrefix(detail, "SCAN") && detail != "SCAN found" // what a subquery gave
			if looks || sorts || strings.Contains(detail, "AUTOMATIC") {
				t.Errorf("%s\n%s", detail, text)
			}
		}
	}
}

// Some queries have an index made for them, which the planner must see.
func TestIndexesAreUsed(t *testing.T) {
	t.Parallel()
	e := openTestEngine(t)
	queries := storetest.Queries(t, e)
	for part, index := range map[string]string{
		"worker_id = $2":                      "session_open_by_worker (worker_id=? AND job_id=?)",
		"task_index = $3 AND":                 "session_action_by_task (job_id=? AND step_index=? AND task_index=? AND ",
		"session_seq = $2 AND action_index >": "PRIMARY KEY (job_id=? AND session_seq=? AND action_index>?)",
		"task_status NOT IN":                  "job_unfinished (farm_id=?)",
		"status <= $3 AND status IN ":         "task_rare (job_id=? AND step_index=? AND status",
		"number < $2 ORDER":                   "job_by_queue (queue_id=? AND number<?)",
	} {
		var plans []string
		for text, args := range queries {
			if !strings.Contains(text, part) {
				continue
			}
			plan := strings.Join(explain(t, e, text, args), "\n")
			if plans = append(plans, plan); !strings.Contains(plan, index) {
				t.Errorf("%s does not use %s but\n%s", part, index, plan)
			}
		}
		if plans == nil {
			t.Errorf("no query has %s", part)
		}
	}
}

// explain gives the lines of a query's plan.
func explain(t *testing.T, e *engine, text string, args []any) (lines []string) {
	t.Helper()
	err := e.Query(t.Context(), "EXPLAIN QUERY PLAN "+text, args, func(s store.Scanner) error {
		var id, parent, unused int
		var detail string
		err := s.Scan(&id, &parent, &unused, &detail)
		lines = append(lines, detail)
		return err
	})
	if err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	return lines
}

// sortsLittle names the queries that sort their result: those of snapshots, which read it whole anyway.
func sortsLittle(text string) bool {
	return strings.Contains(text, "WHERE farm_id = $1") || strings.Contains(text, "ORDER BY number") ||
		strings.Contains(text, "job_id IN (") || strings.Contains(text, "session_seq) IN (")
}

// A fault at every write of a commit.
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	storetest.RunFaults(t, openTestEngine(t), nil)
}

// A fault at every write of the purge of a deleted queue.
func TestPurgeFaultMatrix(t *testing.T) {
	t.Parallel()
	storetest.RunPurgeFaults(t, openTestEngine(t), nil)
}

// A fault at every write that does sweeps.
func TestSweepFaultMatrix(t *testing.T) {
	t.Parallel()
	storetest.RunSweepFaults(t, openTestEngine(t), nil)
}

// Searches see what commits wrote.
func TestSearches(t *testing.T) {
	t.Parallel()
	storetest.RunSearches(t, openTestEngine(t))
}
