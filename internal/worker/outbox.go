package worker

import (
	"maps"
	"sync"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
)

// report is the latest word on one action.
type report struct {
	info    deadline.UpdatedSessionActionInfo
	version int
}

// outbox holds reports until the service has confirmed them, and wakes the polling goroutine.
type outbox struct {
	wake chan struct{} // has one element when a poll should be made at once

	mu      sync.Mutex // protects reports and version
	reports map[string]report
	version int
}

func newOutbox() *outbox {
	return &outbox{wake: make(chan struct{}, 1), reports: make(map[string]report)}
}

// put files the latest word on an action. A final word is never replaced. now asks for a poll at once.
func (o *outbox) put(actionID string, info deadline.UpdatedSessionActionInfo, now bool) {
	o.mu.Lock()
	if o.reports[actionID].info.CompletedStatus == "" {
		o.version++
		o.reports[actionID] = report{info, o.version}
	}
	o.mu.Unlock()
	if now {
		o.poke()
	}
}

// poke asks for a poll at once.
func (o *outbox) poke() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// sent is what one request carries.
type sent map[string]report

// collect gives all reports.
func (o *outbox) collect() sent {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.reports)
}

func (s sent) infos() map[string]deadline.UpdatedSessionActionInfo {
	infos := make(map[string]deadline.UpdatedSessionActionInfo, len(s))
	for id, r := range s {
		infos[id] = r.info
	}
	return infos
}

// confirm forgets what the service has now, except where there is newer word.
func (o *outbox) confirm(s sent) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, r := range s {
		if o.reports[id].version == r.version {
			delete(o.reports, id)
		}
	}
}

// finished says whether a final word on the action waits to be confirmed.
func (o *outbox) finished(actionID string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.reports[actionID].info.CompletedStatus != ""
}

func (o *outbox) clear() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.reports)
}

// progress is the report of an action that runs.
func progress(started time.Time, percent *float64, message string) deadline.UpdatedSessionActionInfo {
	now := time.Now()
	info := deadline.UpdatedSessionActionInfo{StartedAt: &started, UpdatedAt: &now, ProgressMessage: clip(message)}
	if percent != nil {
		info.ProgressPercent = new(float32(*percent))
	}
	return info
}

// maxMessage is how many characters of a message the API takes.
const maxMessage = 4096

// clip makes a message fit; nil when it is empty.
func clip(message string) *string {
	if message == "" {
		return nil
	}
	if runes := []rune(message); len(runes) > maxMessage {
		message = string(runes[:maxMessage-1]) + "…"
	}
	return &message
}
