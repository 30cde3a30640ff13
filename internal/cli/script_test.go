package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
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

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"farmhand": func() {
			os.Exit(cli.Main(context.Background(), os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
		},
		"openjd": func() {
			os.Exit(cli.Program(context.Background(), os.Args, cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
		},
	})
}

// TestScripts runs the scripts in testdata/script, each in a directory of its own. Tasks of their jobs run the farmhand program itself,
// so that nothing else has to be there.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   exits,
			"capture": capture,
			"member":  member,
			"json":    validJSON,
			"await":   await,
			"until":   until,
		},
	})
}

// exits runs a program that must end with an exit code: exits CODE PROGRAM [ARGUMENT…].
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARGUMENT...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	var code int
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// capture puts the last standard output into an environment variable: capture NAME.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: capture NAME")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// member puts a text member of a JSON object into an environment variable: member NAME FILE MEMBER.
func member(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: member NAME FILE MEMBER")
	}
	var object map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &object))
	text, ok := object[args[2]].(string)
	if !ok {
		ts.Fatalf("%s has no text member %s", args[1], args[2])
	}
	ts.Setenv(args[0], text)
}

// validJSON checks that a file, or stdout, holds JSON documents and nothing else: json FILE [COUNT].
func validJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: json FILE [COUNT]")
	}
	want := 1
	if len(args) == 2 {
		var err error
		want, err = strconv.Atoi(args[1])
		ts.Check(err)
	}
	d := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	var documents int
	for {
		var document any
		if err := d.Decode(&document); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			ts.Fatalf("%s, document %d: %v", args[0], documents+1, err)
		}
		documents++
	}
	if documents != want {
		ts.Fatalf("%s holds %d JSON documents, want %d", args[0], documents, want)
	}
}

// awaitLimit bounds the wait for a farm on a busy machine.
const awaitLimit = time.Minute

// until runs a program again and again until its standard output matches: until PATTERN PROGRAM [ARGUMENT…].
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until PATTERN PROGRAM [ARGUMENT...]")
	}
	pattern, err := regexp.Compile(args[0])
	ts.Check(err)
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	limit := time.NewTimer(awaitLimit)
	defer limit.Stop()
	for {
		ts.Check(ts.Exec(args[1], args[2:]...))
		out := ts.ReadFile("stdout")
		if pattern.MatchString(out) {
			return
		}
		select {
		case <-look.C:
		case <-limit.C:
			ts.Fatalf("after %v the output does not match %s:\n%s", awaitLimit, pattern, out)
		}
	}
}

// await waits until a file is there and not empty: await FILE.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await FILE")
	}
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	limit := time.NewTimer(awaitLimit)
	defer limit.Stop()
	path := ts.MkAbs(args[0])
	for {
		if text, err := os.ReadFile(path); err == nil && len(bytes.TrimSpace(text)) > 0 {
			return
		}
		select {
		case <-look.C:
		case <-limit.C:
			ts.Fatalf("%s is not there after %v", path, awaitLimit)
		}
	}
}
