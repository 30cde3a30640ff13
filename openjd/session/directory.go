package session

import (
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

// directory is the working directory of a session. Everything in it belongs to the job's user, who may have replaced any part by a
// symbolic link: all writing goes through root, which never leaves the directory.
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
		return nil, errors.Join(err, d.remove())
	}
	return d, nil
}

// join returns the absolute path of a name below the directory, given with slashes.
func (d *directory) join(name string) string { return filepath.Join(d.path, filepath.FromSlash(name)) }

// give makes the job's user the owner.
func (d *directory) give(name string) error {
	if d.user == nil || os.Geteuid() != 0 {
		return nil
	}
	return d.root.Lchown(name, int(d.user.UID), int(d.user.GID))
}

// makeDir makes a directory that only the job's user can read; it may exist.
func (d *directory) makeDir(name string) error {
	if err := d.root.Mkdir(name, 0o700); errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		return err
	}
	return d.give(name)
}

// write replaces a file: readers see the old content or the new one.
func (d *directory) write(name string, data []byte, mode fs.FileMode) error {
	temporary := name + "." + rand.Text()[:8]
	f, err := d.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if d.user != nil && os.Geteuid() == 0 {
		err = errors.Join(err, f.Chown(int(d.user.UID), int(d.user.GID)))
	}
	if runtime.GOOS != "windows" {
		err = errors.Join(err, f.Chmod(mode)) // whatever the umask
	}
	if err = errors.Join(err, f.Close()); err == nil {
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

// remove deletes the directory. A job may have taken its own permissions away, which only matters to users other than root: they are
// given back first.
func (d *directory) remove() error {
	err := d.root.Close()
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
