package farmbench

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/installation"
	"github.com/farmhand-render/farmhand/internal/testfarm"
)

const million = 1_000_000

// BenchmarkCreateJob measures CreateJob with one step of 1,000,000 tasks. The service runs in the benchmark's process, so that its memory
// can be counted: the figure holds what client and service allocate for one call.
func BenchmarkCreateJob(b *testing.B) {
	const calls = 20
	c, queue := serveHere(b)
	in := &deadline.CreateJobInput{
		FarmId: queue.FarmId, QueueId: queue.QueueId, Template: new(template(million)), TemplateType: deadline.JobTemplateTypeYaml, Priority: 50,
	}
	for b.Loop() {
		var took []time.Duration
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range calls {
			began := time.Now()
			if _, err := c.CreateJob(b.Context(), in); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(began))
		}
		runtime.ReadMemStats(&after)
		slices.Sort(took)
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(milliseconds(quantile(took, 0.5)), "p50-ms")
		b.ReportMetric(milliseconds(took[len(took)-1]), "max-ms")
		b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/calls/(1<<20), "MiB/job")
	}
}

// serveHere runs the service in this process, with a farm and a queue.
func serveHere(b *testing.B) (*client.Client, *deadline.GetQueueOutput) {
	b.Helper()
	in, err := installation.Open(b.Context(), installation.Config{DataDir: b.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(b.Context()))
	ended := make(chan error, 1)
	go func() { ended <- in.Run(ctx) }()
	server := httptest.NewServer(in.Handler())
	b.Cleanup(func() {
		server.Close()
		stop()
		if err := <-ended; err != nil {
			b.Error(err)
		}
		if err := in.Close(); err != nil {
			b.Error(err)
		}
	})
	key, err := in.Keys().Create("bench", auth.Principal{Kind: auth.Admin, ARN: in.AdminARN("bench")}, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	c := client.New(aws.Config{
		Region: installation.DefaultRegion, BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""),
	})
	farm, err := c.CreateFarm(b.Context(), &deadline.CreateFarmInput{DisplayName: "Bench"})
	if err != nil {
		b.Fatal(err)
	}
	queue, err := c.CreateQueue(b.Context(), &deadline.CreateQueueInput{FarmId: farm.FarmId, DisplayName: "Bench"})
	if err != nil {
		b.Fatal(err)
	}
	return c, &deadline.GetQueueOutput{FarmId: farm.FarmId, QueueId: queue.QueueId}
}

// BenchmarkRestart measures how long a killed server with 1,000,000 queued tasks takes to serve again: from the start of the process to
// the answer to a worker that asks for work.
func BenchmarkRestart(b *testing.B) { onEachStore(b, restart) }

func restart(b *testing.B, database []string) {
	b.Helper()
	const restarts = 5
	for b.Loop() {
		f := testfarm.NewFarm(b, testfarm.Start(b, testfarm.Options{Args: database}))
		for range bigJobs {
			submit(b, f, million/bigJobs)
		}
		w, err := f.Join(b.Context(), testfarm.Script{})
		for range 1000 { // some tasks have been touched
			if err == nil {
				err = w.Turn(b.Context())
			}
		}
		var took []time.Duration
		for range restarts {
			f.Kill()
			began := time.Now()
			f.Restart(b.Context())
			if err == nil {
				err = w.Turn(b.Context())
			}
			took = append(took, time.Since(began))
		}
		if err != nil {
			b.Fatal(err)
		}
		slices.Sort(took)
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(milliseconds(quantile(took, 0.5)), "p50-ms")
		b.ReportMetric(milliseconds(took[len(took)-1]), "max-ms")
	}
}
