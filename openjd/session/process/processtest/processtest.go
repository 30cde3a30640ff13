//go:build unix

// Package processtest lets tests of cross-user runs run in a process of a user that is not root, and that sudo lets become another. The
// users are made by the script tools/test-users.
package processtest

import (
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/farmhand-render/farmhand/openjd/session/process"
)

// Agent may become Jobs, and is a member of its group.
const (
	Agent = "farmhand-test-agent"
	Jobs  = "farmhand-test-jobs"
)

// ThroughSudo returns the user Jobs in a process of Agent. In one of root it runs the calling test again, as Agent, and returns nil. For
// other users, and where there are no such users, it skips the test, unless FARMHAND_USERS is "required".
func ThroughSudo(t *testing.T) *process.User {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if me.Username != Agent && me.Uid != "0" {
		t.Skip("only root can become " + Agent)
	}
	jobs, err := process.LookupUser(Jobs, "")
	switch {
	case err != nil && os.Getenv("FARMHAND_USERS") == "required":
		t.Fatalf("tools/test-users has not made the users: %v", err)
	case err != nil:
		t.Skipf("tools/test-users has not made the users: %v", err)
	case me.Username == Agent:
		return jobs
	}
	again(t)
	return nil
}

// again runs the calling test in a process of Agent, which has a directory of its own for all that it makes.
func again(t *testing.T) {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent-") // t.TempDir is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	program := filepath.Join(dir, "test")
	if err := copyFile(program, os.Args[0]); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=2m")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + dir, "HOME=" + dir}
	cmd.Dir = dir
	if err := Become(cmd, dir); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("as %s: %v\n%s", Agent, err, out)
	}
}

// Become makes a command one of Agent, and gives Agent the directories.
func Become(cmd *exec.Cmd, dirs ...string) error {
	agent, err := process.LookupUser(Agent, "")
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if err := os.Chown(dir, int(agent.UID), int(agent.GID)); err != nil {
			return err
		}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: agent.UID, Gid: agent.GID, Groups: agent.Groups}}
	return nil
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // it is only read
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Close()
}
