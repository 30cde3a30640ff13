package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"

	"github.com/farmhand-render/farmhand/internal/diskfile"
)

// shared is a map in a file that several processes use: what one changes, the others see at their next use. It is safe for concurrent
// use.
type shared[V any] struct {
	path string
	what string // in errors: "the access keys"

	mu      sync.RWMutex // protects entries and file
	entries map[string]V
	file    os.FileInfo // that entries were read from; nil when there was none
}

// openShared reads the file, which need not exist yet.
func openShared[V any](path, what string) (*shared[V], error) {
	s := &shared[V]{path: path, what: what}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s, s.readLocked()
}

// current reads the file anew if it is no longer the one that was read, and gives its entries, which nobody may change.
func (s *shared[V]) current() (map[string]V, error) {
	info, err := os.Stat(s.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read %s: %w", s.what, err)
	}
	s.mu.RLock()
	entries, same := s.entries, s.sameLocked(info)
	s.mu.RUnlock()
	if same {
		return entries, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.readLocked()
	return s.entries, err
}

func (s *shared[V]) sameLocked(now os.FileInfo) bool {
	if s.file == nil || now == nil {
		return s.file == nil && now == nil
	}
	return os.SameFile(s.file, now) && s.file.ModTime().Equal(now.ModTime()) && s.file.Size() == now.Size()
}

// readLocked replaces the entries; those that were given out stay as they were.
func (s *shared[V]) readLocked() error {
	f, err := os.Open(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		s.entries, s.file = make(map[string]V), nil
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", s.what, err)
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("read %s: %w", s.what, err)
	}
	entries := make(map[string]V)
	if err := json.NewDecoder(f).Decode(&entries); err != nil {
		return fmt.Errorf("read %s in %s: %w", s.what, s.path, err)
	}
	s.entries, s.file = entries, info
	return nil
}

// change replaces the file by one with other entries, while no other process changes it. When edit fails nothing changes.
func (s *shared[V]) change(edit func(map[string]V) error) error {
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return fmt.Errorf("change %s: %w", s.what, err)
	}
	lock, err := diskfile.Acquire(s.path + ".lock")
	if err != nil {
		return fmt.Errorf("change %s: %w", s.what, err)
	}
	defer lock.Release() //nolint:errcheck // it ends with the process at the latest
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.readLocked(); err != nil {
		return err
	}
	entries := maps.Clone(s.entries)
	if err := edit(entries); err != nil {
		return err
	}
	text, err := json.MarshalIndent(entries, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", s.what, err)
	}
	if err := diskfile.Write(s.path, text); err != nil {
		return err
	}
	return s.readLocked()
}
