package cli_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/farmhand-render/farmhand/internal/cli/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m) }

// TestScripts runs the scripts in testdata/script, each in a directory of its own. Tasks of their jobs run the farmhand program itself,
// so that nothing else has to be there.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]clitest.Command{
			"exits":   clitest.Exits,
			"capture": clitest.Capture,
			"member":  member,
			"json":    validJSON,
			"await":   await,
			"until":   clitest.Until,
		},
	})
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

// await waits until a file is there and not empty: await FILE.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await FILE")
	}
	path := ts.MkAbs(args[0])
	clitest.Poll(ts, func() bool {
		text, err := os.ReadFile(path)
		return err == nil && len(bytes.TrimSpace(text)) > 0
	}, "%s is not there", path)
}
