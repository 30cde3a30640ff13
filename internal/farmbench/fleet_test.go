package farmbench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/internal/testfarm"
)

// pollEvery is how often idle workers ask for work at a server with the defaults.
const pollEvery = 15 * time.Second

// BenchmarkIdleWorkers measures what 10,000 workers cost that have nothing to do: the share of one core that their polls take, and the
// memory of the server, once without any task and once with 1,000,000 queued ones that none of them can run.
func BenchmarkIdleWorkers(b *testing.B) { onEachStore(b, idleWorkers) }

func idleWorkers(b *testing.B, database []string) {
	b.Helper()
	for b.Loop() {
		f := testfarm.NewFarm(b, testfarm.Start(b, testfarm.Options{Args: database}))
		workers := join(b, f, scaled(b, 10_000))
		for range bigJobs {
			if _, err := f.Admin.CreateJob(b.Context(), f.JobInput(hungryTemplate(million/bigJobs))); err != nil {
				b.Fatal(err)
			}
		}
		ctx, stop := context.WithCancel(b.Context())
		polled := make(chan error, 1)
		var polls atomic.Int64
		go func() {
			polled <- poll(ctx, workers, func(ctx context.Context, i int) error {
				for pause := rand.N(pollEvery); ; pause = pollEvery {
					wait(ctx, pause)
					if err := workers[i].Turn(ctx); err != nil {
						return err
					}
					polls.Add(1)
				}
			})
		}()
		wait(ctx, pollEvery) // all have a connection then
		before, err := f.Usage()
		if err != nil {
			b.Fatal(err)
		}
		began, count := time.Now(), polls.Load()
		wait(ctx, 2*pollEvery)
		took := time.Since(began)
		after, err := f.Usage()
		if err != nil {
			b.Fatal(err)
		}
		count = polls.Load() - count
		stop()
		if err := <-polled; err != nil {
			b.Fatal(err)
		}
		f.Kill()
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(100*(after.Processor-before.Processor).Seconds()/took.Seconds(), "%-of-a-core")
		b.ReportMetric(float64((after.Processor-before.Processor).Microseconds())/float64(count), "server-µs/poll")
		b.ReportMetric(float64(after.Memory)/(1<<20), "MiB")
	}
}

// hungryTemplate is a job that needs a host which the fleet does not have.
func hungryTemplate(n int64) string {
	return fmt.Sprintf(`
specificationVersion: jobtemplate-2023-09
name: hungry
steps:
- name: Render
  hostRequirements: {amounts: [{name: amount.worker.vcpu, min: 1000}]}
  parameterSpace:
    taskParameterDefinitions: [{name: Frame, type: INT, range: "1-%d"}]
  script: {actions: {onRun: {command: render}}}
`, n)
}

// BenchmarkFill measures how long 1,500 idle workers, hosts of 57,000 cores together, take until each has work: from the submission of
// a job with a task for each core to the answer that gives the last of them its first. Workers ask every second.
func BenchmarkFill(b *testing.B) { onEachStore(b, fill) }

func fill(b *testing.B, database []string) {
	b.Helper()
	const cores = 38 // of a worker
	for b.Loop() {
		f := testfarm.NewFarm(b, testfarm.Start(b, testfarm.Options{Args: append([]string{"--update-interval", "1s"}, database...)}))
		workers := join(b, f, scaled(b, 1500))
		ctx, stop := context.WithCancel(b.Context())
		full, polled := make(chan struct{}), make(chan error, 1)
		var busy atomic.Int64
		go func() {
			polled <- poll(ctx, workers, func(ctx context.Context, i int) error {
				for wait(ctx, rand.N(time.Second)); ; wait(ctx, time.Second) {
					if err := workers[i].Turn(ctx); err != nil {
						return err
					}
					if workers[i].Busy() {
						if busy.Add(1) == int64(len(workers)) {
							close(full)
						}
						return nil
					}
				}
			})
		}()
		wait(ctx, 2*time.Second) // all have polled
		began := time.Now()
		submit(b, f, int64(cores*len(workers)))
		select {
		case <-full:
		case err := <-polled:
			b.Fatalf("the workers ended: %v", err)
		}
		took := time.Since(began)
		stop()
		f.Kill()
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(took.Seconds(), "seconds-to-full")
		b.ReportMetric(float64(len(workers)), "workers")
	}
}
