package session

import (
	"log/slog"
	"sync"
	"time"
)

// eventLog hands events to the caller, one at a time and redacted.
type eventLog struct {
	// mu guards everything, and is held while emit runs: events come from the session and from the output of several processes, and the
	// caller was promised one at a time. emit must not call back.
	mu     sync.Mutex
	emit   func(Event)
	level  slog.Level
	secret redactor
}

func (l *eventLog) line(level slog.Level, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.put(level, text)
}

// put is line for callers that hold mu.
func (l *eventLog) put(level slog.Level, text string) {
	if level >= l.level {
		l.send(LogLine{Time: time.Now(), Level: level, Text: l.secret.apply(text)})
	}
}

// send is for callers that hold mu.
func (l *eventLog) send(e Event) {
	if l.emit != nil {
		l.emit(e)
	}
}
