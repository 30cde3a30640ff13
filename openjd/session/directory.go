package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/farmhand-render/farmhand/openjd/session/process"
)

// Names below the working directory.
const (
	embeddedDirName = "embedded_files"
	rulesFileName   = embeddedDirName + "/path_mapping.json"
	cancelFileName  = "cancel_info.json"
)

// DefaultRoot returns where sessions have their working directories unless told otherwise.
func DefaultRoot() string {
	if data := os.Getenv("PROGRAMDATA"); runtime.GOOS == "windows" && data != "" {
		return filepath.Join(data, "Amazon", "OpenJD")
	}
	return filepath.Join(os.TempDir(), "OpenJD")
}

// directory is the working directory of a session. Everything in it belongs to the job's user or, where only sudo makes processes that
// user's, to this program's user, and is shared with the group of the job's. The job may have replaced any part by a symbolic link: all
// writing goes through root, which never leaves the directory.
type directory struct {
	path string
	root *os.Root
	user *process.User
}

func newDirectory(parent, id string, user *process.User) (*directory, error) {
	parent, err := filepath.Abs(parent)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, err
	}
	path, err := os.MkdirTemp(parent, strings.ReplaceAll(id, string(filepath.Separator), "_")+"-")
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	d := &directory{path: path, root: root, user: user}
	if err = d.give("."); err == nil {
		err = d.makeDir(embeddedDirName)
	}
	if err != nil {
		return nil, errors.Join(err, d.remove(context.Background()))
	}
	return d, nil
}

// join returns the absolute path of a name below the directory, given with slashes.
func (d *directory) join(name string) string { return filepath.Join(d.path, filepath.FromSlash(name)) }

// give makes the job's user the owner, or lets its group in.
func (d *directory) give(name string) error {
	switch {
	case d.user.ThroughSudo():
		if err := d.root.Lchown(name, -1, int(d.user.GID)); err != nil {
			return d.notMember(err)
		}
		return d.root.Chmod(name, 0o770)
	case d.user != nil && os.Geteuid() == 0:
		return d.root.Lchown(name, int(d.user.UID), int(d.user.GID))
	}
	return nil
}

func (d *directory) notMember(err error) error {
	return fmt.Errorf("share the session's files with group %d, which the user of this program must be a member of: %w", d.user.GID, err)
}

// makeDir makes a directory that only the job's user can read, and this program; it may exist.
func (d *directory) makeDir(name string) error {
	if err := d.root.Mkdir(name, 0o700); errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		return err
	}
	return d.give(name)
}

// giveFile is give for a file that is open, with its mode, whatever the umask.
func (d *directory) giveFile(f *os.File, mode fs.FileMode) error {
	var err error
	switch {
	case runtime.GOOS == "windows":
		return nil
	case d.user.ThroughSudo():
		if err = f.Chown(-1, int(d.user.GID)); err != nil {
			err = d.notMember(err)
		}
		mode |= (mode & 0o500) >> 3 // the group reads and runs it, only the owner changes it
	case d.user != nil && os.Geteuid() == 0:
		err = f.Chown(int(d.user.UID), int(d.user.GID))
	}
	return errors.Join(err, f.Chmod(mode))
}

// write replaces a file: readers see the old content or the new one.
func (d *directory) write(name string, data []byte, mode fs.FileMode) error {
	temporary := name + "." + rand.Text()[:8]
	f, err := d.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, d.giveFile(f, mode), f.Close()); err == nil {
		err = d.root.Rename(temporary, name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", d.join(name), err), ignoreMissing(d.root.Remove(temporary)))
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// close gives up the handle and leaves the directory.
func (d *directory) close() error { return d.root.Close() }

// remove deletes the directory, what only the job's user may delete as that user. A job may have taken its own permissions away, which
// only matters to users other than root: they are given back first.
func (d *directory) remove(ctx context.Context) error {
	err := errors.Join(d.root.Close(), d.user.RemoveAll(ctx, d.path))
	if rmErr := os.RemoveAll(d.path); rmErr != nil {
		d.unlock()
		err = errors.Join(err, os.RemoveAll(d.path))
	}
	return err
}

// unlock makes every directory writable again, as far as possible: what is left over is reported by RemoveAll.
func (d *directory) unlock() {
	_ = filepath.WalkDir(d.path, func(path string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
}
