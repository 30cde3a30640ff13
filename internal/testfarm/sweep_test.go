package testfarm

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
	"github.com/farmhand-render/farmhand/internal/store/storetest/postgrestest"
)

// sweptTasks is enough that a change of all of them, when they have run, is written as one row and done in the background in several
// transactions.
const sweptTasks = 3500

// TestCrashInSweep kills the server while it does a change of very many tasks that it has acknowledged: each task has changed
// afterwards, and runs again in the end.
func TestCrashInSweep(t *testing.T) {
	t.Parallel()
	crashInSweep(t)
}

// TestCrashInSweepOnPostgres is TestCrashInSweep on a PostgreSQL database.
func TestCrashInSweepOnPostgres(t *testing.T) {
	t.Parallel()
	crashInSweep(t, "--database-url", postgrestest.URL(t), "--relaxed-durability")
}

func crashInSweep(t *testing.T, args ...string) {
	t.Helper()
	ctx := t.Context()
	f := &sweptFarm{Farm: NewFarm(t, Start(t, Options{Args: args})), t: t}
	job, err := f.Admin.CreateJob(ctx, f.JobInput(fmt.Sprintf(`
specificationVersion: jobtemplate-2023-09
name: Many
steps:
- name: Render
  parameterSpace:
    taskParameterDefinitions: [{name: Frame, type: INT, range: "1-%d"}]
  script: {actions: {onRun: {command: render}}}
`, sweptTasks)))
	if err != nil {
		t.Fatal(err)
	}
	f.jobID = job.JobId
	f.finish(ctx)
	for round, target := range []deadline.JobTargetTaskRunStatus{
		deadline.JobTargetTaskRunStatusReady, deadline.JobTargetTaskRunStatusSuspended, deadline.JobTargetTaskRunStatusReady,
		deadline.JobTargetTaskRunStatusCanceled, deadline.JobTargetTaskRunStatusReady, deadline.JobTargetTaskRunStatusCanceled,
		deadline.JobTargetTaskRunStatusReady,
	} {
		if _, err := f.Admin.UpdateJob(ctx, &deadline.UpdateJobInput{
			FarmId: f.FarmID, QueueId: f.QueueID, JobId: f.jobID, TargetTaskRunStatus: target,
		}); err != nil {
			t.Fatal(err)
		}
		pause(ctx, time.Duration(rand.IntN(1+20*round))*time.Millisecond)
		f.Kill()
		f.Restart(ctx)
		f.verify(ctx, deadline.TaskRunStatus(target))
	}
	f.finish(ctx)
	f.verify(ctx, deadline.TaskRunStatusSucceeded)
}

// sweptFarm is a farm with one job of very many tasks.
type sweptFarm struct {
	*Farm
	t     *testing.T
	jobID string
}

// finish runs all tasks of the job, with workers that stop when it is over.
func (f *sweptFarm) finish(ctx context.Context) {
	f.t.Helper()
	working, ctx := errgroup.WithContext(ctx)
	for range 4 {
		working.Go(func() error {
			w, err := f.Join(ctx, Script{})
			for over := false; err == nil && !over; over, err = f.isOver(ctx) {
				for turn := true; err == nil && turn; turn = w.Busy() {
					err = w.Turn(ctx)
				}
			}
			if err != nil {
				return err
			}
			return w.Stop(ctx)
		})
	}
	if err := working.Wait(); err != nil {
		f.t.Fatal(err)
	}
}

func (f *sweptFarm) job(ctx context.Context) (*deadline.GetJobOutput, error) {
	return f.Admin.GetJob(ctx, &deadline.GetJobInput{FarmId: f.FarmID, QueueId: f.QueueID, JobId: f.jobID})
}

func (f *sweptFarm) isOver(ctx context.Context) (bool, error) {
	job, err := f.job(ctx)
	if err != nil {
		return false, err
	}
	return isOver(job.TaskRunStatus), nil
}

// verify compares what the job counts, what its list of tasks shows and what searches find: all tasks have one status.
func (f *sweptFarm) verify(ctx context.Context, want deadline.TaskRunStatus) {
	f.t.Helper()
	job, err := f.job(ctx)
	if err != nil {
		f.t.Fatal(err)
	}
	if n := job.TaskRunStatusCounts[string(want)]; n != sweptTasks {
		f.t.Errorf("the job counts %v, want %s only", job.TaskRunStatusCounts, want)
	}
	steps, err := f.Admin.ListSteps(ctx, &deadline.ListStepsInput{FarmId: f.FarmID, QueueId: f.QueueID, JobId: f.jobID})
	if err != nil {
		f.t.Fatal(err)
	}
	shown := map[deadline.TaskRunStatus]int{}
	for task, err := range client.NewListTasksPaginator(f.Admin, &deadline.ListTasksInput{
		FarmId: f.FarmID, QueueId: f.QueueID, JobId: f.jobID, StepId: steps.Steps[0].StepId,
	}).All(ctx) {
		if err != nil {
			f.t.Fatal(err)
		}
		shown[task.RunStatus]++
	}
	if shown[want] != sweptTasks {
		f.t.Errorf("the list shows %v, want %s only", shown, want)
	}
	found, err := f.Admin.SearchTasks(ctx, &deadline.SearchTasksInput{
		FarmId: f.FarmID, QueueIds: []string{f.QueueID}, JobId: &f.jobID, ItemOffset: 0, PageSize: deadline.Ptr[int32](1),
		FilterExpressions: &deadline.SearchGroupedFilterExpressions{
			Operator: deadline.LogicalOperatorAnd,
			Filters: []deadline.SearchFilterExpression{{StringFilter: &deadline.StringFilterExpression{
				Name: "RUN_STATUS", Operator: deadline.ComparisonOperatorEqual, Value: string(want),
			}}},
		},
	})
	if err != nil {
		f.t.Fatal(err)
	}
	if found.TotalResults != sweptTasks {
		f.t.Errorf("searches find %d tasks that are %s", found.TotalResults, want)
	}
}
