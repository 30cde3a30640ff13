//go:build !windows

package auth

import (
	"os"
	"syscall"
)

// lockFile waits for the file to be locked by no other process and locks it, until it is closed.
func lockFile(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX) }
