package schedtest

import (
	"errors"
	"math/rand/v2"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// agent is a worker that follows the protocol, as well as it can while its messages get lost.
type agent struct {
	id, fleet string
	online    bool // as it believes
	session   string
	queue     []*work
	failed    bool                     // an action of the session did not succeed
	told      bool                     // to stop
	reports   []scheduler.ActionReport // not confirmed yet
	sent      []scheduler.ActionReport // confirmed, lately
}

// work is an action that the agent knows of.
type work struct {
	index   int64
	kind    row.ActionKind
	started int64
	over    bool
	cancel  bool
}

// step does a little of what is queued.
func (a *agent) step(r *rand.Rand, now int64, faulty bool) {
	for _, w := range a.queue {
		if w.over {
			continue
		}
		if w.started == 0 && w.kind != row.ActionEnvExit && (a.failed || w.cancel) {
			w.over = true
			a.say(w, status.ActionNeverAttempted, 0)
			continue
		}
		if w.started == 0 {
			w.started = now
			if r.IntN(3) > 0 {
				a.say(w, status.ActionNone, 0)
				return
			}
		}
		a.finish(r, w, now, faulty)
		if r.IntN(2) == 0 {
			return
		}
	}
}

func (a *agent) finish(r *rand.Rand, w *work, now int64, faulty bool) {
	w.over = true
	result := status.ActionSucceeded
	switch chance := r.IntN(20); {
	case w.cancel && chance > 2: // now and then it is done before the cancel arrives
		result = status.ActionCanceled
	case faulty && chance < 3:
		result = status.ActionFailed
	case faulty && chance == 3:
		result = status.ActionInterrupted
	}
	if result != status.ActionSucceeded && w.kind != row.ActionEnvExit {
		a.failed = true
	}
	a.say(w, result, now)
}

func (a *agent) say(w *work, result status.Action, ended int64) {
	report := scheduler.ActionReport{SessionID: a.session, ActionIndex: w.index, Completed: result, UpdatedAt: ended}
	if result != status.ActionNeverAttempted {
		report.StartedAt, report.EndedAt = w.started, ended
	}
	a.reports = append(a.reports, report)
}

// learn takes over an answer.
func (a *agent) learn(answer *scheduler.Schedule) error {
	if len(a.reports) > 0 {
		a.sent = a.reports
	}
	a.reports = nil
	if a.told = answer.Stop; a.told && len(answer.Sessions) > 0 {
		return errors.New("a worker is told to stop while it has a session")
	}
	if len(answer.Sessions) == 0 {
		a.session, a.queue, a.failed = "", nil, false
		return nil
	}
	if len(answer.Sessions) > 1 {
		return errors.New("a worker got two sessions")
	}
	s := answer.Sessions[0]
	if len(s.Actions) == 0 {
		return errors.New("a session was assigned without actions")
	}
	if s.SessionID != a.session {
		a.session, a.queue, a.failed = s.SessionID, nil, false
	}
	for _, action := range s.Actions {
		if a.known(action.ActionIndex) == nil {
			a.queue = append(a.queue, &work{index: action.ActionIndex, kind: action.Kind})
		}
	}
	for _, index := range answer.Cancel[s.SessionID] {
		if w := a.known(index); w != nil {
			w.cancel = true
		}
	}
	return nil
}

func (a *agent) known(index int64) *work {
	for _, w := range a.queue {
		if w.index == index {
			return w
		}
	}
	return nil
}

// reset forgets all work, as a restarted worker has.
func (a *agent) reset() {
	a.online, a.session, a.queue, a.failed, a.told, a.reports = false, "", nil, false, false, nil
}
