package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/logsclient"
)

// followEvery is how often `job logs -f` looks for more.
const followEvery = 500 * time.Millisecond

type logsFlags struct {
	session    string
	follow     bool
	timestamps bool
}

func (a *app) jobLogsCommand() *cobra.Command {
	var flags logsFlags
	cmd := a.onJob("logs JOB", "Print what a job's sessions wrote", func(ctx context.Context, c *connection, key jobKey) error {
		return a.jobLogs(ctx, c, key, flags)
	})
	cmd.Long = "Prints the logs of a job's sessions, one after another; with -f goes on until the job ends."
	f := cmd.Flags()
	f.StringVar(&flags.session, "session-id", "", "only this session")
	f.BoolVarP(&flags.follow, "follow", "f", false, "go on printing until the job ends")
	f.BoolVar(&flags.timestamps, "timestamps", false, "print the time before each line")
	return cmd
}

// logTail is how far the log of one session has been printed.
type logTail struct {
	sessionID string
	token     string
}

// logPrinter prints the logs of a job's sessions.
type logPrinter struct {
	app     *app
	c       *connection
	key     jobKey
	flags   logsFlags
	tails   []*logTail
	current string // the session whose lines were printed last
}

func (a *app) jobLogs(ctx context.Context, c *connection, key jobKey, flags logsFlags) error {
	p := &logPrinter{app: a, c: c, key: key, flags: flags}
	for {
		job, err := key.get(ctx, c.client)
		if err != nil {
			return err
		}
		// Asked before the logs are read, so that the last lines of a job that just ended are printed too.
		over := jobOver(job)
		if err := p.findSessions(ctx); err != nil {
			return err
		}
		for _, tail := range p.tails {
			if err := p.print(ctx, tail); err != nil {
				return err
			}
		}
		if over || !flags.follow {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followEvery):
		}
	}
}

func (p *logPrinter) findSessions(ctx context.Context) error {
	if p.flags.session != "" {
		if p.tails == nil {
			p.tails = []*logTail{{sessionID: p.flags.session}}
		}
		return nil
	}
	sessions, err := sessionsOf(ctx, p.c.client, p.key)
	if err != nil {
		return err
	}
	// Sessions keep their order and are never removed.
	for _, s := range sessions[len(p.tails):] {
		p.tails = append(p.tails, &logTail{sessionID: s.SessionId})
	}
	return nil
}

// print prints what a session wrote since the last time.
func (p *logPrinter) print(ctx context.Context, tail *logTail) error {
	for {
		page, err := p.c.logs().GetLogEvents(ctx, &logsclient.GetLogEventsInput{
			LogGroupName:  "/aws/deadline/" + p.key.farmID + "/" + p.key.queueID,
			LogStreamName: tail.sessionID,
			StartFromHead: true,
			NextToken:     tail.token,
		})
		var answered *logsclient.Error
		if errors.As(err, &answered) && answered.Code == "ResourceNotFoundException" {
			return nil // nothing was written yet
		}
		if err != nil {
			return fmt.Errorf("read the log of session %s: %w", tail.sessionID, err)
		}
		for _, event := range page.Events {
			if err := p.printEvent(tail.sessionID, event); err != nil {
				return err
			}
		}
		if page.NextForwardToken == tail.token || len(page.Events) == 0 {
			return nil
		}
		tail.token = page.NextForwardToken
	}
}

// logLine is a line as `job logs --format json` prints it, one document a line.
type logLine struct {
	SessionID string `json:"sessionId"`
	Timestamp string `json:"timestamp"`
	Message   string `json:"message"`
}

func (p *logPrinter) printEvent(sessionID string, event logsclient.Event) error {
	at := time.UnixMilli(event.Timestamp)
	message := strings.TrimRight(event.Message, "\n")
	if p.app.global.format == "json" {
		return p.app.printJSONLine(logLine{sessionID, at.UTC().Format(timeFormat), message})
	}
	w := p.app.streams.Out
	if p.current != sessionID {
		p.current = sessionID
		fmt.Fprintf(w, "==> %s <==\n", sessionID)
	}
	if p.flags.timestamps {
		fmt.Fprintf(w, "%s ", at.Local().Format("15:04:05.000"))
	}
	_, err := fmt.Fprintln(w, message)
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

func (a *app) jobActionsCommand() *cobra.Command {
	return a.onJob("actions JOB", "List the session actions of a job, in the order in which they were given out", a.jobActions)
}

func (a *app) jobActions(ctx context.Context, c *connection, key jobKey) error {
	actions, err := actionsOf(ctx, c.client, key)
	if err != nil {
		return err
	}
	if a.global.format == "json" {
		lines := make([]actionLine, 0, len(actions))
		for i := range actions {
			lines = append(lines, newActionLine(&actions[i]))
		}
		return a.printJSON(lines)
	}
	rows := make([][]string, 0, len(actions))
	for i := range actions {
		line := newActionLine(&actions[i])
		rows = append(rows, []string{line.SessionActionID, line.Status, line.What, stamp(actions[i].StartedAt), line.Took})
	}
	return a.printTable([]string{"SESSION ACTION", "STATUS", "WHAT", "STARTED", "TOOK"}, rows)
}

// actionLine is a session action as `job actions` prints it.
type actionLine struct {
	SessionActionID string  `json:"sessionActionId"`
	Status          string  `json:"status"`
	What            string  `json:"what"`
	ProgressPercent float32 `json:"progressPercent,omitempty"`
	Took            string  `json:"took,omitempty"`
}

func newActionLine(a *deadline.SessionActionSummary) actionLine {
	line := actionLine{SessionActionID: a.SessionActionId, Status: string(a.Status), What: describe(&a.Definition)}
	if a.ProgressPercent != nil {
		line.ProgressPercent = *a.ProgressPercent
	}
	if a.StartedAt != nil && a.EndedAt != nil {
		line.Took = a.EndedAt.Sub(*a.StartedAt).Round(time.Millisecond).String()
	}
	return line
}

// describe says what a session action does: "taskRun Frame=3", "envEnter Scene".
func describe(d *deadline.SessionActionDefinitionSummary) string {
	switch {
	case d.EnvEnter != nil:
		return "envEnter " + environmentName(d.EnvEnter.EnvironmentId)
	case d.EnvExit != nil:
		return "envExit " + environmentName(d.EnvExit.EnvironmentId)
	case d.SyncInputJobAttachments != nil:
		return "syncInputJobAttachments"
	case d.TaskRun != nil:
		return strings.TrimSpace("taskRun " + parametersText(d.TaskRun.Parameters))
	default:
		return d.UnknownMember
	}
}

// environmentName takes the name from "JOB:job-…:Name" or "STEP:step-…:Name".
func environmentName(id string) string {
	parts := strings.SplitN(id, ":", 3)
	return parts[len(parts)-1]
}
