package interop

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/farmhand-render/farmhand/internal/cli/clitest"
	"github.com/farmhand-render/farmhand/openjd/session/process/processtest"
)

func TestMain(m *testing.M) { clitest.Main(m) }

// Where tools/clients installs, relative to this directory.
const (
	clientsDir = "../.venv"
	agentDir   = "../.venv-agent"
	modulesDir = "node_modules"
)

// needClients ends the test where the clients are not installed: it skips, and fails where they are required.
func needClients(t *testing.T) {
	t.Helper()
	for _, path := range []string{clientsDir, agentDir, modulesDir} {
		if _, err := os.Stat(filepath.Join(path, "installed")); err != nil {
			if os.Getenv("CI") == "true" || os.Getenv("FARMHAND_CLIENTS") == "required" {
				t.Fatalf("the clients are not installed: %v", err)
			}
			t.Skip("the clients are not installed: run make clients")
		}
	}
}

// scripts says how a directory of scripts is run.
type scripts struct {
	client string            // what its lines of results are about
	dir    string            // below testdata
	worker string            // which worker the command worker starts
	env    map[string]string // for the scripts
}

// run runs each script in a directory of its own and prints a line for each.
func (s scripts) run(t *testing.T) {
	t.Helper()
	needClients(t)
	files, err := filepath.Glob(filepath.Join("testdata", s.dir, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts in %s: %v", s.dir, err)
	}
	testscript.Run(t, testscript.Params{
		Files:               files,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               s.setup,
		Condition:           s.condition,
		Cmds: map[string]clitest.Command{
			"farm": farmCommand, "worker": workerCommand, "open-worker": openWorker, "certificate": certificate,
			"exits": clitest.Exits, "capture": clitest.Capture, "get": get, "is": is, "await": clitest.Until,
		},
	})
}

// condition knows [agent], which holds with AWS's worker agent, [farmhand], with our worker, and [users], where root runs the tests and
// tools/test-users has made users.
func (s scripts) condition(name string) (bool, error) {
	if name == "users" {
		_, err := user.Lookup(processtest.Jobs)
		return err == nil && os.Geteuid() == 0, nil
	}
	kind, _, _ := strings.Cut(s.worker, "-")
	if name != "agent" && name != "farmhand" {
		return false, fmt.Errorf("unknown condition %q", name)
	}
	return name == kind, nil
}

func (s scripts) setup(env *testscript.Env) error {
	paths := map[string]string{"PROGRAMS": ".", "EXAMPLES": "../examples", "AGENT": agentDir, "CLIENTS": clientsDir}
	for name, path := range paths {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		env.Setenv(name, absolute)
	}
	home := filepath.Join(env.WorkDir, ".home")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	env.Setenv("HOME", home)
	env.Setenv("PATH", filepath.Join(env.Getenv("CLIENTS"), "bin")+string(filepath.ListSeparator)+env.Getenv("PATH"))
	env.Setenv("PYTHONDONTWRITEBYTECODE", "1")
	env.Setenv("WORKER", s.worker)
	for name, value := range s.env {
		env.Setenv(name, value)
	}
	t, ok := env.T().(testing.TB)
	if !ok {
		return errors.New("the script's test is not one of package testing")
	}
	started := time.Now()
	env.Defer(func() {
		outcome := "ok"
		if t.Failed() {
			outcome = "FAILED"
		}
		fmt.Printf("%-14s %-32s %-6s %5.1f s\n", s.client, path.Base(t.Name()), outcome, time.Since(started).Seconds())
	})
	env.Values[processesKey{}] = newProcesses(t)
	return nil
}

// get puts a member of the JSON document on the last standard output into an environment variable: get NAME PATH. A path
// names members and indexes, steps.0.stepId; an index below zero counts from the end, len is how many there are.
func get(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: get NAME PATH")
	}
	ts.Setenv(args[0], lookUp(ts, args[1]))
}

// is compares a member of the JSON document on the last standard output: is PATH VALUE. See [get].
func is(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: is PATH VALUE")
	}
	if got := lookUp(ts, args[0]); (got == args[1]) == neg {
		ts.Fatalf("%s is %q, want %q (negated: %v)", args[0], got, args[1], neg)
	}
}

// lookUp gives a member as text: a text itself, anything else as JSON, nothing for a member that is not there.
func lookUp(ts *testscript.TestScript, where string) string {
	var value any
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &value); err != nil {
		ts.Fatalf("standard output is not JSON: %v", err)
	}
	for name := range strings.SplitSeq(where, ".") {
		switch parent := value.(type) {
		case map[string]any:
			value = parent[name]
		case []any:
			if name == "len" {
				value = len(parent)
				continue
			}
			index, err := strconv.Atoi(name)
			if index < 0 {
				index += len(parent)
			}
			if err != nil || index < 0 || index >= len(parent) {
				ts.Fatalf("%s: there is no %q among %d", where, name, len(parent))
			}
			value = parent[index]
		default:
			ts.Fatalf("%s: %q is in nothing", where, name)
		}
	}
	if text, ok := value.(string); ok || value == nil {
		return text
	}
	text, err := json.Marshal(value)
	ts.Check(err)
	return string(text)
}
