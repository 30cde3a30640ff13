package interop

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// readyTimeout is how long a farm may take to start on a busy machine.
const readyTimeout = time.Minute

// TestClients runs each client's program against one farm that has no workers of its own.
func TestClients(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	clients := []struct {
		name    string
		command []string
	}{
		{"boto3", []string{filepath.Join(root, ".venv", "bin", "python"), "render_job.py"}},
		{"javascript", []string{"node", "render_job.mjs"}},
	}
	if !installed(t, clients[0].command[0], "node_modules") {
		t.Skip("the clients are not installed: run make clients")
	}
	program := buildProgram(t, root)
	environment := startFarm(t, program)
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), c.command[0], c.command[1:]...)
			cmd.Env = append(environment, "FARMHAND_BIN="+program)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for line := range strings.Lines(string(out)) {
				if strings.HasPrefix(line, c.name+": ok: ") {
					t.Log(strings.TrimSpace(line))
				}
			}
		})
	}
}

// installed says whether the clients are there. Where they are required they must be.
func installed(t *testing.T, paths ...string) bool {
	t.Helper()
	for _, path := range paths {
		_, err := os.Stat(path)
		if err == nil {
			continue
		}
		if os.Getenv("CI") == "true" || os.Getenv("FARMHAND_CLIENTS") == "required" {
			t.Fatalf("the clients are not installed: %v", err)
		}
		return false
	}
	return true
}

func buildProgram(t *testing.T, root string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "farmhand")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/farmhand")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return program
}

// startFarm starts a farm and gives the environment that points clients at it. The farm must end cleanly.
func startFarm(t *testing.T, program string) []string {
	t.Helper()
	dir := t.TempDir()
	ready := filepath.Join(dir, "ready.json")
	var log bytes.Buffer
	farm := exec.Command(program, "dev", "--listen", "127.0.0.1:0", "--data-dir", filepath.Join(dir, "farm"), //nolint:noctx // it is told to stop below
		"--workers", "0", "--ready-file", ready, "--relaxed-durability")
	farm.Stderr = &log
	if err := farm.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	var ended error // once exited is closed
	go func() { ended = farm.Wait(); close(exited) }()
	t.Cleanup(func() {
		if err := farm.Process.Signal(syscall.SIGTERM); err != nil {
			t.Errorf("stop the farm: %v", err)
		}
		<-exited
		if ended != nil {
			t.Errorf("the farm ended with %v", ended)
		}
		if t.Failed() {
			t.Logf("the farm's log:\n%s", log.String())
		}
	})
	waitForFile(t, ready, exited, &log)
	cmd := exec.CommandContext(t.Context(), program, "env", "--format", "json", "--data-dir", filepath.Join(dir, "farm"))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var variables map[string]string
	if err := json.Unmarshal(out, &variables); err != nil {
		t.Fatal(err)
	}
	environment := os.Environ()
	for name, value := range variables {
		environment = append(environment, name+"="+value)
	}
	return environment
}

// waitForFile waits until the farm has written its ready file.
func waitForFile(t *testing.T, path string, exited <-chan struct{}, log *bytes.Buffer) {
	t.Helper()
	deadline := time.After(readyTimeout)
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-exited:
			t.Fatalf("the farm ended:\n%s", log)
		case <-deadline:
			t.Fatal("the farm was not ready in time")
		case <-look.C:
		}
		if _, err := os.Stat(path); err == nil {
			return
		} else if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
}
