package testfarm

import (
	"sync"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
)

// history is what the server acknowledged: what must be true ever after.
type history struct {
	mu        sync.Mutex // guards the maps and what they hold
	jobs      map[string]*jobRecord
	actions   map[string]*actionRecord
	queues    map[string]*queueRecord
	restarted map[string]bool // workers whose agents restarted
}

func newHistory() *history {
	return &history{
		jobs: map[string]*jobRecord{}, actions: map[string]*actionRecord{}, queues: map[string]*queueRecord{}, restarted: map[string]bool{},
	}
}

// jobRecord is one attempt to create a job, by the name that only it has.
type jobRecord struct {
	kind   jobKind
	input  *deadline.CreateJobInput
	id     string // "" while no answer came
	target deadline.JobTargetTaskRunStatus
	// priorities are those that the job may have now: the last that was acknowledged, and any asked for after it.
	priorities []int32
}

// actionRecord is what was acknowledged about one session action.
type actionRecord struct {
	startedAt, endedAt *time.Time
	completed          deadline.CompletedStatus
}

// queueRecord is one attempt to create a queue, by the name that only it has.
type queueRecord struct {
	input *deadline.CreateQueueInput
	id    string
}

// record changes the history.
func (h *history) record(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

// answered records the reports of an answered request. What was acknowledged first stays.
func (h *history) answered(reports Reports, _ *deadline.UpdateWorkerScheduleOutput) {
	h.record(func() {
		for id, r := range reports {
			a := h.actions[id]
			if a == nil {
				a = &actionRecord{}
				h.actions[id] = a
			}
			if a.startedAt == nil {
				a.startedAt = r.StartedAt
			}
			if a.completed == "" {
				a.completed, a.endedAt = r.CompletedStatus, r.EndedAt
			}
		}
	})
}
