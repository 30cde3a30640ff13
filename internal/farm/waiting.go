package farm

import (
	linked "container/list"
	"context"
	"hash/fnv"
	"strconv"
	"sync"
	"time"

	"github.com/farmhand-render/farmhand/internal/scheduler"
)

// Hold is the wish of one of our own workers that its poll is answered only when there is news, so that it learns of work at once. AWS's
// clients never have it: they are answered at once.
type Hold struct {
	Wait time.Duration // at most
	Seen string        // State of the answer that the worker knows; "" for none
	// State names the answer that the worker gets; the service sets it.
	State string
}

type holdKey struct{}

// WithHold lets a request of ctx be held.
func WithHold(ctx context.Context, h *Hold) context.Context {
	return context.WithValue(ctx, holdKey{}, h)
}

// Waiting is the workers whose polls are held. It is told by the committer ([Waiting.Wake]) whose turn it is.
type Waiting struct {
	longest time.Duration // that a poll is held

	mu     sync.Mutex // guards the fields below
	fleets map[string]*waiters
	closed chan struct{} // closed at the end
}

// waiters is the polls of a farm's fleet that are held.
type waiters struct {
	idle   linked.List // of *waiter, those of workers without a session, in the order in which they came
	worker map[string]*waiter
}

// waiter is one poll.
type waiter struct {
	key    string   // of the fleet
	of     *waiters // of the fleet, even when it is forgotten: two polls of one worker may overlap
	worker string
	news   chan struct{}   // has room for one
	idle   *linked.Element // in idle
	owes   bool            // it was woken for work of the fleet and has not asked since
}

// NewWaiting returns an empty one. longest bounds how long polls are held; 0 holds none.
func NewWaiting(longest time.Duration) *Waiting {
	return &Waiting{longest: longest, fleets: map[string]*waiters{}, closed: make(chan struct{})}
}

// Close answers all held polls and holds no more, once: the service ends.
func (w *Waiting) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.closed:
	default:
		close(w.closed)
	}
}

// Wake lets workers ask again. It is made for committer.Options and never blocks.
func (w *Waiting) Wake(farmID string, wakes []scheduler.Wake) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, wake := range wakes {
		f := w.fleets[farmID+"/"+wake.FleetID]
		switch {
		case f == nil:
		case wake.WorkerID != "":
			if waiting := f.worker[wake.WorkerID]; waiting != nil {
				waiting.wake()
			}
		default:
			f.wake(wake.Workers)
		}
	}
}

// wake wakes up to n workers without a session, those first that wait longest. The lock is held.
func (f *waiters) wake(n int) {
	for ; n > 0 && f.idle.Len() > 0; n-- {
		w := f.idle.Remove(f.idle.Front()).(*waiter)
		w.idle, w.owes = nil, true
		w.wake()
	}
}

func (w *waiter) wake() {
	select {
	case w.news <- struct{}{}:
	default:
	}
}

// enter notes that a poll may be held, before the scheduler is asked: what happens from then on wakes it.
func (w *Waiting) enter(farmID, fleetID, workerID string) *waiter {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := farmID + "/" + fleetID
	f := w.fleets[key]
	if f == nil {
		f = &waiters{worker: map[string]*waiter{}}
		w.fleets[key] = f
	}
	e := &waiter{key: key, of: f, worker: workerID, news: make(chan struct{}, 1)}
	f.worker[workerID] = e // a worker that asks anew has given up its earlier poll
	e.idle = f.idle.PushBack(e)
	return e
}

// asked notes what a poll found: with a session it needs no other work, so what it was woken for goes to the next.
func (w *Waiting) asked(e *waiter, idle bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := e.of
	switch {
	case idle && e.idle == nil:
		e.idle, e.owes = f.idle.PushBack(e), false
	case !idle:
		f.drop(e)
	}
}

// drop takes a poll out of those that wait for work, and passes on what it was woken for.
func (f *waiters) drop(e *waiter) {
	if e.idle != nil {
		f.idle.Remove(e.idle)
		e.idle = nil
	}
	if e.owes {
		e.owes = false
		f.wake(1)
	}
}

func (w *Waiting) leave(e *waiter) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := e.of
	f.drop(e)
	if f.worker[e.worker] == e {
		delete(f.worker, e.worker)
	}
	if len(f.worker) == 0 && f.idle.Len() == 0 && w.fleets[e.key] == f {
		delete(w.fleets, e.key)
	}
}

// held asks the scheduler for a worker, and again when there is news, until the answer is another one than the worker knows.
func (s *Service) held(ctx context.Context, farmID string, poll scheduler.UpdateWorkerSchedule) (*scheduler.Schedule, error) {
	hold, _ := ctx.Value(holdKey{}).(*Hold)
	wait := time.Duration(0)
	if hold != nil {
		wait = min(hold.Wait, s.waiting.longest)
	}
	if wait <= 0 {
		result, err := s.commit(ctx, farmID, poll)
		return result.Schedule, err
	}
	entered := s.waiting.enter(farmID, poll.FleetID, poll.WorkerID)
	defer s.waiting.leave(entered)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		result, err := s.commit(ctx, farmID, poll)
		if err != nil {
			return nil, err
		}
		if hold.State = stateOf(result.Schedule); hold.State != hold.Seen {
			return result.Schedule, nil
		}
		poll.Reports = nil // they were taken
		s.waiting.asked(entered, len(result.Schedule.Sessions) == 0)
		select {
		case <-entered.news:
		case <-timer.C:
			return result.Schedule, nil
		case <-s.waiting.closed:
			return result.Schedule, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// stateOf names what a schedule tells a worker to do: two that tell the same have the same name.
func stateOf(schedule *scheduler.Schedule) string {
	h := fnv.New64a()
	if schedule.Stop {
		h.Write([]byte{'s'})
	}
	for i := range schedule.Sessions {
		session := &schedule.Sessions[i]
		h.Write([]byte(session.SessionID))
		for k := range session.Actions {
			h.Write(strconv.AppendInt(nil, session.Actions[k].ActionIndex, 10))
			h.Write([]byte{','})
		}
		for _, index := range schedule.Cancel[session.SessionID] {
			h.Write(strconv.AppendInt([]byte{'-'}, index, 10))
		}
		h.Write([]byte{';'})
	}
	return strconv.FormatUint(h.Sum64(), 16)
}
