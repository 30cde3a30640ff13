package session_test

import (
	"context"
	"fmt"
	"os"
	"runtime"

	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/session"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// A session enters an environment, runs a task that sees what the environment set, and exits it again.
func Example() {
	if err := render(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// progress 50 %
	// SUCCEEDED: frame 7 for dragon
}

func render() error {
	root, err := os.MkdirTemp("", "sessions-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(root) }()

	s, err := session.New(session.Config{ID: "session-1", Root: root, OnEvent: func(e session.Event) {
		if p, ok := e.(session.Progress); ok {
			fmt.Printf("progress %v %%\n", p.Percent)
		}
	}})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close(context.Background()) }()

	ctx := context.Background()
	show := &template.Environment{Name: "Show", Variables: template.Variables{{Name: "SHOW", Value: expr.Literal("dragon")}}}
	if _, err := s.EnterEnvironment(ctx, "env-1", show, session.ActionOptions{}); err != nil {
		return err
	}
	action, err := report(runtime.GOOS)
	if err != nil {
		return err
	}
	result, err := s.RunTask(ctx, session.Task{
		Name:       "Render",
		Script:     &template.StepScript{Actions: template.StepActions{OnRun: action}},
		Parameters: job.TaskParameters{{Name: "Frame", Type: template.IntTaskParameter, Value: "7"}},
	}, session.ActionOptions{})
	if err != nil {
		return err
	}
	fmt.Printf("%s: %s\n", result.Status, result.Message())
	_, err = s.ExitEnvironment(ctx, "env-1", session.ActionOptions{})
	return err
}

// report is an action that reports progress and a status, in the words of the host's shell.
func report(goos string) (template.Action, error) {
	shell, option, script := "sh", "-c", "echo openjd_progress: 50; echo openjd_status: frame {{Task.Param.Frame}} for $SHOW"
	if goos == "windows" {
		shell, option, script = "cmd", "/C", "echo openjd_progress: 50& echo openjd_status: frame {{Task.Param.Frame}} for %SHOW%"
	}
	arg, err := expr.Parse(script)
	return template.Action{Command: expr.Literal(shell), Args: []expr.FormatString{expr.Literal(option), arg}}, err
}
