package row

import (
	"slices"

	"github.com/farmhand-render/farmhand/internal/status"
)

// Sweep is a change of many touched tasks of a step, as one row: all that have one of some statuses. Their own rows are changed later, a
// few at a time; until then whoever reads them applies the sweep. Primary key (JobID, StepIndex, Seq). It never changes and goes when it
// is done.
//
// A task's row tells of which sweeps it knows ([Task].Sweep), so that none is applied to what was written after it.
type Sweep struct {
	JobID      string
	StepIndex  int32
	Seq        int64         // 1, 2, … for the sweeps of a step, which are applied in that order
	From       []status.Task // at least one
	To         status.Task
	Target     status.Task // what somebody asked for; TaskNone: nobody did, and nothing says that the tasks were updated
	By         string      // who asked
	At         int64
	MaxRetries int32 // tasks that failed by themselves as often stay FAILED
	Next       int64 // the rows of tasks below it are changed; the store's own
}

// Apply does to a task what the sweep does, unless it does not concern the task or was done to it before. It reports whether it did. The
// store does the same in SQL.
func (s *Sweep) Apply(t *Task) bool {
	exhausted := t.Status == status.TaskFailed && t.Target != status.TaskFailed && t.FailureRetries >= s.MaxRetries
	if t.Sweep >= s.Seq || exhausted || !slices.Contains(s.From, t.Status) {
		return false
	}
	if s.Target != status.TaskNone {
		t.Target, t.UpdatedAt, t.UpdatedBy = s.Target, s.At, s.By
	}
	switch {
	case !s.To.Terminal():
		t.EndedAt = 0
	case !t.Status.Terminal():
		t.EndedAt = s.At
	}
	t.Status, t.Sweep = s.To, s.Seq
	return true
}
