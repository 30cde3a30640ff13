package worker

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	openjd "github.com/farmhand-render/farmhand/openjd/session"
)

// session is one session that the worker holds.
type session struct {
	w       *Worker
	id      string
	queueID string
	jobID   string
	log     *logStream
	refused string        // why no action can run, "" when they can
	closed  chan struct{} // closed when run has returned
	end     context.CancelFunc
	ended   context.Context //nolint:containedctx // the session's own life, which drop ends

	mu          sync.Mutex // protects what follows
	changed     *sync.Cond // queue or over changed
	queue       []deadline.AssignedSessionAction
	known       map[string]bool    // ids that were ever in the queue
	canceled    map[string]bool    // ids that the service wants canceled
	current     string             // id of the action that runs, "" for none
	endCurrent  context.CancelFunc // ends it at once, for the time when the runtime has not begun it yet
	interrupted bool               // the worker drains
	failed      bool               // an action did not succeed: only exits of attempted environments run
	over        bool               // nothing more runs
	runtime     *openjd.Session    // nil until the first action

	attempted []string // environments that were entered or tried, and not exited; run's own
}

func (w *Worker) newSession(id string, assigned *deadline.AssignedSession) *session {
	s := &session{
		w: w, id: id, queueID: assigned.QueueId, jobID: assigned.JobId, closed: make(chan struct{}),
		known: make(map[string]bool), canceled: make(map[string]bool),
		log: newLogStream(w.logs(), &assigned.LogConfiguration, w.config.Logger),
	}
	if assigned.LogConfiguration.Error != nil {
		s.refused = "the session has no log: " + *assigned.LogConfiguration.Error
	}
	s.changed = sync.NewCond(&s.mu)
	s.ended, s.end = context.WithCancel(context.Background())
	return s
}

// assign appends actions that are new.
func (s *session) assign(actions []deadline.AssignedSessionAction) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range actions {
		if !s.known[a.SessionActionId] && !s.w.outbox.finished(a.SessionActionId) {
			s.known[a.SessionActionId] = true
			s.queue = append(s.queue, a)
		}
	}
	s.changed.Broadcast()
}

// cancel cancels the running action when it is among those named; the queued ones will be reported NEVER_ATTEMPTED.
func (s *session) cancel(actionIDs []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range actionIDs {
		s.canceled[id] = true
	}
	if s.current != "" && s.canceled[s.current] {
		s.cancelCurrent(openjd.CancelOptions{})
	}
	s.changed.Broadcast()
}

// interrupt makes the session run nothing but exits of environments.
func (s *session) interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interrupted, s.failed = true, true
	if s.current != "" {
		limit := s.w.config.Grace / 2
		s.cancelCurrent(openjd.CancelOptions{Limit: &limit})
	}
	s.changed.Broadcast()
}

// cancelCurrent cancels the running action by its own method. The caller holds mu.
func (s *session) cancelCurrent(how openjd.CancelOptions) {
	if s.runtime == nil || !s.runtime.Cancel(how) {
		s.endCurrent()
	}
}

// drop ends the session with all its processes and waits for that.
func (s *session) drop(ctx context.Context) {
	s.mu.Lock()
	s.over = true
	runtime := s.runtime
	s.changed.Broadcast()
	s.mu.Unlock()
	s.end()
	if runtime != nil {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		if err := runtime.Close(closing); err != nil {
			s.w.config.Logger.LogAttrs(ctx, slog.LevelError, "a session could not be ended cleanly",
				slog.String("session_id", s.id), slog.String("error", err.Error()))
		}
	}
	<-s.closed
}

// run runs actions as they are assigned until the session is dropped.
func (s *session) run(living context.Context) {
	defer close(s.closed)
	defer s.log.close(living)
	job := s.newJob()
	defer job.release()
	for {
		action, skip, ok := s.next()
		if !ok {
			return
		}
		if skip != "" {
			s.report(action.SessionActionId, deadline.UpdatedSessionActionInfo{
				CompletedStatus: deadline.CompletedStatusNeverAttempted, ProgressMessage: clip(skip),
			})
			continue
		}
		s.perform(living, job, action)
	}
}

// next waits for the next action. skip says why it must not be attempted, "" when it must.
func (s *session) next() (action deadline.AssignedSessionAction, skip string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) == 0 && !s.over {
		s.changed.Wait()
	}
	if s.over {
		return action, "", false
	}
	action, s.queue = s.queue[0], s.queue[1:]
	exit := action.Definition.EnvExit
	switch {
	case s.canceled[action.SessionActionId]:
		return action, "canceled before it began", true
	case exit != nil && !slices.Contains(s.attempted, exit.EnvironmentId):
		return action, "the environment was not entered", true
	case exit == nil && s.interrupted:
		return action, "the worker is being stopped", true
	case exit == nil && s.failed:
		return action, "an earlier action of the session did not succeed", true
	}
	return action, "", true
}

// enter makes an action the current one. The context ends when the action must, before its runtime knows of it.
func (s *session) enter(action *deadline.AssignedSessionAction) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(s.ended)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current, s.endCurrent = action.SessionActionId, cancel
	if s.canceled[s.current] || s.interrupted && action.Definition.EnvExit == nil {
		cancel() // between next and here
	}
	return ctx, cancel
}

// perform runs one action and reports how it ended.
func (s *session) perform(living context.Context, job *jobContext, action deadline.AssignedSessionAction) {
	started := time.Now()
	s.w.outbox.put(action.SessionActionId, progress(started, nil, ""), false)
	s.log.session("==== " + describe(&action.Definition) + " ====")
	job.watch(action.SessionActionId, started)
	ctx, cancel := s.enter(&action)
	defer cancel()
	result, err := s.execute(ctx, living, job, &action)
	if ctx.Err() != nil && err != nil {
		result = openjd.Result{Status: openjd.Canceled, Reason: "canceled before it began", Started: started, Ended: time.Now()}
	} else if err != nil {
		now := time.Now()
		result = openjd.Result{Status: openjd.Failed, Reason: err.Error(), Started: started, Ended: now}
		s.log.session(err.Error())
	}
	s.log.session(fmt.Sprintf("==== %s: %s ====", describe(&action.Definition), result.Status))
	s.mu.Lock()
	s.current, s.endCurrent = "", nil
	interrupted := s.interrupted
	exit := action.Definition.EnvExit
	if result.Status != openjd.Succeeded && exit == nil {
		s.failed = true
	}
	if exit != nil {
		s.attempted = slices.DeleteFunc(s.attempted, func(id string) bool { return id == exit.EnvironmentId })
	}
	over := s.over
	s.mu.Unlock()
	if !over {
		s.report(action.SessionActionId, final(&result, interrupted))
	}
}

// final is the report of an action that is over.
func final(r *openjd.Result, interrupted bool) deadline.UpdatedSessionActionInfo {
	now := time.Now()
	info := deadline.UpdatedSessionActionInfo{
		StartedAt: &r.Started, EndedAt: &r.Ended, UpdatedAt: &now, ProgressMessage: clip(r.Message()),
	}
	switch r.Status {
	case openjd.Succeeded:
		info.CompletedStatus = deadline.CompletedStatusSucceeded
		info.ProgressPercent = new(float32(100))
	case openjd.Canceled:
		info.CompletedStatus = deadline.CompletedStatusCanceled
		if interrupted {
			info.CompletedStatus = deadline.CompletedStatusInterrupted
		}
	default:
		info.CompletedStatus = deadline.CompletedStatusFailed
	}
	if r.ExitCode != nil {
		info.ProcessExitCode = new(int32(*r.ExitCode))
	}
	return info
}

// report files the final word on an action. A poll is made at once when the service has something to decide: the action did not
// succeed, or the session has nothing left to do.
func (s *session) report(actionID string, info deadline.UpdatedSessionActionInfo) {
	s.mu.Lock()
	idle := len(s.queue) == 0
	s.mu.Unlock()
	s.w.outbox.put(actionID, info, idle || info.CompletedStatus != deadline.CompletedStatusSucceeded)
}

// describe names an action for the log.
func describe(d *deadline.AssignedSessionActionDefinition) string {
	switch {
	case d.EnvEnter != nil:
		return "Entering environment " + d.EnvEnter.EnvironmentId
	case d.EnvExit != nil:
		return "Exiting environment " + d.EnvExit.EnvironmentId
	case d.TaskRun != nil && d.TaskRun.TaskId != nil:
		return "Running " + *d.TaskRun.TaskId
	case d.TaskRun != nil:
		return "Running tasks of " + d.TaskRun.StepId
	case d.SyncInputJobAttachments != nil:
		return "Synchronising job attachments"
	default:
		return "Unknown action " + d.UnknownMember
	}
}
