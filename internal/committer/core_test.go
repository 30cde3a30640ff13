package committer

import (
	"fmt"
	"strconv"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// ledger is a small core: each UpdateJob of a job adds one to the job's Sessions. Its
// memory must always agree with the store, so any lost, doubled or reordered commit shows.
type ledger struct {
	farmID string
	jobs   map[string]row.Job
	last   int64
	ticks  int
}

func newLedger() *ledger { return &ledger{jobs: map[string]row.Job{}} }

func (l *ledger) Restore(_ scheduler.Instant, s *row.Snapshot) error {
	l.farmID, l.last = s.FarmID, s.LastNumber
	for _, j := range s.Jobs {
		l.jobs[j.Job.JobID] = j.Job
	}
	return nil
}

func (l *ledger) LoadJob(s *row.JobSnapshot) error {
	l.jobs[s.Job.JobID] = s.Job
	return nil
}

func (l *ledger) Missing(c scheduler.Command) (string, bool) {
	u, ok := c.(scheduler.UpdateJob)
	if !ok {
		return "", false
	}
	_, known := l.jobs[u.JobID]
	return u.JobID, !known
}

func (l *ledger) Apply(
	now scheduler.Instant, c scheduler.Command,
) (scheduler.Result, *row.Changes, error) {
	switch c := c.(type) {
	case scheduler.Tick:
		l.ticks++
		return scheduler.Result{}, &row.Changes{}, nil
	case scheduler.CreateJob:
		if c.By == "panic" {
			panic("told to")
		}
		l.last++
		c.Job.FarmID, c.Job.Number, c.Job.CreatedAt, c.Job.TaskStatus = l.farmID, l.last, now.Wall, status.TaskReady
		l.jobs[c.Job.JobID] = c.Job
		return scheduler.Result{}, &row.Changes{Jobs: []row.Job{c.Job}}, nil
	case scheduler.UpdateJob:
		j, ok := l.jobs[c.JobID]
		if !ok {
			return scheduler.Result{}, nil, &scheduler.NotFoundError{ResourceType: "job", ResourceID: c.JobID}
		}
		j.Sessions++
		if c.Target != status.TaskNone {
			j.TaskStatus = c.Target
		}
		l.jobs[c.JobID] = j
		if j.TaskStatus.Terminal() {
			delete(l.jobs, c.JobID) // finished jobs leave memory at once
		}
		// The result tells the count, as a poll's answer tells the state.
		return scheduler.Result{Schedule: &scheduler.Schedule{Cancel: map[string][]int64{c.JobID: {j.Sessions}}}},
			&row.Changes{Jobs: []row.Job{j}}, nil
	case scheduler.DeleteJobs:
		return scheduler.Result{}, &row.Changes{DeleteJobs: c.JobIDs}, nil
	case scheduler.PutTags:
		return scheduler.Result{}, &row.Changes{Tags: []row.Tags{c.Tags}}, nil
	default:
		return scheduler.Result{}, nil, &scheduler.InvalidError{Field: "command", Message: fmt.Sprintf("%T", c)}
	}
}

func create(id string) scheduler.CreateJob {
	return scheduler.CreateJob{Job: row.Job{JobID: id, QueueID: "queue-1"}}
}

func jobID(i int) string { return "job-" + strconv.Itoa(i) }

// counted is the count in a reply to UpdateJob.
func counted(r Reply, id string) int64 { return r.Result.Schedule.Cancel[id][0] }
