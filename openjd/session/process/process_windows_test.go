package process_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/windows"

	"github.com/farmhand-render/farmhand/openjd/session/process"
)

// roleVariable makes this test binary one of the commands that the tests run: Windows has no shell that could be them.
const roleVariable = "PROCESS_TEST_ROLE"

func TestMain(m *testing.M) {
	if role, ok := roles[os.Getenv(roleVariable)]; ok {
		os.Exit(role())
	}
	os.Exit(m.Run())
}

var roles = map[string]func() int{
	"lines": func() int {
		fmt.Print("one\r\n")
		fmt.Fprint(os.Stderr, "two\n")
		fmt.Print("three\xff")
		return -3
	},
	"arguments": func() int {
		for _, arg := range os.Args[1:] {
			fmt.Printf("%q\n", arg)
		}
		return 0
	},
	"variables": func() int {
		fmt.Println(os.Getenv("case"))
		return 0
	},
	"notified": func() int {
		interrupts := make(chan os.Signal, 1)
		signal.Notify(interrupts, os.Interrupt)
		fmt.Println("ready")
		<-interrupts
		fmt.Println("notified")
		return 7
	},
	"sleep": func() int { // until it is ended
		fmt.Println("sleep", os.Getpid())
		<-time.After(time.Hour)
		return 0
	},
	"parent": func() int {
		if err := startRole("sleep").Wait(); err != nil {
			fmt.Println(err)
		}
		return 0
	},
	"leaver": func() int {
		startRole("sleep")
		return 0
	},
}

// startRole starts another one of the commands, with the same output.
func startRole(role string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	return cmd
}

// recorder collects lines and lets a test wait for one.
type recorder struct {
	mu    sync.Mutex
	lines []string
	added chan struct{}
}

func (r *recorder) add(l process.Line) {
	r.mu.Lock()
	r.lines = append(r.lines, l.Text)
	r.mu.Unlock()
	select {
	case r.added <- struct{}{}:
	default:
	}
}

// await returns what follows prefix on the first line that begins with it.
func (r *recorder) await(t *testing.T, prefix string) string {
	t.Helper()
	for {
		r.mu.Lock()
		for _, line := range r.lines {
			if rest, ok := strings.CutPrefix(line, prefix); ok {
				r.mu.Unlock()
				return rest
			}
		}
		r.mu.Unlock()
		select {
		case <-r.added:
		case <-t.Context().Done():
			t.Fatalf("no line %q", prefix)
		}
	}
}

func newTree(t *testing.T) *process.Tree {
	t.Helper()
	t.TempDir() // so that it is removed after the processes that are in it have ended
	tree := process.NewTree()
	t.Cleanup(func() {
		if err := tree.Close(context.Background()); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return tree
}

func start(t *testing.T, tree *process.Tree, role string, args ...string) (*process.Process, *recorder) {
	t.Helper()
	rec := &recorder{added: make(chan struct{}, 1)}
	p, err := tree.Start(process.Spec{
		Command: os.Args[0], Args: args, Dir: t.TempDir(), Env: append(os.Environ(), roleVariable+"="+role, "Case=insensitive"),
		Output: rec.add, Late: rec.add, DrainQuiet: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, rec
}

// alive says whether a process runs.
func alive(t *testing.T, pid string) bool {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimSpace(pid), 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	h, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(n))
	if err != nil {
		return false
	}
	event, err := windows.WaitForSingleObject(h, 0)
	if err := errors.Join(err, windows.CloseHandle(h)); err != nil {
		t.Fatal(err)
	}
	return event == uint32(windows.WAIT_TIMEOUT)
}

func TestOutputAndExit(t *testing.T) {
	t.Parallel()
	awkward := []string{"", "a b", `q"uote`, `back\slash\`, `C:\Program Files\`, `"`, "%PATH%", "tab\tbed", "é\u4e16"}
	quoted := make([]string, len(awkward))
	for i, arg := range awkward {
		quoted[i] = strconv.Quote(arg)
	}
	tests := []struct {
		role  string
		args  []string
		lines []string
		exit  process.Exit
	}{
		{"lines", nil, []string{"one", "two", `three\xff`}, process.Exit{Code: -3}},
		{"arguments", awkward, quoted, process.Exit{}},
		{"variables", nil, []string{"insensitive"}, process.Exit{}},
	}
	for _, tt := range tests {
		t.Run(tt.role, func(t *testing.T) {
			t.Parallel()
			p, rec := start(t, newTree(t), tt.role, tt.args...)
			<-p.Done()
			if diff := cmp.Diff(tt.exit, p.Exit()); diff != "" {
				t.Errorf("exit (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.lines, rec.lines); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTerminateIsCtrlBreak(t *testing.T) {
	t.Parallel()
	if windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil {
		t.Skip("Wine without a terminal has no console over which CTRL_BREAK could travel")
	}
	p, rec := start(t, newTree(t), "notified")
	rec.await(t, "ready")
	if err := p.Terminate(); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	rec.await(t, "notified")
	if p.Exit().Code != 7 {
		t.Errorf("exit %+v, want code 7", p.Exit())
	}
	if err := errors.Join(p.Terminate(), p.Kill()); err != nil {
		t.Errorf("stopping an ended process: %v", err)
	}
}

func TestKillEndsDescendants(t *testing.T) {
	t.Parallel()
	tree := newTree(t)
	_, other := start(t, tree, "sleep")
	p, rec := start(t, tree, "parent")
	child, bystander := rec.await(t, "sleep "), other.await(t, "sleep ")
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if alive(t, child) {
		t.Error("a child survived")
	}
	if p.Exit().Success() {
		t.Errorf("exit %+v of a killed process", p.Exit())
	}
	if !alive(t, bystander) {
		t.Error("another command of the tree was ended")
	}
}

func TestCloseEndsWhatWasLeftBehind(t *testing.T) {
	t.Parallel()
	tree := newTree(t)
	p, rec := start(t, tree, "leaver")
	child := rec.await(t, "sleep ")
	<-p.Done()
	if !p.Exit().Success() {
		t.Errorf("exit %+v", p.Exit())
	}
	if !alive(t, child) {
		t.Fatal("the child ended with its parent")
	}
	if err := tree.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if alive(t, child) {
		t.Error("the child survived Close")
	}
}

func TestCommandsAreFoundByExtension(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tool.bat"), []byte("@echo tool %1\r\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		command, path string
		want          error
	}{
		{"tool", dir, nil},
		{"tool.bat", dir, nil},
		{"TOOL", dir, nil},
		{`.\tool`, "", nil},
		{"tool.exe", dir, exec.ErrNotFound},
		{"tool", "", exec.ErrNotFound},
	} {
		rec := &recorder{added: make(chan struct{}, 1)}
		env := []string{"PATHEXT=.EXE;.BAT", "Path=" + tt.path, "SystemRoot=" + os.Getenv("SystemRoot"), "ComSpec=" + os.Getenv("ComSpec")}
		p, err := newTree(t).Start(process.Spec{Command: tt.command, Args: []string{"works"}, Dir: dir, Env: env, Output: rec.add})
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: error %v, want %v", tt.command, err, tt.want)
		}
		if err != nil {
			continue
		}
		<-p.Done()
		if diff := cmp.Diff([]string{"tool works"}, rec.lines); diff != "" || !p.Exit().Success() {
			t.Errorf("%s: exit %+v (-want +got):\n%s", tt.command, p.Exit(), diff)
		}
	}
}

func TestNoOtherUsers(t *testing.T) {
	t.Parallel()
	if _, err := process.LookupUser("somebody", ""); !errors.Is(err, process.ErrNoUsers) {
		t.Errorf("LookupUser: %v, want ErrNoUsers", err)
	}
	_, err := newTree(t).Start(process.Spec{Command: os.Args[0], Dir: t.TempDir(), Env: os.Environ(), User: &process.User{Name: "somebody"}})
	if !errors.Is(err, process.ErrNoUsers) {
		t.Errorf("Start: %v, want ErrNoUsers", err)
	}
}
