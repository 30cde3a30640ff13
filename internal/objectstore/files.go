package objectstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/farmhand-render/farmhand/internal/diskfile"
)

// filesPerDir is how many files one directory gets.
const filesPerDir = 4096

// files keeps contents in files that are written once. Names are "<run>/<directory>/<number>": each process that opens the store is a
// run, so that files of another one that the index does not know are known to be left over.
type files struct {
	dir string
	run int64

	mu     sync.Mutex     // protects the rest
	next   int64          // number of the next file
	made   map[int64]bool // directories of this run that exist
	pinned map[string]int // readers of a file
	doomed map[string]bool
	gone   []string // removed; the index still has their names
}

func (f *files) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

// create makes a new file, open for writing.
func (f *files) create() (*os.File, string, error) {
	name, err := f.newName()
	if err != nil {
		return nil, "", err
	}
	file, err := os.OpenFile(f.path(name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, "", fmt.Errorf("make a file for a content: %w", err)
	}
	return file, name, nil
}

func (f *files) newName() (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.next
	f.next++
	dir := n / filesPerDir
	base := filepath.Join(strconv.FormatInt(f.run, 10), strconv.FormatInt(dir, 10))
	if !f.made[dir] {
		path := filepath.Join(f.dir, base)
		if err := os.MkdirAll(path, 0o700); err != nil {
			return "", fmt.Errorf("make a directory for contents: %w", err)
		}
		for _, parent := range []string{filepath.Dir(path), f.dir} {
			if err := diskfile.SyncDir(parent); err != nil {
				return "", fmt.Errorf("make a directory for contents: %w", err)
			}
		}
		f.made[dir] = true
	}
	return filepath.ToSlash(filepath.Join(base, strconv.FormatInt(n, 10))), nil
}

// link gives a content a second name, as a file of its own.
func (f *files) link(name string) (string, error) {
	twin, err := f.newName()
	if err != nil {
		return "", err
	}
	if os.Link(f.path(name), f.path(twin)) == nil {
		return twin, nil
	}
	// The file system has no hard links.
	src, err := os.Open(f.path(name))
	if err != nil {
		return "", fmt.Errorf("copy a content: %w", err)
	}
	defer src.Close() //nolint:errcheck // only read
	dst, err := os.OpenFile(f.path(twin), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", fmt.Errorf("copy a content: %w", err)
	}
	_, err = io.Copy(dst, src)
	if err == nil {
		err = dst.Sync()
	}
	if closeErr := dst.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("copy a content: %w", err), f.discard(twin))
	}
	return twin, nil
}

// discard removes a file that the index never knew.
func (f *files) discard(name string) error {
	if err := os.Remove(f.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove a content: %w", err)
	}
	return nil
}

// pin keeps files from being removed until unpin. The caller holds the store's lock against removals.
func (f *files) pin(names []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range names {
		f.pinned[name]++
	}
}

func (f *files) unpin(names []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range names {
		if f.pinned[name]--; f.pinned[name] > 0 {
			continue
		}
		delete(f.pinned, name)
		if f.doomed[name] {
			delete(f.doomed, name)
			f.removeLocked(name)
		}
	}
}

// doom removes files that the index gave up, those that are being read when they no longer are.
func (f *files) doom(names []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range names {
		if f.pinned[name] > 0 {
			f.doomed[name] = true
			continue
		}
		f.removeLocked(name)
	}
}

// removeLocked removes a file. One that cannot be removed now stays doomed in the index, and is tried again at the next start.
func (f *files) removeLocked(name string) {
	if f.discard(name) == nil {
		f.gone = append(f.gone, name)
	}
}

// takeGone gives the names of removed files, once.
func (f *files) takeGone() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	gone := f.gone
	f.gone = nil
	return gone
}

// begin numbers this run and removes what the index gave up before.
func (s *Store) begin(ctx context.Context) error {
	err := s.index.update(func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(number), 0) + 1 FROM runs").Scan(&s.files.run); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO runs (number, swept) VALUES ($1, FALSE)", s.files.run)
		return err
	})
	if err != nil {
		return fmt.Errorf("begin a run of the object store: %w", err)
	}
	doomed, err := rows(ctx, s.index.reader, scanOne[string], "SELECT name FROM files WHERE doomed")
	if err != nil {
		return err
	}
	s.files.doom(doomed)
	return nil
}

// sweep removes files of earlier runs that the index does not know: their writers were killed.
func (s *Store) sweep(ctx context.Context) error {
	runs, err := rows(ctx, s.index.reader, scanOne[int64], "SELECT number FROM runs WHERE NOT swept AND number < $1", s.files.run)
	if err != nil {
		return err
	}
	for _, run := range runs {
		if err := s.sweepRun(ctx, run); err != nil {
			return fmt.Errorf("sweep run %d of the object store: %w", run, err)
		}
	}
	return nil
}

func (s *Store) sweepRun(ctx context.Context, run int64) error {
	base := strconv.FormatInt(run, 10)
	dirs, err := os.ReadDir(filepath.Join(s.files.dir, base))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, dir := range dirs {
		entries, err := os.ReadDir(filepath.Join(s.files.dir, base, dir.Name()))
		if err != nil {
			return err
		}
		for _, e := range entries {
			name := base + "/" + dir.Name() + "/" + e.Name()
			var known bool
			err := s.index.reader.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM files WHERE name = $1)", name).Scan(&known)
			if err != nil {
				return err
			}
			if !known {
				if err := s.files.discard(name); err != nil {
					return err
				}
			}
		}
		_ = os.Remove(filepath.Join(s.files.dir, base, dir.Name())) // fails unless it is empty
	}
	_ = os.Remove(filepath.Join(s.files.dir, base)) // fails unless it is empty
	return s.index.update(func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE runs SET swept = TRUE WHERE number = $1", run)
		return err
	})
}
