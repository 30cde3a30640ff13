//go:build unix

package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// platformTree needs nothing on Unix: process groups are the kernel's.
type platformTree struct{}

func (platformTree) release() error { return nil }

// start starts cmd as the leader of a session and process group of its own.
func (platformTree) start(cmd *exec.Cmd, user *User) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if user != nil {
		if int(user.UID) != os.Geteuid() || int(user.GID) != os.Getegid() || os.Geteuid() == 0 {
			cmd.SysProcAttr.Credential = &syscall.Credential{Uid: user.UID, Gid: user.GID, Groups: user.Groups}
		}
	}
	err := cmd.Start()
	if user != nil && errors.Is(err, syscall.EPERM) && os.Geteuid() != 0 {
		return fmt.Errorf("only root can run processes as user %s: %w", user.Name, err)
	}
	return err
}

func isTextBusy(err error) bool { return errors.Is(err, syscall.ETXTBSY) }

func (t *Tree) terminate(p *Process) error {
	err := unix.Kill(-p.Pid(), unix.SIGTERM)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}

// reap waits for the command to exit and notes whether others of its group go on.
func (p *Process) reap() Exit {
	awaitExit(p.Pid())
	p.state.Lock()
	defer p.state.Unlock()
	exit := exitOf(p.cmd.Wait())
	p.reaped = true
	if unix.Kill(-p.Pid(), 0) == nil {
		p.tree.outlived(p.Pid())
	}
	return exit
}

// kill ends the command's group, its descendants and what carries its marker. p.state is held.
func (t *Tree) kill(p *Process) error {
	k := killer{marker: p.marker}
	if !p.reaped {
		k.groups = []int{p.Pid()}
	}
	// The leader stays a zombie while p.state is held, so it does not count as alive.
	ctx, cancel := context.WithTimeout(context.Background(), killPatience)
	defer cancel()
	return k.run(ctx)
}

// killAll ends every process of the tree. Groups whose leaders run are killed while these cannot be reaped.
func (t *Tree) killAll(ctx context.Context, held []*Process, leftover []int) error {
	for _, p := range held {
		p.state.Lock()
		if !p.reaped {
			// A group that is gone already is what was wanted.
			_ = unix.Kill(-p.Pid(), unix.SIGKILL)
		}
		p.state.Unlock()
	}
	k := killer{marker: t.id + ".", prefix: true}
	for _, group := range leftover {
		if unix.Kill(group, 0) != nil { // the number is not in use by a process of somebody else
			k.groups = append(k.groups, group)
		}
	}
	return k.run(ctx)
}

// killPatience bounds how long killing one command's tree takes; the kernel needs milliseconds.
const killPatience = 5 * time.Second

func exitOfState(state *os.ProcessState) Exit {
	status, ok := state.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() {
		return Exit{Code: -1, Signal: status.Signal().String(), SignalNumber: int(status.Signal())}
	}
	return Exit{Code: state.ExitCode()}
}
