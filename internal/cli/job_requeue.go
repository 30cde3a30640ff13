package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
)

func (a *app) jobRequeueCommand() *cobra.Command {
	var statuses []string
	var all bool
	cmd := a.onJob("requeue JOB", "Run tasks of a job again", func(ctx context.Context, c *connection, key jobKey) error {
		if all {
			return setJobTarget(ctx, c, key, deadline.JobTargetTaskRunStatusPending)
		}
		return a.requeueTasks(ctx, c, key, statuses)
	})
	cmd.Long = "Runs again the tasks of a job that have one of the statuses given with --run-status, or with --all every task."
	cmd.Flags().StringSliceVar(&statuses, "run-status", []string{"FAILED", "CANCELED"}, "which tasks")
	cmd.Flags().BoolVar(&all, "all", false, "every task of the job, whatever its status")
	return cmd
}

func (a *app) requeueTasks(ctx context.Context, c *connection, key jobKey, statuses []string) error {
	for i := range statuses {
		statuses[i] = strings.ToUpper(statuses[i])
		if !slices.Contains(deadline.TaskRunStatus("").Values(), deadline.TaskRunStatus(statuses[i])) {
			return &usageError{fmt.Errorf("--run-status %s is not a run status", statuses[i]), "use FAILED, CANCELED, SUSPENDED, SUCCEEDED or NOT_COMPATIBLE"}
		}
	}
	steps, err := stepsOf(ctx, c.client, key)
	if err != nil {
		return err
	}
	var requeued int
	for _, step := range steps {
		n, err := requeueStep(ctx, c, key, step.StepId, statuses)
		if err != nil {
			return err
		}
		requeued += n
	}
	if a.global.format == "json" {
		return a.printJSON(map[string]int{"requeuedTasks": requeued})
	}
	fmt.Fprintf(a.streams.Out, "requeued %d tasks\n", requeued)
	return nil
}

func requeueStep(ctx context.Context, c *connection, key jobKey, stepID string, statuses []string) (requeued int, err error) {
	pages := client.NewListTasksPaginator(c.client, &deadline.ListTasksInput{
		FarmId: key.farmID, QueueId: key.queueID, JobId: key.jobID, StepId: stepID,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return requeued, fmt.Errorf("list the tasks of step %s: %w", stepID, err)
		}
		for _, task := range page.Tasks {
			if !slices.Contains(statuses, string(task.RunStatus)) {
				continue
			}
			_, err := c.client.UpdateTask(ctx, &deadline.UpdateTaskInput{
				FarmId: key.farmID, QueueId: key.queueID, JobId: key.jobID, StepId: stepID, TaskId: task.TaskId,
				TargetRunStatus: deadline.TaskTargetRunStatusPending,
			})
			if err != nil {
				return requeued, fmt.Errorf("requeue task %s: %w", task.TaskId, err)
			}
			requeued++
		}
	}
	return requeued, nil
}
