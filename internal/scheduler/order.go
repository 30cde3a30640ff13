package scheduler

import (
	"cmp"
	"time"

	"github.com/farmhand-render/farmhand/internal/status"
)

// QueueOrder is how a queue ranks its jobs (§10.2): one member is set; none means priorityFifo.
type QueueOrder struct {
	PriorityBalanced *PriorityBalanced `json:"priorityBalanced,omitempty"`
	WeightedBalanced *WeightedBalanced `json:"weightedBalanced,omitempty"`
}

// PriorityBalanced spreads the workers evenly over the jobs of the highest priority that has work.
type PriorityBalanced struct {
	RenderingTaskBuffer int32 `json:"renderingTaskBuffer"`
}

// WeightedBalanced gives the next worker to the job of the highest weight:
//
//	priority·PriorityWeight + errors·ErrorWeight + age·SubmissionTimeWeight + (rendering − buffer)·RenderingTaskWeight
//
// with the age in seconds, errors the tasks that FAILED and the retries, and the buffer only for a job on which the asking worker is.
type WeightedBalanced struct {
	PriorityWeight       float64 `json:"priorityWeight"`
	ErrorWeight          float64 `json:"errorWeight"`
	SubmissionTimeWeight float64 `json:"submissionTimeWeight"`
	RenderingTaskWeight  float64 `json:"renderingTaskWeight"`
	RenderingTaskBuffer  int32   `json:"renderingTaskBuffer"`
	MaxPriorityFirst     bool    `json:"maxPriorityFirst,omitempty"` // jobs of priority 100 before all others
	MinPriorityLast      bool    `json:"minPriorityLast,omitempty"`  // jobs of priority 0 after all others
}

const maxPriority, minPriority = 100, 0

func (o *QueueOrder) equal(other *QueueOrder) bool {
	return same(o.PriorityBalanced, other.PriorityBalanced) && same(o.WeightedBalanced, other.WeightedBalanced)
}

func same[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

// rank is a job's place in its queue. The one that comes first is less.
//
// Age needs no clock: it grows alike for all jobs of a queue, so it ranks them by the moment of their submission.
type rank struct {
	class   int8    // -1: before all others; 1: after all others
	weight  float64 // the higher comes first
	workers int     // the fewer comes first; 0 where they do not matter
	number  int64   // order of submission
}

func (r rank) compare(other rank) int {
	return cmp.Or(cmp.Compare(r.class, other.class), cmp.Compare(other.weight, r.weight),
		cmp.Compare(r.workers, other.workers), cmp.Compare(r.number, other.number))
}

// rendering is how many tasks of a job render now: one for each of its workers, whatever else is queued behind it.
func (j *job) rendering() int { return j.sessions }

// rankOf places a job among those of its queue.
func (o *QueueOrder) rankOf(j *job) rank {
	r := rank{weight: float64(j.row.Priority), number: j.row.Number}
	switch {
	case o.WeightedBalanced != nil:
		w := o.WeightedBalanced
		r.weight = w.weight(j)
		r.workers = j.rendering()
		switch {
		case w.MaxPriorityFirst && j.row.Priority == maxPriority:
			r.class = -1
		case w.MinPriorityLast && j.row.Priority == minPriority:
			r.class = 1
		}
	case o.PriorityBalanced != nil:
		r.workers = j.rendering()
	}
	return r
}

// weight is a job's weight but for the part that all jobs have alike at any moment.
func (w *WeightedBalanced) weight(j *job) float64 {
	errors := j.row.Counts[status.TaskFailed] + j.row.FailureRetries
	submitted := time.Duration(j.row.CreatedAt) * time.Microsecond
	return float64(j.row.Priority)*w.PriorityWeight + float64(errors)*w.ErrorWeight -
		submitted.Seconds()*w.SubmissionTimeWeight + float64(j.rendering())*w.RenderingTaskWeight
}

// prefers reports whether a worker of job now should change to another job of its queue. leaving is how
// many of the worker's colleagues are on the way from here to there already.
func (o *QueueOrder) prefers(other, now *job, leaving int) bool {
	switch {
	case o.WeightedBalanced != nil:
		w := o.WeightedBalanced
		mine, theirs := now.rank, other.rank
		mine.weight -= float64(w.RenderingTaskBuffer) * w.RenderingTaskWeight
		theirs.weight += float64(leaving) * w.RenderingTaskWeight
		mine.weight -= float64(leaving) * w.RenderingTaskWeight
		if theirs.class != mine.class {
			return theirs.class < mine.class
		}
		return theirs.weight > mine.weight
	case o.PriorityBalanced != nil:
		if other.row.Priority != now.row.Priority {
			return other.row.Priority > now.row.Priority
		}
		return now.rendering()-other.rendering()-2*leaving > int(o.PriorityBalanced.RenderingTaskBuffer)
	default:
		return other.rank.compare(now.rank) < 0
	}
}

// ages reports whether a job of the queue that has no worker gets one after [Config.MaxWait], whatever its rank is.
func (o *QueueOrder) ages(j *job) bool {
	if w := o.WeightedBalanced; w != nil {
		return !w.MinPriorityLast || j.row.Priority != minPriority
	}
	return o.PriorityBalanced != nil
}
