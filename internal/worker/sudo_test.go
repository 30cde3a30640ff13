//go:build linux

package worker_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/jobattachments"
	"github.com/farmhand-render/farmhand/openjd/session/process/processtest"
)

// TestThroughSudo runs a worker that is not root and whose queue names another user: jobs run as that user, with the role of the
// queue and with files of the job, and are ended when they are canceled.
func TestThroughSudo(t *testing.T) {
	jobs := processtest.ThroughSudo(t)
	if jobs == nil {
		return // the test ran as another user
	}
	// What the worker makes lies below directories that are open to the job's user.
	for dir := t.TempDir(); dir != os.Getenv("TMPDIR"); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	syscall.Umask(0o022)
	f := openFarm(t, nil)
	as := deadline.JobRunAsUser{RunAs: deadline.RunAsQueueConfiguredUser, Posix: &deadline.PosixUser{User: jobs.Name, Group: processtest.Jobs}}
	_, err := f.UpdateQueue(t.Context(), &deadline.UpdateQueueInput{FarmId: f.farmID, QueueId: f.queueID, JobRunAsUser: &as})
	f.must(err)
	state := t.TempDir()
	w := f.start(state)

	bucket := f.attachments()
	manifests := []deadline.ManifestProperties{f.attach(bucket, jobattachments.Root{Path: "/shot"}, map[string]string{"in/scene": "teapot"}, "out")}
	k := f.submit(`
specificationVersion: jobtemplate-2023-09
name: Other user
parameterDefinitions:
  - {name: Shot, type: PATH, dataFlow: INOUT, objectType: DIRECTORY}
steps:
  - name: Render
    stepEnvironments:
      - {name: Own, script: {actions: {onEnter: {command: sh, args: [-c, "echo openjd_env: WHO=$(id -un)"]}, onExit: {command: sh, args: [-c, "echo exit $WHO"]}}}}
    script:
      actions:
        onRun:
          command: sh
          args: [-ec, "cd {{Param.Shot}}; echo \"I am $(id -un), home $HOME, $WHO\"; mkdir -p out; cat in/scene > out/image; echo more >> in/scene; echo key $(sh -c \"$(sed -n 's/^credential_process = //p' $AWS_CONFIG_FILE)\" | grep -c AccessKeyId); mkdir -m 0 closed"]
`, func(in *deadline.CreateJobInput) {
		in.Parameters = map[string]deadline.JobParameter{"Shot": {Path: new("/shot")}}
		in.Attachments = &deadline.Attachments{Manifests: manifests}
	})
	f.succeeds(k)
	if diff := cmp.Diff(map[string]string{"/shot:out/image": "teapot"}, f.outputs(bucket, k)); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{"I am " + jobs.Name + ", home " + jobs.Home + ", " + jobs.Name, "key 1", "exit " + jobs.Name} {
		until(t, "the log says "+want, func() bool { return slices.Contains(f.logOf(k), want) })
	}

	endless := f.submit(`
specificationVersion: jobtemplate-2023-09
name: Endless
steps: [{name: Step, script: {actions: {onRun: {command: sh, args: [-c, "sleep 1000 & echo pid $!; wait"]}}}}]
`, nil)
	var pid string
	until(t, "the job runs", func() bool {
		for _, line := range f.logOf(endless) {
			if rest, ok := strings.CutPrefix(line, "pid "); ok {
				pid = rest
			}
		}
		return pid != ""
	})
	_, err = f.UpdateJob(t.Context(), &deadline.UpdateJobInput{
		FarmId: endless.farmID, QueueId: endless.queueID, JobId: endless.jobID, TargetTaskRunStatus: deadline.JobTargetTaskRunStatusCanceled,
	})
	f.must(err)
	until(t, "the job is canceled", func() bool { return f.job(endless).TaskRunStatus == deadline.TaskRunStatusCanceled })
	until(t, "its process is gone", func() bool {
		_, err := os.Stat("/proc/" + pid)
		return errors.Is(err, fs.ErrNotExist)
	})
	w.drain()
	left, err := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "*", "*", "sessions", "*", "session-*"))
	if err != nil || len(left) != 0 {
		t.Errorf("directories are left: %v, %v", left, err)
	}
	if text, err := os.ReadFile(filepath.Join(state, "job-users.json")); err != nil || !strings.Contains(string(text), jobs.Name) {
		t.Errorf("the worker remembers %s, %v", text, err)
	}
}
