package committer

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/postgres"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/sqlite"
	"github.com/farmhand-render/farmhand/internal/store/storetest/postgrestest"
)

// BenchmarkDo measures requests through the committer, each changing one of 1,000 jobs, with commits on disk.
func BenchmarkDo(b *testing.B) {
	for _, callers := range []int{1, 8, 64, 256} {
		b.Run(fmt.Sprint("callers=", callers), func(b *testing.B) {
			s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "farm.db"), sqlite.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close() //nolint:errcheck // a benchmark
			c, stop := start(b, s, Options{})
			defer stop()
			for i := range 1000 {
				do(b, c, create(jobID(i)))
			}
			b.ResetTimer()
			var wg sync.WaitGroup
			for n := range callers {
				wg.Go(func() {
					for i := n; i < b.N; i += callers {
						do(b, c, scheduler.UpdateJob{JobID: jobID(i % 1000)})
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
		})
	}
}

// BenchmarkTarget measures how long a target for a job of 300,000 tasks that all have rows of their own keeps the other commands of the
// farm waiting: those of one caller that sends one after the other.
func BenchmarkTarget(b *testing.B) {
	for name, open := range map[string]func(b *testing.B) store.Store{
		"sqlite": func(b *testing.B) store.Store {
			b.Helper()
			s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "farm.db"), sqlite.Options{})
			if err != nil {
				b.Fatal(err)
			}
			return s
		},
		"postgres": func(b *testing.B) store.Store {
			b.Helper()
			cluster := postgrestest.Start(b, postgrestest.Options{Durable: true})
			s, err := postgres.Open(b.Context(), cluster.Database(b), postgres.Options{})
			if err != nil {
				b.Fatal(err)
			}
			return s
		},
	} {
		for _, from := range []status.Task{status.TaskReady, status.TaskSucceeded} {
			to := map[status.Task]status.Task{status.TaskReady: status.TaskCanceled, status.TaskSucceeded: status.TaskPending}[from]
			b.Run(fmt.Sprint(name, "/", from, "-", to), func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					s := &sweepWatch{Store: open(b), swept: make(chan struct{}, 1)}
					fillTouched(b, s, from, 300_000)
					c, stop := start(b, s, Options{newCore: func(seed [32]byte) core { return scheduler.New(scheduler.Config{}, seed) }})
					do(b, c, scheduler.UpdateJob{JobID: benchJob(2)})
					<-s.swept // nothing, at the start
					b.StartTimer()
					measureTarget(b, s, c, scheduler.UpdateJob{JobID: benchJob(1), Target: to, By: "somebody"})
					stop()
					if err := s.Close(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// measureTarget reports how long a command took, and the longest that another one took until all of its tasks had their rows.
func measureTarget(b *testing.B, s *sweepWatch, c *Committer, command scheduler.Command) {
	b.Helper()
	began, answered := time.Now(), make(chan time.Duration, 1)
	go func() {
		if _, err := c.Do(b.Context(), Request{FarmID: "farm-1", Command: command}); err != nil {
			b.Error(err)
		}
		answered <- time.Since(began)
	}()
	var waited []time.Duration
	for swept := false; !swept; {
		select {
		case <-s.swept:
			swept = true
		default:
		}
		sent := time.Now()
		do(b, c, scheduler.UpdateJob{JobID: benchJob(2)})
		waited = append(waited, time.Since(sent))
	}
	slices.Sort(waited)
	b.ReportMetric(float64((<-answered).Milliseconds()), "target-ms")
	b.ReportMetric(float64(waited[len(waited)/2].Milliseconds()), "others-p50-ms")
	b.ReportMetric(float64(waited[len(waited)-1].Milliseconds()), "others-max-ms")
	b.ReportMetric(float64(time.Since(began).Milliseconds()), "swept-ms")
}

func benchJob(i int) string { return fmt.Sprintf("job-%032x", i) }

// fillTouched writes a farm with a job whose tasks all have rows, and another one.
func fillTouched(b *testing.B, s store.Store, all status.Task, tasks int64) {
	b.Helper()
	c := &row.Changes{Resources: []row.Resource{
		{Kind: row.KindFarm, ID: "farm-1", Doc: []byte(`{}`)},
		{Kind: row.KindQueue, ID: "queue-1", FarmID: "farm-1", ParentID: "farm-1", Doc: []byte(`{}`)},
	}}
	for i, n := range [...]int64{tasks, 1} {
		id := benchJob(i + 1)
		counts := status.Counts{}
		counts[[...]status.Task{all, status.TaskReady}[i]] = n
		c.Jobs = append(c.Jobs, row.Job{
			FarmID: "farm-1", QueueID: "queue-1", JobID: id, Number: int64(i + 1), Lifecycle: status.LifecycleCreateComplete,
			TaskStatus: counts.Derive(), Counts: counts, MaxRetries: 5,
		})
		c.JobDocuments = append(c.JobDocuments, row.JobDocument{JobID: id})
		step := row.Step{
			JobID: id, StepID: "step-of-" + id, Lifecycle: status.LifecycleCreateComplete, TaskStatus: counts.Derive(), Counts: counts,
			Tasks: n, Rest: status.TaskReady,
		}
		if i == 0 {
			step.Cursor = n
		}
		c.Steps = append(c.Steps, step)
		c.StepDocuments = append(c.StepDocuments, row.StepDocument{JobID: id, StepID: "step-of-" + id})
	}
	for i := range tasks {
		c.Tasks = append(c.Tasks, row.Task{
			JobID: benchJob(1), TaskIndex: i, Status: all, StartedAt: 1_800_000_000_000_000, EndedAt: 1_800_000_000_000_000,
			LatestAction: fmt.Sprintf("sessionaction-%032x-%d", i/10, i%10),
		})
	}
	if err := s.Commit(b.Context(), c); err != nil {
		b.Fatal(err)
	}
}
