package farmbench

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/testfarm"
)

// profileVar is how the names of files begin that get profiles of the server's processor time; the number of queued tasks follows.
const profileVar = "FARMHAND_BENCH_PROFILE"

const (
	workers = 64
	bigJobs = 4 // that hold the queued tasks
	warmUp  = 3 * time.Second
	window  = 10 * time.Second
)

func TestMain(m *testing.M) { testfarm.Main(m) }

// BenchmarkTaskLifeCycles measures how many tasks a second go from claimed to running to succeeded: each worker holds one task at a time
// in front, reports it to run in one request and to have succeeded in the next. A claim is a request whose answer hands out new work.
// The server's processor time for each life cycle says the same with less noise, where others use the machine too.
func BenchmarkTaskLifeCycles(b *testing.B) {
	rates := map[int64]float64{}
	for _, queued := range []int64{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("queued=%d", queued), func(b *testing.B) {
			for b.Loop() {
				rates[queued] = lifeCycles(b, queued)
			}
		})
	}
	b.Run("ratio", func(b *testing.B) {
		for b.Loop() {
			if rates[10_000] == 0 {
				b.Skip("needs the other two")
			}
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(100*rates[1_000_000]/rates[10_000], "%-of-10,000")
	})
}

func lifeCycles(b *testing.B, queued int64) (perSecond float64) {
	b.Helper()
	options := testfarm.Options{}
	if name := os.Getenv(profileVar); name != "" {
		options.Profile = fmt.Sprint(name, queued)
	}
	f := testfarm.NewFarm(b, testfarm.Start(b, options))
	for range bigJobs {
		submit(b, f, queued/bigJobs)
	}
	s := &stage{Farm: f, ctx: b.Context(), size: queued / bigJobs}
	s.queued.Store(queued)
	s.measure(b)
	if options.Profile != "" {
		f.Stop()
	} else {
		f.Kill()
	}
	claims := slices.Concat(s.claims...)
	slices.Sort(claims)
	perSecond = float64(s.done.Load()) / s.took.Seconds()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(perSecond, "life-cycles/s")
	b.ReportMetric(milliseconds(quantile(claims, 0.50)), "claim-p50-ms")
	b.ReportMetric(milliseconds(quantile(claims, 0.99)), "claim-p99-ms")
	b.ReportMetric(float64(f.ProcessorTime().Microseconds())/float64(s.ever.Load()), "server-µs/life-cycle")
	return perSecond
}

// submit makes a job of one step with n tasks.
func submit(tb testing.TB, f *testfarm.Farm, n int64) (jobID string) {
	tb.Helper()
	out, err := f.Admin.CreateJob(tb.Context(), f.JobInput(template(n)))
	if err != nil {
		tb.Fatalf("create a job: %v", err)
	}
	return out.JobId
}

func template(n int64) string {
	return fmt.Sprintf(`
specificationVersion: jobtemplate-2023-09
name: bench
steps:
- name: Render
  parameterSpace:
    taskParameterDefinitions: [{name: Frame, type: INT, range: "1-%d"}]
  script: {actions: {onRun: {command: render, args: ["--frame", "{{Task.Param.Frame}}"]}}}
`, n)
}

// stage is 64 workers on a farm.
type stage struct {
	*testfarm.Farm
	ctx      context.Context //nolint:containedctx // the benchmark's
	size     int64           // tasks of a job
	queued   atomic.Int64
	counting atomic.Bool
	done     atomic.Int64 // life cycles while counting
	ever     atomic.Int64 // life cycles
	took     time.Duration
	refill   sync.Mutex // one job is added at a time
	claims   [][]time.Duration
}

// measure lets the workers run, and counts for a while.
func (s *stage) measure(b *testing.B) {
	b.Helper()
	ctx, stop := context.WithCancel(s.ctx)
	defer stop()
	s.claims = make([][]time.Duration, workers)
	running, runCtx := errgroup.WithContext(ctx)
	for n := range workers {
		running.Go(func() error { return s.work(b, runCtx, &s.claims[n]) })
	}
	wait(runCtx, warmUp)
	began := time.Now()
	s.counting.Store(true)
	wait(runCtx, window)
	s.counting.Store(false)
	s.took = time.Since(began)
	failed := runCtx.Err() != nil
	stop()
	if err := running.Wait(); failed {
		b.Fatalf("a worker: %v", err)
	}
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// work is one worker: request after request.
func (s *stage) work(b *testing.B, ctx context.Context, claims *[]time.Duration) error {
	b.Helper()
	held := map[string]bool{}
	claimed := false
	w, err := s.Join(ctx, testfarm.Script{
		Answered: func(reports testfarm.Reports, out *deadline.UpdateWorkerScheduleOutput) {
			claimed = s.take(b, held, reports, out)
		},
	})
	for err == nil {
		began := time.Now()
		err = w.Turn(ctx)
		if claimed && s.counting.Load() {
			*claims = append(*claims, time.Since(began))
		}
		claimed = false
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // told to stop
	}
	return err
}

// take counts what was done, and reports whether there is new work.
func (s *stage) take(b *testing.B, held map[string]bool, reports testfarm.Reports, out *deadline.UpdateWorkerScheduleOutput) (claimed bool) {
	b.Helper()
	for id, r := range reports {
		if r.CompletedStatus != deadline.CompletedStatusSucceeded {
			continue
		}
		delete(held, id)
		s.ever.Add(1)
		if s.counting.Load() {
			s.done.Add(1)
		}
		s.replace(b)
	}
	for _, session := range out.AssignedSessions {
		for i := range session.SessionActions {
			if id := session.SessionActions[i].SessionActionId; !held[id] {
				held[id], claimed = true, true
			}
		}
	}
	return claimed
}

// replace keeps the number of queued tasks what it was, give or take a job.
func (s *stage) replace(b *testing.B) {
	b.Helper()
	if s.queued.Add(-1) > (bigJobs-1)*s.size {
		return
	}
	s.refill.Lock()
	defer s.refill.Unlock()
	if s.queued.Load() > (bigJobs-1)*s.size {
		return
	}
	if _, err := s.Admin.CreateJob(s.ctx, s.JobInput(template(s.size))); err == nil {
		s.queued.Add(s.size)
	}
}

// quantile gives the smallest value that at least the share q of all is not above. The values are sorted.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
