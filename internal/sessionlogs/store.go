package sessionlogs

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/farmhand-render/farmhand/internal/diskfile"
)

// The errors of a [Store].
var (
	ErrNoGroup  = errors.New("the log group does not exist")
	ErrNoStream = errors.New("the log stream does not exist")
	ErrExists   = errors.New("it exists already")
	ErrPosition = errors.New("no record begins or ends at this position")
	ErrName     = errors.New("the name cannot be that of a log")
	ErrTooLong  = errors.New("the message is too long")
)

const (
	streamSuffix = ".log"    // the latest records of a stream
	sealedSuffix = ".sealed" // the chunks of its older ones
	stagedSuffix = ".staged"
	maxFileName  = 240
	lockStripes  = 64

	// defaultSealAt is the size of a stream's file, in bytes, from which its records are sealed, and of a chunk.
	defaultSealAt = 1 << 20
)

// Store keeps logs below one directory. It is safe for concurrent use.
type Store struct {
	dir    string
	now    func() time.Time
	codec  codec
	sealAt int64
	seed   maphash.Seed
	locks  [lockStripes]sync.Mutex // order the writers of a stream

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
	codec, err := newCodec()
	if err != nil {
		return nil, fmt.Errorf("open the logs: %w", err)
	}
	return &Store{
		dir: dir, now: time.Now, codec: codec, sealAt: defaultSealAt, seed: maphash.MakeSeed(),
		checked: make(map[string]struct{}),
	}, nil
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

// sealedPath is where the chunks of the stream with this file are.
func sealedPath(path string) string { return strings.TrimSuffix(path, streamSuffix) + sealedSuffix }

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
	// Unlike events, a group is on disk when it was acknowledged: whoever writes to it cannot make it again.
	if err := diskfile.SyncDir(s.dir); err != nil {
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
	if _, err := os.Stat(path); err == nil {
		return ErrExists
	}
	// Chunks without a file are of a stream of this name whose deletion was interrupted.
	if err := os.Remove(sealedPath(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("create log stream: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return ErrExists
	case errors.Is(err, fs.ErrNotExist):
		return ErrNoGroup
	case err != nil:
		return fmt.Errorf("create log stream: %w", err)
	}
	_, err = f.Write(appendHeader(nil, header{created: s.now().UnixMilli()}))
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
	if err := missing(os.Remove(path), ErrNoStream); err != nil {
		return err
	}
	if err := os.Remove(sealedPath(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete log stream: %w", err)
	}
	return nil
}

// absent says what it means that the file of a stream could not be opened.
func absent(path string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("open log: %w", err)
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return missing(err, ErrNoGroup)
	}
	return ErrNoStream
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

func (s *Store) isChecked(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.checked[path]
	return ok
}

func (s *Store) check(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.checked) >= maxChecked {
		clear(s.checked)
	}
	s.checked[path] = struct{}{}
}

func (s *Store) forget(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.checked, path)
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

// IsAbsent reports whether an error says that a group or a stream is not there.
func IsAbsent(err error) bool { return errors.Is(err, ErrNoGroup) || errors.Is(err, ErrNoStream) }
