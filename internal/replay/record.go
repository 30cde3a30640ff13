package replay

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"reflect"
	"strconv"
	"sync"
	"time"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// line is one line of a recording. One of Core, Load, Do and State is there.
type line struct {
	Farm string        `json:"farm"`
	Wall int64         `json:"wall,omitempty"` // microseconds since 1970
	Mono time.Duration `json:"mono,omitempty"` // nanoseconds since the process started

	Core  *coreLine        `json:"core,omitempty"`
	Load  *row.JobSnapshot `json:"load,omitempty"`
	Do    string           `json:"do,omitempty"` // the name of a command
	With  json.RawMessage  `json:"with,omitempty"`
	Sum   string           `json:"sum,omitempty"`   // of what the command changed
	State string           `json:"state,omitempty"` // sum of the whole state
}

// coreLine is the making of a core.
type coreLine struct {
	Seed   string           `json:"seed"` // 64 hex digits
	Config scheduler.Config `json:"config"`
	Rows   *row.Snapshot    `json:"rows"`
}

// Recorder writes a recording. It is safe for concurrent use. The first error ends it; [Recorder.Close] tells it.
type Recorder struct {
	mu  sync.Mutex // guards the rest
	to  *bufio.Writer
	err error
}

// NewRecorder returns a recorder that writes to w. Lines are complete in w after each Tick, which comes every few seconds.
func NewRecorder(w io.Writer) *Recorder { return &Recorder{to: bufio.NewWriterSize(w, 1<<16)} }

func (r *Recorder) write(l *line, flush bool) {
	text, err := json.Marshal(l)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return
	}
	if err != nil {
		r.err = fmt.Errorf("encode a line of the recording: %w", err)
		return
	}
	if _, r.err = r.to.Write(append(text, '\n')); r.err == nil && flush {
		r.err = r.to.Flush()
	}
}

// Core notes that a core was made of rows.
func (r *Recorder) Core(farmID string, now scheduler.Instant, seed [32]byte, config scheduler.Config, rows *row.Snapshot) {
	r.write(&line{Farm: farmID, Wall: now.Wall, Mono: now.Mono, Core: &coreLine{
		Seed: hex.EncodeToString(seed[:]), Config: config, Rows: rows,
	}}, true)
}

// Load notes that a finished job was given to the core.
func (r *Recorder) Load(farmID string, job *row.JobSnapshot) {
	r.write(&line{Farm: farmID, Load: job}, false)
}

// Command notes what a core was told and what it made of it.
func (r *Recorder) Command(farmID string, now scheduler.Instant, command scheduler.Command, changes *row.Changes, failure error) {
	l := &line{Farm: farmID, Wall: now.Wall, Mono: now.Mono, Do: reflect.TypeOf(command).Name(), Sum: sumOf(changes, failure)}
	var err error
	if l.With, err = json.Marshal(command); err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.err = errors.Join(r.err, fmt.Errorf("encode the command %s: %w", l.Do, err))
		return
	}
	_, tick := command.(scheduler.Tick)
	r.write(l, tick)
}

// State notes the whole state of a core, as [scheduler.Core.Dump] gives it.
func (r *Recorder) State(farmID, dump string) {
	r.write(&line{Farm: farmID, State: sum([]byte(dump))}, true)
}

// Close writes what is left and tells the first error. It does not close the writer.
func (r *Recorder) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = r.to.Flush()
	}
	return r.err
}

// sumOf names what a command changed: every row, in order, or the refusal.
func sumOf(changes *row.Changes, failure error) string {
	if failure != nil {
		return sum([]byte(failure.Error()))
	}
	text, err := json.Marshal(changes)
	if err != nil {
		return "error: " + err.Error()
	}
	return sum(text)
}

func sum(text []byte) string {
	h := fnv.New64a()
	h.Write(text)
	return strconv.FormatUint(h.Sum64(), 16)
}
