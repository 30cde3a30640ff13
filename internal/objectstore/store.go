package objectstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/farmhand-render/farmhand/internal/diskfile"
)

// Options configure a [Store].
type Options struct {
	// Relaxed does not wait for the disk: a power cut, though no crash of the process, may lose the last writes.
	Relaxed bool
	// UploadLife is how long an unfinished upload is kept after it was begun. Default 7 days.
	UploadLife time.Duration
	Region     string           // that buckets say they are in
	Logger     *slog.Logger     // default discards
	Now        func() time.Time // default time.Now
}

const (
	// smallContent is the size in bytes up to which a content is kept in the index: for it one commit, shared with others, costs less
	// than a file of its own.
	smallContent = 16 << 10

	defaultUploadLife = 7 * 24 * time.Hour
	housekeeping      = time.Hour // between removals of what was abandoned
)

// Store keeps buckets of objects below one directory. It is safe for concurrent use by one process.
type Store struct {
	Options
	lock  *diskfile.Lock
	index *index
	files files

	// held for reading while contents are looked up and pinned, for writing while given-up files are removed, so that what was looked
	// up is there.
	removal sync.RWMutex
}

// Open opens the store in a directory, which is made when it does not exist. Close it after [Store.Run] has returned.
func Open(ctx context.Context, dir string, o Options) (_ *Store, err error) {
	if o.UploadLife <= 0 {
		o.UploadLife = defaultUploadLife
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open the object store: %w", err)
	}
	s := &Store{Options: o, files: files{
		dir: filepath.Join(dir, "contents"), made: map[int64]bool{}, pinned: map[string]int{}, doomed: map[string]bool{},
	}}
	if err := os.MkdirAll(s.files.dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the object store: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.lock, err = diskfile.TryAcquire(filepath.Join(dir, "lock")); err != nil {
		return nil, fmt.Errorf("open the object store: %w", err)
	}
	if s.index, err = openIndex(ctx, filepath.Join(dir, "index.db"), o.Relaxed); err != nil {
		return nil, fmt.Errorf("open the object store: %w", err)
	}
	return s, s.begin(ctx)
}

// Close closes the index and lets go of the directory. No call may be in progress.
func (s *Store) Close() (err error) {
	if s.index != nil {
		err = s.index.close()
	}
	return errors.Join(err, s.lock.Release())
}

// Run removes what killed processes left over and uploads that were abandoned, until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	ticker := time.NewTicker(housekeeping)
	defer ticker.Stop()
	for {
		if err := s.Tidy(ctx); err != nil && ctx.Err() == nil {
			s.Logger.LogAttrs(ctx, slog.LevelError, "the object store could not be tidied", slog.String("error", err.Error()))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Tidy removes files that killed processes left over, and uploads that are older than [Options.UploadLife].
func (s *Store) Tidy(ctx context.Context) error {
	return errors.Join(s.sweep(ctx), s.expireUploads(ctx, s.Now().Add(-s.UploadLife)))
}

// Check says whether the store can write.
func (s *Store) Check(context.Context) error {
	return s.update(func(*sql.Tx) (doomed []string, err error) { return nil, nil })
}

// update makes a change durable, and then removes the files that it gave up. dirs are those of files that it makes visible.
func (s *Store) update(apply func(*sql.Tx) (doomed []string, err error), dirs ...string) error {
	if s.Relaxed {
		dirs = nil
	}
	var doomed []string
	gone := s.files.takeGone()
	err := s.index.update(func(tx *sql.Tx) (err error) {
		if doomed, err = apply(tx); err != nil {
			return err
		}
		for _, name := range doomed {
			if _, err := tx.Exec("UPDATE files SET doomed = TRUE WHERE name = $1", name); err != nil { //nolint:noctx // a write is not interrupted
				return fmt.Errorf("give up a content: %w", err)
			}
		}
		for _, name := range gone {
			if _, err := tx.Exec("DELETE FROM files WHERE name = $1", name); err != nil { //nolint:noctx // a write is not interrupted
				return fmt.Errorf("forget a content: %w", err)
			}
		}
		return nil
	}, dirs...)
	if err != nil {
		s.files.remember(gone)
		return err
	}
	if len(doomed) > 0 {
		s.removal.Lock()
		defer s.removal.Unlock()
		s.files.doom(doomed)
	}
	return nil
}

// remember takes back names that were to be forgotten.
func (f *files) remember(gone []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gone = append(f.gone, gone...)
}

// rows reads all rows of a query.
func rows[T any](ctx context.Context, q querier, scan func(scanner) (T, error), query string, args ...any) (_ []T, err error) {
	found, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read the index: %w", err)
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	var list []T
	for found.Next() {
		one, err := scan(found)
		if err != nil {
			return nil, fmt.Errorf("read the index: %w", err)
		}
		list = append(list, one)
	}
	if err := found.Err(); err != nil {
		return nil, fmt.Errorf("read the index: %w", err)
	}
	return list, nil
}

// querier is a database or a transaction of it.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

type scanner interface{ Scan(dest ...any) error }

func scanOne[T any](s scanner) (v T, err error) { return v, s.Scan(&v) }
