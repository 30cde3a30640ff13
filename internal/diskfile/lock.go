package diskfile

import (
	"errors"
	"fmt"
	"os"
	"strconv"
)

// ErrHeld says that another process, or another [Lock] of this one, holds the lock.
var ErrHeld = errors.New("the lock is held by another process")

// Lock is a lock on a file that lasts until it is released or the process ends, however it ends. The file stays: removing
// it would let two processes lock two files of one name.
type Lock struct{ file *os.File }

// Acquire locks the file at path, which is made when there is none, and waits for whoever holds it.
func Acquire(path string) (*Lock, error) { return acquire(path, true) }

// TryAcquire is [Acquire] that does not wait: it refuses with [ErrHeld].
func TryAcquire(path string) (*Lock, error) { return acquire(path, false) }

func acquire(path string, wait bool) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock file: %w", err)
	}
	if err := lockFile(f, wait); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	// The process id helps a person who looks; nothing reads it.
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return &Lock{file: f}, nil
}

// Release gives the lock up; a second time, or on nil, it does nothing. Closing the file alone would not do: a process
// that is just being started holds a copy of it until it runs its own program.
func (l *Lock) Release() error {
	if l == nil || l.file == nil {
		return nil
	}
	err := errors.Join(unlockFile(l.file), l.file.Close())
	l.file = nil
	if err != nil {
		return fmt.Errorf("release lock: %w", err)
	}
	return nil
}
