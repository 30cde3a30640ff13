//go:build unix

package process_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/openjd/session/process"
)

// recorder collects lines and lets a test wait for one.
type recorder struct {
	mu    sync.Mutex
	lines []process.Line
	added chan struct{}
}

func newRecorder() *recorder { return &recorder{added: make(chan struct{}, 1)} }

func (r *recorder) add(l process.Line) {
	r.mu.Lock()
	r.lines = append(r.lines, l)
	r.mu.Unlock()
	select {
	case r.added <- struct{}{}:
	default:
	}
}

func (r *recorder) texts() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, l := range r.lines {
		out = append(out, l.Text)
	}
	return out
}

// await returns the first line that begins with prefix, without the prefix.
func (r *recorder) await(t *testing.T, prefix string) string {
	t.Helper()
	for {
		for _, text := range r.texts() {
			if rest, ok := strings.CutPrefix(text, prefix); ok {
				return rest
			}
		}
		select {
		case <-r.added:
		case <-t.Context().Done():
			t.Fatalf("no line %q in %q", prefix, r.texts())
		}
	}
}

func newTree(t *testing.T) *process.Tree {
	t.Helper()
	tree := process.NewTree()
	t.Cleanup(func() {
		if err := tree.Close(context.Background()); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return tree
}

func start(t *testing.T, tree *process.Tree, script string, rec *recorder) *process.Process {
	t.Helper()
	p, err := tree.Start(process.Spec{
		Command: "sh", Args: []string{"-c", script}, Dir: t.TempDir(), Env: os.Environ(),
		Output: rec.add, Late: rec.add, DrainQuiet: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// alive says whether a process runs; a zombie does not.
func alive(pid int) bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return syscall.Kill(pid, 0) == nil && !errors.Is(err, os.ErrNotExist)
	}
	state, _, _ := strings.Cut(strings.TrimSpace(string(text[strings.LastIndexByte(string(text), ')')+1:])), " ")
	return state != "Z" && state != "X"
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestOutputAndExit(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", process.MaxLine)
	tests := []struct {
		name, script string
		lines        []process.Line
		exit         process.Exit
	}{
		{"streams keep their order", "echo one; echo two >&2; echo three", []process.Line{{Text: "one"}, {Text: "two"}, {Text: "three"}}, process.Exit{}},
		{"exit code", "exit 3", nil, process.Exit{Code: 3}},
		{"last line without end", "printf 'a\\nb'", []process.Line{{Text: "a"}, {Text: "b"}}, process.Exit{}},
		{"carriage return", "printf 'a\\r\\nb\\rc\\n'", []process.Line{{Text: "a"}, {Text: "b\rc"}}, process.Exit{}},
		{"bytes that are not text", `printf 'a\377b\303\n'`, []process.Line{{Text: `a\xffb\xc3`}}, process.Exit{}},
		{"signal", "kill -KILL $$", nil, process.Exit{Code: -1, Signal: "killed", SignalNumber: 9}},
		{"long line", "head -c 65536 /dev/zero | tr '\\0' x; echo yz", []process.Line{{Text: long, More: true}, {Text: "yz", Continued: true}}, process.Exit{}},
		{"standard input is empty", "cat; echo end", []process.Line{{Text: "end"}}, process.Exit{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rec := newRecorder()
			p := start(t, newTree(t), tt.script, rec)
			<-p.Done()
			if diff := cmp.Diff(tt.exit, p.Exit()); diff != "" {
				t.Errorf("exit (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.lines, rec.lines); diff != "" {
				t.Errorf("lines (-want +got):\n%.2000s", diff)
			}
		})
	}
}

func TestBackgroundChildKeepsRunningUntilClose(t *testing.T) {
	t.Parallel()
	tree := newTree(t)
	rec := newRecorder()
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, tree, `(echo child $(exec sh -c 'echo $PPID'); read x <'`+fifo+`'; echo late $x; exec sleep 1000) & echo parent`, rec)
	<-p.Done()
	if !p.Exit().Success() {
		t.Fatalf("exit %+v", p.Exit())
	}
	child := number(t, rec.await(t, "child "))
	if !alive(child) {
		t.Fatal("the background child ended with its parent")
	}
	if err := os.WriteFile(fifo, []byte("news\n"), 0); err != nil {
		t.Fatal(err)
	}
	rec.await(t, "late news")
	if err := tree.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if alive(child) {
		t.Error("the background child survived Close")
	}
}

func TestCloseFindsDaemons(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("processes are found by their environment on Linux only")
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("needs python3")
	}
	tree := newTree(t)
	rec := newRecorder()
	daemon := `import os,sys,signal
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
print("daemon", os.getpid(), flush=True)
null=os.open("/dev/null", os.O_RDWR); [os.dup2(null, i) for i in (0,1,2)]
signal.pause()`
	p, err := tree.Start(process.Spec{
		Command: python, Args: []string{"-c", daemon}, Dir: t.TempDir(), Env: os.Environ(), Output: rec.add, Late: rec.add,
	})
	if err != nil {
		t.Fatal(err)
	}
	pid := number(t, rec.await(t, "daemon "))
	<-p.Done()
	if !alive(pid) {
		t.Fatal("the daemon ended by itself")
	}
	if err := tree.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if alive(pid) {
		t.Error("the daemon survived Close")
	}
}

func TestKillStrays(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("processes are found by their environment on Linux only")
	}
	dir := t.TempDir()
	left := exec.CommandContext(t.Context(), "sleep", "1000")
	left.Env = []string{"OPENJD_SESSION_WORKING_DIR=" + filepath.Join(dir, "session-1")}
	other := exec.CommandContext(t.Context(), "sleep", "1000")
	other.Env = []string{"OPENJD_SESSION_WORKING_DIR=" + dir + "-other/session-1"}
	for _, cmd := range []*exec.Cmd{left, other} {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	if err := process.KillStrays(t.Context(), "OPENJD_SESSION_WORKING_DIR", dir+"/"); err != nil {
		t.Fatal(err)
	}
	if !alive(other.Process.Pid) {
		t.Error("a process of another directory was ended")
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, cmd := range []*exec.Cmd{left, other} {
		if err := cmd.Wait(); err == nil {
			t.Error("the process ended by itself")
		}
	}
}

func TestKillSparesOtherCommands(t *testing.T) {
	t.Parallel()
	tree := newTree(t)
	daemon, victim := newRecorder(), newRecorder()
	d := start(t, tree, "sleep 1000 & echo daemon $!", daemon)
	<-d.Done()
	keep := number(t, daemon.await(t, "daemon "))
	// env -i hides the inner process from the marker; it is found as a descendant, in the group.
	v := start(t, tree, `env -i "$(command -v sleep)" 1000 & echo child $!; setsid sh -c 'echo grandchild $$; sleep 1000; true' & trap "" TERM; wait`, victim)
	child, grandchild := number(t, victim.await(t, "child ")), number(t, victim.await(t, "grandchild "))
	if err := v.Kill(); err != nil {
		t.Fatal(err)
	}
	<-v.Done()
	if v.Exit().SignalNumber != int(syscall.SIGKILL) {
		t.Errorf("exit %+v, want killed", v.Exit())
	}
	if alive(child) || alive(grandchild) || alive(v.Pid()) {
		t.Errorf("alive after Kill: child %v, grandchild %v, leader %v", alive(child), alive(grandchild), alive(v.Pid()))
	}
	if !alive(keep) {
		t.Error("Kill ended a process that another command left in the background")
	}
}

func TestTerminateReachesTheGroup(t *testing.T) {
	t.Parallel()
	rec := newRecorder()
	p := start(t, newTree(t), `trap 'echo got TERM; exit 7' TERM; echo ready; sleep 1000 & wait`, rec)
	rec.await(t, "ready")
	if err := p.Terminate(); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if p.Exit().Code != 7 {
		t.Errorf("exit %+v, want code 7; output %q", p.Exit(), rec.texts())
	}
	if err := p.Terminate(); err != nil {
		t.Errorf("Terminate of an ended process: %v", err)
	}
	if err := p.Kill(); err != nil {
		t.Errorf("Kill of an ended process: %v", err)
	}
}

func TestStartErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "plain"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tool"), []byte("#!/bin/sh\necho found $1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, command, path string
		want                error
	}{
		{"unknown", "no-such-command-anywhere", "/usr/bin:/bin", exec.ErrNotFound},
		{"the PATH of the command counts", "sh", "", exec.ErrNotFound},
		{"empty", "", "/bin", exec.ErrNotFound},
		{"not executable", "./plain", "/bin", os.ErrPermission},
		{"not there", "./nothing", "/bin", os.ErrNotExist},
		{"relative to the directory", "./tool", "", nil},
		{"in PATH relative to the directory", "tool", ".", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, err := newTree(t).Start(process.Spec{Command: tt.command, Dir: dir, Env: []string{"PATH=/ignored", "PATH=" + tt.path}})
			if !errors.Is(err, tt.want) {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
			if err == nil {
				<-p.Done()
			}
		})
	}
	tree := process.NewTree()
	if err := tree.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := tree.Start(process.Spec{Command: "sh", Env: os.Environ(), Dir: dir}); !errors.Is(err, process.ErrClosed) {
		t.Errorf("Start after Close: %v, want ErrClosed", err)
	}
}

func TestRunAsAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can run processes as another user")
	}
	user, err := process.LookupUser("nobody", "")
	if err != nil {
		t.Skip(err)
	}
	rec := newRecorder()
	tree := newTree(t)
	p, err := tree.Start(process.Spec{
		Command: "sh", Args: []string{"-c", "echo uid $(id -u) gid $(id -g)"}, Dir: "/", Env: os.Environ(), User: user, Output: rec.add,
	})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	want := "uid " + strconv.Itoa(int(user.UID)) + " gid " + strconv.Itoa(int(user.GID))
	if got := strings.Join(rec.texts(), "\n"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
