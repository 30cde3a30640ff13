package session

import (
	"encoding/json"
	"log/slog"
	"time"

	"github.com/farmhand-render/farmhand/openjd/session/process"
)

// stopper stops one process, by notification first when there is a period for it.
type stopper struct {
	run     *run
	process *process.Process
	notify  time.Duration

	status Status // why, "" while nobody wants a stop
	reason string
	end    time.Time   // when the process is killed, zero before a notification
	timer  *time.Timer // fires at end
	kill   <-chan time.Time
	killed bool
}

// because records a wish to stop. A cancelation beats a timeout, and a failed directive beats both: it says that the job is wrong. A
// repeated wish can only bring the end nearer.
func (s *stopper) because(status Status, reason string, limit *time.Duration) {
	if rank(status) > rank(s.status) {
		s.status, s.reason = status, reason
		s.run.session.log.line(slog.LevelInfo, "Stopping the action: "+reason)
	}
	period := s.notify
	if limit != nil {
		period = min(period, max(*limit, 0))
	}
	end := time.Now().Add(period)
	switch {
	case s.killed, !s.end.IsZero() && !end.Before(s.end):
	case period == 0:
		s.killNow()
	default:
		s.notifyUntil(end)
	}
}

func rank(status Status) int {
	switch status {
	case TimedOut:
		return 1
	case Canceled:
		return 2
	case Failed:
		return 3
	}
	return 0
}

// cancelTimeFormat is ISO 8601 in UTC, to the second.
const cancelTimeFormat = "2006-01-02T15:04:05Z"

// notifyUntil tells the process until when it has to end.
func (s *stopper) notifyUntil(end time.Time) {
	s.end = end
	content, err := json.Marshal(map[string]string{"NotifyEnd": end.UTC().Format(cancelTimeFormat)})
	if err == nil {
		err = s.run.session.files.write(cancelFileName, content, 0o600)
	}
	if err != nil {
		s.run.session.log.line(slog.LevelWarn, err.Error())
	}
	if err := s.process.Terminate(); err != nil {
		s.run.session.log.line(slog.LevelWarn, "The process could not be notified: "+err.Error())
	}
	s.close()
	s.timer = time.NewTimer(time.Until(end))
	s.kill = s.timer.C
}

func (s *stopper) killNow() {
	s.killed = true
	s.kill = nil
	if err := s.process.Kill(); err != nil {
		s.run.session.log.line(slog.LevelError, err.Error())
	}
}

func (s *stopper) close() {
	if s.timer != nil {
		s.timer.Stop()
	}
}

// result tells how the action ended. A fatal directive on the last line counts, even when the process ended before it was stopped.
func (s *stopper) result(exit process.Exit) Result {
	select {
	case e := <-s.run.fatal:
		s.status, s.reason = Failed, e.Error()
	default:
	}
	code := exit.Code
	if exit.SignalNumber != 0 {
		code = -exit.SignalNumber
	}
	result := Result{Status: s.status, Reason: s.reason, ExitCode: &code}
	switch {
	case s.status != "":
	case exit.Success():
		result.Status = Succeeded
	default:
		result.Status, result.Reason = Failed, describeExit(exit)
	}
	return result
}
