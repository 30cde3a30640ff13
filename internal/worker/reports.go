package worker

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"sync"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
)

// reports is the report book: the latest word on every action until the service has it. Final words are on disk, too, so that they survive
// the program.
type reports struct {
	// urgent holds an element when the service should be asked at once, soon when there is progress to tell.
	urgent, soon chan struct{}
	path         string

	mu      sync.Mutex // guards the fields below
	book    map[string]report
	version uint64
	finals  int      // how many of book are final
	file    *os.File // where final words are appended; nil until the first
	broken  error    // the first failure to write the file; the book goes on in memory
}

// report is the latest word on one action.
type report struct {
	info    deadline.UpdatedSessionActionInfo
	version uint64
}

func (r report) final() bool { return r.info.CompletedStatus != "" }

// line is one line of the file.
type line struct {
	ID   string                            `json:"id"`
	Info deadline.UpdatedSessionActionInfo `json:"info"`
}

// openReports reads what an earlier program could not report. Lines that were cut off by its end are ignored.
func openReports(path string) (*reports, error) {
	r := &reports{urgent: make(chan struct{}, 1), soon: make(chan struct{}, 1), path: path, book: map[string]report{}}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read results not reported yet: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l line
		if json.Unmarshal(lines.Bytes(), &l) == nil && l.ID != "" && l.Info.CompletedStatus != "" {
			r.set(l.ID, l.Info)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read results not reported yet: %w", err)
	}
	return r, nil
}

// set files a word. r.mu is held.
func (r *reports) set(id string, info deadline.UpdatedSessionActionInfo) {
	if r.book[id].final() {
		return // nothing is said after the final word
	}
	r.version++
	r.book[id] = report{info, r.version}
	if info.CompletedStatus != "" {
		r.finals++
	}
}

// begin says that an action runs.
func (r *reports) begin(id string, started time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.set(id, deadline.UpdatedSessionActionInfo{StartedAt: &started, UpdatedAt: &started})
	poke(r.soon)
}

// progress says how far an action is. Nil and "" leave what was said before.
func (r *reports) progress(id string, started time.Time, percent *float32, message string) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	info := r.book[id].info
	info.StartedAt, info.UpdatedAt = &started, &now
	if percent != nil {
		info.ProgressPercent = percent
	}
	if message != "" {
		info.ProgressMessage = clip(message)
	}
	r.set(id, info)
	poke(r.soon)
}

// finish files the final word on an action and asks for a poll. It keeps how far the action was, which may not have been told yet. The error says that it is not on disk; it is in the book all the same.
func (r *reports) finish(id string, info deadline.UpdatedSessionActionInfo) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if info.ProgressPercent == nil {
		info.ProgressPercent = r.book[id].info.ProgressPercent
	}
	r.set(id, info)
	poke(r.urgent)
	if r.broken == nil {
		r.broken = r.write(line{id, info})
		return r.broken
	}
	return nil
}

// write appends to the file. r.mu is held.
func (r *reports) write(l line) error {
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("encode a result: %w", err)
	}
	if r.file == nil {
		if r.file, err = os.OpenFile(r.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
			return fmt.Errorf("keep a result: %w", err)
		}
	}
	if _, err := r.file.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("keep a result: %w", err)
	}
	return nil
}

// collect gives everything that the service does not have yet.
func (r *reports) collect() map[string]report {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.book)
}

// confirm forgets what the service has, except where there is newer word.
func (r *reports) confirm(batch map[string]report) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, sent := range batch {
		if now, ok := r.book[id]; ok && now.version == sent.version {
			delete(r.book, id)
			if now.final() {
				r.finals--
			}
		}
	}
	if r.finals > 0 {
		return nil
	}
	return r.empty()
}

// empty clears the file once nothing in it is needed. r.mu is held.
func (r *reports) empty() error {
	var err error
	if r.file != nil {
		err = r.file.Truncate(0)
	} else {
		err = removeFile(r.path)
	}
	if err != nil {
		return fmt.Errorf("forget reported results: %w", err)
	}
	r.broken = nil
	return nil
}

// waiting returns how many final words the service does not have.
func (r *reports) waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.finals
}

// drop forgets everything: the service does not want it any more.
func (r *reports) drop() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.book)
	r.finals = 0
	return r.empty()
}

func (r *reports) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// poke makes a channel of capacity 1 hold an element.
func poke(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// maxMessage is how many characters of a message the API takes.
const maxMessage = 4096

// clip makes a message fit; nil when it is empty.
func clip(message string) *string {
	if message == "" {
		return nil
	}
	if len(message) > maxMessage {
		if runes := []rune(message); len(runes) > maxMessage {
			message = string(runes[:maxMessage-1]) + "…"
		}
	}
	return &message
}
