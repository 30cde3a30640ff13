package cli

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/farmhand-render/farmhand/internal/farm"
	"github.com/farmhand-render/farmhand/internal/scheduler"
)

func (a *app) jobWhyCommand() *cobra.Command {
	var step, task string
	cmd := a.onJob("why JOB", "Say why a job waits, step by step", func(ctx context.Context, c *connection, key jobKey) error {
		return a.jobWhy(ctx, c, key, step, task)
	})
	cmd.Long = `Says why a job, or one of its steps or tasks, is where it is: which step it waits for, which requirement no fleet meets, that
all workers are busy or none is online, that the queue is blocked, a limit used up, and so on. It is asked of the scheduler itself.`
	cmd.Flags().StringVar(&step, "step-id", "", "explain one step")
	cmd.Flags().StringVar(&task, "task-id", "", "explain one task")
	return cmd
}

func (a *app) jobWhy(ctx context.Context, c *connection, key jobKey, step, task string) error {
	query := url.Values{}
	if step != "" {
		query.Set("stepId", step)
	}
	if task != "" {
		query.Set("taskId", task)
	}
	var why farm.Why
	path := fmt.Sprintf("/farmhand/v1/farms/%s/queues/%s/jobs/%s/why",
		url.PathEscape(key.farmID), url.PathEscape(key.queueID), url.PathEscape(key.jobID))
	if err := c.own(ctx, path, query, &why); err != nil {
		return fmt.Errorf("explain job %s: %w", key.jobID, err)
	}
	if a.global.format == "json" {
		return a.printJSON(why)
	}
	name := key.jobID
	if step != "" {
		name = step
	}
	if task != "" {
		name = task
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s is %s\n", name, why.Status)
	writeReasons(&b, "  ", why.Reasons)
	for _, s := range why.Steps {
		fmt.Fprintf(&b, "  step %s is %s\n", s.Name, s.Status)
		writeReasons(&b, "    ", s.Reasons)
	}
	if _, err := fmt.Fprint(a.streams.Out, b.String()); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

func writeReasons(b *strings.Builder, indent string, reasons []scheduler.Reason) {
	for _, r := range reasons {
		of := ""
		if r.FleetID != "" {
			of = " (" + r.FleetID + ")"
		}
		fmt.Fprintf(b, "%s%s%s: %s\n", indent, r.Code, of, r.Message)
	}
}
