package cli

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
)

// jobKey names one job.
type jobKey struct {
	place
	jobID string
}

func (k jobKey) get(ctx context.Context, c *client.Client) (*deadline.GetJobOutput, error) {
	output, err := c.GetJob(ctx, &deadline.GetJobInput{FarmId: k.farmID, QueueId: k.queueID, JobId: k.jobID})
	if err != nil {
		return nil, fmt.Errorf("read job %s: %w", k.jobID, err)
	}
	return output, nil
}

func (a *app) jobCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "job", Short: "List, follow and steer jobs"}
	a.farmFlags(cmd)
	cmd.AddCommand(
		a.jobListCommand(),
		a.onJob("get JOB", "Show a job with its steps", a.jobGet),
		a.onJob("wait JOB", "Follow a job until it ends; the exit code tells whether it succeeded", a.waitForJob),
		a.jobLogsCommand(),
		a.jobWhyCommand(),
		a.jobActionsCommand(),
		a.jobTargetCommand("cancel", "Cancel what has not ended yet", deadline.JobTargetTaskRunStatusCanceled),
		a.jobTargetCommand("suspend", "Suspend what has not ended yet", deadline.JobTargetTaskRunStatusSuspended),
		a.jobTargetCommand("resume", "Resume a suspended job", deadline.JobTargetTaskRunStatusReady),
		a.jobRequeueCommand(),
		a.jobDownloadCommand(),
	)
	return cmd
}

// onJob makes a command that works on the job that its argument names.
func (a *app) onJob(use, short string, run func(context.Context, *connection, jobKey) error) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: short,
		Args:  oneArg("job id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, p, err := a.connectPlace(cmd.Context())
			if err != nil {
				return err
			}
			return run(cmd.Context(), c, jobKey{p, args[0]})
		},
	}
}

func (a *app) jobTargetCommand(verb, short string, target deadline.JobTargetTaskRunStatus) *cobra.Command {
	return a.onJob(verb+" JOB", short, func(ctx context.Context, c *connection, key jobKey) error {
		return setJobTarget(ctx, c, key, target)
	})
}

func setJobTarget(ctx context.Context, c *connection, key jobKey, target deadline.JobTargetTaskRunStatus) error {
	_, err := c.client.UpdateJob(ctx, &deadline.UpdateJobInput{
		FarmId: key.farmID, QueueId: key.queueID, JobId: key.jobID, TargetTaskRunStatus: target,
	})
	if err != nil {
		return fmt.Errorf("set job %s to %s: %w", key.jobID, target, err)
	}
	return nil
}

func (a *app) jobListCommand() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the jobs of a queue, newest first",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, p, err := a.connectPlace(cmd.Context())
			if err != nil {
				return err
			}
			return a.jobList(cmd.Context(), c, p, limit)
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 25, "how many jobs at most; 0 for all")
	return cmd
}

func (a *app) jobList(ctx context.Context, c *connection, p place, limit int) error {
	jobs := []deadline.JobSummary{}
	pages := client.NewListJobsPaginator(c.client, &deadline.ListJobsInput{FarmId: p.farmID, QueueId: p.queueID})
	for pages.HasMorePages() && (limit == 0 || len(jobs) < limit) {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list the jobs of queue %s: %w", p.queueID, err)
		}
		jobs = append(jobs, page.Jobs...)
	}
	if limit > 0 && len(jobs) > limit {
		jobs = jobs[:limit]
	}
	if a.global.format == "json" {
		return a.printJSON(jobSummaries(jobs))
	}
	rows := make([][]string, 0, len(jobs))
	for _, j := range jobs {
		rows = append(rows, []string{
			j.JobId, string(j.TaskRunStatus), progressText(j.TaskRunStatusCounts), strconv.Itoa(int(j.Priority)), stamp(&j.CreatedAt), j.Name,
		})
	}
	return a.printTable([]string{"JOB", "STATUS", "DONE", "PRIORITY", "CREATED", "NAME"}, rows)
}

// jobSummary is a job as `job list --format json` prints it.
type jobSummary struct {
	JobID               string           `json:"jobId"`
	Name                string           `json:"name"`
	LifecycleStatus     string           `json:"lifecycleStatus"`
	TaskRunStatus       string           `json:"taskRunStatus,omitempty"`
	TaskRunStatusCounts map[string]int32 `json:"taskRunStatusCounts,omitempty"`
	Priority            int32            `json:"priority"`
	CreatedAt           string           `json:"createdAt"`
}

func jobSummaries(jobs []deadline.JobSummary) []jobSummary {
	list := make([]jobSummary, 0, len(jobs))
	for _, j := range jobs {
		list = append(list, jobSummary{
			JobID: j.JobId, Name: j.Name, LifecycleStatus: string(j.LifecycleStatus), TaskRunStatus: string(j.TaskRunStatus),
			TaskRunStatusCounts: countsOf(j.TaskRunStatusCounts), Priority: j.Priority, CreatedAt: j.CreatedAt.UTC().Format(timeFormat),
		})
	}
	return list
}

const timeFormat = "2006-01-02T15:04:05.000Z"

func countsOf[S ~string](counts map[S]int32) map[string]int32 {
	texts := make(map[string]int32, len(counts))
	for status, n := range counts {
		texts[string(status)] = n
	}
	return texts
}

// progressText is "succeeded/all".
func progressText[S ~string](counts map[S]int32) string {
	done, all := tally(counts)
	return fmt.Sprintf("%d/%d", done, all)
}

// tally counts the tasks that succeeded and all tasks.
func tally[S ~string](counts map[S]int32) (succeeded, all int64) {
	for status, n := range counts {
		all += int64(n)
		if string(status) == string(deadline.TaskRunStatusSucceeded) {
			succeeded += int64(n)
		}
	}
	return succeeded, all
}

func (a *app) jobGet(ctx context.Context, c *connection, key jobKey) error {
	if a.global.format == "json" {
		return a.printJob(ctx, c, key)
	}
	job, err := key.get(ctx, c.client)
	if err != nil {
		return err
	}
	steps, err := stepsOf(ctx, c.client, key)
	if err != nil {
		return err
	}
	w := a.streams.Out
	fmt.Fprintf(w, "%s\n  %s\n  status    %s", job.Name, job.JobId, job.TaskRunStatus)
	if job.TargetTaskRunStatus != "" {
		fmt.Fprintf(w, " (asked for: %s)", job.TargetTaskRunStatus)
	}
	fmt.Fprintf(w, "\n  lifecycle %s: %s\n  priority  %d\n", job.LifecycleStatus, job.LifecycleStatusMessage, job.Priority)
	fmt.Fprintf(w, "  created   %s by %s\n", stamp(&job.CreatedAt), job.CreatedBy)
	if job.StartedAt != nil {
		fmt.Fprintf(w, "  started   %s\n", stamp(job.StartedAt))
	}
	if job.EndedAt != nil {
		fmt.Fprintf(w, "  ended     %s\n", stamp(job.EndedAt))
	}
	fmt.Fprintln(w)
	rows := make([][]string, 0, len(steps))
	for _, s := range steps {
		rows = append(rows, []string{s.Name, string(s.TaskRunStatus), progressText(s.TaskRunStatusCounts), countsText(s.TaskRunStatusCounts)})
	}
	return a.printTable([]string{"STEP", "STATUS", "DONE", "TASKS"}, rows)
}

// printJob prints the answer of GetJob as it came.
func (a *app) printJob(ctx context.Context, c *connection, key jobKey) error {
	err := a.callAndPrint(ctx, c, "GetJob", map[string]any{"farmId": key.farmID, "queueId": key.queueID, "jobId": key.jobID})
	if err != nil {
		return fmt.Errorf("read job %s: %w", key.jobID, err)
	}
	return nil
}

// countsText lists the statuses that tasks have: "3 READY, 2 RUNNING".
func countsText[S ~string](counts map[S]int32) string {
	var parts []string
	for status, n := range counts {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
		}
	}
	sort.Strings(parts)
	return strings.Join(parts, ", ")
}

func stepsOf(ctx context.Context, c *client.Client, key jobKey) ([]deadline.StepSummary, error) {
	var steps []deadline.StepSummary
	pages := client.NewListStepsPaginator(c, &deadline.ListStepsInput{FarmId: key.farmID, QueueId: key.queueID, JobId: key.jobID})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the steps of job %s: %w", key.jobID, err)
		}
		steps = append(steps, page.Steps...)
	}
	return steps, nil
}
