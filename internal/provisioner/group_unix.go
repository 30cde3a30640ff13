//go:build !windows

package provisioner

import (
	"os/exec"
	"syscall"
)

// ownGroup keeps signals for the group of this process from another one.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
