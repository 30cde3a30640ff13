// Package clitest has what the scripts of package testscript that run our programs share: here and in interop.
package clitest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/farmhand-render/farmhand/internal/cli"
)

// Limit bounds every wait of a script, on a busy machine too.
const Limit = time.Minute

// Main runs tests whose scripts can run farmhand and openjd.
func Main(m *testing.M) {
	streams := cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
	testscript.Main(m, map[string]func(){
		"farmhand": func() { os.Exit(cli.Main(context.Background(), os.Args[1:], streams)) },
		"openjd":   func() { os.Exit(cli.Program(context.Background(), os.Args, streams)) },
	})
}

// Command is a command of scripts.
type Command = func(ts *testscript.TestScript, neg bool, args []string)

// Exits runs a program that must end with an exit code: exits CODE PROGRAM [ARGUMENT…].
func Exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARGUMENT...]")
	}
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// Capture puts the last standard output into an environment variable: capture NAME.
func Capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: capture NAME")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// Until repeats a program until it succeeds and its standard output has a match: until PATTERN PROGRAM [ARGUMENT…].
func Until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until PATTERN PROGRAM [ARGUMENT...]")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	Poll(ts, func() bool {
		return ts.Exec(args[1], args[2:]...) == nil && pattern.MatchString(ts.ReadFile("stdout"))
	}, "%s has no output that matches %q", args[1], args[0])
}

// Poll waits until something is so; when that takes longer than [Limit] the script fails with the words.
func Poll(ts *testscript.TestScript, so func() bool, format string, args ...any) {
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	limit := time.NewTimer(Limit)
	defer limit.Stop()
	for !so() {
		select {
		case <-look.C:
		case <-limit.C:
			ts.Fatalf("after %v "+format, append([]any{Limit}, args...)...)
		}
	}
}
