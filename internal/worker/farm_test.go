//go:build unix

package worker_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/installation"
	"github.com/farmhand-render/farmhand/internal/logsclient"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/worker"
)

// testFarm is a real service with a farm, a queue and a fleet, on loopback.
type testFarm struct {
	*client.Client
	t                        *testing.T
	aws                      aws.Config
	farmID, queueID, fleetID string
	away                     atomic.Bool // the service hangs up on everybody
	installation             *installation.Installation
	hold                     atomic.Pointer[func(*http.Request) bool] // requests that get no answer
}

func openFarm(t *testing.T, fleet func(*deadline.CreateFleetInput)) *testFarm {
	t.Helper()
	in, err := installation.Open(t.Context(), installation.Config{
		DataDir: t.TempDir(), Relaxed: true, Logger: slog.New(slog.DiscardHandler),
		Scheduler: scheduler.Config{UpdateInterval: time.Second},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ran := make(chan error, 1)
	go func() { ran <- in.Run(ctx) }()
	f := &testFarm{t: t, installation: in}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.away.Load() {
			panic(http.ErrAbortHandler)
		}
		if hold := f.hold.Load(); hold != nil && (*hold)(r) {
			<-r.Context().Done()
			return
		}
		in.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		web.Close()
		stop()
		if err := errors.Join(<-ran, in.Close()); err != nil {
			t.Error(err)
		}
	})
	key, err := in.Keys().Create("admin", auth.Principal{Kind: auth.Admin, ARN: in.AdminARN("admin")}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	f.aws = aws.Config{
		Region: "us-west-2", BaseEndpoint: &web.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""),
	}
	f.Client = client.New(f.aws)
	f.makeFarm(fleet)
	return f
}

func (f *testFarm) makeFarm(change func(*deadline.CreateFleetInput)) {
	f.t.Helper()
	ctx := f.t.Context()
	farm, err := f.CreateFarm(ctx, &deadline.CreateFarmInput{DisplayName: "farm"})
	f.must(err)
	f.farmID = farm.FarmId
	queue, err := f.CreateQueue(ctx, &deadline.CreateQueueInput{
		FarmId: f.farmID, DisplayName: "queue", JobRunAsUser: &deadline.JobRunAsUser{RunAs: deadline.RunAsWorkerAgentUser},
		RoleArn: new("arn:aws:iam::000000000000:role/queue"),
	})
	f.must(err)
	f.queueID = queue.QueueId
	in := &deadline.CreateFleetInput{
		FarmId: f.farmID, DisplayName: "fleet", RoleArn: "arn:aws:iam::000000000000:role/fleet", MaxWorkerCount: 10,
		Configuration: deadline.FleetConfiguration{CustomerManaged: &deadline.CustomerManagedFleetConfiguration{
			Mode: deadline.AutoScalingModeNoScaling,
			WorkerCapabilities: deadline.CustomerManagedWorkerCapabilities{
				VCpuCount: deadline.VCpuCountRange{Min: 1}, MemoryMiB: deadline.MemoryMiBRange{Min: 512},
				OsFamily: deadline.CustomerManagedFleetOperatingSystemFamilyLinux, CpuArchitectureType: deadline.CpuArchitectureTypeX8664,
			},
		}},
	}
	if change != nil {
		change(in)
	}
	fleet, err := f.CreateFleet(ctx, in)
	f.must(err)
	f.fleetID = fleet.FleetId
	_, err = f.CreateQueueFleetAssociation(ctx, &deadline.CreateQueueFleetAssociationInput{FarmId: f.farmID, QueueId: f.queueID, FleetId: f.fleetID})
	f.must(err)
}

func (f *testFarm) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// runningWorker is a worker that runs until it is stopped.
type runningWorker struct {
	t    *testing.T
	stop context.CancelFunc
	done chan error
}

// start runs a worker with a state directory of its own.
func (f *testFarm) start(stateDir string) *runningWorker {
	f.t.Helper()
	w, err := worker.New(worker.Config{
		AWS: f.aws, FarmID: f.farmID, FleetID: f.fleetID, StateDir: stateDir, SessionRoot: filepath.Join(f.t.TempDir(), "sessions"),
		ReportEvery: time.Millisecond, Grace: 10 * time.Second, Logger: slog.New(slog.DiscardHandler),
	})
	f.must(err)
	ctx, stop := context.WithCancel(context.WithoutCancel(f.t.Context()))
	r := &runningWorker{f.t, stop, make(chan error, 1)}
	go func() { r.done <- w.Run(ctx) }()
	f.t.Cleanup(func() {
		stop()
		f.away.Store(false)
	})
	return r
}

// drain asks the worker to end and waits for it.
func (r *runningWorker) drain() {
	r.t.Helper()
	r.stop()
	if err := <-r.done; err != nil {
		r.t.Errorf("the worker ended with %v", err)
	}
}

type jobKey struct{ farmID, queueID, jobID string }

func (f *testFarm) submit(template string, change func(*deadline.CreateJobInput)) jobKey {
	f.t.Helper()
	in := &deadline.CreateJobInput{
		FarmId: f.farmID, QueueId: f.queueID, Priority: 50, Template: &template, TemplateType: deadline.JobTemplateTypeYaml,
		MaxRetriesPerTask: new(int32(0)),
	}
	if change != nil {
		change(in)
	}
	out, err := f.CreateJob(f.t.Context(), in)
	f.must(err)
	return jobKey{f.farmID, f.queueID, out.JobId}
}

func (f *testFarm) job(k jobKey) *deadline.GetJobOutput {
	f.t.Helper()
	out, err := f.GetJob(f.t.Context(), &deadline.GetJobInput{FarmId: k.farmID, QueueId: k.queueID, JobId: k.jobID})
	f.must(err)
	if out.LifecycleStatus == deadline.JobLifecycleStatusCreateFailed {
		f.t.Fatal(out.LifecycleStatusMessage)
	}
	return out
}

func (f *testFarm) actions(k jobKey) (all []deadline.SessionActionSummary) {
	f.t.Helper()
	pages := client.NewListSessionActionsPaginator(f.Client, &deadline.ListSessionActionsInput{FarmId: k.farmID, QueueId: k.queueID, JobId: k.jobID})
	for a, err := range pages.All(f.t.Context()) {
		f.must(err)
		all = append(all, a)
	}
	return all
}

// logOf gives the lines that there are of all sessions of a job: none of a session that has not logged anything yet.
func (f *testFarm) logOf(k jobKey) (lines []string) {
	f.t.Helper()
	logs := &logsclient.Client{Endpoint: *f.aws.BaseEndpoint, Region: f.aws.Region, Credentials: f.aws.Credentials}
	sessions, err := f.ListSessions(f.t.Context(), &deadline.ListSessionsInput{FarmId: k.farmID, QueueId: k.queueID, JobId: k.jobID})
	f.must(err)
	for _, s := range sessions.Sessions {
		page, err := logs.GetLogEvents(f.t.Context(), &logsclient.GetLogEventsInput{
			LogGroupName: "/aws/deadline/" + k.farmID + "/" + k.queueID, LogStreamName: s.SessionId, StartFromHead: true,
		})
		if refused, ok := errors.AsType[*logsclient.Error](err); ok && refused.Code == "ResourceNotFoundException" {
			continue
		}
		f.must(err)
		for _, e := range page.Events {
			lines = append(lines, e.Message)
		}
	}
	return lines
}

// until waits for a condition, looking often.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	late := time.After(time.Minute)
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for !holds() {
		select {
		case <-late:
			t.Fatalf("it never came that %s", what)
		case <-look.C:
		}
	}
}
