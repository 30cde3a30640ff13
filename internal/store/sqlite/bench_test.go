package sqlite_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/sqlite"
)

// BenchmarkCommit measures commits of rows as they arise from task life cycles: an action and
// its task changed, five active jobs.
func BenchmarkCommit(b *testing.B) {
	for _, rows := range []int{1, 16, 128, 1024} {
		b.Run(fmt.Sprint("rows=", rows), func(b *testing.B) {
			s := open(b, filepath.Join(b.TempDir(), "farm.db"), sqlite.Options{})
			n := 0
			for b.Loop() {
				c := &row.Changes{}
				for i := range rows {
					k := n + i
					job, index := benchJob(k%5), int64(k/10)
					if k%2 == 0 {
						c.Tasks = append(c.Tasks, row.Task{JobID: job, TaskIndex: index % 1000, Status: status.TaskRunning, UpdatedAt: int64(k)})
					} else {
						c.Actions = append(c.Actions, benchAction(job, index/100, index%100))
					}
				}
				n += rows
				if err := s.Commit(b.Context(), c); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func benchJob(n int) string { return fmt.Sprintf("job-%032x", n) }

func benchAction(job string, seq, index int64) row.SessionAction {
	code := int32(0)
	return row.SessionAction{
		JobID: job, SessionSeq: seq, ActionIndex: index, SessionID: fmt.Sprintf("session-%s-%016x", job[20:], seq),
		Kind: row.ActionTaskRun, TaskIndex: seq*100 + index, Status: status.ActionSucceeded, ExitCode: &code,
		StartedAt: 1_700_000_000_000_000, EndedAt: 1_700_000_001_000_000, Progress: 100,
	}
}

// BenchmarkActions measures a page of 100 of one session's actions among a million.
func BenchmarkActions(b *testing.B) {
	const jobs, sessions, actions = 10, 1000, 100
	s := open(b, filepath.Join(b.TempDir(), "farm.db"), sqlite.Options{Relaxed: true})
	for job := range jobs {
		for from := int64(0); from < sessions; from += 100 {
			c := &row.Changes{}
			for seq := from; seq < from+100; seq++ {
				for index := range int64(actions) {
					c.Actions = append(c.Actions, benchAction(benchJob(job), seq, index))
				}
			}
			if err := s.Commit(b.Context(), c); err != nil {
				b.Fatal(err)
			}
		}
	}
	var took []time.Duration
	n := 0
	for b.Loop() {
		seq := int64(n*7919) % sessions
		began := time.Now()
		found, err := s.Actions(b.Context(), store.ActionFilter{JobID: benchJob(n % jobs), SessionSeq: &seq}, store.FirstAction, 100)
		took = append(took, time.Since(began))
		if err != nil || len(found) != actions {
			b.Fatal(len(found), err)
		}
		n++
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkSnapshot measures taking over a farm of 10,000 jobs with 100 untouched tasks each.
func BenchmarkSnapshot(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "farm.db"), sqlite.Options{Relaxed: true})
	c := &row.Changes{}
	for i := range 10_000 {
		id := benchJob(i)
		var counts status.Counts
		counts[status.TaskReady] = 100
		c.Jobs = append(c.Jobs, row.Job{FarmID: "farm", JobID: id, Number: int64(i + 1), TaskStatus: status.TaskReady, Counts: counts})
		c.JobDocuments = append(c.JobDocuments, row.JobDocument{JobID: id, Template: fmt.Sprintf("%2000d", i)})
		c.Steps = append(c.Steps, row.Step{JobID: id, StepID: id, Tasks: 100, Rest: status.TaskReady, Counts: counts})
		c.StepDocuments = append(c.StepDocuments, row.StepDocument{JobID: id, StepID: id, Template: fmt.Appendf(nil, "%1000d", i)})
	}
	if err := s.Commit(b.Context(), c); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		snapshot, err := s.Snapshot(b.Context(), "farm")
		if err != nil || len(snapshot.Jobs) != 10_000 {
			b.Fatal(err)
		}
	}
}
