package worker

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/openjd/session"
)

// jobSession is one session that the service has given to the worker.
type jobSession struct {
	a       *agent
	id      string
	queueID string
	jobID   string
	log     *logStream
	refused string // why no action can run, "" when they can
	wake    chan struct{}

	job       *jobContext // run's own
	attempted []string    // environments that were tried and not exited; run's own
	entered   []string    // those of them that the runtime knows; run's own

	mu      sync.Mutex // guards the fields below; wake is poked when they change
	mode    mode
	queue   []deadline.AssignedSessionAction
	known   map[string]bool // ids that were delivered and may be again; true when done
	cancels map[string]bool // ids that the service wants canceled
	failed  bool            // an action did not succeed
	current *attempt        // the action that runs
	runtime *session.Session
}

// mode is what a session may still do. It only goes up.
type mode int

const (
	serving  mode = iota
	draining      // exit environments; the worker is to stop
	settling      // report the rest as never attempted, then end
	over          // end, and report nothing: the service does not hold the session any more
)

// attempt is the running of one action.
type attempt struct {
	id      string
	exit    bool // it exits an environment
	started time.Time
	stop    context.CancelFunc
	cause   deadline.CompletedStatus // CANCELED or INTERRUPTED once that is wanted
}

func newJobSession(a *agent, id string, assigned *deadline.AssignedSession) *jobSession {
	s := &jobSession{
		a: a, id: id, queueID: assigned.QueueId, jobID: assigned.JobId, log: a.logs.open(&assigned.LogConfiguration),
		wake: make(chan struct{}, 1), known: map[string]bool{}, cancels: map[string]bool{},
	}
	s.job = newJobContext(s)
	if failure := assigned.LogConfiguration.Error; failure != nil {
		s.refused = "the session has no log: " + *failure
	}
	return s
}

// assign appends the actions that are new. A done action that is not listed any more will not be listed again.
func (s *jobSession) assign(actions []deadline.AssignedSessionAction) {
	s.mu.Lock()
	defer s.mu.Unlock()
	listed := make(map[string]bool, len(actions))
	for _, action := range actions {
		id := action.SessionActionId
		listed[id] = true
		if _, ok := s.known[id]; !ok {
			s.known[id] = false
			s.queue = append(s.queue, action)
		}
	}
	for id, done := range s.known {
		if done && !listed[id] {
			delete(s.known, id)
			delete(s.cancels, id)
		}
	}
	poke(s.wake)
}

// cancel cancels the running action if it is named. Queued ones are reported as never attempted when their turn comes, which is after the
// running one.
func (s *jobSession) cancel(ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if _, ok := s.known[id]; ok {
			s.cancels[id] = true
		}
	}
	if s.current != nil && s.cancels[s.current.id] {
		s.stopCurrent(deadline.CompletedStatusCanceled, nil)
	}
	poke(s.wake)
}

// drain makes the session run nothing but exits of environments. limit bounds the notification period of an action that is interrupted.
func (s *jobSession) drain(limit time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mode = max(s.mode, draining)
	if s.current != nil && !s.current.exit {
		s.stopCurrent(deadline.CompletedStatusInterrupted, &limit)
	}
	poke(s.wake)
}

// settle kills what runs and ends the session with a report of everything.
func (s *jobSession) settle() { s.finish(settling) }

// end kills what runs and ends the session without a word.
func (s *jobSession) end() { s.finish(over) }

func (s *jobSession) finish(m mode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mode = max(s.mode, m)
	s.stopCurrent(deadline.CompletedStatusInterrupted, new(time.Duration))
	poke(s.wake)
}

// stopCurrent stops the running action. s.mu is held.
func (s *jobSession) stopCurrent(cause deadline.CompletedStatus, limit *time.Duration) {
	if s.current == nil {
		return
	}
	if s.current.cause == "" {
		s.current.cause = cause
	}
	if s.runtime == nil || !s.runtime.Cancel(session.CancelOptions{Limit: limit}) {
		s.current.stop() // it is being prepared, or just over
	}
}

// run runs actions as they come until the session ends.
func (s *jobSession) run(living context.Context) {
	defer s.close(living)
	for {
		action, skip, ok := s.next()
		switch {
		case !ok:
			return
		case skip != "":
			s.report(living, action.SessionActionId, deadline.UpdatedSessionActionInfo{
				CompletedStatus: deadline.CompletedStatusNeverAttempted, ProgressMessage: clip(skip),
			})
		default:
			s.perform(living, &action)
		}
	}
}

// next waits for the next action. skip says why it is not attempted, "" when it is. ok is false when the session ends.
func (s *jobSession) next() (action deadline.AssignedSessionAction, skip string, ok bool) {
	for {
		s.mu.Lock()
		if s.mode == over || s.mode == settling && len(s.queue) == 0 {
			s.mu.Unlock()
			return action, "", false
		}
		if len(s.queue) > 0 {
			action, s.queue = s.queue[0], s.queue[1:]
			skip = s.reasonToSkip(&action)
			s.mu.Unlock()
			return action, skip, true
		}
		s.mu.Unlock()
		<-s.wake
	}
}

// reasonToSkip says why an action must not be attempted. After an action that did not succeed only environments that were tried are
// exited. s.mu is held.
func (s *jobSession) reasonToSkip(action *deadline.AssignedSessionAction) string {
	exit := action.Definition.EnvExit
	switch {
	case s.cancels[action.SessionActionId]:
		return "canceled before it began"
	case s.mode == settling, s.mode == draining && exit == nil:
		return "the worker is being stopped"
	case exit != nil && !slices.Contains(s.attempted, exit.EnvironmentId):
		return "the environment was not entered"
	case exit == nil && s.failed:
		return "an earlier action of the session did not succeed"
	}
	return ""
}

// perform runs one action and reports how it ended.
func (s *jobSession) perform(living context.Context, action *deadline.AssignedSessionAction) {
	ctx, stop := context.WithCancel(living)
	defer stop()
	now := &attempt{id: action.SessionActionId, exit: action.Definition.EnvExit != nil, started: time.Now(), stop: stop}
	s.mu.Lock()
	s.current = now
	if s.cancels[now.id] || s.mode >= settling || s.mode == draining && !now.exit {
		stop() // wanted between next and here
		now.cause = deadline.CompletedStatusInterrupted
		if s.cancels[now.id] {
			now.cause = deadline.CompletedStatusCanceled
		}
	}
	s.mu.Unlock()
	s.a.reports.begin(now.id, now.started)

	outcome := s.execute(ctx, action)
	s.mu.Lock()
	s.current = nil
	info := outcome.info(now)
	s.failed = s.failed || info.CompletedStatus != deadline.CompletedStatusSucceeded
	s.mu.Unlock()
	s.report(living, now.id, info)
}

// report files the final word on an action, unless the service does not want it any more.
func (s *jobSession) report(ctx context.Context, id string, info deadline.UpdatedSessionActionInfo) {
	s.mu.Lock()
	s.known[id] = true
	unwanted := s.mode == over
	s.mu.Unlock()
	if unwanted {
		return
	}
	if err := s.a.reports.finish(id, info); err != nil {
		s.a.log.LogAttrs(ctx, slog.LevelError, "results are not kept on disk", slog.Any("error", err))
	}
}

// closePatience bounds how long ending the processes of a session may take.
const closePatience = 30 * time.Second

// close ends the session's processes and gives up what it used.
func (s *jobSession) close(living context.Context) {
	s.mu.Lock()
	runtime := s.runtime
	s.mu.Unlock()
	if runtime != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(living), closePatience)
		defer cancel()
		if err := runtime.Close(ctx); err != nil {
			s.a.log.LogAttrs(living, slog.LevelError, "a session could not be ended cleanly",
				slog.String("session_id", s.id), slog.Any("error", err))
		}
	}
	s.job.release(living)
	s.log.close()
}
