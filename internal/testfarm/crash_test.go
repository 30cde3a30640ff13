package testfarm

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
	"github.com/farmhand-render/farmhand/internal/store/storetest/postgrestest"
)

// The environment of the crash test: a seed to repeat, and how often to kill. What happens between a kill and an answer is not the
// seed's, so a failure may need several runs.
const (
	seedVar  = "FARMHAND_CRASH_SEED"
	killsVar = "FARMHAND_CRASH_KILLS"
)

// The size of the load.
const (
	defaultKills  = 15
	crashWorkers  = 6
	submitters    = 3
	jobsPerKill   = 2 // of each submitter
	patience      = 3 * time.Minute
	restartChance = 0.002 // that an agent restarts before a turn
	failChance    = 0.06  // that an action of a job that can bear it fails
)

// jobKind is what shall become of a job.
type jobKind int

const (
	jobSucceeds  jobKind = iota // some of its tasks fail, and are tried again
	jobFails                    // one of its tasks always fails
	jobCanceled                 // canceled while it runs, or after
	jobHeld                     // created suspended, and let go
	jobSuspended                // suspended while it runs, and let go; when it was over by then, that runs it a second time
	jobKinds
)

// load drives a farm whose server is killed again and again.
type load struct {
	*Farm
	t        *testing.T
	history  *history
	seed     uint64
	kills    int
	hasty    *client.Client // asks once
	settled  atomic.Bool    // the server is not killed any more: workers need not restart
	finished chan struct{}  // closed when all jobs are over
}

// TestCrash kills the server at random moments while jobs are submitted, changed and run, and compares what it acknowledged with what
// it shows in the end.
func TestCrash(t *testing.T) {
	t.Parallel()
	crash(t, defaultKills)
}

// TestCrashOnPostgres is TestCrash on a PostgreSQL database, which outlives the server.
func TestCrashOnPostgres(t *testing.T) {
	t.Parallel()
	crash(t, defaultKills/3, "--database-url", postgrestest.URL(t), "--relaxed-durability")
}

func crash(t *testing.T, kills int, args ...string) {
	t.Helper()
	l := &load{t: t, history: newHistory(), seed: rand.Uint64(), kills: kills, finished: make(chan struct{})}
	if text := os.Getenv(seedVar); text != "" {
		l.seed = parse(t, seedVar, text)
	}
	if text := os.Getenv(killsVar); text != "" {
		l.kills = int(parse(t, killsVar, text))
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the seed was %s=%d", seedVar, l.seed)
		}
	})
	l.Farm = NewFarm(t, Start(t, Options{Args: args}))
	l.hasty = l.Client()

	ctx, cancel := context.WithTimeoutCause(t.Context(), patience, fmt.Errorf("the farm did not come to an end within %v", patience))
	defer cancel()
	l.run(ctx)
	if t.Failed() {
		return
	}
	// What it shows now is what it has on disk, not what it remembers.
	l.Kill()
	l.Restart(ctx)
	l.verify(ctx)
}

func parse(t *testing.T, name, text string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// random is a source of randomness of its own for each part of the load.
func (l *load) random(part uint64) *rand.Rand { return rand.New(rand.NewPCG(l.seed, part)) }

// run submits, works and kills until all jobs are over.
func (l *load) run(ctx context.Context) {
	l.t.Helper()
	working, workingCtx := errgroup.WithContext(ctx)
	for n := range uint64(crashWorkers) {
		working.Go(func() error { return l.work(workingCtx, l.random(100+n)) })
	}
	giving, givingCtx := errgroup.WithContext(workingCtx)
	for n := range uint64(submitters) {
		giving.Go(func() error { return l.submit(givingCtx, n, l.random(200+n)) })
	}
	giving.Go(func() error { return l.makeQueues(givingCtx, l.random(300)) })
	giving.Go(func() error { return l.killAgainAndAgain(givingCtx, l.random(400)) })
	err := giving.Wait()
	l.settled.Store(true)
	if err == nil {
		err = l.release(workingCtx)
	}
	if err == nil {
		err = l.awaitJobs(workingCtx)
	}
	close(l.finished)
	if workErr := working.Wait(); workErr != nil {
		err = workErr
	}
	if err != nil {
		l.t.Errorf("the load: %v", err)
	}
}

// killAgainAndAgain kills the server at random moments: early ones hit it while it restores.
func (l *load) killAgainAndAgain(ctx context.Context, r *rand.Rand) error {
	for range l.kills {
		pause(ctx, time.Duration(r.ExpFloat64()*float64(400*time.Millisecond)))
		l.Kill()
		if err := l.restart(ctx); err != nil {
			return fmt.Errorf("restart: %w", err)
		}
	}
	return nil
}

// pause lets time pass, so that the moments of kills and requests are spread.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// work is one worker. Now and then its agent restarts, and forgets what it did.
func (l *load) work(ctx context.Context, r *rand.Rand) error {
	w, err := l.Join(ctx, Script{
		Fate:     func(jobID string, a *deadline.AssignedSessionAction) deadline.CompletedStatus { return fate(r, a) },
		Answered: l.history.answered,
	})
	if err != nil {
		return err
	}
	for {
		if !l.settled.Load() && r.Float64() < restartChance {
			l.history.record(func() { l.history.restarted[w.ID] = true })
			if err := w.Start(ctx); err != nil {
				return err
			}
		}
		if err := w.Turn(ctx); err != nil {
			return err
		}
		if w.Busy() {
			continue
		}
		select {
		case <-l.finished:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// fate makes tasks fail that say so, and others now and then.
func fate(r *rand.Rand, a *deadline.AssignedSessionAction) deadline.CompletedStatus {
	run := a.Definition.TaskRun
	if run == nil {
		return deadline.CompletedStatusSucceeded
	}
	if mood := run.Parameters["Mood"].String; mood != nil && *mood == "doomed" {
		return deadline.CompletedStatusFailed
	}
	if r.Float64() < failChance {
		return deadline.CompletedStatusFailed
	}
	return deadline.CompletedStatusSucceeded
}

// template is a job with environments of the job and of a step, a step that others depend on, and one that depends on two.
func template(name string, kind jobKind, frames int) string {
	mood := "calm"
	if kind == jobFails {
		mood = "doomed"
	}
	return fmt.Sprintf(`
specificationVersion: jobtemplate-2023-09
name: %s
jobEnvironments:
- name: Scene
  script: {actions: {onEnter: {command: enter}, onExit: {command: exit}}}
steps:
- name: Prepare
  script: {actions: {onRun: {command: prepare}}}
- name: Render
  dependencies: [{dependsOn: Prepare}]
  stepEnvironments:
  - name: Scratch
    script: {actions: {onEnter: {command: enter}, onExit: {command: exit}}}
  parameterSpace:
    taskParameterDefinitions:
    - {name: Frame, type: INT, range: "1-%d"}
    - {name: Camera, type: STRING, range: [left, right]}
  script: {actions: {onRun: {command: render}}}
- name: Check
  dependencies: [{dependsOn: Prepare}]
  parameterSpace:
    taskParameterDefinitions: [{name: Mood, type: STRING, range: [calm, %s]}]
  script: {actions: {onRun: {command: check}}}
- name: Encode
  dependencies: [{dependsOn: Render}, {dependsOn: Check}]
  script: {actions: {onRun: {command: encode}}}
`, name, frames, mood)
}

// submit creates jobs one after another and changes some of them.
func (l *load) submit(ctx context.Context, n uint64, r *rand.Rand) error {
	for k := range l.kills * jobsPerKill {
		pause(ctx, time.Duration(r.IntN(150))*time.Millisecond)
		name := fmt.Sprintf("job-%d-%d", n, k)
		kind := jobKind(r.IntN(int(jobKinds)))
		in := l.JobInput(template(name, kind, 2+r.IntN(8)))
		in.ClientToken = new("token-" + name)
		in.MaxRetriesPerTask, in.MaxFailedTasksCount = deadline.Ptr[int32](30), deadline.Ptr[int32](100)
		if kind == jobFails {
			in.MaxRetriesPerTask, in.MaxFailedTasksCount = deadline.Ptr[int32](2), deadline.Ptr[int32](0)
		}
		if kind == jobHeld {
			in.TargetTaskRunStatus = deadline.CreateJobTargetTaskRunStatusSuspended
		}
		j := &jobRecord{kind: kind, input: in, priorities: []int32{in.Priority}}
		l.history.record(func() { l.history.jobs[name] = j })
		if id := l.create(ctx, in, r); id != "" {
			l.history.record(func() { j.id = id })
			if err := l.change(ctx, j, r); err != nil {
				return fmt.Errorf("change %s: %w", name, err)
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// create asks for a job once; when no answer comes, it asks again until one does, or leaves it at that and gives "".
func (l *load) create(ctx context.Context, in *deadline.CreateJobInput, r *rand.Rand) string {
	out, err := l.hasty.CreateJob(ctx, in)
	if err != nil && r.IntN(3) > 0 {
		out, err = l.Admin.CreateJob(ctx, in)
	}
	if err != nil {
		return ""
	}
	return out.JobId
}

// change changes a job as its kind wants, until it is acknowledged.
func (l *load) change(ctx context.Context, j *jobRecord, r *rand.Rand) error {
	update := func(in deadline.UpdateJobInput) error {
		in.FarmId, in.QueueId, in.JobId = l.FarmID, l.QueueID, j.id
		_, err := l.Admin.UpdateJob(ctx, &in)
		return err
	}
	if r.IntN(2) == 0 {
		priority := int32(r.IntN(101))
		l.history.record(func() { j.priorities = append(j.priorities, priority) })
		if err := update(deadline.UpdateJobInput{Priority: &priority}); err != nil {
			return err
		}
		l.history.record(func() { j.priorities = []int32{priority} })
	}
	var targets []deadline.JobTargetTaskRunStatus
	switch j.kind {
	case jobCanceled:
		targets = append(targets, deadline.JobTargetTaskRunStatusCanceled)
	case jobHeld:
		targets = append(targets, deadline.JobTargetTaskRunStatusReady)
	case jobSuspended:
		targets = append(targets, deadline.JobTargetTaskRunStatusSuspended, deadline.JobTargetTaskRunStatusReady)
	}
	for _, target := range targets {
		pause(ctx, time.Duration(r.IntN(100))*time.Millisecond)
		if err := update(deadline.UpdateJobInput{TargetTaskRunStatus: target}); err != nil {
			return err
		}
		l.history.record(func() { j.target = target })
	}
	return nil
}

// makeQueues creates and configures resources meanwhile.
func (l *load) makeQueues(ctx context.Context, r *rand.Rand) error {
	for k := range l.kills * 4 {
		pause(ctx, time.Duration(r.IntN(150))*time.Millisecond)
		name := fmt.Sprintf("queue-%d", k)
		in := &deadline.CreateQueueInput{
			FarmId: l.FarmID, DisplayName: name, ClientToken: new("token-" + name), Tags: map[string]string{"name": name},
			JobRunAsUser: &deadline.JobRunAsUser{RunAs: deadline.RunAsWorkerAgentUser},
		}
		q := &queueRecord{input: in}
		l.history.record(func() { l.history.queues[name] = q })
		out, err := l.hasty.CreateQueue(ctx, in)
		if err != nil && r.IntN(2) == 0 {
			out, err = l.Admin.CreateQueue(ctx, in)
		}
		if err == nil {
			l.history.record(func() { q.id = out.QueueId })
		}
	}
	return nil
}

// release lets go of the jobs that were created suspended without an answer, so that nobody could.
func (l *load) release(ctx context.Context) error {
	for job, err := range l.listJobs(ctx) {
		if err != nil {
			return err
		}
		j := l.history.jobs[job.Name]
		if j == nil || j.kind != jobHeld || j.id != "" {
			continue
		}
		if _, err := l.Admin.UpdateJob(ctx, &deadline.UpdateJobInput{
			FarmId: l.FarmID, QueueId: l.QueueID, JobId: job.JobId, TargetTaskRunStatus: deadline.JobTargetTaskRunStatusReady,
		}); err != nil {
			return fmt.Errorf("release %s: %w", job.Name, err)
		}
	}
	return nil
}

// awaitJobs waits until all jobs are over.
func (l *load) awaitJobs(ctx context.Context) error {
	for {
		left := 0
		for job, err := range l.listJobs(ctx) {
			if err != nil {
				return err
			}
			if !isOver(job.TaskRunStatus) {
				left++
			}
		}
		if left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; %d jobs are not over: %s", context.Cause(ctx), left, l.unfinished())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// unfinished describes the jobs that are not over, for a failure's message.
func (l *load) unfinished() string {
	ctx, cancel := context.WithTimeout(l.t.Context(), 5*time.Second)
	defer cancel()
	var lines []string
	for job, err := range l.listJobs(ctx) {
		if err == nil && !isOver(job.TaskRunStatus) {
			lines = append(lines, fmt.Sprintf("%s %s %s target %s %v", job.JobId, job.Name, job.TaskRunStatus, job.TargetTaskRunStatus, job.TaskRunStatusCounts))
		}
	}
	return strings.Join(lines, "\n")
}

func isOver(s deadline.TaskRunStatus) bool {
	switch s {
	case deadline.TaskRunStatusSucceeded, deadline.TaskRunStatusFailed, deadline.TaskRunStatusCanceled:
		return true
	default:
		return false
	}
}
