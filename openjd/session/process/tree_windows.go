package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// platformTree is a job object that every process of the tree belongs to, children included.
type platformTree struct {
	once sync.Once
	job  windows.Handle
	err  error
}

// open makes the job object on first use. Closing its handle ends whoever is left in it.
func (t *platformTree) open() (windows.Handle, error) {
	t.once.Do(func() {
		t.job, t.err = newJob()
	})
	return t.job, t.err
}

func newJob() (windows.Handle, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, fmt.Errorf("create a job object: %w", err)
	}
	var info windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION
	info.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	if err != nil {
		return 0, errors.Join(fmt.Errorf("configure a job object: %w", err), windows.CloseHandle(job))
	}
	return job, nil
}

func (t *platformTree) release() error {
	if _, err := t.open(); err != nil || t.job == 0 {
		return nil
	}
	err := windows.CloseHandle(t.job)
	t.job = 0
	return err
}

func (t *platformTree) start(cmd *exec.Cmd, user *User) (*exec.Cmd, error) {
	if user != nil {
		return nil, ErrNoUsers
	}
	job, err := t.open()
	if err != nil {
		return nil, err
	}
	// It begins to run only when it belongs to the job object, so that no child escapes.
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP | windows.CREATE_SUSPENDED}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if err := begin(job, cmd.Process.Pid); err != nil {
		return nil, errors.Join(err, cmd.Process.Kill(), ignoreExit(cmd.Wait()))
	}
	return cmd, nil
}

// begun has nothing to find out.
func (p *Process) begun() error { return nil }

// begin puts a suspended process into a job object, where its children will be too, and lets it run.
func begin(job windows.Handle, pid int) error {
	const rights = windows.PROCESS_SET_QUOTA | windows.PROCESS_TERMINATE | windows.PROCESS_SUSPEND_RESUME
	h, err := windows.OpenProcess(rights, false, uint32(pid))
	if err != nil {
		return fmt.Errorf("open process %d: %w", pid, err)
	}
	if err = windows.AssignProcessToJobObject(job, h); err == nil {
		err = resume(h)
	}
	return errors.Join(err, windows.CloseHandle(h))
}

var ntResumeProcess = windows.NewLazySystemDLL("ntdll.dll").NewProc("NtResumeProcess")

func resume(process windows.Handle) error {
	if status, _, _ := ntResumeProcess.Call(uintptr(process)); status != 0 {
		return fmt.Errorf("resume a process: %w", windows.NTStatus(status))
	}
	return nil
}

func ignoreExit(err error) error {
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil
	}
	return err
}

func isTextBusy(error) bool { return false }

func (t *Tree) terminate(p *Process) error {
	return windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(p.Pid()))
}

func (p *Process) reap() Exit {
	exit := exitOf(p.cmd.Wait())
	p.state.Lock()
	defer p.state.Unlock()
	p.reaped = true
	return exit
}

// kill ends the command and its descendants, found by their parents: each before its children, or it could go on after their end, and
// even succeed. p.state is held.
func (t *Tree) kill(p *Process) error {
	if p.reaped {
		return nil
	}
	left := descendants(uint32(p.Pid()))
	var errs []error
	if err := p.cmd.Process.Kill(); !errors.Is(err, os.ErrProcessDone) {
		errs = append(errs, err)
	}
	for _, pid := range left {
		errs = append(errs, terminateProcess(pid))
	}
	return errors.Join(errs...)
}

func terminateProcess(pid uint32) error {
	h, err := windows.OpenProcess(windows.PROCESS_TERMINATE, false, pid)
	if err != nil {
		return nil // ended meanwhile
	}
	return errors.Join(windows.TerminateProcess(h, 1), windows.CloseHandle(h))
}

// descendants lists the children of a process, their children and so on.
func descendants(root uint32) []uint32 {
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return nil
	}
	defer func() { _ = windows.CloseHandle(snapshot) }()
	children := map[uint32][]uint32{}
	entry := windows.ProcessEntry32{Size: uint32(unsafe.Sizeof(windows.ProcessEntry32{}))}
	for err = windows.Process32First(snapshot, &entry); err == nil; err = windows.Process32Next(snapshot, &entry) {
		children[entry.ParentProcessID] = append(children[entry.ParentProcessID], entry.ProcessID)
	}
	found := children[root]
	for i := 0; i < len(found) && len(found) < 1<<16; i++ {
		found = append(found, children[found[i]]...)
	}
	return found
}

func (t *Tree) killAll(context.Context, []*Process) error {
	job, err := t.open()
	if err != nil || job == 0 {
		return nil
	}
	return windows.TerminateJobObject(job, 1)
}

func exitOfState(state *os.ProcessState) Exit {
	return Exit{Code: int(int32(uint32(state.ExitCode())))}
}
