package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/farmhand-render/farmhand/internal/telemetry"
)

// Streams are what a command reads and writes.
type Streams struct {
	In  io.Reader
	Out io.Writer // data
	Err io.Writer // progress, logs, errors
}

// Exit codes of the farmhand command.
const (
	exitOK     = 0
	exitFailed = 1 // the command, or the job that it waited for, failed
	exitUsage  = 2 // the command line makes no sense
)

// Main runs one command and gives its exit code. SIGINT and SIGTERM end the command's context; a second one ends the process.
func Main(ctx context.Context, args []string, streams Streams) int {
	if len(args) > 0 && args[0] == "openjd" {
		args = oldFlags(args)
	}
	return execute(ctx, newRoot(streams), args, streams)
}

func execute(ctx context.Context, root *cobra.Command, args []string, streams Streams) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second signal has its default effect
	dress(root, streams)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	printError(streams.Err, root.Name(), err)
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	return exitFailed
}

// app is what all commands of one invocation share.
type app struct {
	streams Streams
	global  globalFlags
}

// globalFlags are understood by every command.
type globalFlags struct {
	format   string
	endpoint string
	region   string
	dataDir  string
	farmID   string
	queueID  string
}

func newRoot(streams Streams) *cobra.Command {
	a := &app{streams: streams}
	root := &cobra.Command{
		Use:   "farmhand",
		Short: "A render farm that speaks the AWS Deadline Cloud API",
		Long: `Farmhand is a self-hosted render farm that speaks the AWS Deadline Cloud API.

  farmhand dev                      start a whole farm in this terminal
  farmhand submit BUNDLE --wait     submit a job bundle and follow it
  eval "$(farmhand env)"            point boto3, the AWS CLI and other clients at the farm`,
		Version: telemetry.Version(),
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.global.format, "format", "text", "how data is printed: text or json")
	flags.StringVar(&a.global.endpoint, "endpoint-url", "", "the farm's endpoint (default: AWS_ENDPOINT_URL_DEADLINE, AWS_ENDPOINT_URL, else the farm that runs in --data-dir)")
	flags.StringVar(&a.global.region, "region", "", "the region to sign for")
	flags.StringVar(&a.global.dataDir, "data-dir", defaultDataDir, "where a farm keeps its data")
	root.PersistentPreRunE = func(*cobra.Command, []string) error { return a.checkGlobal() }
	root.AddCommand(
		a.devCommand(), a.serverCommand(), a.simulateCommand(), a.replayCommand(), a.drainCommand(), a.workerCommand(), a.envCommand(),
		a.submitCommand(), a.jobCommand(), a.apiCommand(), a.keyCommand(),
		a.userCommand(), a.groupCommand(), a.openjdCommand(),
	)
	return root
}

// dress gives a root command what all of ours have.
func dress(root *cobra.Command, streams Streams) {
	root.SilenceUsage, root.SilenceErrors = true, true
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{err: err, hint: fmt.Sprintf("see %s --help", cmd.CommandPath())}
	})
	root.InitDefaultCompletionCmd()
	refuseUnknownCommands(root)
}

// refuseUnknownCommands makes a wrong name below a command that only groups others an error. Cobra alone prints the help and
// calls it success.
func refuseUnknownCommands(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		refuseUnknownCommands(sub)
	}
	if !cmd.HasSubCommands() || cmd.Runnable() {
		return
	}
	cmd.Args = cobra.ArbitraryArgs
	cmd.SuggestionsMinimumDistance = 2
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		hint := "see " + cmd.CommandPath() + " --help"
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			hint = "did you mean " + strings.Join(near, " or ") + "?"
		}
		return &usageError{fmt.Errorf("%s has no command %q", cmd.CommandPath(), args[0]), hint}
	}
}

func (a *app) checkGlobal() error {
	if a.global.format != "text" && a.global.format != "json" {
		return &usageError{err: fmt.Errorf("--format %q is unknown", a.global.format), hint: "use text or json"}
	}
	return nil
}

// farmFlags adds the flags that name a farm and a queue.
func (a *app) farmFlags(cmd *cobra.Command) {
	cmd.PersistentFlags().StringVar(&a.global.farmID, "farm-id", "", "the farm (default: FARMHAND_FARM_ID, else the farm that runs in --data-dir)")
	cmd.PersistentFlags().StringVar(&a.global.queueID, "queue-id", "", "the queue (default: FARMHAND_QUEUE_ID, else the queue of the farm in --data-dir)")
}
