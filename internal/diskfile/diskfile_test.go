package diskfile_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/farmhand-render/farmhand/internal/diskfile"
)

func TestLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	held, err := diskfile.TryAcquire(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := diskfile.TryAcquire(path); !errors.Is(err, diskfile.ErrHeld) {
		t.Errorf("second TryAcquire: %v, want ErrHeld", err)
	}
	waited := make(chan error, 1)
	go func() {
		next, err := diskfile.Acquire(path)
		waited <- errors.Join(err, next.Release())
	}()
	for range 2 {
		if err := held.Release(); err != nil {
			t.Error(err)
		}
	}
	if err := <-waited; err != nil {
		t.Error(err)
	}
	if err := (*diskfile.Lock)(nil).Release(); err != nil {
		t.Error(err)
	}
}

// A lock is free once it was released, whatever other processes this one is just starting.
func TestReleasedLockIsFree(t *testing.T) {
	t.Parallel()
	ended := make(chan error)
	go func() { // each process holds copies of all files from its fork to its exec
		var err error
		for range 30 {
			err = errors.Join(err, exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$").Run()) //nolint:gosec // this test
		}
		ended <- err
	}()
	path := filepath.Join(t.TempDir(), "lock")
	for {
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
			return
		default:
		}
		l, err := diskfile.TryAcquire(path)
		if err != nil {
			t.Error(errors.Join(err, <-ended))
			return
		}
		if err := l.Release(); err != nil {
			t.Error(err)
		}
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	refused := errors.New("refused")
	if err := diskfile.WriteNew(path, []byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := diskfile.WriteNew(path, []byte("other")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("WriteNew of a name that is taken: %v, want ErrExist", err)
	}
	if err := diskfile.WritePrepared(path, []byte("other"), func(*os.File) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("WritePrepared: %v, want what prepare said", err)
	}
	if text, err := os.ReadFile(path); string(text) != "first" {
		t.Errorf("content %q %v, want the first", text, err)
	}
	if err := diskfile.Write(path, []byte("second")); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(path); string(text) != "second" {
		t.Errorf("content %q %v, want the second", text, err)
	}
	if left, err := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("files %v %v, want the one", left, err)
	}
	if err := diskfile.Write(filepath.Join(dir, "absent", "file"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Write without a directory: %v, want ErrNotExist", err)
	}
}
