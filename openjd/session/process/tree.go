package process

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"time"
)

// MarkerVariable is set in the environment of every process of a tree. Its value tells trees and commands apart.
const MarkerVariable = "OPENJD_PROCESS_TREE"

// ErrClosed is returned by [Tree.Start] after [Tree.Close].
var ErrClosed = errors.New("the process tree is closed")

// Tree is all processes of one session. Its methods may be called from several goroutines.
type Tree struct {
	id string
	platformTree

	mu       sync.Mutex // guards the fields below
	closed   bool
	started  int
	active   map[*Process]struct{} // not done, or with output held open by background children
	leftover []group               // process groups that outlived their leaders
	users    []*User               // whose processes are run through sudo

	starting sync.WaitGroup // calls of Start past the check of closed
	waiting  sync.WaitGroup // the goroutines of processes
}

// group is a process group of a user, nil for the user of this program.
type group struct {
	number int
	user   *User
}

// NewTree returns an empty tree. It must be closed.
func NewTree() *Tree {
	return &Tree{id: rand.Text(), active: map[*Process]struct{}{}}
}

// Start starts a command. The error says that nothing runs: the command was not found (errors.Is [exec.ErrNotFound]), may not be
// executed, or the user cannot be switched to.
func (t *Tree) Start(spec Spec) (*Process, error) {
	if spec.DrainQuiet <= 0 {
		spec.DrainQuiet = DefaultDrainQuiet
	}
	if spec.DrainLimit <= 0 {
		spec.DrainLimit = DefaultDrainLimit
	}
	marker, err := t.next()
	if err != nil {
		return nil, err
	}
	defer t.starting.Done()
	path, err := lookPath(spec.Command, spec.Dir, spec.Env)
	if err != nil && spec.User.ThroughSudo() && !errors.Is(err, errNoCommand) {
		path, err = spec.Command, nil // the user may see what this program does not
	}
	if err != nil {
		return nil, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe for the output of %s: %w", spec.Command, err)
	}
	p := &Process{
		tree: t, marker: marker, spec: spec, output: read,
		done: make(chan struct{}), finished: make(chan struct{}),
	}
	p.cmd, err = t.launch(path, spec, marker, write)
	if closeErr := write.Close(); err == nil && closeErr != nil {
		err = errors.Join(closeErr, p.cmd.Process.Kill())
	}
	if err == nil {
		err = p.begun()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", spec.Command, err), read.Close())
	}
	t.watch(p)
	return p, nil
}

// next returns the marker of the next command.
func (t *Tree) next() (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return "", ErrClosed
	}
	t.started++
	t.starting.Add(1)
	return t.id + "." + strconv.Itoa(t.started), nil
}

// watch starts the goroutines of p; Close waits for them.
func (t *Tree) watch(p *Process) {
	t.mu.Lock()
	t.active[p] = struct{}{}
	t.mu.Unlock()
	t.waiting.Go(p.read)
	t.waiting.Go(func() {
		p.wait()
		<-p.finished // a background child may hold the output until Close
		_ = p.output.Close()
		t.mu.Lock()
		delete(t.active, p)
		t.mu.Unlock()
	})
}

// launch starts the command, again while its file is still open for writing in a process that this program is just forking.
func (t *Tree) launch(path string, spec Spec, marker string, output *os.File) (*exec.Cmd, error) {
	for pause := time.Millisecond; ; pause *= 2 {
		cmd := &exec.Cmd{
			Path: path, Args: append([]string{spec.Command}, spec.Args...), Dir: spec.Dir,
			Env:    append(slices.Clip(spec.Env), MarkerVariable+"="+marker),
			Stdout: output, Stderr: output,
		}
		started, err := t.start(cmd, spec.User)
		if err == nil || !isTextBusy(err) || pause > 256*time.Millisecond {
			return started, err
		}
		<-time.After(pause)
	}
}

// Close ends every process of the tree and waits for its goroutines. The error names processes that could not be ended before ctx
// was done. A tree that is closed already stays closed.
func (t *Tree) Close(ctx context.Context) error {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.starting.Wait()

	t.mu.Lock()
	held := slices.Collect(maps.Keys(t.active))
	t.mu.Unlock()
	if err := t.killAll(ctx, held); err != nil {
		return fmt.Errorf("end the processes of a session: %w", err)
	}
	for _, p := range held {
		select {
		case <-p.done: // at the latest when its drain limit is over
		case <-ctx.Done():
			return fmt.Errorf("wait for process %d: %w", p.Pid(), context.Cause(ctx))
		}
		p.closeOutput()
	}
	t.waiting.Wait()
	return t.release()
}
