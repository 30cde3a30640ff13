package farmbench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
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
	// paced is the life cycles a second of all workers while they do not work flat out: the budget's.
	paced       = 2000
	pacedWindow = 5 * time.Second
	pause       = workers * time.Second / (2 * paced) // of a worker from request to request, when paced
)

func TestMain(m *testing.M) { testfarm.Main(m) }

// BenchmarkTaskLifeCycles measures how many tasks a second go from claimed to running to succeeded: each worker holds one task at a time
// in front, reports it to run in one request and to have succeeded in the next. A claim is a request whose answer hands out new work.
// It is counted while all workers work flat out, so that a request waits for those of 63 others, and then while their tasks take as long
// as makes 2,000 of them a second. The server's processor time for each life cycle says the same with less noise, where others use the machine too.
func BenchmarkTaskLifeCycles(b *testing.B) { onEachStore(b, taskLifeCycles) }

func taskLifeCycles(b *testing.B, database []string) {
	b.Helper()
	rates := map[int64]float64{}
	for _, queued := range []int64{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("queued=%d", queued), func(b *testing.B) {
			for b.Loop() {
				rates[queued] = lifeCycles(b, queued, database)
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

func lifeCycles(b *testing.B, queued int64, database []string) (perSecond float64) {
	b.Helper()
	options := testfarm.Options{Args: database}
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
	perSecond = float64(s.flatOut.done.Load()) / s.flatOut.took.Seconds()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(perSecond, "life-cycles/s")
	s.flatOut.report(b, "claim")
	b.ReportMetric(float64(s.paced.done.Load())/s.paced.took.Seconds(), "paced-life-cycles/s")
	s.paced.report(b, "paced-claim")
	b.ReportMetric(float64(f.ProcessorTime().Microseconds())/float64(s.done.Load()), "server-µs/life-cycle")
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
	ctx            context.Context // the benchmark's
	size           int64           // tasks of a job
	queued, done   atomic.Int64    // tasks
	refill         sync.Mutex      // one job is added at a time
	current        atomic.Pointer[count]
	flatOut, paced count
}

// count is what is counted for a while.
type count struct {
	took   time.Duration
	done   atomic.Int64 // life cycles
	mu     sync.Mutex   // guards claims
	claims []time.Duration
}

func (c *count) claimed(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.claims = append(c.claims, d)
}

func (c *count) report(b *testing.B, what string) {
	b.Helper()
	slices.Sort(c.claims)
	b.ReportMetric(milliseconds(quantile(c.claims, 0.50)), what+"-p50-ms")
	b.ReportMetric(milliseconds(quantile(c.claims, 0.99)), what+"-p99-ms")
}

// count counts for a while.
func (s *stage) count(ctx context.Context, into *count, d time.Duration) {
	began := time.Now()
	s.current.Store(into)
	wait(ctx, d)
	s.current.Store(nil)
	into.took = time.Since(began)
}

// measure lets the workers run, and counts for a while: flat out, and then paced.
func (s *stage) measure(b *testing.B) {
	b.Helper()
	ctx, stop := context.WithCancel(s.ctx)
	defer stop()
	var slow atomic.Bool
	running, runCtx := errgroup.WithContext(ctx)
	for range workers {
		running.Go(func() error { return s.work(runCtx, &slow) })
	}
	wait(runCtx, warmUp)
	s.count(runCtx, &s.flatOut, window)
	slow.Store(true)
	wait(runCtx, time.Second)
	s.count(runCtx, &s.paced, pacedWindow)
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
func (s *stage) work(ctx context.Context, slow *atomic.Bool) error {
	held := map[string]bool{}
	claimed := false
	w, err := s.Join(ctx, testfarm.Script{
		Answered: func(reports testfarm.Reports, out *deadline.UpdateWorkerScheduleOutput) {
			claimed = s.take(held, reports, out)
		},
	})
	due := time.Now().Add(rand.N(pause))
	for err == nil {
		if slow.Load() {
			due = later(due.Add(pause), time.Now().Add(-pause))
			wait(ctx, time.Until(due))
		}
		began, counting := time.Now(), s.current.Load()
		claimed = false
		if err = w.Turn(ctx); err == nil && claimed && counting != nil {
			counting.claimed(time.Since(began))
		}
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // told to stop
	}
	return err
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// take counts what was done, and reports whether there is new work.
func (s *stage) take(held map[string]bool, reports testfarm.Reports, out *deadline.UpdateWorkerScheduleOutput) (claimed bool) {
	for id, r := range reports {
		if r.CompletedStatus != deadline.CompletedStatusSucceeded {
			continue
		}
		delete(held, id)
		s.done.Add(1)
		if c := s.current.Load(); c != nil {
			c.done.Add(1)
		}
		s.replace()
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
func (s *stage) replace() {
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
