package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
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
	recorder := &recorder{Engine: e, texts: map[string]int{}}
	runAllQueries(t, store.New(recorder))
	if len(recorder.texts) < 40 {
		t.Errorf("only %d queries were recorded", len(recorder.texts))
	}
	for text, args := range recorder.texts {
		for _, detail := range explain(t, e, text, args) {
			sorts := strings.Contains(detail, "TEMP B-TREE") && !sortsLittle(text)
			if strings.HasPrefix(detail, "SCAN") || sorts || strings.Contains(detail, "AUTOMATIC") {
				t.Errorf("%s\n%s", detail, text)
			}
		}
	}
}

// Some queries have an index made for them, which the planner must see.
func TestIndexesAreUsed(t *testing.T) {
	t.Parallel()
	e := openTestEngine(t)
	recorder := &recorder{Engine: e, texts: map[string]int{}}
	runAllQueries(t, store.New(recorder))
	for part, index := range map[string]string{
		"worker_id = $2":                      "session_open_by_worker (worker_id=? AND job_id=?)",
		"task_index = $3 AND":                 "session_action_by_task (job_id=? AND step_index=? AND task_index=? AND ",
		"session_seq = $2 AND action_index >": "PRIMARY KEY (job_id=? AND session_seq=? AND action_index>?)",
		"task_status NOT IN":                  "job_unfinished (farm_id=?)",
		"number < $2":                         "job_by_queue (queue_id=? AND number<?)",
	} {
		var plans []string
		for text, args := range recorder.texts {
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
func explain(t *testing.T, e *engine, text string, args int) (lines []string) {
	t.Helper()
	values := make([]any, args)
	for i := range values {
		values[i] = int64(1)
	}
	err := e.Query(t.Context(), "EXPLAIN QUERY PLAN "+text, values, func(s store.Scanner) error {
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

// recorder remembers the texts that it runs, with their number of arguments.
type recorder struct {
	store.Engine
	texts map[string]int
}

func (r *recorder) View(ctx context.Context, f func(store.Querier) error) error {
	return r.Engine.View(ctx, func(q store.Querier) error { return f(recordingTx{Querier: q, r: r}) })
}

func (r *recorder) Update(ctx context.Context, f func(store.Tx) error) error {
	return r.Engine.Update(ctx, func(tx store.Tx) error { return f(recordingTx{tx, tx, r}) })
}

func (r *recorder) Query(ctx context.Context, text string, args []any, scan func(store.Scanner) error) error {
	r.texts[text] = len(args)
	return r.Engine.Query(ctx, text, args, scan)
}

type recordingTx struct {
	store.Querier
	tx store.Tx
	r  *recorder
}

func (t recordingTx) Query(ctx context.Context, text string, args []any, scan func(store.Scanner) error) error {
	t.r.texts[text] = len(args)
	return t.Querier.Query(ctx, text, args, scan)
}

func (t recordingTx) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	if !strings.HasPrefix(text, "INSERT") {
		t.r.texts[text] = len(args)
	}
	return t.tx.Exec(ctx, text, args...)
}

func (t recordingTx) Upsert(ctx context.Context, table *store.Table, rows store.Batch) error {
	return t.tx.Upsert(ctx, table, rows)
}

func runAllQueries(t *testing.T, s store.Store) {
	t.Helper()
	ctx := t.Context()
	if err := s.Commit(ctx, &row.Changes{
		Jobs:               []row.Job{{FarmID: "farm", JobID: "job", TaskStatus: 1}}, // so that snapshots read its rows
		DeleteResources:    []row.ResourceKey{{Kind: row.KindQueue}},
		DeleteAssociations: []row.AssociationKey{{}}, DeleteWorkers: []string{""}, DeleteJobs: []string{""},
		Tags: []row.Tags{{}},
	}); err != nil {
		t.Fatal(err)
	}
	session, from := int64(1), store.ResourceCursor{}
	task := &store.TaskKey{}
	results := []func() error{
		func() error { _, err := s.PurgeTokens(ctx, 1, 1); return err },
		func() error { _, err := s.Snapshot(ctx, "farm"); return err },
		func() error { _, err := s.JobSnapshot(ctx, "job"); return err },
		func() error { _, err := s.Resource(ctx, "", ""); return err },
		func() error { _, err := s.Resources(ctx, "", "", from, 1); return err },
		func() error { _, err := s.CountResources(ctx, "", ""); return err },
		func() error { _, err := s.Tags(ctx, ""); return err },
		func() error { _, err := s.RequestToken(ctx, "", "", ""); return err },
		func() error { _, err := s.Association(ctx, row.AssociationKey{}); return err },
		func() error { _, err := s.Associations(ctx, "", "", "", row.AssociationKey{}, 1); return err },
		func() error { _, err := s.Worker(ctx, ""); return err },
		func() error { _, err := s.Workers(ctx, "", from, 1); return err },
		func() error { _, err := s.CountWorkers(ctx, ""); return err },
		func() error { _, err := s.Job(ctx, ""); return err },
		func() error { _, err := s.JobDocument(ctx, ""); return err },
		func() error { _, err := s.Jobs(ctx, "", 0, 1); return err },
		func() error { _, err := s.CountJobs(ctx, ""); return err },
		func() error { _, err := s.StepByID(ctx, ""); return err },
		func() error { _, err := s.Steps(ctx, "", 0, 1); return err },
		func() error { _, err := s.StepDocument(ctx, "", 0); return err },
		func() error { _, err := s.StepDocuments(ctx, ""); return err },
		func() error { _, err := s.Tasks(ctx, "", 0, 0, 1); return err },
		func() error { _, err := s.SessionByID(ctx, ""); return err },
		func() error { _, err := s.Sessions(ctx, "", 0, 1); return err },
		func() error { _, err := s.WorkerSessions(ctx, "", from, 1); return err },
		func() error { _, err := s.HoldsJob(ctx, "", ""); return err },
		func() error { _, err := s.HoldsQueue(ctx, "", ""); return err },
		func() error { _, err := s.Action(ctx, "", 0, 0); return err },
		func() error { _, err := s.FarmIDs(ctx); return err },
	}
	for _, f := range []store.ActionFilter{{}, {SessionSeq: &session}, {Task: task}, {SessionSeq: &session, Task: task}} {
		results = append(results, func() error { _, err := s.Actions(ctx, f, store.FirstAction, 1); return err })
	}
	for i, run := range results {
		if err := run(); err != nil && !errors.Is(err, store.ErrNotFound) {
			t.Error(fmt.Errorf("query %d: %w", i, err))
		}
	}
}
