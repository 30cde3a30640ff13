package cli

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/local"
	"github.com/farmhand-render/farmhand/openjd/session"
)

// runPrinter prints what happens in a local session.
type runPrinter struct {
	o       *openjdApp
	flags   *runFlags
	job     *job.Job
	stamp   func(time.Time) string
	started time.Time

	mu        sync.Mutex // guards log and directory
	log       io.Writer
	directory string
}

// timestampFormats write the time of a line, given when the run began.
var timestampFormats = map[string]func(started, t time.Time) string{
	"relative": func(started, t time.Time) string {
		d := t.Sub(started).Round(time.Millisecond)
		return fmt.Sprintf("%d:%02d:%02d.%03d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60, d.Milliseconds()%1000)
	},
	"local": func(_, t time.Time) string { return t.Local().Format("2006-01-02T15:04:05.000-07:00") },
	"utc":   func(_, t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") },
}

// newRunPrinter prints the log where the result is not read by a program.
func (o *openjdApp) newRunPrinter(f *runFlags, j *job.Job) *runPrinter {
	p := &runPrinter{o: o, flags: f, job: j, started: time.Now(), log: o.streams.Out}
	if f.output != outputHuman {
		p.log = o.streams.Err
	}
	p.stamp = func(t time.Time) string { return timestampFormats[f.timestamps](p.started, t) }
	return p
}

func (p *runPrinter) say(text string) { p.line(time.Now(), text) }

func (p *runPrinter) line(at time.Time, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.log, "%s\t%s\n", p.stamp(at), text)
}

// Started implements [local.Observer].
func (p *runPrinter) Started(directory string) {
	p.mu.Lock()
	p.directory = directory
	p.mu.Unlock()
	if p.flags.verbose {
		p.say("Session working directory: " + directory)
	}
}

// StepBegins implements [local.Observer].
func (p *runPrinter) StepBegins(step *job.Step) { p.say(fmt.Sprintf("Running step '%s'", step.Name)) }

// ActionBegins implements [local.Observer].
func (p *runPrinter) ActionBegins(a local.Action) {
	switch a.Kind {
	case local.EnterEnvironment:
		p.say("--------- Entering Environment: " + a.Environment)
	case local.ExitEnvironment:
		p.say("--------- Exiting Environment: " + a.Environment)
	case local.RunTask:
		p.say("--------- Running Task")
		if len(a.Parameters) > 0 {
			p.say("Parameter values:")
		}
		for _, v := range a.Parameters {
			p.say(fmt.Sprintf("%s(%s) = %s", v.Name, v.Type, v.Value))
		}
	}
}

// ActionEnds implements [local.Observer].
func (p *runPrinter) ActionEnds(_ local.Action, result session.Result) {
	if result.ExitCode != nil {
		p.say("Process exited with code: " + strconv.Itoa(*result.ExitCode))
	}
}

// Event implements [local.Observer]. Command lines show what is in a template, secrets perhaps, so they are shown on demand only.
func (p *runPrinter) Event(e session.Event) {
	line, ok := e.(session.LogLine)
	if !ok {
		return
	}
	if line.Origin == session.FromProcess || p.flags.verbose || line.Origin == session.FromSession && line.Level >= slog.LevelWarn {
		p.line(line.Time, line.Text)
	}
}

// runResult is the result of a run as programs read it.
type runResult struct {
	Status    string  `json:"status"`
	Message   string  `json:"message"`
	JobName   string  `json:"job_name"`
	StepName  string  `json:"step_name,omitempty"`
	Duration  float64 `json:"duration"` // seconds
	ChunksRun int64   `json:"chunks_run"`
}

// finish prints the result and fails when an action did.
func (p *runPrinter) finish(r local.Result) error {
	if p.flags.preserve {
		p.say("Working directory preserved at: " + p.directory)
	}
	result := runResult{
		Status: "success", Message: "Session ended successfully", JobName: p.job.Name, StepName: p.flags.step,
		Duration: r.Duration.Seconds(), ChunksRun: r.Tasks,
	}
	ending := "All actions completed successfully!"
	if r.Failed != nil {
		result.Status, result.Message = "error", "Session ended with errors; see Task logs for details"
		ending = "Session ended with errors."
	}
	p.say(ending)
	if err := p.print(result); err != nil {
		return err
	}
	if r.Failed != nil {
		return errShown
	}
	return nil
}

func (p *runPrinter) print(result runResult) error {
	if p.flags.output != outputHuman {
		return p.o.printAs(p.flags.output, result)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n--- Results of local session ---\n\n%s\n\nJob: %s\n", result.Message, result.JobName)
	if result.StepName != "" {
		fmt.Fprintf(&b, "Step: %s\n", result.StepName)
	}
	fmt.Fprintf(&b, "Duration: %.3f seconds\nChunks run: %d\n", result.Duration, result.ChunksRun)
	_, err := io.WriteString(p.o.streams.Out, b.String())
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
