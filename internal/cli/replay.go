package cli

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/farmhand-render/farmhand/internal/installation"
	"github.com/farmhand-render/farmhand/internal/replay"
)

// openRecording opens the file of a recording, which goes on where an earlier process stopped; none with "".
func openRecording(name string) (installation.Recorder, func() error, error) {
	if name == "" {
		return nil, func() error { return nil }, nil
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, &hinted{fmt.Errorf("record: %w", err), "name another file with --record"}
	}
	recorder := replay.NewRecorder(file)
	return recorder, func() error {
		if err := errors.Join(recorder.Close(), file.Close()); err != nil {
			return fmt.Errorf("record: %w", err)
		}
		return nil
	}, nil
}

func (a *app) replayCommand() *cobra.Command {
	var options replay.Options
	cmd := &cobra.Command{
		Use:   "replay FILE",
		Short: "Play a recording of farmhand server --record and check that everything comes to the same",
		Long: `Does again, without a server, what a recording holds: every command that the schedulers of the farms were told, at its time. Each must
change exactly the rows that it changed then; the first that does not is printed, and the exit code is 1.`,
		Args: oneArg("recording"),
		RunE: func(_ *cobra.Command, args []string) error { return a.replay(args[0], options) },
	}
	cmd.Flags().IntVar(&options.Until, "until", 0, "the last line to play; 0 for all")
	cmd.Flags().BoolVar(&options.Dump, "dump", false, "print the states of the schedulers at the end")
	return cmd
}

func (a *app) replay(name string, options replay.Options) error {
	file, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	summary, err := replay.Play(file, options)
	if err != nil {
		return fmt.Errorf("replay %s: %w", name, err)
	}
	for _, farm := range slices.Sorted(maps.Keys(summary.States)) {
		fmt.Fprint(a.streams.Out, summary.States[farm])
	}
	torn := ""
	if summary.Torn {
		torn = "; the last line is cut off and was left out"
	}
	_, err = fmt.Fprintf(a.streams.Out, "%d commands over %s on %d cores came to the same%s\n",
		summary.Commands, summary.Passed.Round(time.Millisecond), summary.Cores, torn)
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
