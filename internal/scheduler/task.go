package scheduler

import (
	"container/heap"
	"encoding/hex"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// cell is a touched task: 56 bytes without a pointer, because a running job may have millions.
type cell struct {
	startedAt, endedAt, updatedAt int64
	session                       [16]byte // of its newest taskRun
	action                        uint32   // index of its newest taskRun, plus one; 0: none
	updatedBy                     uint32   // see names
	retries                       int32
	status, target                status.Task
	queued                        bool // in the step's heap of tasks to hand out again
	dirty                         bool
}

const pageSize = 64

// page holds the cells of neighbouring tasks: tasks are touched in the order of their indexes, mostly.
type page struct {
	touched uint64 // bit i: cells[i] is in use
	cells   [pageSize]cell
}

// taskTable holds the touched tasks of a step.
type taskTable struct {
	pages   map[int64]*page
	touched int64
}

// get returns the cell of task i, nil when it was never touched.
func (t *taskTable) get(i int64) *cell {
	p := t.pages[i/pageSize]
	if p == nil || p.touched&(1<<(i%pageSize)) == 0 {
		return nil
	}
	return &p.cells[i%pageSize]
}

// add makes the cell of task i, which has none.
func (t *taskTable) add(i int64) *cell {
	if t.pages == nil {
		t.pages = map[int64]*page{}
	}
	p := t.pages[i/pageSize]
	if p == nil {
		p = &page{}
		t.pages[i/pageSize] = p
	}
	p.touched |= 1 << (i % pageSize)
	t.touched++
	return &p.cells[i%pageSize]
}

// all yields the touched tasks in order of index.
func (t *taskTable) all() iter.Seq2[int64, *cell] {
	return func(yield func(int64, *cell) bool) {
		for _, n := range slices.Sorted(maps.Keys(t.pages)) {
			p := t.pages[n]
			for i := range int64(pageSize) {
				if p.touched&(1<<i) != 0 && !yield(n*pageSize+i, &p.cells[i]) {
					return
				}
			}
		}
	}
}

// indexHeap is a heap of task indexes, the lowest first.
type indexHeap []int64

func (h indexHeap) Len() int           { return len(h) }
func (h indexHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h indexHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *indexHeap) Push(x any)        { *h = append(*h, x.(int64)) }
func (h *indexHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// names gives numbers to the names of those who change tasks, so that a cell needs no string.
type names struct {
	numbers map[string]uint32
	texts   []string
}

func (n *names) number(text string) uint32 {
	if number, ok := n.numbers[text]; ok {
		return number
	}
	if n.numbers == nil {
		n.numbers = map[string]uint32{"": 0}
		n.texts = []string{""}
		if text == "" {
			return 0
		}
	}
	number := uint32(len(n.texts))
	n.numbers[text] = number
	n.texts = append(n.texts, text)
	return number
}

func (n *names) text(number uint32) string {
	if number == 0 {
		return ""
	}
	return n.texts[number]
}

// touch returns the cell of task i and makes it when nobody touched the task before.
func (c *Core) touch(s *step, i int64) *cell {
	if t := s.cells.get(i); t != nil {
		return t
	}
	t := s.cells.add(i)
	t.status, t.target = s.row.Rest, s.row.RestTarget
	t.updatedAt, t.updatedBy = s.row.RestUpdatedAt, c.names.number(s.row.RestUpdatedBy)
	if t.status == status.TaskReady {
		s.handOutAgain(i, t)
	}
	return t
}

// move gives a task another status, with all that depends on it.
func (c *Core) move(s *step, i int64, t *cell, to status.Task, by cause) {
	from := t.status
	if from == to {
		return
	}
	if !pass(c, taskMachine, func() string { return s.taskID(i) }, from, to, by) {
		return
	}
	c.recount(s, from, to, 1)
	c.dirtyTask(s, i, t)
	t.status = to
	if to == status.TaskReady {
		s.handOutAgain(i, t)
	}
	switch {
	case !to.Terminal():
		t.endedAt = 0
	case !from.Terminal():
		t.endedAt = c.now.Wall
	}
}

// moveRest gives all untouched tasks of a step another status.
func (c *Core) moveRest(s *step, to status.Task, by cause) {
	from, n := s.row.Rest, s.untouched()
	if n == 0 || from == to {
		return
	}
	if !pass(c, taskMachine, func() string { return s.id + " (rest)" }, from, to, by) {
		return
	}
	c.recount(s, from, to, n)
	s.row.Rest = to
}

// recount moves n tasks from one counter to another in step and job.
func (c *Core) recount(s *step, from, to status.Task, n int64) {
	s.row.Counts[from] -= n
	s.row.Counts[to] += n
	s.job.row.Counts[from] -= n
	s.job.row.Counts[to] += n
	if to == status.TaskFailed {
		s.job.failing = true
	}
	c.dirtyStep(s)
}

// handOutAgain queues a touched task that is READY.
func (s *step) handOutAgain(i int64, t *cell) {
	if !t.queued {
		t.queued = true
		heap.Push(&s.again, i)
	}
}

// untouched stands for the cell of a READY task that nobody touched.
var untouched = cell{status: status.TaskReady}

// peek finds the READY task with the lowest index; nil when there is none.
func (c *Core) peek(s *step) (int64, *cell) {
	for len(s.again) > 0 {
		if t := s.cells.get(s.again[0]); t.status != status.TaskReady {
			t.queued = false
			heap.Pop(&s.again)
			continue
		}
		break
	}
	fresh := int64(-1)
	if s.row.Rest == status.TaskReady && s.untouched() > 0 {
		for s.cells.get(s.row.Cursor) != nil {
			s.row.Cursor++
		}
		fresh = s.row.Cursor
	}
	switch {
	case len(s.again) > 0 && (fresh < 0 || s.again[0] < fresh):
		return s.again[0], s.cells.get(s.again[0])
	case fresh >= 0:
		return fresh, &untouched
	default:
		return -1, nil
	}
}

// next takes the READY task with the lowest index out of the queue of its step; the caller assigns it.
func (c *Core) next(s *step) (int64, *cell) {
	i, t := c.peek(s)
	switch {
	case t == nil:
		return -1, nil
	case s.cells.get(i) == t:
		heap.Pop(&s.again)
		t.queued = false
		return i, t
	default:
		s.row.Cursor++
		return i, c.touch(s, i)
	}
}

func (s *step) untouched() int64 { return s.row.Tasks - s.cells.touched }

// taskID is the id of the API: the hex digits of the step and the index.
func (s *step) taskID(i int64) string {
	return "task-" + strings.TrimPrefix(s.id, "step-") + "-" + strconv.FormatInt(i, 10)
}

func (c *Core) taskRow(s *step, i int64, t *cell) row.Task {
	return row.Task{
		JobID:          s.job.row.JobID,
		StepIndex:      s.row.StepIndex,
		TaskIndex:      i,
		Status:         t.status,
		Target:         t.target,
		FailureRetries: t.retries,
		StartedAt:      t.startedAt,
		EndedAt:        t.endedAt,
		UpdatedAt:      t.updatedAt,
		UpdatedBy:      c.names.text(t.updatedBy),
		LatestAction:   t.latestAction(),
		Sweep:          s.row.Sweeps,
	}
}

func (t *cell) latestAction() string {
	if t.action == 0 {
		return ""
	}
	var text [len(actionPrefix) + 32 + 1 + 10]byte
	out := append(text[:0], actionPrefix...)
	out = hex.AppendEncode(out, t.session[:])
	out = append(out, '-')
	return string(strconv.AppendUint(out, uint64(t.action-1), 10))
}

func (t *cell) setLatestAction(id string) error {
	if id == "" {
		t.action = 0
		return nil
	}
	digits, number, _ := strings.Cut(strings.TrimPrefix(id, actionPrefix), "-")
	session, err := hex.DecodeString(digits)
	if err != nil || len(session) != len(t.session) {
		return fmt.Errorf("session action id %q is malformed", id)
	}
	index, err := strconv.ParseUint(number, 10, 31)
	if err != nil {
		return fmt.Errorf("session action id %q: %w", id, err)
	}
	t.session, t.action = [16]byte(session), uint32(index)+1
	return nil
}

const (
	sessionPrefix = "session-"
	actionPrefix  = "sessionaction-"
)

// ActionID is the API's id of an action: the hex digits of its session and its index.
func ActionID(sessionID string, index int64) string {
	return actionPrefix + strings.TrimPrefix(sessionID, sessionPrefix) + "-" + strconv.FormatInt(index, 10)
}
