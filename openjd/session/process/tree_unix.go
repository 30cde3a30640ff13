//go:build unix

package process

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// platformTree needs nothing on Unix: process groups are the kernel's.
type platformTree struct{}

func (platformTree) release() error { return nil }

// start starts cmd as the leader of a session and process group of its own, and returns what was started.
func (platformTree) start(cmd *exec.Cmd, user *User) (*exec.Cmd, error) {
	if user.ThroughSudo() {
		wrapped, err := user.viaSudo(cmd)
		if err != nil {
			return nil, err
		}
		cmd = wrapped
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if user != nil && os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: user.UID, Gid: user.GID, Groups: user.Groups}
	}
	return cmd, cmd.Start()
}

// sudoer returns the user of the processes when they are run through sudo, or nil.
func (p *Process) sudoer() *User {
	if p.spec.User.ThroughSudo() {
		return p.spec.User
	}
	return nil
}

// begun finds out the process group of a command that was started. What sudo does not let run is waited for and forgotten.
func (p *Process) begun() (err error) {
	user := p.sudoer()
	if user == nil {
		p.group = p.Pid()
		return nil
	}
	p.group, err = user.shake(p.output)
	t := p.tree
	if err != nil {
		t.waiting.Go(func() { _ = p.cmd.Wait() })
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !slices.ContainsFunc(t.users, func(u *User) bool { return same(u, user) }) {
		t.users = append(t.users, user)
	}
	return nil
}

func isTextBusy(err error) bool { return errors.Is(err, syscall.ETXTBSY) }

func (t *Tree) terminate(p *Process) error {
	if user := p.sudoer(); user != nil {
		ctx, cancel := context.WithTimeout(context.Background(), killPatience)
		defer cancel()
		return user.signal(ctx, "TERM", -p.group)
	}
	err := unix.Kill(-p.group, unix.SIGTERM)
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
	if exists(-p.group) {
		p.tree.outlived(p)
	}
	return exit
}

// outlived notes the process group of p, which still has members after its leader has been reaped.
func (t *Tree) outlived(p *Process) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.leftover = append(t.leftover, group{number: p.group, user: p.sudoer()})
}

// kill ends the command's group, its descendants and what carries its marker. p.state is held.
func (t *Tree) kill(p *Process) error {
	k := killer{marker: p.marker, user: p.sudoer()}
	if !p.reaped {
		k.groups = []int{p.group}
	}
	// The leader stays a zombie while p.state is held, so it does not count as alive.
	ctx, cancel := context.WithTimeout(context.Background(), killPatience)
	defer cancel()
	return k.run(ctx)
}

// killAll ends every process of the tree. Groups whose leaders run are killed while these cannot be reaped.
func (t *Tree) killAll(ctx context.Context, held []*Process) error {
	t.mu.Lock()
	groups, users := slices.Clone(t.leftover), slices.Clone(t.users)
	t.mu.Unlock()
	// The number of a group is still that group's when no process of somebody else has it.
	groups = slices.DeleteFunc(groups, func(g group) bool { return exists(g.number) })
	for _, p := range held {
		p.state.Lock()
		switch {
		case p.reaped:
		case p.sudoer() != nil:
			groups = append(groups, group{number: p.group, user: p.sudoer()})
		default:
			// A group that is gone already is what was wanted.
			_ = unix.Kill(-p.group, unix.SIGKILL)
		}
		p.state.Unlock()
	}
	var errs []error
	for _, user := range append([]*User{nil}, users...) {
		k := killer{marker: t.id + ".", prefix: true, user: user}
		for _, g := range groups {
			if same(g.user, user) {
				k.groups = append(k.groups, g.number)
			}
		}
		errs = append(errs, k.run(ctx))
	}
	return errors.Join(errs...)
}

func same(a, b *User) bool { return a == b || a != nil && b != nil && a.UID == b.UID }

// killPatience bounds how long killing one command's tree takes; the kernel needs milliseconds.
const killPatience = 5 * time.Second

func exitOfState(state *os.ProcessState) Exit {
	status, ok := state.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() {
		return Exit{Code: -1, Signal: status.Signal().String(), SignalNumber: int(status.Signal())}
	}
	return Exit{Code: state.ExitCode()}
}
