package farmbench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/sqlite"
	"github.com/farmhand-render/farmhand/internal/testfarm"
)

// actionsVar says among how many session actions [BenchmarkListSessionActions] looks.
const actionsVar = "FARMHAND_BENCH_ACTIONS"

const perSession = 100 // actions

// BenchmarkListSessionActions measures a page of 100 actions, those of one session, among many of the same job.
func BenchmarkListSessionActions(b *testing.B) {
	const calls = 2000
	actions := 100_000
	if text := os.Getenv(actionsVar); text != "" {
		var err error
		if actions, err = strconv.Atoi(text); err != nil {
			b.Fatalf("%s: %v", actionsVar, err)
		}
	}
	f, jobID, sessions := manyActions(b, actions)
	b.Run(fmt.Sprintf("actions=%d", actions), func(b *testing.B) {
		for b.Loop() {
			var took []time.Duration
			r := rand.New(rand.NewPCG(1, 2))
			for range calls {
				began := time.Now()
				out, err := f.Admin.ListSessionActions(b.Context(), &deadline.ListSessionActionsInput{
					FarmId: f.FarmID, QueueId: f.QueueID, JobId: jobID, SessionId: &sessions[r.IntN(len(sessions))], MaxResults: new(int32(100)),
				})
				took = append(took, time.Since(began))
				if err != nil || len(out.SessionActions) != perSession {
					b.Fatalf("%+v, %v", out, err)
				}
			}
			f.Kill()
			slices.Sort(took)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(milliseconds(quantile(took, 0.50)), "p50-ms")
			b.ReportMetric(milliseconds(quantile(took, 0.99)), "p99-ms")
			b.ReportMetric(float64(f.ProcessorTime().Microseconds())/calls, "server-µs/call")
		}
	})
}

// manyActions runs a job, and copies its session in the store until there are n actions.
func manyActions(b *testing.B, n int) (f *testfarm.Farm, jobID string, sessions []string) {
	b.Helper()
	f = testfarm.NewFarm(b, testfarm.Start(b, testfarm.Options{}))
	jobID = submit(b, f, perSession)
	w, err := f.Join(b.Context(), testfarm.Script{})
	if err == nil {
		err = w.Turn(b.Context())
	}
	for err == nil && w.Busy() {
		err = w.Turn(b.Context())
	}
	if err != nil {
		b.Fatal(err)
	}
	f.Stop()
	if sessions, err = copySessions(b.Context(), filepath.Join(f.DataDir, "farmhand.db"), jobID, n/perSession); err != nil {
		b.Fatal(err)
	}
	f.Restart(b.Context())
	return f, jobID, sessions
}

// copySessions gives a job as many sessions as wanted, each like its first.
func copySessions(ctx context.Context, path, jobID string, wanted int) (ids []string, err error) {
	s, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		return nil, err
	}
	defer s.Close() //nolint:errcheck // the server finds out
	first, err := s.Sessions(ctx, jobID, 0, 1)
	if err != nil || len(first) != 1 {
		return nil, fmt.Errorf("the job has %d sessions: %w", len(first), err)
	}
	actions, err := s.Actions(ctx, store.ActionFilter{JobID: jobID}, store.FirstAction, perSession)
	if err != nil {
		return nil, err
	}
	ids = []string{first[0].SessionID}
	for len(ids) < wanted {
		session := first[0]
		session.Seq, session.SessionID = int64(len(ids)), fmt.Sprintf("session-%032x", len(ids))
		ids = append(ids, session.SessionID)
		changes := &row.Changes{Sessions: []row.Session{session}}
		for _, a := range actions {
			a.SessionSeq, a.SessionID = session.Seq, session.SessionID
			changes.Actions = append(changes.Actions, a)
		}
		if err := s.Commit(ctx, changes); err != nil {
			return nil, err
		}
	}
	return ids, nil
}
