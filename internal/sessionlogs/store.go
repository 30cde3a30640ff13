package sessionlogs

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// The errors of a [Store].
var (
	ErrNoGroup  = errors.New("the log group does not exist")
	ErrNoStream = errors.New("the log stream does not exist")
	ErrExists   = errors.New("it exists already")
	ErrPosition = errors.New("no record begins or ends at this position")
	ErrName     = errors.New("the name cannot be that of a log")
)

const (
	streamSuffix = ".log"
	maxFileName  = 240
	lockStripes  = 64
)

// Store keeps logs below one directory. It is safe for concurrent use.
type Store struct {
	dir   string
	now   func() time.Time
	seed  maphash.Seed
	locks [lockStripes]sync.Mutex // order the writers of a stream

	mu      sync.Mutex          // protects checked
	checked map[string]struct{} // streams whose end was found whole, or made so, by this process
}

// maxChecked bounds what is remembered of streams; checking one again costs one read.
const maxChecked = 100_000

// Open returns the store in dir, which is made when it does not exist.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the logs: %w", err)
	}
	return &Store{dir: dir, now: time.Now, seed: maphash.MakeSeed(), checked: make(map[string]struct{})}, nil
}

func (s *Store) groupDir(group string) (string, error) {
	name := url.PathEscape(group)
	if group == "" || name == "." || name == ".." || len(name) > maxFileName {
		return "", ErrName
	}
	return filepath.Join(s.dir, name), nil
}

func (s *Store) streamPath(group, stream string) (string, error) {
	dir, err := s.groupDir(group)
	if err != nil {
		return "", err
	}
	name := url.PathEscape(stream)
	if stream == "" || len(name) > maxFileName {
		return "", ErrName
	}
	return filepath.Join(dir, name+streamSuffix), nil
}

func (s *Store) lock(path string) *sync.Mutex {
	return &s.locks[maphash.String(s.seed, path)%lockStripes]
}

// CreateGroup makes a group; ErrExists when it is there.
func (s *Store) CreateGroup(group string) error {
	dir, err := s.groupDir(group)
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); errors.Is(err, fs.ErrExist) {
		return ErrExists
	} else if err != nil {
		return fmt.Errorf("create log group: %w", err)
	}
	return nil
}

// EnsureGroup makes a group unless it is there.
func (s *Store) EnsureGroup(_ context.Context, group string) error {
	if err := s.CreateGroup(group); err != nil && !errors.Is(err, ErrExists) {
		return err
	}
	return nil
}

// CreateStream makes a stream in a group that exists; ErrExists when it is there.
func (s *Store) CreateStream(group, stream string) error {
	path, err := s.streamPath(group, stream)
	if err != nil {
		return err
	}
	mu := s.lock(path)
	mu.Lock()
	defer mu.Unlock()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return ErrExists
	case errors.Is(err, fs.ErrNotExist):
		return ErrNoGroup
	case err != nil:
		return fmt.Errorf("create log stream: %w", err)
	}
	_, err = f.Write(appendHeader(nil, s.now().UnixMilli()))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return errors.Join(fmt.Errorf("create log stream: %w", err), os.Remove(path))
	}
	return nil
}

// EnsureStream makes a stream, and its group, unless they are there.
func (s *Store) EnsureStream(ctx context.Context, group, stream string) error {
	if err := s.EnsureGroup(ctx, group); err != nil {
		return err
	}
	if err := s.CreateStream(group, stream); err != nil && !errors.Is(err, ErrExists) {
		return err
	}
	return nil
}

// DeleteGroup deletes a group with its streams.
func (s *Store) DeleteGroup(group string) error {
	dir, err := s.groupDir(group)
	if err != nil {
		return err
	}
	if _, err := os.Stat(dir); err != nil {
		return missing(err, ErrNoGroup)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("delete log group: %w", err)
	}
	return nil
}

// DeleteStream deletes a stream.
func (s *Store) DeleteStream(group, stream string) error {
	path, err := s.streamPath(group, stream)
	if err != nil {
		return err
	}
	mu := s.lock(path)
	mu.Lock()
	defer mu.Unlock()
	s.forget(path)
	return missing(os.Remove(path), ErrNoStream)
}

// missing turns "no such file" into what it means here.
func missing(err, means error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return means
	}
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	return nil
}

// Put appends events to a stream that exists. They are accepted together or not at all.
func (s *Store) Put(group, stream string, events []Event) error {
	path, err := s.streamPath(group, stream)
	if err != nil {
		return err
	}
	var batch []byte
	now := s.now().UnixMilli()
	for _, e := range events {
		e.Ingestion = now
		batch = appendRecord(batch, e)
	}
	mu := s.lock(path)
	mu.Lock()
	defer mu.Unlock()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		if _, groupErr := os.Stat(filepath.Dir(path)); groupErr != nil {
			return missing(groupErr, ErrNoGroup)
		}
		return missing(err, ErrNoStream)
	}
	defer f.Close() //nolint:errcheck // writes are checked
	if err := s.mend(path, f); err != nil {
		return err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("write log: %w", err)
	}
	if _, err := f.Write(batch); err != nil {
		// A full disk leaves part of the batch: take it away, so that none of it was accepted.
		s.forget(path)
		return errors.Join(fmt.Errorf("write log: %w", err), f.Truncate(size))
	}
	return nil
}

// mend cuts a torn record off the end of a stream that this process has not written before. The caller holds the stream's lock.
func (s *Store) mend(path string, f *os.File) error {
	s.mu.Lock()
	_, checked := s.checked[path]
	s.mu.Unlock()
	if checked {
		return nil
	}
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("check log: %w", err)
	}
	end, err := wholeEnd(f, info.Size())
	if err != nil {
		return err
	}
	if end < headerSize {
		if err := f.Truncate(0); err != nil {
			return fmt.Errorf("mend log: %w", err)
		}
		if _, err := f.Write(appendHeader(nil, s.now().UnixMilli())); err != nil {
			return fmt.Errorf("mend log: %w", err)
		}
	} else if end < info.Size() {
		if err := f.Truncate(end); err != nil {
			return fmt.Errorf("mend log: %w", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.checked) >= maxChecked {
		clear(s.checked)
	}
	s.checked[path] = struct{}{}
	return nil
}

func (s *Store) forget(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.checked, path)
}

// wholeEnd gives the offset after the last whole record, 0 when not even the header is whole.
func wholeEnd(r io.ReaderAt, size int64) (int64, error) {
	if _, err := readHeader(r); errors.Is(err, errTorn) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	if size == headerSize {
		return size, nil
	}
	if _, _, err := readBefore(r, size); err == nil {
		return size, nil
	}
	at := headerSize
	for {
		_, next, err := readRecord(r, at)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, errTorn):
			return at, nil
		case err != nil:
			return 0, err
		}
		at = next
	}
}

// Groups lists the names of groups with a prefix, in order.
func (s *Store) Groups(prefix string) ([]string, error) {
	return listNames(s.dir, prefix, "", ErrNoGroup)
}

// Streams lists the names of a group's streams with a prefix, in order.
func (s *Store) Streams(group, prefix string) ([]string, error) {
	dir, err := s.groupDir(group)
	if err != nil {
		return nil, err
	}
	return listNames(dir, prefix, streamSuffix, ErrNoGroup)
}

func listNames(dir, prefix, suffix string, absent error) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, missing(err, absent)
	}
	var names []string
	for _, e := range entries {
		escaped, ok := strings.CutSuffix(e.Name(), suffix)
		if !ok {
			continue
		}
		name, err := url.PathUnescape(escaped)
		if err == nil && strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}
