package sessionlogs

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
)

// followers are those who wait for streams to grow.
type followers struct {
	mu      sync.Mutex // protects waiting and what is in it
	waiting map[string]*follower
}

// follower is the waiting for one stream.
type follower struct {
	grown   chan struct{} // closed by the next write
	waiters int
}

// Wait returns when the stream has records after a position, or an error: that of the context when it ends first, ErrNoStream when the
// stream is deleted meanwhile. It sees what this process writes.
func (s *Store) Wait(ctx context.Context, group, stream string, after int64) error {
	path, err := s.streamPath(group, stream)
	if err != nil {
		return err
	}
	for {
		// The channel is taken before looking, so that what is written in between closes it.
		grown, leave := s.followers.join(path)
		end, err := s.end(group, stream)
		if err != nil || end > after {
			leave()
			return err
		}
		select {
		case <-grown:
			leave()
		case <-ctx.Done():
			leave()
			return fmt.Errorf("wait for log %s: %w", stream, context.Cause(ctx))
		}
	}
}

// end gives the position behind the last record of a stream.
func (s *Store) end(group, stream string) (int64, error) {
	r, err := s.open(group, stream)
	if err != nil {
		return 0, err
	}
	return r.end, r.Close()
}

func (f *followers) join(path string) (grown <-chan struct{}, leave func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w, ok := f.waiting[path]
	if !ok {
		w = &follower{grown: make(chan struct{})}
		f.waiting[path] = w
	}
	w.waiters++
	return w.grown, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if w.waiters--; w.waiters == 0 && f.waiting[path] == w {
			delete(f.waiting, path)
		}
	}
}

// grown wakes those who wait for the stream with this file.
func (s *Store) grown(path string) {
	s.followers.mu.Lock()
	defer s.followers.mu.Unlock()
	s.followers.wakeLocked(path)
}

// grownBelow wakes those who wait for any stream of the group in this directory.
func (s *Store) grownBelow(dir string) {
	s.followers.mu.Lock()
	defer s.followers.mu.Unlock()
	for path := range s.followers.waiting {
		if filepath.Dir(path) == dir {
			s.followers.wakeLocked(path)
		}
	}
}

func (f *followers) wakeLocked(path string) {
	if w, ok := f.waiting[path]; ok {
		delete(f.waiting, path)
		close(w.grown)
	}
}
