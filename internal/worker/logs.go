package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/logsclient"
)

// The limits of PutLogEvents, and how much is held while the log service cannot be reached.
const (
	maxBatchBytes  = 1_000_000
	maxBatchEvents = 10_000
	eventOverhead  = 26
	maxEventBytes  = 256_000 - eventOverhead
	maxHeldBytes   = 32 << 20
	flushEvery     = time.Second
	closeTimeout   = 5 * time.Second
	sendTimeout    = 30 * time.Second
)

// logStream sends lines to one log stream, in the background and in order. When too much is held, new lines are dropped and counted.
type logStream struct {
	client        *logsclient.Client
	group, stream string
	logger        *slog.Logger
	full          chan struct{} // has one element when a batch is worth sending at once
	stop          chan struct{} // closed when no more lines come
	done          chan struct{} // closed when the sender has ended

	mu      sync.Mutex // protects what follows
	events  []logsclient.Event
	bytes   int
	dropped int
	last    int64 // time stamps never go back
	closed  bool
}

func newLogStream(client *logsclient.Client, c *deadline.LogConfiguration, logger *slog.Logger) *logStream {
	l := &logStream{
		client: client, logger: logger,
		full: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	if c != nil {
		l.group, l.stream = c.Options["logGroupName"], c.Options["logStreamName"]
	}
	if l.group == "" || l.stream == "" {
		l.closed = true
		close(l.done)
		return l
	}
	go l.send()
	return l
}

// session writes a line of the worker itself into a session's log.
func (l *logStream) session(text string) { l.add(time.Now(), text) }

// json writes a document into the worker's log, and the worker's own logger.
func (l *logStream) json(ctx context.Context, level slog.Level, message string, fields map[string]any) {
	fields["level"], fields["message"] = level.String(), message
	text, err := json.Marshal(fields)
	if err != nil {
		l.logger.LogAttrs(ctx, slog.LevelError, "a log line could not be encoded", slog.String("error", err.Error()))
		return
	}
	l.add(time.Now(), string(text))
}

// add takes one line. Long lines are split, empty ones kept as a blank.
func (l *logStream) add(at time.Time, text string) {
	if text == "" {
		text = " "
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.last = max(l.last, at.UnixMilli())
	for text != "" {
		part := text
		if len(part) > maxEventBytes {
			part = part[:maxEventBytes]
			for !utf8.ValidString(part) && len(part) > maxEventBytes-utf8.UTFMax {
				part = part[:len(part)-1]
			}
		}
		text = text[len(part):]
		if l.bytes+len(part) > maxHeldBytes {
			l.dropped++
			continue
		}
		l.events = append(l.events, logsclient.Event{Timestamp: l.last, Message: part})
		l.bytes += len(part) + eventOverhead
	}
	if l.bytes >= maxBatchBytes/2 {
		select {
		case l.full <- struct{}{}:
		default:
		}
	}
}

// batch gives the lines of the next request.
func (l *logStream) batch() []logsclient.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dropped > 0 && len(l.events) == 0 {
		note := fmt.Sprintf("%d lines were dropped while the log service could not be reached", l.dropped)
		l.events = append(l.events, logsclient.Event{Timestamp: l.last, Message: note})
		l.bytes += len(note) + eventOverhead
		l.dropped = 0
	}
	n, size := 0, 0
	for n < len(l.events) && n < maxBatchEvents {
		size += len(l.events[n].Message) + eventOverhead
		if size > maxBatchBytes && n > 0 {
			break
		}
		n++
	}
	return l.events[:n:n]
}

// sent forgets the lines of a batch.
func (l *logStream) sent(batch []logsclient.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range batch {
		l.bytes -= len(e.Message) + eventOverhead
	}
	l.events = l.events[len(batch):]
}

// send sends until the stream is closed and nothing is held, or the last try failed.
func (l *logStream) send() {
	defer close(l.done)
	ticker := time.NewTicker(flushEvery)
	defer ticker.Stop()
	for {
		select {
		case <-l.full:
		case <-ticker.C:
		case <-l.stop:
			ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
			defer cancel()
			for !l.flush(ctx) && wait(ctx, firstPause) {
			}
			return
		}
		l.flush(context.Background())
	}
}

// flush sends what is held and says whether all of it was taken.
func (l *logStream) flush(ctx context.Context) bool {
	for batch := l.batch(); len(batch) > 0; batch = l.batch() {
		sending, cancel := context.WithTimeout(ctx, sendTimeout)
		err := l.client.PutLogEvents(sending, &logsclient.PutLogEventsInput{LogGroupName: l.group, LogStreamName: l.stream, LogEvents: batch})
		cancel()
		if err != nil {
			l.logger.LogAttrs(ctx, slog.LevelWarn, "a log could not be sent", slog.String("stream", l.stream), slog.String("error", err.Error()))
			return false
		}
		l.sent(batch)
	}
	return true
}

// close sends what is held and ends the sender.
func (l *logStream) close(context.Context) {
	l.mu.Lock()
	closed := l.closed
	l.closed = true
	l.mu.Unlock()
	if !closed {
		close(l.stop)
	}
	<-l.done
}
