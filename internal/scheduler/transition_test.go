package scheduler

import (
	"testing"

	"github.com/farmhand-render/farmhand/internal/status"
)

// TestOverIsOver: nothing leaves the end of an action, a session or an archived job.
func TestOverIsOver(t *testing.T) {
	t.Parallel()
	for from := status.ActionSucceeded; from <= status.ActionReclaimed; from++ {
		for to := range status.ActionReclaimed + 1 {
			if actionMachine.table[from][to] != 0 {
				t.Errorf("an action that is %s may become %s", from, to)
			}
		}
	}
	for to := range status.SessionEnded + 1 {
		if sessionMachine.table[status.SessionEnded][to] != 0 {
			t.Errorf("a session that ENDED may become %s", to)
		}
	}
	for to := range status.LifecycleArchived + 1 {
		if jobMachine.table[status.LifecycleArchived][to] != 0 {
			t.Errorf("an ARCHIVED job may become %s", to)
		}
	}
}

// TestHeldTasksAreNotTaken: what a worker holds changes only by its word, its loss, or through INTERRUPTING.
func TestHeldTasksAreNotTaken(t *testing.T) {
	t.Parallel()
	byForce := because(causeTarget, causeDependency, causeMismatch)
	for from := status.TaskStarting; from <= status.TaskAssigned; from++ {
		for to := status.TaskSuspended; to <= status.TaskSucceeded; to++ {
			if taskMachine.table[from][to]&byForce != 0 {
				t.Errorf("a task that is %s may be made %s while a worker holds it", from, to)
			}
		}
	}
}

// TestRefusedTransition: a refused transition changes nothing and is counted.
func TestRefusedTransition(t *testing.T) {
	t.Parallel()
	var seen []Violation
	c := New(Config{OnViolation: func(v Violation) { seen = append(seen, v) }}, [32]byte{})
	s := &step{id: "step-1", job: &job{}, held: map[int64]*action{}}
	s.row.Tasks, s.row.Rest = 2, status.TaskReady
	s.row.Counts[status.TaskReady] = 2
	cell := c.touch(s, 1)
	c.move(s, 1, cell, status.TaskRunning, causeReport)
	if cell.status != status.TaskReady || s.row.Counts[status.TaskReady] != 2 {
		t.Errorf("the task became %s, counts %v", cell.status, s.row.Counts)
	}
	if want := (Violation{What: "task", ID: "task-1-1", From: "READY", To: "RUNNING", Why: "report"}); len(seen) != 1 || seen[0] != want || c.Violations() != 1 {
		t.Errorf("violations %v, want %v", seen, want)
	}
}

// TestTouchedTasksOutOfOrder: tasks are handed out by index, whoever touched them before.
func TestTouchedTasksOutOfOrder(t *testing.T) {
	t.Parallel()
	c := New(Config{}, [32]byte{})
	s := &step{id: "step-1", job: &job{}, held: map[int64]*action{}}
	s.row.Tasks, s.row.Rest = 300, status.TaskReady
	s.row.Counts[status.TaskReady] = 300
	for _, i := range []int64{299, 3, 130, 64} {
		c.touch(s, i)
	}
	c.move(s, 130, s.cells.get(130), status.TaskSuspended, causeTarget)
	for want := range int64(300) {
		if want == 130 {
			continue
		}
		i, cell := c.next(s)
		if i != want {
			t.Fatalf("got task %d, want %d", i, want)
		}
		c.move(s, i, cell, status.TaskAssigned, causeAssign)
	}
	if i, cell := c.next(s); cell != nil {
		t.Errorf("task %d is left over", i)
	}
}

func TestLatestActionRoundTrip(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "sessionaction-0123456789abcdef0123456789abcdef-0", "sessionaction-ffffffffffffffffffffffffffffffff-4294"} {
		var c cell
		if err := c.setLatestAction(id); err != nil {
			t.Error(err)
		}
		if got := c.latestAction(); got != id {
			t.Errorf("got %q, want %q", got, id)
		}
	}
	for _, id := range []string{"sessionaction-12-1", "sessionaction-0123456789abcdef0123456789abcdef-x", "x"} {
		if err := new(cell).setLatestAction(id); err == nil {
			t.Errorf("%q was accepted", id)
		}
	}
}
