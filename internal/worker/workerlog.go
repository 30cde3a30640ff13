package worker

import (
	"strings"
	"sync"
	"time"
)

// maxEarlyLines bounds what is kept of the worker's log before the service has named its stream.
const maxEarlyLines = 1000

// workerStream is an io.Writer that sends each write, a JSON document with a line end, to the worker's own log stream.
type workerStream struct {
	mu     sync.Mutex // guards the fields below
	stream *logStream
	early  []earlyLine
}

type earlyLine struct {
	at   time.Time
	text string
}

// Write takes one record. It never fails.
func (w *workerStream) Write(record []byte) (int, error) {
	text := strings.TrimSuffix(string(record), "\n")
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.stream != nil:
		w.stream.line(text)
	case len(w.early) < maxEarlyLines:
		w.early = append(w.early, earlyLine{time.Now(), text})
	}
	return len(record), nil
}

// attach names the stream, which replaces an earlier one.
func (w *workerStream) attach(stream *logStream) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stream != nil {
		w.stream.close()
	}
	w.stream = stream
	for _, l := range w.early {
		stream.add(l.at, l.text)
	}
	w.early = nil
}
