package scheduler

import (
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// Tasks of a step with a CHUNK[INT] parameter are counted, requeued and listed one by one, but run in chunks (§5.5): one taskRun for
// several, which share its fate. Which tasks make a chunk is decided as it is handed out.

const (
	// maxChunk bounds chunks whose size adapts.
	maxChunk = 150
	// alone is the number of failures after which a task is no longer put together with others, so that one bad task cannot
	// fail its neighbours for ever.
	alone = 2
)

// pace is what the finished chunks of a step tell about the size of the next: it adapts to targetRuntimeSeconds.
type pace struct {
	tasks, micros int64 // of finished chunks; both are halved now and then, so that what is recent counts more
	size          int64 // of the next chunk; 0: the default
}

// learn takes over how long a chunk took.
func (p *pace) learn(current, target, tasks, micros int64) {
	if micros <= 0 {
		return
	}
	if p.tasks >= 1000 {
		p.tasks, p.micros = p.tasks/2, p.micros/2
	}
	p.tasks, p.micros = p.tasks+tasks, p.micros+micros
	ideal := target * p.tasks / p.micros
	if p.tasks < 10 && ideal > current { // a few quick tasks say little about the rest
		ideal = (3*current + ideal) / 4
	}
	p.size = min(max(ideal, 1), maxChunk)
}

// learnChunk adapts the size of chunks to how long one took that succeeded.
func (s *step) learnChunk(a *action) {
	chunks := s.space.Chunks()
	if chunks == nil || chunks.TargetRuntimeSeconds <= 0 || a.row.StartedAt == 0 {
		return
	}
	target := chunks.TargetRuntimeSeconds * 1_000_000
	s.pace.learn(s.chunkSize(), target, int64(len(a.tasks)), a.row.EndedAt-a.row.StartedAt)
}

// chunkSize is how many tasks the next chunk of a step should have; 1 for a step without chunks.
func (s *step) chunkSize() int64 {
	chunks := s.space.Chunks()
	switch {
	case chunks == nil:
		return 1
	case s.pace.size > 0:
		return s.pace.size
	default:
		return max(1, chunks.DefaultTaskCount)
	}
}

// hand takes the READY task with the lowest index, and those that run in one chunk with it; nil when there is none. They get the
// status to.
func (c *Core) hand(s *session, to status.Task) []int64 {
	st := s.step
	first, t := c.next(st)
	if t == nil {
		return nil
	}
	c.move(st, first, t, to, causeAssign)
	tasks := append(make([]int64, 0, 1), first)
	if st.space.Chunks() == nil || t.retries >= alone {
		return tasks
	}
	last := c.lastOfChunk(s, first)
	for {
		i, t := c.peek(st)
		if t == nil || i > last || t.retries >= alone || !st.space.Joins(tasks[len(tasks)-1], i) {
			return tasks
		}
		i, t = c.next(st)
		c.move(st, i, t, to, causeAssign)
		tasks = append(tasks, i)
	}
}

// lastOfChunk is the highest index that may be in one chunk with a task. Chunks of a fixed size have their fixed places; those that
// adapt leave, near the end of the step, something for the other workers.
func (c *Core) lastOfChunk(s *session, first int64) int64 {
	st := s.step
	if st.space.Chunks().TargetRuntimeSeconds <= 0 {
		from, count := st.space.StaticChunk(first)
		return from + count - 1
	}
	left := st.row.Counts[status.TaskReady] + 1
	share := left / int64(max(1, s.job.sessions+s.worker.fleet.free))
	return first + st.space.ChunkLimit(first, max(1, min(st.chunkSize(), share))) - 1
}

// taskRun is the action that runs tasks of a session's step.
func (s *session) taskRun(tasks []int64) row.SessionAction {
	r := row.SessionAction{Kind: row.ActionTaskRun, StepIndex: s.row.StepIndex, TaskIndex: tasks[0]}
	if s.step.space.Chunks() != nil {
		r.Chunk = row.NewChunk(tasks)
	}
	return r
}

// tasksOf reads which tasks a stored action runs.
func tasksOf(r *row.SessionAction) ([]int64, error) {
	switch {
	case r.Kind != row.ActionTaskRun:
		return nil, nil
	case r.Chunk == "":
		return []int64{r.TaskIndex}, nil
	default:
		return r.Chunk.Tasks()
	}
}
