package farm

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
)

// heldPoll is a poll that is held for an hour unless there is news: a test that ends has seen it.
type heldPoll struct {
	*testWorker
	hold *Hold
	done chan error
	stop context.CancelFunc
}

// hold polls and returns while the poll is held.
func (w *testWorker) hold(seen string, u updates) *heldPoll {
	w.t.Helper()
	ctx, stop := context.WithCancel(w.t.Context())
	p := &heldPoll{testWorker: w, hold: &Hold{Wait: time.Hour, Seen: seen}, done: make(chan error, 1), stop: stop}
	go func() {
		out, err := w.service.UpdateWorkerSchedule(WithHold(ctx, p.hold), &deadline.UpdateWorkerScheduleInput{
			FarmId: w.farmID, FleetId: w.fleetID, WorkerId: w.id, UpdatedSessionActions: u,
		})
		w.answer = out
		p.done <- err
	}()
	return p
}

// wait returns the state that the answer named.
func (p *heldPoll) wait() string {
	p.t.Helper()
	if err := <-p.done; err != nil {
		p.t.Fatal(err)
	}
	return p.hold.State
}

// waiting returns once n polls of a fleet are held by workers without a session.
func (r *renderFarm) waiting(n int) {
	for {
		r.service.waiting.mu.Lock()
		f := r.service.waiting.fleets[r.farmID+"/"+r.fleetID]
		held := f != nil && f.idle.Len() == n
		r.service.waiting.mu.Unlock()
		if held {
			return
		}
		runtime.Gosched()
	}
}

// TestHeldPoll: an idle worker that lets its poll be held is answered as soon as there is work, one that works as soon as what it holds
// changes, and a worker that does not ask for it at once.
func TestHeldPoll(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	w := r.join()
	idle := w.hold("", nil).wait() // it did not know that there is nothing
	if len(w.answer.AssignedSessions) != 0 {
		t.Fatalf("an empty farm gave %v", w.queued())
	}
	poll := w.hold(idle, nil)
	r.waiting(1)
	job := r.submit(framesTemplate)
	working := poll.wait()
	if got := w.queued(); !slices.Equal(got, []string{"taskRun 0"}) || working == idle {
		t.Fatalf("the held poll was answered with %v", got)
	}
	// It works; a cancel reaches it at once.
	w.start("taskRun 0")
	poll = w.hold(working, nil)
	r.aim(job, deadline.JobTargetTaskRunStatusCanceled)
	canceling := poll.wait()
	id, _ := w.held()
	if len(w.answer.CancelSessionActions[id]) != 1 {
		t.Fatalf("the cancel did not come: %v", w.answer)
	}
	// What it reports is taken although nothing new is to be told; the answer says that nothing is left.
	u := updates{w.action("taskRun 0"): w.ended(w.action("taskRun 0"), deadline.CompletedStatusCanceled)}
	if after := w.hold(canceling, u).wait(); after != idle {
		t.Errorf("the state without a session is %s, was %s", after, idle)
	}
	r.wantStatus(job, deadline.TaskRunStatusCanceled)
	// An operator who stops the worker is heard, too.
	poll = w.hold(idle, nil)
	r.waiting(1)
	w.update(deadline.UpdatedWorkerStatusStopped)
	_ = fails[*deadline.ConflictException](t, <-poll.done)
}

// TestWakeReachesOneWorkerForOneTask: of many workers that wait only as many are woken as there is work for, those that wait
// longest; one that has gone is passed over.
func TestWakeReachesOneWorkerForOneTask(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	var polls []*heldPoll

	for range 3 {
		w := r.join()
		idle := w.hold("", nil).wait()
		polls = append(polls, w.hold(idle, nil))
		r.waiting(len(polls))
	}
	polls[0].stop()
	if err := <-polls[0].done; err == nil {
		t.Fatal("a poll whose caller had gone was answered")
	}
	r.waiting(2)
	r.submit(hungryTemplate) // nobody can run it
	r.submit(chainTemplate)  // two tasks
	for _, p := range polls[1:] {
		p.wait()
		if got := p.queued(); len(got) != 1 {
			t.Errorf("a worker got %v", got)
		}
	}
}

// TestEndAnswersHeldPolls: the end of the service does not wait for polls that are held.
func TestEndAnswersHeldPolls(t *testing.T) {
	t.Parallel()
	r := openRenderFarm(t)
	w := r.join()
	poll := w.hold(w.hold("", nil).wait(), nil)
	r.waiting(1)
	r.service.waiting.Close()
	poll.wait()
	if w.hold(poll.hold.State, nil).wait() != poll.hold.State { // nor does the next
		t.Error("the answer changed")
	}
	if len(r.service.waiting.fleets) != 0 {
		t.Error("polls are left over")
	}
}

// TestWakesArePassedOn: a worker that is woken for work of its fleet but has got other work meanwhile lets the next have its turn.
func TestWakesArePassedOn(t *testing.T) {
	t.Parallel()
	w := NewWaiting(time.Hour)
	first, second := w.enter("farm", "fleet", "a"), w.enter("farm", "fleet", "b")
	woken := func(e *waiter) bool {
		select {
		case <-e.news:
			return true
		default:
			return false
		}
	}
	w.Wake("farm", []scheduler.Wake{{FleetID: "fleet", Workers: 1}, {FleetID: "other", Workers: 5}})
	if !woken(first) || woken(second) {
		t.Fatal("the first is woken, nobody else")
	}
	w.asked(first, false)
	if !woken(second) {
		t.Fatal("its turn went to nobody")
	}
	w.asked(second, true)
	w.Wake("farm", []scheduler.Wake{{FleetID: "fleet", WorkerID: "a"}})
	if !woken(first) || woken(second) {
		t.Fatal("a worker is woken by name")
	}
	w.leave(first)
	w.leave(second)
	if len(w.fleets) != 0 {
		t.Error("polls are left over")
	}
}

// TestOverlappingPollsOfOneWorker: a worker that works and asks anew while its earlier poll is still held leaves twice, whoever came meanwhile.
func TestOverlappingPollsOfOneWorker(t *testing.T) {
	t.Parallel()
	for _, others := range []int{0, 1} {
		w := NewWaiting(time.Hour)
		first := w.enter("farm", "fleet", "worker")
		w.asked(first, false)
		second := w.enter("farm", "fleet", "worker")
		w.asked(second, false)
		w.leave(second)
		var waiting []*waiter
		for range others {
			waiting = append(waiting, w.enter("farm", "fleet", "other"))
		}
		w.leave(first)
		w.Wake("farm", []scheduler.Wake{{FleetID: "fleet", Workers: others}})
		for _, e := range waiting {
			select {
			case <-e.news:
			default:
				t.Error("the end of an old poll took away one that waits")
			}
			w.leave(e)
		}
		if len(w.fleets) != 0 {
			t.Errorf("%d fleets are left", len(w.fleets))
		}
	}
}
