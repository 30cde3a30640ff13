package farm

import (
	"context"
	"fmt"
	"sync"

	"github.com/farmhand-render/farmhand/deadline"
)

// Logs go to streams as Amazon CloudWatch Logs has them; the interval is how often workers send, in seconds.
const (
	logDriver          = "awslogs"
	logGroupOption     = "logGroupName"
	logStreamOption    = "logStreamName"
	logIntervalOption  = "interval"
	logIntervalSeconds = "15"
)

// Bounds of what is remembered to save asking again, see [remembered].
const (
	maxRememberedStreams = 100_000
	maxRememberedWorkers = 100_000
)

// logConfiguration says where a log is. Worker agents fail without any one of these members.
func logConfiguration(group, stream string) deadline.LogConfiguration {
	return deadline.LogConfiguration{
		LogDriver:  logDriver,
		Options:    map[string]string{logGroupOption: group, logStreamOption: stream},
		Parameters: map[string]string{logIntervalOption: logIntervalSeconds},
	}
}

// ensureLog makes a log stream and its group exist and says where it is: workers only ever put events into streams that are there.
func (s *Service) ensureLog(ctx context.Context, group, stream string) (deadline.LogConfiguration, error) {
	configuration := logConfiguration(group, stream)
	if s.streams.has(stream) {
		return configuration, nil
	}
	if err := s.logs.EnsureGroup(ctx, group); err != nil {
		return configuration, fmt.Errorf("make the log group %s: %w", group, err)
	}
	if err := s.logs.EnsureStream(ctx, group, stream); err != nil {
		return configuration, fmt.Errorf("make the log stream %s of %s: %w", stream, group, err)
	}
	s.streams.add(stream)
	return configuration, nil
}

// remembered is a bounded set of ids that something was done for once; forgetting one only means doing it again.
type remembered struct {
	mu       sync.RWMutex // guards the rest
	new, old map[string]struct{}
	most     int // of each generation
}

func newRemembered(most int) *remembered { return &remembered{new: map[string]struct{}{}, most: most} }

func (r *remembered) has(id string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, isNew := r.new[id]
	_, isOld := r.old[id]
	return isNew || isOld
}

// add remembers an id. When a generation is full, the one before it is forgotten.
func (r *remembered) add(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.new) >= r.most {
		r.old, r.new = r.new, map[string]struct{}{}
	}
	r.new[id] = struct{}{}
}

func (r *remembered) remove(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.new, id)
	delete(r.old, id)
}
