package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/logsclient"
)

// The limits of PutLogEvents, and how much is held while the log service is away: by one stream, and by all together.
const (
	maxBatchBytes  = 1 << 20
	maxBatchEvents = 10_000
	maxBatchSpan   = 24 * time.Hour
	eventOverhead  = 26
	maxEventBytes  = 256_000 - eventOverhead
	maxStreamBytes = 16 << 20
	maxHeldBytes   = 64 << 20
)

// shipper sends logs in the background, each stream in order.
type shipper struct {
	sink  logSink
	log   *slog.Logger // local only: a log about logs must not be sent with them
	every time.Duration
	held  atomic.Int64

	closing  chan struct{} // closed when the worker ends
	patience time.Duration // how long the last lines may take; set before closing is closed
	streams  sync.WaitGroup
}

func newShipper(cfg *Config, sink logSink) *shipper {
	return &shipper{sink: sink, log: cfg.Logger, every: cfg.FlushEvery, closing: make(chan struct{})}
}

// logsEndpoint is where logs go: the endpoint of the logs service, else the one of everything, else AWS's.
func logsEndpoint(cfg *Config) string {
	if named := os.Getenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"); named != "" {
		return named
	}
	if cfg.AWS.BaseEndpoint != nil {
		return *cfg.AWS.BaseEndpoint
	}
	return fmt.Sprintf("https://logs.%s.amazonaws.com", cfg.AWS.Region)
}

// open starts a stream. It is to be closed, by itself or with the shipper. A configuration that names no stream gives one that keeps
// nothing.
func (s *shipper) open(c *deadline.LogConfiguration) *logStream {
	l := &logStream{
		shipper: s, group: c.Options["logGroupName"], name: c.Options["logStreamName"],
		wake: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	l.room.L = &l.mu
	if l.group == "" || l.name == "" {
		l.closed = true
		return l
	}
	s.streams.Go(l.run)
	return l
}

// close sends what is held, within the patience, and ends all streams.
func (s *shipper) close(patience time.Duration) {
	s.patience = patience
	close(s.closing)
	s.streams.Wait()
}

// logStream sends lines to one log stream.
type logStream struct {
	shipper     *shipper
	group, name string
	wake        chan struct{} // has an element when there is something to send
	stop        chan struct{} // closed by close

	mu      sync.Mutex // guards the fields below
	room    sync.Cond  // bytes, away or closed has changed
	events  []logsclient.Event
	bytes   int
	dropped int
	last    int64 // time stamps never go back
	away    bool  // the last request failed
	closed  bool
}

// line writes a line of the worker.
func (l *logStream) line(text string) { l.add(time.Now(), text) }

// add takes one line. Long lines are split, empty ones kept as a blank, because an event cannot be empty. When too much is held lines are
// dropped and counted.
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
		part := cut(text)
		text = text[len(part):]
		l.hold(part)
	}
	poke(l.wake)
}

// addSlowly is add for output: while the log service takes lines, but not as fast as a job writes them, it waits for room, and so does the
// job. Lines are dropped only when the service is away.
func (l *logStream) addSlowly(at time.Time, text string) {
	l.mu.Lock()
	for l.bytes+len(text) > maxStreamBytes/2 && !l.away && !l.closed {
		l.room.Wait()
	}
	l.mu.Unlock()
	l.add(at, text)
}

// hold queues one event. l.mu is held.
func (l *logStream) hold(text string) {
	size := len(text) + eventOverhead
	if l.bytes+size > maxStreamBytes || l.shipper.held.Load() > maxHeldBytes {
		l.dropped++
		return
	}
	if l.dropped > 0 {
		notice := fmt.Sprintf("%d lines were dropped here: the log service could not be reached", l.dropped)
		l.dropped = 0
		l.push(notice)
	}
	l.push(text)
}

func (l *logStream) push(text string) {
	size := len(text) + eventOverhead
	l.events = append(l.events, logsclient.Event{Timestamp: l.last, Message: text})
	l.bytes += size
	l.shipper.held.Add(int64(size))
}

// cut returns as much of text as an event can hold, whole characters.
func cut(text string) string {
	if len(text) <= maxEventBytes {
		return text
	}
	end := maxEventBytes
	for end > maxEventBytes-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// batch gives the events of the next request.
func (l *logStream) batch() []logsclient.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, size := 0, 0
	for n < len(l.events) && n < maxBatchEvents {
		size += len(l.events[n].Message) + eventOverhead
		if size > maxBatchBytes || l.events[n].Timestamp-l.events[0].Timestamp >= maxBatchSpan.Milliseconds() {
			break
		}
		n++
	}
	return l.events[:n:n]
}

// sent forgets the events of a batch.
func (l *logStream) sent(batch []logsclient.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	size := 0
	for _, e := range batch {
		size += len(e.Message) + eventOverhead
	}
	l.bytes -= size
	l.shipper.held.Add(-int64(size))
	l.away = false
	l.room.Broadcast()
	if l.events = l.events[len(batch):]; len(l.events) == 0 {
		l.events = nil // give the memory back
		if l.dropped > 0 {
			l.push(fmt.Sprintf("%d lines were dropped here: the log service could not be reached", l.dropped))
			l.dropped = 0
		}
	}
}

// run sends until the stream is closed and all is sent. While the log service is away it goes on trying, until the worker ends.
func (l *logStream) run() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var last *time.Timer
	ended := make(chan struct{})
	defer close(ended)
	l.shipper.streams.Go(func() {
		select {
		case <-l.shipper.closing:
			last = time.AfterFunc(l.shipper.patience, cancel)
			<-ended
			last.Stop()
		case <-ended:
		}
	})
	for {
		var more bool
		select {
		case <-l.wake:
			more = l.gather()
		case <-l.stop:
		case <-l.shipper.closing:
		}
		if !l.flush(ctx) || !more {
			return
		}
	}
}

// gather waits a moment so that lines travel together, as many as fit one request. It answers false when no more will come.
func (l *logStream) gather() bool {
	timer := time.NewTimer(l.shipper.every)
	defer timer.Stop()
	for {
		select {
		case <-l.wake:
			if l.enough() {
				return true
			}
		case <-timer.C:
			return true
		case <-l.stop:
			return false
		case <-l.shipper.closing:
			return false
		}
	}
}

// enough says whether a request would be full.
func (l *logStream) enough() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes >= maxBatchBytes || len(l.events) >= maxBatchEvents
}

// flush sends all that is held. It answers false when it gave up, because the worker ends.
func (l *logStream) flush(ctx context.Context) bool {
	failures := 0
	for batch := l.batch(); len(batch) > 0; batch = l.batch() {
		err := l.put(ctx, batch)
		switch {
		case err == nil:
			l.sent(batch)
			failures = 0
			continue
		case ctx.Err() != nil:
			l.shipper.log.LogAttrs(ctx, slog.LevelWarn, "lines of a log are lost", slog.String("log_stream", l.name), slog.Any("error", err))
			return false
		case refused(err):
			l.shipper.log.LogAttrs(ctx, slog.LevelError, "the log service refuses a batch", slog.String("log_stream", l.name),
				slog.Int("events", len(batch)), slog.Any("error", err))
			l.sent(batch)
			continue
		}
		l.failed()
		if failures == 0 {
			l.shipper.log.LogAttrs(ctx, slog.LevelWarn, "a log cannot be sent now", slog.String("log_stream", l.name), slog.Any("error", err))
		}
		if sleep(ctx, pause(failures+1, connectionCeil, err)) != nil {
			return false
		}
		failures++
	}
	return true
}

// putTimeout bounds one request.
const putTimeout = 30 * time.Second

func (l *logStream) put(ctx context.Context, batch []logsclient.Event) error {
	ctx, cancel := context.WithTimeout(ctx, putTimeout)
	defer cancel()
	return l.shipper.sink.PutLogEvents(ctx, &logsclient.PutLogEventsInput{LogGroupName: l.group, LogStreamName: l.name, LogEvents: batch})
}

// failed lets nobody wait for a service that is away.
func (l *logStream) failed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away = true
	l.room.Broadcast()
}

// refused says whether the service will never take a batch: what is wrong is in it.
func refused(err error) bool {
	answered, ok := errors.AsType[*logsclient.Error](err)
	return ok && answered.Status == http.StatusBadRequest &&
		(answered.Code == "InvalidParameterException" || answered.Code == "ValidationException" || answered.Code == "SerializationException")
}

// close takes no more lines. What is held is sent in the background.
func (l *logStream) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		close(l.stop)
		l.room.Broadcast()
	}
}
