package farm

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
)

// pages reads all pages of one element each and names the elements.
func pages[Out any](t *testing.T, call func(next *string, one *int32) (Out, error), read func(Out) ([]string, *string)) []string {
	t.Helper()
	var all []string
	var next *string
	for {
		page, following := read(must(call(next, deadline.Ptr[int32](1)))(t))
		if len(page) > 1 {
			t.Fatalf("a page has %d elements", len(page))
		}
		all = append(all, page...)
		if following == nil {
			return all
		}
		next = following
	}
}

func TestJobLists(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	var jobs []string
	for range 3 {
		jobs = append([]string{r.submit(plainTemplate(3))}, jobs...) // newest first
	}
	wantLines(t, "jobs", pages(t, func(next *string, one *int32) (*deadline.ListJobsOutput, error) {
		return r.ListJobs(t.Context(), &deadline.ListJobsInput{FarmId: r.farmID, QueueId: r.queueID, NextToken: next, MaxResults: one})
	}, func(out *deadline.ListJobsOutput) (ids []string, next *string) {
		for _, j := range out.Jobs {
			ids = append(ids, j.JobId)
		}
		return ids, out.NextToken
	}), jobs...)

	step := r.steps(jobs[0])[0].StepId
	wantLines(t, "tasks", pages(t, func(next *string, one *int32) (*deadline.ListTasksOutput, error) {
		return r.ListTasks(t.Context(), &deadline.ListTasksInput{
			FarmId: r.farmID, QueueId: r.queueID, JobId: jobs[0], StepId: step, NextToken: next, MaxResults: one,
		})
	}, func(out *deadline.ListTasksOutput) (ids []string, next *string) {
		for _, task := range out.Tasks {
			ids = append(ids, task.TaskId)
		}
		return ids, out.NextToken
	}), taskID(step, 0), taskID(step, 1), taskID(step, 2))

	_, err := r.ListJobs(t.Context(), &deadline.ListJobsInput{FarmId: "farm-" + noID, QueueId: r.queueID})
	failsMissing(t, err, typeFarm, "farm-"+noID)
	_, err = r.ListJobs(t.Context(), &deadline.ListJobsInput{FarmId: r.farmID, QueueId: "queue-" + noID})
	failsMissing(t, err, typeQueue, "queue-"+noID)
}

func TestSessionAndWorkerLists(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	jobID := r.submit(sceneTemplate)
	a, b := r.join(), r.join()
	a.poll(nil)
	b.poll(nil)
	a.work(nil)
	b.work(nil)
	var sessions []string
	for _, s := range r.sessions(jobID) {
		sessions = append(sessions, s.SessionId)
	}
	wantLines(t, "sessions", pages(t, func(next *string, one *int32) (*deadline.ListSessionsOutput, error) {
		return r.ListSessions(t.Context(), &deadline.ListSessionsInput{
			FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, NextToken: next, MaxResults: one,
		})
	}, func(out *deadline.ListSessionsOutput) (ids []string, next *string) {
		for _, s := range out.Sessions {
			ids = append(ids, s.SessionId)
		}
		return ids, out.NextToken
	}), sessions...)
	var ofWorkers int
	for _, w := range []*testWorker{a, b} {
		ofWorkers += len(pages(t, func(next *string, one *int32) (*deadline.ListSessionsForWorkerOutput, error) {
			return r.ListSessionsForWorker(t.Context(), &deadline.ListSessionsForWorkerInput{
				FarmId: r.farmID, FleetId: r.fleetID, WorkerId: w.id, NextToken: next, MaxResults: one,
			})
		}, func(out *deadline.ListSessionsForWorkerOutput) (ids []string, next *string) {
			for _, s := range out.Sessions {
				ids = append(ids, s.SessionId)
			}
			return ids, out.NextToken
		}))
	}
	if ofWorkers != len(sessions) || len(sessions) < 3 {
		t.Errorf("%d sessions by worker, %d by job", ofWorkers, len(sessions))
	}
	wantLines(t, "workers", pages(t, func(next *string, one *int32) (*deadline.ListWorkersOutput, error) {
		return r.ListWorkers(t.Context(), &deadline.ListWorkersInput{FarmId: r.farmID, FleetId: r.fleetID, NextToken: next, MaxResults: one})
	}, func(out *deadline.ListWorkersOutput) (ids []string, next *string) {
		for _, w := range out.Workers {
			ids = append(ids, w.WorkerId)
		}
		return ids, out.NextToken
	}), a.id, b.id)
}

func TestStepGraph(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	jobID := r.submit(`
specificationVersion: jobtemplate-2023-09
name: graph
steps:
- {name: D, script: &s {actions: {onRun: {command: c}}}, dependencies: [{dependsOn: B}, {dependsOn: C}]}
- {name: A, script: *s}
- {name: B, script: *s, dependencies: [{dependsOn: A}]}
- {name: C, script: *s, dependencies: [{dependsOn: A}]}
`)
	steps := map[string]deadline.StepSummary{}
	for _, s := range r.steps(jobID) {
		steps[s.Name] = s
	}
	edges := func(step string) string {
		var names []string
		name := func(id string) string {
			for n, s := range steps {
				if s.StepId == id {
					return n
				}
			}
			return id
		}
		in := func(next *string, one *int32) (*deadline.ListStepDependenciesOutput, error) {
			return r.ListStepDependencies(t.Context(), &deadline.ListStepDependenciesInput{
				FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, StepId: steps[step].StepId, NextToken: next, MaxResults: one,
			})
		}
		names = append(names, pages(t, in, func(out *deadline.ListStepDependenciesOutput) (lines []string, next *string) {
			for _, d := range out.Dependencies {
				lines = append(lines, "waits for "+name(d.StepId)+" "+string(d.Status))
			}
			return lines, out.NextToken
		})...)
		consumers := must(r.ListStepConsumers(t.Context(), &deadline.ListStepConsumersInput{
			FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, StepId: steps[step].StepId, MaxResults: deadline.Ptr[int32](1000),
		}))(t).Consumers
		for _, c := range consumers {
			names = append(names, "feeds "+name(c.StepId)+" "+string(c.Status))
		}
		counts := must(r.GetStep(t.Context(), &deadline.GetStepInput{
			FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, StepId: steps[step].StepId,
		}))(t).DependencyCounts
		return strings.Join(names, ", ") + fmt.Sprintf(" %d/%d %d/%d", counts.DependenciesResolved, counts.DependenciesUnresolved,
			counts.ConsumersResolved, counts.ConsumersUnresolved)
	}
	want := map[string]string{
		"A": "feeds B UNRESOLVED, feeds C UNRESOLVED 0/0 0/2",
		"B": "waits for A UNRESOLVED, feeds D UNRESOLVED 0/1 0/1",
		"D": "waits for B UNRESOLVED, waits for C UNRESOLVED 0/2 0/0",
	}
	for step, w := range want {
		if got := edges(step); got != w {
			t.Errorf("%s: %s, want %s", step, got, w)
		}
	}
	for _, done := range []string{"A", "B"} {
		must(r.UpdateStep(t.Context(), &deadline.UpdateStepInput{
			FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, StepId: steps[done].StepId,
			TargetTaskRunStatus: deadline.StepTargetTaskRunStatusSucceeded,
		}))(t)
	}
	want = map[string]string{
		"A": "feeds B RESOLVED, feeds C RESOLVED 0/0 2/0",
		"B": "waits for A RESOLVED, feeds D RESOLVED 1/0 1/0",
		"D": "waits for B RESOLVED, waits for C UNRESOLVED 1/1 0/0",
	}
	for step, w := range want {
		if got := edges(step); got != w {
			t.Errorf("in the end %s: %s, want %s", step, got, w)
		}
	}
}

func TestGetStepShows(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	jobID := r.submit(sceneTemplate)
	steps := r.steps(jobID)
	got := must(r.GetStep(t.Context(), &deadline.GetStepInput{
		FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, StepId: steps[0].StepId,
	}))(t)
	want := &deadline.GetStepOutput{
		StepId: steps[0].StepId, Name: "Render", Description: new("Frames"),
		LifecycleStatus: deadline.StepLifecycleStatusCreateComplete, TaskRunStatus: deadline.TaskRunStatusReady,
		TaskRunStatusCounts: steps[0].TaskRunStatusCounts, TaskFailureRetryCount: deadline.Ptr[int32](0),
		CreatedAt: got.CreatedAt, CreatedBy: adminARN,
		DependencyCounts: &deadline.DependencyCounts{ConsumersUnresolved: 1},
		RequiredCapabilities: &deadline.StepRequiredCapabilities{
			Amounts:    []deadline.StepAmountCapability{{Name: "amount.worker.vcpu", Min: new(1.0)}},
			Attributes: []deadline.StepAttributeCapability{{Name: "attr.worker.os.family", AnyOf: []string{"linux", "macos"}}},
		},
		ParameterSpace: &deadline.ParameterSpace{
			Parameters: []deadline.StepParameter{
				{Name: "Frame", Type: deadline.StepParameterTypeInt},
				{Name: "Camera", Type: deadline.StepParameterTypeString},
				{Name: "Gamma", Type: deadline.StepParameterTypeFloat},
				{Name: "Out", Type: deadline.StepParameterTypePath},
			},
			Combination: new("Frame * Camera * Gamma * Out"),
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("GetStep (-want +got):\n%s", diff)
	}
	single := must(r.GetStep(t.Context(), &deadline.GetStepInput{
		FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, StepId: steps[1].StepId,
	}))(t)
	if single.ParameterSpace != nil || single.RequiredCapabilities != nil || single.TaskRunStatus != deadline.TaskRunStatusPending {
		t.Errorf("the other step is %+v", single)
	}
	if tasks := r.taskList(jobID, steps[1].StepId); len(tasks) != 1 || len(tasks[0].Parameters) != 0 || *tasks[0].FailureRetryCount != 0 {
		t.Errorf("its tasks are %+v", tasks)
	}
}

// An id under another parent does not exist: every operation that takes a job says so, of the first parent that is wrong.
func TestParentsMustBeRight(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	jobID := r.submit(sceneTemplate)
	step := r.steps(jobID)[0].StepId
	w := r.join()
	w.poll(nil)
	session, _ := w.held()
	task, action := taskID(step, 0), sessionActionID(session, 0)
	otherQueue, otherFarm := r.newQueue(r.farmID), r.newFarm()
	otherFleet := r.newFleet(r.farmID)
	ctx := t.Context()
	calls := map[string]func(farm, queue string) error{
		"GetJob": func(f, q string) error {
			_, err := r.GetJob(ctx, &deadline.GetJobInput{FarmId: f, QueueId: q, JobId: jobID})
			return err
		},
		"UpdateJob": func(f, q string) error {
			_, err := r.UpdateJob(ctx, &deadline.UpdateJobInput{FarmId: f, QueueId: q, JobId: jobID, Priority: deadline.Ptr[int32](1)})
			return err
		},
		"ListJobParameterDefinitions": func(f, q string) error {
			_, err := r.ListJobParameterDefinitions(ctx, &deadline.ListJobParameterDefinitionsInput{FarmId: f, QueueId: q, JobId: jobID})
			return err
		},
		"ListSteps": func(f, q string) error {
			_, err := r.ListSteps(ctx, &deadline.ListStepsInput{FarmId: f, QueueId: q, JobId: jobID})
			return err
		},
		"GetStep": func(f, q string) error {
			_, err := r.GetStep(ctx, &deadline.GetStepInput{FarmId: f, QueueId: q, JobId: jobID, StepId: step})
			return err
		},
		"UpdateStep": func(f, q string) error {
			_, err := r.UpdateStep(ctx, &deadline.UpdateStepInput{
				FarmId: f, QueueId: q, JobId: jobID, StepId: step, TargetTaskRunStatus: deadline.StepTargetTaskRunStatusCanceled,
			})
			return err
		},
		"ListStepDependencies": func(f, q string) error {
			_, err := r.ListStepDependencies(ctx, &deadline.ListStepDependenciesInput{FarmId: f, QueueId: q, JobId: jobID, StepId: step})
			return err
		},
		"ListStepConsumers": func(f, q string) error {
			_, err := r.ListStepConsumers(ctx, &deadline.ListStepConsumersInput{FarmId: f, QueueId: q, JobId: jobID, StepId: step})
			return err
		},
		"ListTasks": func(f, q string) error {
			_, err := r.ListTasks(ctx, &deadline.ListTasksInput{FarmId: f, QueueId: q, JobId: jobID, StepId: step})
			return err
		},
		"GetTask": func(f, q string) error {
			_, err := r.GetTask(ctx, &deadline.GetTaskInput{FarmId: f, QueueId: q, JobId: jobID, StepId: step, TaskId: task})
			return err
		},
		"UpdateTask": func(f, q string) error {
			_, err := r.UpdateTask(ctx, &deadline.UpdateTaskInput{
				FarmId: f, QueueId: q, JobId: jobID, StepId: step, TaskId: task, TargetRunStatus: deadline.TaskTargetRunStatusFailed,
			})
			return err
		},
		"ListSessions": func(f, q string) error {
			_, err := r.ListSessions(ctx, &deadline.ListSessionsInput{FarmId: f, QueueId: q, JobId: jobID})
			return err
		},
		"GetSession": func(f, q string) error {
			_, err := r.GetSession(ctx, &deadline.GetSessionInput{FarmId: f, QueueId: q, JobId: jobID, SessionId: session})
			return err
		},
		"UpdateSession": func(f, q string) error {
			_, err := r.UpdateSession(ctx, &deadline.UpdateSessionInput{
				FarmId: f, QueueId: q, JobId: jobID, SessionId: session, TargetLifecycleStatus: deadline.SessionLifecycleTargetStatusEnded,
			})
			return err
		},
		"GetSessionAction": func(f, q string) error {
			_, err := r.GetSessionAction(ctx, &deadline.GetSessionActionInput{FarmId: f, QueueId: q, JobId: jobID, SessionActionId: action})
			return err
		},
		"ListSessionActions": func(f, q string) error {
			_, err := r.ListSessionActions(ctx, &deadline.ListSessionActionsInput{FarmId: f, QueueId: q, JobId: jobID})
			return err
		},
	}
	before := r.history(jobID)
	for name, call := range calls {
		failsMissing(t, call("farm-"+noID, r.queueID), typeFarm, "farm-"+noID)
		failsMissing(t, call(otherFarm, r.queueID), typeQueue, r.queueID)
		failsMissing(t, call(r.farmID, "queue-"+noID), typeQueue, "queue-"+noID)
		failsMissing(t, call(r.farmID, otherQueue), typeJob, jobID)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	wantLines(t, "history", r.history(jobID), before...)

	other := r.submit(sceneTemplate)
	for name, err := range map[string]error{
		typeStep: second(r.GetStep(ctx, &deadline.GetStepInput{FarmId: r.farmID, QueueId: r.queueID, JobId: other, StepId: step})),
		typeSession: second(r.GetSession(ctx, &deadline.GetSessionInput{
			FarmId: r.farmID, QueueId: r.queueID, JobId: other, SessionId: session,
		})),
		typeSessionAction: second(r.GetSessionAction(ctx, &deadline.GetSessionActionInput{
			FarmId: r.farmID, QueueId: r.queueID, JobId: other, SessionActionId: action,
		})),
		typeTask: second(r.GetTask(ctx, &deadline.GetTaskInput{
			FarmId: r.farmID, QueueId: r.queueID, JobId: other, StepId: r.steps(other)[0].StepId, TaskId: task,
		})),
		typeWorker: second(r.GetWorker(ctx, &deadline.GetWorkerInput{FarmId: r.farmID, FleetId: otherFleet, WorkerId: w.id})),
	} {
		var missing *deadline.ResourceNotFoundException
		if !errors.As(err, &missing) || missing.ResourceType != name {
			t.Errorf("a %s under another parent: %v", name, err)
		}
	}
	_, err := r.UpdateWorkerSchedule(ctx, &deadline.UpdateWorkerScheduleInput{FarmId: otherFarm, FleetId: r.fleetID, WorkerId: w.id})
	failsMissing(t, err, typeFleet, r.fleetID)
	_, err = r.UpdateWorker(ctx, &deadline.UpdateWorkerInput{
		FarmId: r.farmID, FleetId: otherFleet, WorkerId: w.id, Status: deadline.UpdatedWorkerStatusStopped,
	})
	failsMissing(t, err, typeWorker, w.id)
}

// TestArchivedJobsAreListed: an archived job is there until it is deleted.
func TestArchivedJobsAreListed(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	jobID := r.submit(plainTemplate(1))
	r.aim(jobID, deadline.JobTargetTaskRunStatusCanceled)
	must(r.UpdateJob(t.Context(), &deadline.UpdateJobInput{
		FarmId: r.farmID, QueueId: r.queueID, JobId: jobID, LifecycleStatus: deadline.UpdateJobLifecycleStatusArchived,
	}))(t)
	jobs := must(r.ListJobs(t.Context(), &deadline.ListJobsInput{FarmId: r.farmID, QueueId: r.queueID}))(t).Jobs
	if len(jobs) != 1 || jobs[0].LifecycleStatus != deadline.JobLifecycleStatusArchived {
		t.Errorf("ListJobs gives %+v", jobs)
	}
	found := must(r.SearchJobs(t.Context(), &deadline.SearchJobsInput{FarmId: r.farmID, QueueIds: []string{r.queueID}}))(t).Jobs
	if len(found) != 1 || found[0].LifecycleStatus != deadline.JobLifecycleStatusArchived {
		t.Errorf("SearchJobs gives %+v", found)
	}
}
