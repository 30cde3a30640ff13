package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
)

// How often a job that is waited for is looked at: often at first, since small jobs are over soon.
const (
	firstLook = 250 * time.Millisecond
	lastLook  = 5 * time.Second
)

// waitForJob follows a job until it ends, and fails when it did not succeed.
func (a *app) waitForJob(ctx context.Context, c *connection, key jobKey) error {
	progress := newJobProgress(a.streams.Err)
	pause := firstLook
	heard := time.Now()
	for {
		job, err := key.get(ctx, c.client)
		switch {
		case err == nil:
			heard = time.Now()
			progress.show(job)
		case ctx.Err() != nil: // told below
		case answered(err) || time.Since(heard) > patience:
			return err
		}
		if err == nil && jobOver(job) {
			progress.done()
			return a.reportEnd(ctx, c, key, job)
		}
		select {
		case <-ctx.Done():
			progress.done()
			return &hinted{
				fmt.Errorf("stopped waiting for job %s, which goes on", key.jobID),
				"cancel it with `farmhand job cancel " + key.jobID + "`",
			}
		case <-time.After(pause):
		}
		pause = min(pause*5/4, lastLook)
	}
}

// patience is how long a farm that does not answer is waited for: it may be starting again.
const patience = 2 * time.Minute

// answered says whether an error is the farm's own answer.
func answered(err error) bool {
	var status interface{ HTTPStatusCode() int }
	return errors.As(err, &status) && status.HTTPStatusCode() < http.StatusInternalServerError
}

// jobOver reports whether nothing more happens to a job unless somebody asks for it.
func jobOver(job *deadline.GetJobOutput) bool {
	switch job.LifecycleStatus {
	case deadline.JobLifecycleStatusCreateFailed, deadline.JobLifecycleStatusArchived:
		return true
	default:
	}
	switch job.TaskRunStatus {
	case deadline.TaskRunStatusSucceeded, deadline.TaskRunStatusFailed, deadline.TaskRunStatusCanceled,
		deadline.TaskRunStatusSuspended, deadline.TaskRunStatusNotCompatible:
		return true
	default:
		return false
	}
}

// reportEnd prints how the job ended and, when tasks failed, where to read why.
func (a *app) reportEnd(ctx context.Context, c *connection, key jobKey, job *deadline.GetJobOutput) error {
	if a.global.format == "json" {
		if err := a.printJob(ctx, c, key); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(a.streams.Out, "%s %s (%s)%s\n", job.JobId, job.TaskRunStatus, countsText(job.TaskRunStatusCounts), took(job))
	}
	if job.TaskRunStatus == deadline.TaskRunStatusSucceeded {
		return nil
	}
	return &hinted{
		fmt.Errorf("%w: %s", errJob, firstOf(string(job.TaskRunStatus), job.LifecycleStatusMessage)),
		"read what its tasks printed with `farmhand job logs " + key.jobID + "`",
	}
}

func took(job *deadline.GetJobOutput) string {
	if job.StartedAt == nil || job.EndedAt == nil {
		return ""
	}
	d := job.EndedAt.Sub(*job.StartedAt)
	if d > time.Second {
		d = d.Round(100 * time.Millisecond)
	}
	return " in " + d.Round(time.Millisecond).String()
}

// jobProgress shows how far a job is: a bar on a terminal, a line per change elsewhere.
type jobProgress struct {
	w    io.Writer
	bar  *progressbar.ProgressBar // nil elsewhere
	last string
}

func newJobProgress(w io.Writer) *jobProgress {
	p := &jobProgress{w: w}
	if isTerminal(w) {
		p.bar = progressbar.NewOptions64(1,
			progressbar.OptionSetWriter(w), progressbar.OptionShowCount(), progressbar.OptionFullWidth(),
			progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetRenderBlankState(true))
	}
	return p
}

func (p *jobProgress) show(job *deadline.GetJobOutput) {
	succeeded, all := tally(job.TaskRunStatusCounts)
	line := fmt.Sprintf("%-12s %d of %d tasks done", job.TaskRunStatus, succeeded, all)
	if p.bar == nil {
		if line != p.last {
			fmt.Fprintln(p.w, line)
		}
		p.last = line
		return
	}
	if all > 0 && p.bar.GetMax64() != all {
		p.bar.ChangeMax64(all)
	}
	p.bar.Set64(succeeded) //nolint:errcheck // it only fails past its maximum
	p.bar.Describe(string(job.TaskRunStatus))
}

func (p *jobProgress) done() {
	if p.bar != nil {
		p.bar.Exit() //nolint:errcheck // nothing to do about a terminal that is gone
		fmt.Fprintln(p.w)
	}
}

// sessionsOf lists the sessions of a job in the order of their start.
func sessionsOf(ctx context.Context, c *client.Client, key jobKey) ([]deadline.SessionSummary, error) {
	var sessions []deadline.SessionSummary
	pages := client.NewListSessionsPaginator(c, &deadline.ListSessionsInput{FarmId: key.farmID, QueueId: key.queueID, JobId: key.jobID})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the sessions of job %s: %w", key.jobID, err)
		}
		sessions = append(sessions, page.Sessions...)
	}
	return sessions, nil
}
