package farm

import (
	"fmt"
	"strings"
	"testing"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/scheduler"
)

const chainTemplate = `
specificationVersion: jobtemplate-2023-09
name: chain
steps:
- name: first
  parameterSpace: {taskParameterDefinitions: [{name: Frame, type: INT, range: 1-2}]}
  script: {actions: {onRun: {command: "true"}}}
- name: second
  dependencies: [{dependsOn: first}]
  script: {actions: {onRun: {command: "true"}}}
`

const hungryTemplate = `
specificationVersion: jobtemplate-2023-09
name: hungry
steps:
- name: render
  hostRequirements: {amounts: [{name: amount.worker.vcpu, min: 64}]}
  script: {actions: {onRun: {command: "true"}}}
`

// TestWhy: jobs, steps and tasks that wait, run and are over tell why, and only those who may read the job learn it.
func TestWhy(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	ctx := auth.WithPrincipal(t.Context(), admin())
	ask := func(in WhyInput) string {
		t.Helper()
		in.FarmID, in.QueueID = r.farmID, r.queueID
		why := must(r.service.WhyJob(ctx, in))(t)
		var codes []string
		for _, reason := range why.Reasons {
			codes = append(codes, string(reason.Code))
		}
		for _, s := range why.Steps {
			var own []string
			for _, reason := range s.Reasons {
				own = append(own, string(reason.Code))
			}
			codes = append(codes, fmt.Sprintf("(%s %s)", s.Name, strings.Join(own, " ")))
		}
		return why.Status + ": " + strings.Join(codes, " ")
	}
	want := func(in WhyInput, answer string) {
		t.Helper()
		if got := ask(in); got != answer {
			t.Errorf("%+v: got %s, want %s", in, got, answer)
		}
	}
	job := r.submit(chainTemplate)
	first, second := r.steps(job)[0].StepId, r.steps(job)[1].StepId
	want(WhyInput{JobID: job}, "READY: NO_WORKERS DEPENDENCY (first NO_WORKERS) (second DEPENDENCY)")
	w := r.join()
	want(WhyInput{JobID: job, StepID: first}, "READY: NEXT")
	w.poll(nil)
	w.start("taskRun 0")
	want(WhyInput{JobID: job, TaskID: taskID(first, 0)}, "RUNNING: RUNNING")
	want(WhyInput{JobID: job, TaskID: taskID(first, 1)}, "READY: BUSY")
	want(WhyInput{JobID: job, TaskID: taskID(second, 0)}, "PENDING: DEPENDENCY")
	w.work(nil)
	want(WhyInput{JobID: job}, "SUCCEEDED: OVER (first OVER) (second OVER)")
	want(WhyInput{JobID: job, TaskID: taskID(second, 0)}, "SUCCEEDED: OVER")

	hungry := r.submit(hungryTemplate)
	want(WhyInput{JobID: hungry}, "NOT_COMPATIBLE: MISMATCH OVER (render MISMATCH OVER)")

	in := WhyInput{FarmID: r.farmID, QueueID: r.queueID, JobID: job}
	in.TaskID = "task-1"
	_, err := r.service.WhyJob(ctx, in)
	failsOn(t, err, "taskId")
	in.TaskID, in.StepID = "", "step-00000000000000000000000000000000"
	_, err = r.service.WhyJob(ctx, in)
	failsMissing(t, err, "step", in.StepID)
	in.StepID, in.JobID = "", "job-00000000000000000000000000000000"
	_, err = r.service.WhyJob(ctx, in)
	failsMissing(t, err, "job", in.JobID)
	in.JobID = job
	_, err = r.service.WhyJob(auth.WithPrincipal(t.Context(), auth.Principal{Kind: auth.WorkerHost}), in)
	_ = fails[*deadline.AccessDeniedException](t, err)
}

// TestMismatchNamesTheRequirement: what keeps a fleet from running a step is said with numbers.
func TestMismatchNamesTheRequirement(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	job := r.submit(hungryTemplate)
	why := must(r.service.WhyJob(auth.WithPrincipal(t.Context(), admin()),
		WhyInput{FarmID: r.farmID, QueueID: r.queueID, JobID: job}))(t)
	want := scheduler.Reason{
		Code: scheduler.WhyMismatch, FleetID: r.fleetID,
		Message: "the step needs amount.worker.vcpu of at least 64, the fleet's begins at 1",
	}
	if len(why.Reasons) == 0 || why.Reasons[0].Message != want.Message || why.Reasons[0].FleetID != want.FleetID {
		t.Errorf("got %+v, want %+v first", why.Reasons, want)
	}
}
