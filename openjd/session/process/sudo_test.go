//go:build linux

package process_test

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/openjd/session/process"
	"github.com/farmhand-render/farmhand/openjd/session/process/processtest"
)

func TestThroughSudo(t *testing.T) {
	jobs := processtest.ThroughSudo(t)
	if jobs == nil {
		return // the test ran as another user
	}
	run := func(t *testing.T, tree *process.Tree, rec *recorder, command string, args ...string) *process.Process {
		t.Helper()
		p, err := tree.Start(process.Spec{
			Command: command, Args: args, Dir: "/tmp", User: jobs, Output: rec.add, Late: rec.add, DrainQuiet: 50 * time.Millisecond,
			Env: []string{"PATH=/usr/bin:/bin", "SECRET=se'cr\net $HOME", "UID=ignored", "odd-name=ignored", "EMPTY="},
		})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	const words = "…" // of the shell
	tests := []struct {
		name    string
		command []string
		lines   string
		exit    process.Exit
	}{
		{"user and directory", []string{"sh", "-c", "id -un; id -gn; pwd"}, processtest.Jobs + "\n" + processtest.Jobs + "\n/tmp", process.Exit{}},
		{"variables", []string{"env"}, "EMPTY=\nOPENJD_PROCESS_TREE=\nPATH=/usr/bin:/bin\nPWD=/tmp\nSECRET=se'cr\net $HOME", process.Exit{}},
		{"arguments", []string{"printf", "%s\n", "a b", "it's", `"$HOME\`, "", "two\nlines"}, "a b\nit's\n\"$HOME\\\n\ntwo\nlines", process.Exit{}},
		{"standard input is empty", []string{"cat"}, "", process.Exit{}},
		{"exit code", []string{"sh", "-c", "exit 3"}, "", process.Exit{Code: 3}},
		{"signal", []string{"sh", "-c", "kill -KILL $$"}, "", process.Exit{Code: -1, Signal: "killed", SignalNumber: 9}},
		{"not found", []string{"no-such-command"}, words, process.Exit{Code: 127}},
		{"a session of its own", []string{"sh", "-c", "[ $(ps -o sid= -p $$) = $$ ] && echo leads"}, "leads", process.Exit{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rec := newRecorder()
			p := run(t, newTree(t), rec, tt.command[0], tt.command[1:]...)
			<-p.Done()
			if diff := cmp.Diff(tt.exit, p.Exit()); diff != "" {
				t.Errorf("exit (-want +got):\n%s", diff)
			}
			got := rec.texts()
			if tt.name == "variables" {
				got = sortedVariables(got)
			}
			if diff := cmp.Diff(tt.lines, strings.Join(got, "\n")); diff != "" && tt.lines != words {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}

	t.Run("nothing shows in the list of processes", func(t *testing.T) {
		t.Parallel()
		rec := newRecorder()
		p := run(t, newTree(t), rec, "sh", "-c", "echo ready; exec sleep 1000")
		rec.await(t, "ready")
		text, err := os.ReadFile("/proc/" + strconv.Itoa(p.Pid()) + "/cmdline")
		if err != nil || strings.Contains(string(text), "cr\net") || strings.Contains(string(text), "sleep") {
			t.Errorf("command line %q, error %v", text, err)
		}
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
		<-p.Done()
		if p.Exit().SignalNumber != int(syscall.SIGKILL) {
			t.Errorf("exit %+v", p.Exit())
		}
	})

	t.Run("terminate", func(t *testing.T) {
		t.Parallel()
		rec := newRecorder()
		p := run(t, newTree(t), rec, "sh", "-c", `trap 'echo got TERM; exit 7' TERM; echo ready; sleep 1000 & wait`)
		rec.await(t, "ready")
		if err := p.Terminate(); err != nil {
			t.Fatal(err)
		}
		<-p.Done()
		if p.Exit().Code != 7 {
			t.Errorf("exit %+v, output %q", p.Exit(), rec.texts())
		}
		if err := p.Terminate(); err != nil {
			t.Errorf("Terminate of an ended process: %v", err)
		}
	})

	t.Run("kill ends what one command started", func(t *testing.T) {
		t.Parallel()
		tree, other, rec := newTree(t), newRecorder(), newRecorder()
		d := run(t, tree, other, "sh", "-c", "sleep 1000 & echo daemon $!")
		<-d.Done()
		keep := number(t, other.await(t, "daemon "))
		p := run(t, tree, rec, "sh", "-c", `env -i /bin/sleep 1000 & echo child $!; setsid sh -c 'echo other $$; sleep 1000; true' & trap "" TERM; wait`)
		child, own := number(t, rec.await(t, "child ")), number(t, rec.await(t, "other "))
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
		<-p.Done()
		if alive(child) || alive(own) {
			t.Errorf("alive after Kill: child %v, in a session of its own %v", alive(child), alive(own))
		}
		if !alive(keep) {
			t.Error("Kill ended a process that another command left in the background")
		}
		if err := tree.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if alive(keep) {
			t.Error("a background process survived Close")
		}
	})

	t.Run("close ends daemons", func(t *testing.T) {
		t.Parallel()
		tree, rec := newTree(t), newRecorder()
		p := run(t, tree, rec, "sh", "-c", `setsid sh -c 'echo daemon $$; exec sleep 1000 >/dev/null 2>&1' &`)
		pid := number(t, rec.await(t, "daemon "))
		<-p.Done()
		if err := tree.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if alive(pid) {
			t.Error("the daemon survived Close")
		}
	})

	t.Run("strays", func(t *testing.T) {
		t.Parallel()
		left := exec.CommandContext(t.Context(), "sudo", "-n", "-u", processtest.Jobs, "env", "FARMHAND_TEST_STRAY="+t.Name()+"/1", "sh", "-c", "echo $$; exec sleep 1000")
		out, err := left.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := left.Start(); err != nil {
			t.Fatal(err)
		}
		text := make([]byte, 16)
		n, err := out.Read(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := process.KillStrays(t.Context(), "FARMHAND_TEST_STRAY", t.Name()+"/", jobs); err != nil {
			t.Fatal(err)
		}
		if pid := number(t, strings.TrimSpace(string(text[:n]))); alive(pid) {
			t.Error("the stray is alive")
		}
		if err := left.Wait(); err == nil {
			t.Error("the stray ended by itself")
		}
	})

	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		nobody, err := process.LookupUser("nobody", "")
		if err != nil {
			t.Skip(err)
		}
		const want = "run as user nobody: sudo: a password is required (sudo must let farmhand-test-agent become nobody without a password: farmhand-test-agent ALL=(nobody) NOPASSWD: ALL)"
		_, err = newTree(t).Start(process.Spec{Command: "true", Dir: "/", Env: []string{"PATH=/bin"}, User: nobody})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Start: %v", err)
		}
		if err := nobody.Check(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Check: %v", err)
		}
		if err := jobs.Check(t.Context()); err != nil {
			t.Errorf("Check of the user who is allowed: %v", err)
		}
	})
}

// sortedVariables sorts what env prints, where one value has two lines, and takes the marker's value away.
func sortedVariables(lines []string) []string {
	entries := map[string]string{}
	name := ""
	for _, line := range lines {
		if before, value, ok := strings.Cut(line, "="); ok {
			name, line = before, value
		} else {
			line = entries[name] + "\n" + line
		}
		entries[name] = line
	}
	entries[process.MarkerVariable] = ""
	var out []string
	for _, name := range []string{"EMPTY", process.MarkerVariable, "PATH", "PWD", "SECRET"} {
		value, ok := entries[name]
		if ok {
			out = append(out, name+"="+value)
		}
		delete(entries, name)
	}
	for name := range entries {
		out = append(out, "unexpected "+name)
	}
	return out
}
