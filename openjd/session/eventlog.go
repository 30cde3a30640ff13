package session

import (
	"log/slog"
	"sync"
	"time"

	"github.com/farmhand-render/farmhand/openjd/session/process"
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
func (l *eventLog) put(level slog.Level, text string) { l.write(level, FromSession, text) }

// output logs output of a process. mu is held.
func (l *eventLog) output(text string) { l.write(slog.LevelInfo, FromProcess, text) }

func (l *eventLog) write(level slog.Level, origin Origin, text string) {
	if level >= l.level {
		l.send(LogLine{Time: time.Now(), Level: level, Origin: origin, Text: l.secret.apply(text)})
	}
}

// command logs a command line.
func (l *eventLog) command(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.write(slog.LevelInfo, CommandLine, "Command: "+text)
}

// late logs output of processes that their action left in the background.
func (l *eventLog) late(pieces *linePieces, line process.Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	pieces.add(l, line)
}

// send is for callers that hold mu.
func (l *eventLog) send(e Event) {
	if l.emit != nil {
		l.emit(e)
	}
}
