//go:build unix

package worker_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
)

// summary is "kind STATUS" of each session action.
func summary(actions []deadline.SessionActionSummary) (list []string) {
	for _, a := range actions {
		kind := "taskRun"
		switch {
		case a.Definition.EnvEnter != nil:
			kind = "envEnter"
		case a.Definition.EnvExit != nil:
			kind = "envExit"
		}
		list = append(list, kind+" "+string(a.Status))
	}
	return list
}

func TestJobRunsInSessions(t *testing.T) {
	t.Parallel()
	f := openFarm(t, nil)
	w := f.start(t.TempDir())
	k := f.submit(`
specificationVersion: jobtemplate-2023-09
name: Two
parameterDefinitions: [{name: Greeting, type: STRING, default: hello}]
jobEnvironments:
  - name: Outer
    variables: {GREETING: "{{Param.Greeting}}"}
    script:
      actions:
        onEnter: {command: sh, args: [-c, "echo openjd_env: SCENE=made"]}
        onExit: {command: sh, args: [-c, "echo left $SCENE"]}
steps:
  - name: Step
    parameterSpace: {taskParameterDefinitions: [{name: Frame, type: INT, range: "1-2"}]}
    script:
      actions:
        onRun:
          command: sh
          args: [-c, "echo $GREETING $SCENE {{Task.Param.Frame}} $DEADLINE_TASK_ID; echo openjd_progress: 50; echo openjd_status: half; test -f $AWS_CONFIG_FILE"]
`, nil)
	until(t, "the job succeeds", func() bool { return f.job(k).TaskRunStatus == deadline.TaskRunStatusSucceeded })
	until(t, "the session has ended", func() bool {
		return len(f.actions(k)) == 4 && f.actions(k)[3].Status == deadline.SessionActionStatusSucceeded
	})
	want := []string{"envEnter SUCCEEDED", "taskRun SUCCEEDED", "taskRun SUCCEEDED", "envExit SUCCEEDED"}
	if diff := cmp.Diff(want, summary(f.actions(k))); diff != "" {
		t.Errorf("session actions (-want +got):\n%s", diff)
	}
	until(t, "the log has arrived", func() bool { return slices.Contains(f.logOf(k), "left made") })
	lines := f.logOf(k)
	for _, a := range f.actions(k)[1:3] {
		run := a.Definition.TaskRun
		line := fmt.Sprintf("hello made %s %s", *run.Parameters["Frame"].Int, *run.TaskId)
		if !slices.Contains(lines, line) {
			t.Errorf("the log lacks %q:\n%s", line, strings.Join(lines, "\n"))
		}
		if a.ProgressPercent == nil || *a.ProgressPercent != 100 {
			t.Errorf("progress of a finished task: %v", a.ProgressPercent)
		}
	}
	w.drain()
}

func TestFailureEndsTheSession(t *testing.T) {
	t.Parallel()
	f := openFarm(t, nil)
	w := f.start(t.TempDir())
	k := f.submit(`
specificationVersion: jobtemplate-2023-09
name: Fails
steps:
  - name: Step
    stepEnvironments:
      - name: Inner
        script: {actions: {onEnter: {command: "true"}, onExit: {command: "true"}}}
    script: {actions: {onRun: {command: sh, args: [-c, "echo 'openjd_fail: no light'; exit 7"]}}}
`, nil)
	until(t, "the job fails", func() bool { return f.job(k).TaskRunStatus == deadline.TaskRunStatusFailed })
	until(t, "the environment is left", func() bool {
		return len(f.actions(k)) == 3 && f.actions(k)[2].Status == deadline.SessionActionStatusSucceeded
	})
	want := []string{"envEnter SUCCEEDED", "taskRun FAILED", "envExit SUCCEEDED"}
	if diff := cmp.Diff(want, summary(f.actions(k))); diff != "" {
		t.Errorf("session actions (-want +got):\n%s", diff)
	}
	got, err := f.GetSessionAction(t.Context(), &deadline.GetSessionActionInput{
		FarmId: k.farmID, QueueId: k.queueID, JobId: k.jobID, SessionActionId: f.actions(k)[1].SessionActionId,
	})
	f.must(err)
	if got.ProcessExitCode == nil || *got.ProcessExitCode != 7 || got.ProgressMessage == nil || *got.ProgressMessage != "no light" {
		t.Errorf("exit code %v, message %v", got.ProcessExitCode, got.ProgressMessage)
	}
	w.drain()
}

// sleeper starts a process tree that notes the ids of its processes and never ends by itself.
func sleeper(dir string) string {
	return `
specificationVersion: jobtemplate-2023-09
name: Sleeps
jobEnvironments:
  - name: Outer
    script: {actions: {onEnter: {command: "true"}, onExit: {command: touch, args: ["` + dir + `/left"]}}}
steps:
  - name: Step
    script:
      actions:
        onRun: {command: sh, args: [-c, "(trap '' TERM; echo $$ > ` + dir + `/inner; exec sleep 1000) & echo $$ > ` + dir + `/outer; wait"]}
`
}

func processes(t *testing.T, dir string) (pids []int) {
	t.Helper()
	for _, name := range []string{"outer", "inner"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil
		}
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

func allGone(pids []int) bool {
	return !slices.ContainsFunc(pids, func(pid int) bool { return syscall.Kill(pid, 0) == nil })
}

func TestCancelKillsTheTree(t *testing.T) {
	t.Parallel()
	f := openFarm(t, nil)
	w := f.start(t.TempDir())
	dir := t.TempDir()
	k := f.submit(sleeper(dir), nil)
	until(t, "the task runs", func() bool { return len(processes(t, dir)) == 2 })
	pids := processes(t, dir)
	_, err := f.UpdateJob(t.Context(), &deadline.UpdateJobInput{
		FarmId: k.farmID, QueueId: k.queueID, JobId: k.jobID, TargetTaskRunStatus: deadline.JobTargetTaskRunStatusCanceled,
	})
	f.must(err)
	until(t, "the job is canceled", func() bool { return f.job(k).TaskRunStatus == deadline.TaskRunStatusCanceled })
	until(t, "the environment is left", func() bool {
		return len(f.actions(k)) == 3 && f.actions(k)[2].Status == deadline.SessionActionStatusSucceeded
	})
	if got := summary(f.actions(k))[1]; got != "taskRun CANCELED" {
		t.Errorf("the task's action is %s", got)
	}
	until(t, "no process is left", func() bool { return allGone(pids) })
	w.drain()
}

func TestDrainInterruptsAndLeavesEnvironments(t *testing.T) {
	t.Parallel()
	f := openFarm(t, nil)
	state := t.TempDir()
	w := f.start(state)
	dir := t.TempDir()
	k := f.submit(sleeper(dir), nil)
	until(t, "the task runs", func() bool { return len(processes(t, dir)) == 2 })
	pids := processes(t, dir)
	w.drain()
	if !allGone(pids) {
		t.Error("processes outlive the worker")
	}
	if _, err := os.Stat(filepath.Join(dir, "left")); err != nil {
		t.Errorf("the environment was not left: %v", err)
	}
	want := []string{"envEnter SUCCEEDED", "taskRun INTERRUPTED", "envExit SUCCEEDED"}
	if diff := cmp.Diff(want, summary(f.actions(k))); diff != "" {
		t.Errorf("session actions (-want +got):\n%s", diff)
	}
	if got := f.job(k).TaskRunStatus; got != deadline.TaskRunStatusReady {
		t.Errorf("the job is %s, want READY for another worker", got)
	}
	if got := f.worker(); got.Status != deadline.WorkerStatusStopped {
		t.Errorf("the worker is %s", got.Status)
	}
	first := f.worker().WorkerId
	again := f.start(state)
	until(t, "the worker is started again", func() bool { return f.worker().Status != deadline.WorkerStatusStopped })
	if f.worker().WorkerId != first {
		t.Error("the worker registered a second time")
	}
	again.drain()
}

// worker gives the fleet's only worker.
func (f *testFarm) worker() deadline.WorkerSummary {
	f.t.Helper()
	out, err := f.ListWorkers(f.t.Context(), &deadline.ListWorkersInput{FarmId: f.farmID, FleetId: f.fleetID})
	f.must(err)
	if len(out.Workers) != 1 {
		f.t.Fatalf("%d workers", len(out.Workers))
	}
	return out.Workers[0]
}

// TestServiceAway lets a task end while the service cannot be reached: its result arrives later, and it does not run twice.
func TestServiceAway(t *testing.T) {
	t.Parallel()
	f := openFarm(t, nil)
	w := f.start(t.TempDir())
	dir := t.TempDir()
	k := f.submit(`
specificationVersion: jobtemplate-2023-09
name: Away
steps:
  - name: Step
    script:
      actions:
        onRun: {command: sh, args: [-c, "echo x >> `+dir+`/runs; while ! test -e `+dir+`/go; do sleep 0.02; done; touch `+dir+`/ended"]}
`, nil)
	exists := func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return err == nil
	}
	until(t, "the task runs", func() bool { return exists("runs") })
	f.away.Store(true)
	f.must(os.WriteFile(filepath.Join(dir, "go"), nil, 0o600))
	until(t, "the task has ended", func() bool { return exists("ended") })
	f.away.Store(false)
	until(t, "the job succeeds", func() bool { return f.job(k).TaskRunStatus == deadline.TaskRunStatusSucceeded })
	if runs, err := os.ReadFile(filepath.Join(dir, "runs")); err != nil || string(runs) != "x\n" {
		t.Errorf("the task ran %q, %v", runs, err)
	}
	w.drain()
}

func TestForgottenWorkerRegistersAgain(t *testing.T) {
	t.Parallel()
	f := openFarm(t, nil)
	state := t.TempDir()
	online := func() bool {
		out, err := f.ListWorkers(t.Context(), &deadline.ListWorkersInput{FarmId: f.farmID, FleetId: f.fleetID})
		f.must(err)
		return len(out.Workers) == 1 && out.Workers[0].Status == deadline.WorkerStatusIdle
	}
	w := f.start(state)
	until(t, "the worker is online", online)
	w.drain()
	first := f.worker().WorkerId
	_, err := f.DeleteWorker(t.Context(), &deadline.DeleteWorkerInput{FarmId: f.farmID, FleetId: f.fleetID, WorkerId: first})
	f.must(err)
	w = f.start(state)
	until(t, "the worker is online again", online)
	w.drain()
	if f.worker().WorkerId == first {
		t.Error("the deleted worker is back")
	}
}

func TestHostConfigurationRunsFirst(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := openFarm(t, func(in *deadline.CreateFleetInput) {
		in.HostConfiguration = &deadline.HostConfiguration{ScriptBody: "echo configured; touch " + dir + "/configured\n"}
	})
	w := f.start(t.TempDir())
	k := f.submit(`
specificationVersion: jobtemplate-2023-09
name: Needs the host
steps:
  - name: Step
    script: {actions: {onRun: {command: test, args: [-e, "`+dir+`/configured"]}}}
`, nil)
	until(t, "the job succeeds", func() bool { return f.job(k).TaskRunStatus == deadline.TaskRunStatusSucceeded })
	w.drain()
}
