package provisioner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/farmhand-render/farmhand/internal/diskfile"
)

// Local provides workers as processes on this machine, one for each host. A process is told to drain by the end of its standard input,
// so it drains as well when the program that started it is killed.
type Local struct {
	// Command gives the program and arguments of a worker of a fleet that keeps its state in a directory.
	Command func(fleet Fleet, stateDir string) []string
	Env     func() ([]string, error) // of the processes
	Dir     string                   // a directory for the states of workers
	Output  io.Writer
}

// identityFile is where a worker keeps its id in its state directory.
const identityFile = "worker.json"

// Launch implements [Provider]. A fleet with another operating system than this machine's is refused.
func (l *Local) Launch(ctx context.Context, fleet Fleet) (Host, error) {
	if fleet.Configuration != nil {
		if want := strings.ToLower(string(fleet.Configuration.InstanceCapabilities.OsFamily)); want != "" && want != runtime.GOOS {
			return nil, fmt.Errorf("the fleet's workers need %s, this machine has %s: run workers for it elsewhere", want, runtime.GOOS)
		}
	}
	env, err := l.Env()
	if err != nil {
		return nil, err
	}
	parent := filepath.Join(l.Dir, fleet.FleetID)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of a worker: %w", err)
	}
	if fleet.VolumeID != "" {
		volume := filepath.Join(parent, fleet.VolumeID)
		if err := os.MkdirAll(volume, 0o700); err != nil {
			return nil, fmt.Errorf("make volume %s: %w", fleet.VolumeID, err)
		}
		env = append(slices.Clone(env), volumeVariable+"="+volume)
	}
	dir, err := os.MkdirTemp(parent, "worker-")
	if err != nil {
		return nil, fmt.Errorf("make the directory of a worker: %w", err)
	}
	command := l.Command(fleet, dir)
	h := &process{dir: dir, done: make(chan struct{})}
	h.cmd = exec.CommandContext(ctx, command[0], command[1:]...)
	h.cmd.Env, h.cmd.Stdout, h.cmd.Stderr = env, l.Output, l.Output
	ownGroup(h.cmd) // a Ctrl-C on the terminal is for the program that started it
	if h.input, err = h.cmd.StdinPipe(); err == nil {
		err = h.cmd.Start()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start a worker: %w", err), os.RemoveAll(dir))
	}
	go h.wait()
	return h, nil
}

// Sweep removes the states of workers whose processes ended without this program. Those of workers that still drain stay.
func (l *Local) Sweep() error {
	dirs, err := filepath.Glob(filepath.Join(l.Dir, "*", "worker-*"))
	if err != nil {
		return fmt.Errorf("sweep the states of workers: %w", err)
	}
	for _, dir := range dirs {
		lock, err := diskfile.TryAcquire(filepath.Join(dir, "lock"))
		if errors.Is(err, diskfile.ErrHeld) {
			continue
		}
		if err = errors.Join(err, lock.Release(), os.RemoveAll(dir)); err != nil {
			return fmt.Errorf("sweep the states of workers: %w", err)
		}
	}
	return nil
}

// volumeVariable tells the host configuration script and the actions of sessions where the persistent volume of their host is, as on AWS.
const volumeVariable = "DEADLINE_PERSISTENT_MOUNT"

// Volumes implements [VolumeKeeper]: a volume is a directory beside the states of workers.
func (l *Local) Volumes() ([]VolumeID, error) {
	dirs, err := filepath.Glob(filepath.Join(l.Dir, "*", "volume-*"))
	if err != nil {
		return nil, fmt.Errorf("look for volumes: %w", err)
	}
	volumes := make([]VolumeID, 0, len(dirs))
	for _, dir := range dirs {
		volumes = append(volumes, VolumeID{FleetID: filepath.Base(filepath.Dir(dir)), VolumeID: filepath.Base(dir)})
	}
	return volumes, nil
}

// RemoveVolume implements [VolumeKeeper].
func (l *Local) RemoveVolume(v VolumeID) error {
	if err := os.RemoveAll(filepath.Join(l.Dir, v.FleetID, v.VolumeID)); err != nil {
		return fmt.Errorf("remove volume %s: %w", v.VolumeID, err)
	}
	return nil
}

// process is a worker process.
type process struct {
	cmd   *exec.Cmd
	input io.Closer
	dir   string
	done  chan struct{}
	err   error // set before done is closed
}

// wait ends with the process: it is the one that Done tells of.
func (h *process) wait() {
	defer close(h.done)
	h.err = errors.Join(h.cmd.Wait(), os.RemoveAll(h.dir))
}

// WorkerID implements [Host].
func (h *process) WorkerID() string {
	text, err := os.ReadFile(filepath.Join(h.dir, identityFile))
	if err != nil {
		return ""
	}
	var identity struct {
		WorkerID string `json:"workerId"`
	}
	if json.Unmarshal(text, &identity) != nil {
		return ""
	}
	return identity.WorkerID
}

// Drain implements [Host].
func (h *process) Drain() { _ = h.input.Close() } // a second time changes nothing

// Done implements [Host].
func (h *process) Done() <-chan struct{} { return h.done }

// Err implements [Host].
func (h *process) Err() error { return h.err }

var _ VolumeKeeper = (*Local)(nil)
