package interop

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/farmhand-render/farmhand/internal/cli/clitest"
)

// process is one that a script started: its farm or one of its workers.
type process struct {
	name    string
	command *exec.Cmd
	log     logBuffer
	exited  chan struct{} // closed once it ended
	hears   string        // what its log says once it has heard SIGTERM; empty when it can't miss one
}

// logBuffer collects what a process prints while others read it.
type logBuffer struct {
	mu   sync.Mutex // of text
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// processes are those of one script, in the order in which they started.
type processes struct {
	t    testing.TB
	list []*process
	port string // of the farm, kept over its restarts
}

type processesKey struct{}

func newProcesses(t testing.TB) *processes {
	t.Helper()
	return &processes{t: t, port: "0"}
}

func processesOf(ts *testscript.TestScript) *processes {
	p, ok := ts.Value(processesKey{}).(*processes)
	if !ok {
		ts.Fatalf("the script has no processes")
	}
	return p
}

// start starts a process that the end of the script ends.
func (p *processes) start(ts *testscript.TestScript, name string, command *exec.Cmd) *process {
	started := &process{name: name, command: command, exited: make(chan struct{})}
	command.Stdout, command.Stderr = &started.log, &started.log
	command.Dir = ts.MkAbs(".")
	command.WaitDelay = 5 * time.Second // a process that an agent left behind may hold its output
	ts.Check(command.Start())
	go func() { _ = command.Wait(); close(started.exited) }()
	p.list = append(p.list, started)
	ts.Defer(func() { p.end(started) })
	return started
}

// end stops a process at the end of its script. Only what failed shows its log.
func (p *processes) end(one *process) {
	p.t.Helper()
	_ = one.command.Process.Signal(syscall.SIGCONT) // it may be stopped, or gone
	if !one.terminate(30 * time.Second) {
		_ = one.command.Process.Kill()
		<-one.exited
		p.t.Errorf("%s does not end when it is told to", one.name)
	}
	if p.t.Failed() {
		text := one.log.String()
		p.t.Logf("the log of %s:\n%s", one.name, text[max(0, len(text)-16_000):])
	}
}

// named gives the latest process of a name.
func (p *processes) named(ts *testscript.TestScript, name string) *process {
	for _, one := range slices.Backward(p.list) {
		if one.name == name {
			return one
		}
	}
	ts.Fatalf("no process is called %s", name)
	return nil
}

var signals = map[string]syscall.Signal{
	"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL, "STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT,
}

// control carries out what can be done to any process: signal SIGNAL, wait CODE, log PATTERN.
func (p *processes) control(ts *testscript.TestScript, one *process, verb, argument string) {
	switch verb {
	case "signal":
		number, ok := signals[argument]
		if !ok {
			ts.Fatalf("unknown signal %s", argument)
		}
		ts.Check(one.command.Process.Signal(number))
	case "wait":
		select {
		case <-one.exited:
		case <-time.After(clitest.Limit):
			ts.Fatalf("%s has not ended after %v", one.name, clitest.Limit)
		}
		if code := strconv.Itoa(one.command.ProcessState.ExitCode()); code != argument {
			ts.Fatalf("%s ended with %s, want %s", one.name, code, argument)
		}
	case "log":
		one.awaitLog(ts, argument)
	default:
		ts.Fatalf("unknown: %s", verb)
	}
}

// terminate tells a process to end and says whether it did in time. One that can miss the signal is told until it has heard it:
// AWS's agent waits in Python's main thread, and when a child of its Rust runtime ends in the same moment (SIGCHLD), the kernel
// gives SIGTERM to another thread, which does not wake the main one to handle it.
func (one *process) terminate(limit time.Duration) bool {
	again := time.NewTicker(2 * time.Second)
	defer again.Stop()
	end := time.NewTimer(limit)
	defer end.Stop()
	_ = one.command.Process.Signal(syscall.SIGTERM) // it may be gone
	for {
		select {
		case <-one.exited:
			return true
		case <-again.C:
			if one.hears != "" && !strings.Contains(one.log.String(), one.hears) {
				_ = one.command.Process.Signal(syscall.SIGTERM)
			}
		case <-end.C:
			return false
		}
	}
}

// awaitLog waits until the log has a text.
func (one *process) awaitLog(ts *testscript.TestScript, text string) {
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	limit := time.NewTimer(clitest.Limit)
	defer limit.Stop()
	for !strings.Contains(one.log.String(), text) {
		select {
		case <-look.C:
		case <-one.exited:
			if !strings.Contains(one.log.String(), text) {
				ts.Fatalf("%s ended without %q in its log", one.name, text)
			}
		case <-limit.C:
			ts.Fatalf("%q is not in the log of %s after %v", text, one.name, clitest.Limit)
		}
	}
}

// farmCommand runs the script's farm: farm start [FLAG…] starts one without workers and points the script at it, again with the
// data and the address of the last; farm signal SIGNAL and farm wait CODE end it.
func farmCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: farm start [FLAG...] | farm signal SIGNAL | farm wait CODE")
	}
	p := processesOf(ts)
	if args[0] == "start" {
		p.startFarm(ts, args[1:])
		return
	}
	p.control(ts, p.named(ts, "farm"), args[0], strings.Join(args[1:], " "))
}

func (p *processes) startFarm(ts *testscript.TestScript, flags []string) {
	ready, data := ts.MkAbs(".farm.json"), ts.MkAbs(".farm")
	flags = append([]string{
		"dev", "--listen", "127.0.0.1:" + p.port, "--data-dir", data, "--workers", "0", "--ready-file", ready,
		"--relaxed-durability",
	}, flags...)
	command := exec.Command(program(ts, "farmhand"), flags...) //nolint:noctx // the script ends it
	command.Env = environment(ts, nil)
	farm := p.start(ts, "farm", command)
	text := farm.awaitFile(ts, ready)
	var endpoint struct{ Endpoint string }
	ts.Check(json.Unmarshal(text, &endpoint))
	p.port = endpoint.Endpoint[strings.LastIndex(endpoint.Endpoint, ":")+1:]
	ts.Check(ts.Exec("farmhand", "env", "--format", "json", "--data-dir", data))
	var variables map[string]string
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &variables))
	for name, value := range variables {
		ts.Setenv(name, value)
	}
	ts.Setenv("PORT", p.port)
	ts.Setenv("FARM", variables["FARMHAND_FARM_ID"])
	ts.Setenv("QUEUE", variables["FARMHAND_QUEUE_ID"])
	ts.Setenv("FLEET", variables["FARMHAND_FLEET_ID"])
}

// awaitFile waits until the process has written a file.
func (one *process) awaitFile(ts *testscript.TestScript, file string) []byte {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	limit := time.NewTimer(clitest.Limit)
	defer limit.Stop()
	for {
		if text, err := os.ReadFile(file); err == nil && json.Valid(text) {
			return text
		}
		select {
		case <-look.C:
		case <-one.exited:
			ts.Fatalf("%s ended:\n%s", one.name, one.log.String())
		case <-limit.C:
			ts.Fatalf("%s has not written %s after %v", one.name, file, clitest.Limit)
		}
	}
}

// workerCommand runs workers of the kind that the suite is about: worker start NAME [FLAG…], with flags that both kinds have;
// worker signal NAME SIGNAL; worker wait NAME CODE; worker log NAME TEXT waits for a text in its log; worker stop NAME.
func workerCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: worker start NAME [FLAG...] | stop NAME | signal NAME SIGNAL | wait NAME CODE | log NAME TEXT")
	}
	p := processesOf(ts)
	switch verb, name := args[0], args[1]; verb {
	case "start":
		p.startWorker(ts, name, args[2:])
	case "stop":
		one := p.named(ts, name)
		if !one.terminate(clitest.Limit) {
			ts.Fatalf("%s has not ended after %v", one.name, clitest.Limit)
		}
		p.control(ts, one, "wait", "0")
	default:
		p.control(ts, p.named(ts, name), verb, strings.Join(args[2:], " "))
	}
}

// startWorker starts a worker with a key that may do nothing but register it.
func (p *processes) startWorker(ts *testscript.TestScript, name string, flags []string) {
	dir := ts.MkAbs(filepath.Join(".workers", name))
	key := workerKey(ts, dir)
	var command *exec.Cmd
	var hears string
	kind := ts.Getenv("WORKER")
	if kind == "farmhand" {
		command = exec.Command(program(ts, "farmhand"), append([]string{ //nolint:noctx // the script ends it
			"worker", "--state-dir", filepath.Join(dir, "persist"), "--session-root-dir", filepath.Join(dir, "sessions"),
		}, flags...)...)
	} else {
		runtime, ok := strings.CutPrefix(kind, "agent-")
		if !ok {
			ts.Fatalf("no worker is called %q", kind)
		}
		hears = "Received signal 15"
		command = exec.Command(filepath.Join(ts.Getenv("AGENT"), "bin", "deadline-worker-agent"), append([]string{ //nolint:noctx // the script ends it
			"--profile", "worker-host", "--no-shutdown", "--no-host-metrics-logging", "--session-runtime", runtime,
			"--logs-dir", filepath.Join(dir, "logs"), "--persistence-dir", filepath.Join(dir, "persist"),
			"--session-root-dir", filepath.Join(dir, "sessions"), "--farm-id", ts.Getenv("FARM"), "--fleet-id", ts.Getenv("FLEET"),
		}, agentUser(flags)...)...)
	}
	command.Env = environment(ts, map[string]string{"AWS_SHARED_CREDENTIALS_FILE": key, "AWS_PROFILE": "worker-host"})
	p.start(ts, name, command).hears = hears
}

// agentUser adds to the agent's flags whom jobs run as: the agent's own user, unless another is named.
func agentUser(flags []string) []string {
	if slices.Contains(flags, "--posix-job-user") {
		return flags
	}
	return append([]string{"--run-jobs-as-agent-user"}, flags...)
}

// openWorker lets every user of the host through to the sessions of a worker.
func openWorker(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: open-worker NAME")
	}
	dir := ts.MkAbs(filepath.Join(".workers", args[0], "sessions"))
	ts.Check(os.MkdirAll(dir, 0o755))
	for ; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		ts.Check(err)
		ts.Check(os.Chmod(dir, info.Mode().Perm()|0o011))
	}
}

// workerKey makes the directories of a worker and its key, once, and gives the credentials file. A profile, since jobs that run as
// the agent's user would inherit a key in the environment, which goes before the profile of their queue's role.
func workerKey(ts *testscript.TestScript, dir string) string {
	file := filepath.Join(dir, "credentials")
	if _, err := os.Stat(file); err == nil {
		return file
	}
	for _, name := range []string{"persist", "sessions", "logs"} {
		ts.Check(os.MkdirAll(filepath.Join(dir, name), 0o755))
	}
	ts.Check(ts.Exec("farmhand", "key", "create", filepath.Base(dir), "--kind", "worker-host", "--data-dir", ts.MkAbs(".farm"),
		"--worker-farm-id", ts.Getenv("FARM"), "--worker-fleet-id", ts.Getenv("FLEET")))
	var key struct{ AccessKeyID, SecretAccessKey string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &key))
	profile := fmt.Sprintf("[worker-host]\naws_access_key_id = %s\naws_secret_access_key = %s\n", key.AccessKeyID, key.SecretAccessKey)
	ts.Check(os.WriteFile(file, []byte(profile), 0o600))
	return file
}

// program finds a program where the script would.
func program(ts *testscript.TestScript, name string) string {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path
		} else if err != nil && !errors.Is(err, os.ErrNotExist) {
			ts.Fatalf("%v", err)
		}
	}
	ts.Fatalf("there is no %s", name)
	return ""
}

// environment is what a farm or a worker sees of its script's: how to reach the farm, but no key.
func environment(ts *testscript.TestScript, more map[string]string) []string {
	var list []string
	for _, name := range []string{
		"HOME", "PATH", "TMPDIR", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DEADLINE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CA_BUNDLE", "SSL_CERT_FILE", "PYTHONPATH",
		"AWS_DISABLE_HOST_PREFIX_INJECTION", "AWS_EC2_METADATA_DISABLED", "DEADLINE_CLOUD_TELEMETRY_OPT_OUT",
		"FARMHAND_FARM_ID", "FARMHAND_FLEET_ID", "PYTHONDONTWRITEBYTECODE",
	} {
		if value := ts.Getenv(name); value != "" {
			list = append(list, name+"="+value)
		}
	}
	for name, value := range more {
		list = append(list, name+"="+value)
	}
	return list
}
