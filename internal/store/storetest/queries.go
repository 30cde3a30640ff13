package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/search"
)

// minQueries is about how many queries the store has: so few recorded ones mean that something went wrong.
const minQueries = 40

// Queries runs every query of a store on an engine and gives their texts with arguments, for a look at their plans.
func Queries(t *testing.T, e store.Engine) map[string][]any {
	t.Helper()
	r := &recorder{Engine: e, queries: map[string][]any{}}
	runAllQueries(t, store.New(r))
	if len(r.queries) < minQueries {
		t.Errorf("only %d queries were recorded", len(r.queries))
	}
	return r.queries
}

// recorder remembers the texts that it runs, with their arguments.
type recorder struct {
	store.Engine
	queries map[string][]any
}

func (r *recorder) View(ctx context.Context, f func(store.Querier) error) error {
	return r.Engine.View(ctx, func(q store.Querier) error { return f(recordingTx{Querier: q, r: r}) })
}

func (r *recorder) Update(ctx context.Context, f func(store.Tx) error) error {
	return r.Engine.Update(ctx, func(tx store.Tx) error { return f(recordingTx{tx, tx, r}) })
}

func (r *recorder) Query(ctx context.Context, text string, args []any, scan func(store.Scanner) error) error {
	r.queries[text] = args
	return r.Engine.Query(ctx, text, args, scan)
}

type recordingTx struct {
	store.Querier
	tx store.Tx
	r  *recorder
}

func (t recordingTx) Query(ctx context.Context, text string, args []any, scan func(store.Scanner) error) error {
	t.r.queries[text] = args
	return t.Querier.Query(ctx, text, args, scan)
}

func (t recordingTx) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	if !strings.HasPrefix(text, "INSERT") {
		t.r.queries[text] = args
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
		Jobs: []row.Job{
			{FarmID: "farm", QueueID: "queue", JobID: "job", TaskStatus: 1}, // so that snapshots read its rows
			{FarmID: "farm", QueueID: "gone", JobID: "left", Number: 1}, {FarmID: "farm", QueueID: "queue", JobID: "gone", Number: 2},
		},
		Workers: []row.Worker{{FarmID: "farm", FleetID: "fleet", WorkerID: "worker"}},
		Tasks:   []row.Task{{JobID: "job"}}, Sweeps: []row.Sweep{{JobID: "job", Seq: 1, From: []status.Task{status.TaskReady}}},
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(ctx, &row.Changes{
		DeleteResources:    []row.ResourceKey{{Kind: row.KindQueue, ID: "gone"}},
		DeleteAssociations: []row.AssociationKey{{}}, DeleteWorkers: []string{""}, DeleteJobs: []string{"gone"},
		Tags: []row.Tags{{}},
	}); err != nil {
		t.Fatal(err)
	}
	session, from := int64(1), store.ResourceCursor{}
	task := &store.TaskKey{}
	results := []func() error{
		func() error { _, err := s.PurgeTokens(ctx, 1, 1); return err },
		func() error { _, err := s.PurgeJob(ctx, "gone", 1); return err },
		func() error { _, err := s.DeletedQueues(ctx, "", 1); return err },
		func() error { _, err := s.DeletedJobs(ctx, "", 1); return err },
		func() error { _, err := s.PurgeQueue(ctx, "gone", 100); return err },
		func() error { _, err := s.PurgeUsage(ctx, "", 1); return err },
		func() error { _, err := s.PurgeFarm(ctx, ""); return err },
		func() error { _, err := s.UsageFarms(ctx, "", 1); return err },
		func() error { _, err := s.OverJobs(ctx, "", 1, 2); return err },
		func() error { _, err := s.ArchivedJobs(ctx, "", 1, 1); return err },
		func() error { _, err := s.Tagged(ctx, "", 1); return err },
		func() error { _, err := s.TasksAt(ctx, "", 0, []int64{1}); return err },
		func() error { _, err := s.FindTasks(ctx, &store.TaskSearch{}, 1); return err },
		func() error {
			_, err := s.FindTasks(ctx, &store.TaskSearch{Statuses: []status.Task{status.TaskFailed}}, 1)
			return err
		},
		func() error {
			rare := []status.Task{status.TaskFailed, status.TaskCanceled}
			_, err := s.CountTasks(ctx, &store.TaskSearch{Statuses: rare}, 1)
			return err
		},
		func() error { _, err := s.JobParameters(ctx, []string{""}); return err },
		func() error {
			_, _, err := s.FindJobs(ctx, &search.Query{Kind: search.Jobs, Within: []string{"queue"}, Size: 1, Limit: 1})
			return err
		},
		func() error {
			_, _, err := s.FindSteps(ctx, &search.Query{Kind: search.Steps, Within: []string{"queue"}, Size: 1, Limit: 1})
			return err
		},
		func() error {
			_, _, err := s.FindWorkers(ctx, &search.Query{Kind: search.Workers, Within: []string{"fleet"}, Size: 1, Limit: 1})
			return err
		},
		func() error { _, err := s.StepsByID(ctx, []string{""}); return err },
		func() error { _, err := s.TasksOf(ctx, []string{""}); return err },
		func() error { _, _, err := s.CountTasksOf(ctx, []string{""}, &store.TaskCondition{}); return err },
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
		func() error { _, err := s.SweepTasks(ctx, 1); return err },
		func() error { _, err := s.SweepTasks(ctx, 1); return err },
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
