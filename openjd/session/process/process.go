package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// Process is one started command.
type Process struct {
	cmd    *exec.Cmd
	tree   *Tree
	marker string
	spec   Spec
	output *os.File
	group  int // of processes; not used on Windows

	done     chan struct{} // closed when exited and drained
	finished chan struct{} // closed when the output has ended or is closed
	activity atomic.Int64  // chunks of output read so far

	mu    sync.Mutex // guards the two below, and calls of the line callbacks
	lines splitter
	late  bool

	state  sync.Mutex // guards reaped; held while signalling the group
	reaped bool

	exit Exit // written before done is closed
}

// Pid returns the process id, which is also the number of its process group.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the command has exited and its output has been delivered.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit tells how the command ended. It may be called once Done is closed.
func (p *Process) Exit() Exit { return p.exit }

// Terminate asks the command's process group to end: SIGTERM, or CTRL_BREAK on Windows. The group rather than the command alone,
// because a shell that waits for its child acts on a signal only after the child has ended. A process that has exited already
// is no error.
func (p *Process) Terminate() error {
	p.state.Lock()
	defer p.state.Unlock()
	if p.reaped {
		return nil
	}
	return p.tree.terminate(p)
}

// Kill ends the command and everything that it started, at once. Processes that other commands of the tree left in the
// background go on.
func (p *Process) Kill() error {
	p.state.Lock()
	defer p.state.Unlock()
	if err := p.tree.kill(p); err != nil {
		return fmt.Errorf("kill process %d and its children: %w", p.Pid(), err)
	}
	return nil
}

// read delivers lines until the output ends or is closed.
func (p *Process) read() {
	defer close(p.finished)
	buf := make([]byte, 32<<10)
	for {
		n, err := p.output.Read(buf)
		if n > 0 {
			p.activity.Add(1)
			p.mu.Lock()
			p.lines.feed(buf[:n], p.deliver)
			p.mu.Unlock()
		}
		if err != nil {
			p.mu.Lock()
			p.lines.flush(p.deliver)
			p.mu.Unlock()
			return
		}
	}
}

// deliver hands a line to the callback of the moment. p.mu is held.
func (p *Process) deliver(line Line) {
	switch {
	case !p.late:
		if p.spec.Output != nil {
			p.spec.Output(line)
		}
	case p.spec.Late != nil:
		p.spec.Late(line)
	}
}

// wait reaps the command, waits for the rest of its output and closes done.
func (p *Process) wait() {
	p.exit = p.reap()
	p.drain()
	p.mu.Lock()
	p.lines.flush(p.deliver)
	p.late = true
	p.mu.Unlock()
	close(p.done)
}

// drain waits until the output has ended or, held open by a background child, is quiet.
func (p *Process) drain() {
	limit := time.NewTimer(p.spec.DrainLimit)
	defer limit.Stop()
	quiet := time.NewTicker(p.spec.DrainQuiet)
	defer quiet.Stop()
	seen := p.activity.Load()
	for {
		select {
		case <-p.finished:
			return
		case <-limit.C:
			return
		case <-quiet.C:
			now := p.activity.Load()
			if now == seen {
				return
			}
			seen = now
		}
	}
}

// closeOutput stops reading what background children write and waits for the reader.
func (p *Process) closeOutput() {
	_ = p.output.Close() // the reader may have ended, and closed it, by itself
	<-p.finished
}

// exitOf translates what Wait returned.
func exitOf(err error) Exit {
	if err == nil {
		return Exit{}
	}
	if ee, ok := errors.AsType[*exec.ExitError](err); ok {
		return exitOfState(ee.ProcessState)
	}
	return Exit{Code: -1, Signal: fmt.Sprintf("lost: %v", err)}
}
