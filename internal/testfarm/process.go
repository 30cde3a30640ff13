package testfarm

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"testing"

	"github.com/farmhand-render/farmhand/internal/cli"
)

// The environment of a process that is the farmhand command.
const (
	commandVar = "FARMHAND_TESTFARM_COMMAND"
	profileVar = "FARMHAND_TESTFARM_CPUPROFILE"
)

// Main runs the tests, or the farmhand command in a process that [Start] started. It does not return.
func Main(m *testing.M) {
	if os.Getenv(commandVar) == "" {
		os.Exit(m.Run())
	}
	go endWithParent()
	os.Exit(command())
}

// endWithParent ends the process when the test has gone, however it went.
func endWithParent() {
	_, _ = io.Copy(io.Discard, os.Stdin) // its end is what we wait for
	os.Exit(1)
}

func command() int {
	if path := os.Getenv(profileVar); path != "" {
		stop, err := profile(path)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer stop()
	}
	return cli.Main(context.Background(), os.Args[1:], cli.Streams{In: eof{}, Out: os.Stdout, Err: os.Stderr})
}

func profile(path string) (stop func(), err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close() //nolint:errcheck // a profile that is cut short is seen at once
	}, nil
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }
