package schedtest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// CheckChanges looks at changes before they are written: each row at most once, what is over stays as it is, and
// a new taskRun belongs to a step whose dependencies have succeeded.
func (m *MemStore) CheckChanges(c *row.Changes) error {
	if err := once(c); err != nil {
		return err
	}
	after := map[StepKey]status.Task{}
	for _, s := range c.Steps {
		after[StepKey{s.JobID, s.StepIndex}] = s.TaskStatus
	}
	for _, a := range c.Actions {
		old, existed := m.Actions[ActionKey{a.JobID, a.SessionSeq, a.ActionIndex}]
		if existed && old.Status.Terminal() {
			return fmt.Errorf("action %d of %s was %s and is written again as %s", a.ActionIndex, a.SessionID, old.Status, a.Status)
		}
		if a.Kind != row.ActionTaskRun || existed {
			continue
		}
		for _, d := range m.StepDocuments[StepKey{a.JobID, a.StepIndex}].Dependencies {
			key := StepKey{a.JobID, d}
			if got := cmp.Or(after[key], m.Steps[key].TaskStatus); got != status.TaskSucceeded {
				return fmt.Errorf("step %d of %s is handed out while step %d is %s", a.StepIndex, a.JobID, d, got)
			}
		}
	}
	if err := errors.Join(m.checkWorkers(c), m.checkStopped(c)); err != nil {
		return err
	}
	for _, s := range c.Sessions {
		if m.Sessions[SessionKey{s.JobID, s.Seq}].Lifecycle == status.SessionEnded {
			return fmt.Errorf("session %s had ended and is written again", s.SessionID)
		}
	}
	return nil
}

// checkWorkers makes sure that no job gets a session above its maximum of workers.
func (m *MemStore) checkWorkers(c *row.Changes) error {
	open, began := map[string]int{}, map[string]bool{}
	for key, s := range m.Sessions {
		open[key.JobID] += count(s.Lifecycle != status.SessionEnded)
	}
	for _, s := range c.Sessions {
		old, existed := m.Sessions[SessionKey{s.JobID, s.Seq}]
		open[s.JobID] += count(s.Lifecycle != status.SessionEnded) - count(existed && old.Lifecycle != status.SessionEnded)
		began[s.JobID] = began[s.JobID] || !existed
	}
	jobs := map[string]row.Job{}
	for _, j := range c.Jobs {
		jobs[j.JobID] = j
	}
	for id := range began {
		j, changed := jobs[id]
		if !changed {
			j = m.Jobs[id]
		}
		if most := int(j.MaxWorkers); began[id] && most > 0 && open[id] > most {
			return fmt.Errorf("job %s got a session and has %d, it may have %d", id, open[id], most)
		}
	}
	return nil
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// checkHolder makes sure that a worker's reports changed only its own sessions.
func (m *MemStore) checkHolder(workerID string, reports []scheduler.ActionReport, c *row.Changes) error {
	reported := map[string]bool{}
	for _, r := range reports {
		reported[fmt.Sprint(r.SessionID, " ", r.ActionIndex)] = true
	}
	for _, a := range c.Actions {
		s, existed := m.Sessions[SessionKey{a.JobID, a.SessionSeq}]
		if existed && s.WorkerID != workerID && a.Status == status.ActionSucceeded && reported[fmt.Sprint(a.SessionID, " ", a.ActionIndex)] {
			return fmt.Errorf("%s of %s took a report from %s", a.SessionID, s.WorkerID, workerID)
		}
	}
	return nil
}

// once reports rows that are in the changes twice.
func once(c *row.Changes) error {
	seen := map[any]bool{}
	var twice error
	note := func(key any) {
		if seen[key] {
			twice = fmt.Errorf("%T %+v is written twice", key, key)
		}
		seen[key] = true
	}
	for _, r := range c.Jobs {
		note("job " + r.JobID)
	}
	for _, r := range c.Steps {
		note(StepKey{r.JobID, r.StepIndex})
	}
	for _, r := range c.Tasks {
		note(TaskKey{r.JobID, r.StepIndex, r.TaskIndex})
	}
	for _, r := range c.Sweeps {
		note(fmt.Sprint("sweep ", r.JobID, " ", r.StepIndex, " ", r.Seq))
	}
	for _, r := range c.Sessions {
		note(SessionKey{r.JobID, r.Seq})
	}
	for _, r := range c.Actions {
		note(ActionKey{r.JobID, r.SessionSeq, r.ActionIndex})
	}
	for _, r := range c.Workers {
		note("worker " + r.WorkerID)
	}
	for _, r := range c.Associations {
		note(row.AssociationKey{FarmID: r.FarmID, QueueID: r.QueueID, FleetID: r.FleetID})
	}
	return twice
}

// Check looks at all rows together.
func (m *MemStore) Check() error {
	sessions := map[SessionKey][]row.SessionAction{}
	holder := map[TaskKey]string{}
	for key, a := range m.Actions {
		sessions[SessionKey{key.JobID, key.Session}] = append(sessions[SessionKey{key.JobID, key.Session}], a)
		if a.Kind != row.ActionTaskRun || a.Status.Terminal() {
			continue
		}
		tasks, err := a.Chunk.Tasks()
		if err != nil {
			return err
		}
		if a.Chunk == "" {
			tasks = []int64{a.TaskIndex}
		}
		for _, i := range tasks {
			task := TaskKey{a.JobID, a.StepIndex, i}
			if other, held := holder[task]; held {
				return fmt.Errorf("task %+v is held by %s and %s", task, other, a.SessionID)
			}
			holder[task] = a.SessionID
			if !m.Tasks[task].Status.Active() {
				return fmt.Errorf("task %+v is %s although %s holds it", task, m.Tasks[task].Status, a.SessionID)
			}
		}
	}
	for key, actions := range sessions {
		slices.SortFunc(actions, func(a, b row.SessionAction) int { return cmp.Compare(a.ActionIndex, b.ActionIndex) })
		if err := checkOrder(m.Sessions[key], actions); err != nil {
			return fmt.Errorf("session %s: %w", m.Sessions[key].SessionID, err)
		}
	}
	return errors.Join(m.checkCounts(), m.checkUsage())
}

// checkOrder checks the actions of one session against the protocol (§6.5).
func checkOrder(s row.Session, actions []row.SessionAction) error {
	var entered []string // attempted, not exited
	tasks, exits, barred := false, false, false
	for i, a := range actions {
		if a.ActionIndex != int64(i) {
			return fmt.Errorf("action %d is missing", i)
		}
		if s.Lifecycle == status.SessionEnded && !a.Status.Terminal() {
			return fmt.Errorf("it ended but action %d is %s", i, a.Status)
		}
		attempted := a.StartedAt != 0 || a.Status == status.ActionFailed
		if never := a.Status == status.ActionNeverAttempted || a.Status == status.ActionReclaimed; never && (a.StartedAt != 0 || a.EndedAt != 0) {
			return fmt.Errorf("action %d is %s but has times", i, a.Status)
		}
		if barred && attempted && a.Kind != row.ActionEnvExit {
			return fmt.Errorf("action %d ran behind one that did not succeed", i)
		}
		switch a.Kind {
		case row.ActionEnvEnter, row.ActionSyncInputJobAttachments:
			if tasks || exits {
				return fmt.Errorf("action %d prepares what has begun", i)
			}
			if a.Kind == row.ActionEnvEnter && attempted {
				entered = append(entered, a.EnvironmentID)
			}
		case row.ActionTaskRun:
			tasks = true
			if exits || a.StepIndex != s.StepIndex {
				return fmt.Errorf("action %d runs a task after envExit or of another step", i)
			}
		case row.ActionEnvExit:
			exits = true
			if len(entered) == 0 || entered[len(entered)-1] != a.EnvironmentID {
				return fmt.Errorf("action %d exits %s, entered are %v", i, a.EnvironmentID, entered)
			}
			entered = entered[:len(entered)-1]
		}
		if a.Kind != row.ActionEnvExit {
			barred = barred || a.Status == status.ActionFailed || a.Status == status.ActionCanceled || a.Status == status.ActionInterrupted
		}
	}
	if exits && len(entered) > 0 {
		return fmt.Errorf("%v is never exited", entered)
	}
	return nil
}

// checkCounts recounts the tasks of every step and job.
func (m *MemStore) checkCounts() error {
	counts := map[StepKey]*status.Counts{}
	touched := map[StepKey]int64{}
	retries := map[StepKey]int64{}
	for key, s := range m.Steps {
		counts[key] = &status.Counts{}
		if s.Cursor > s.Tasks {
			return fmt.Errorf("step %+v has %d tasks, its cursor is at %d", key, s.Tasks, s.Cursor)
		}
	}
	for key, t := range m.Tasks {
		step := StepKey{key.JobID, key.Step}
		counts[step][t.Status]++
		touched[step]++
		retries[step] += int64(t.FailureRetries)
	}
	for key, t := range m.Tasks {
		if s := m.Steps[StepKey{key.JobID, key.Step}]; s.Cover(&t) {
			return fmt.Errorf("step %+v does not cover its task %+v", s, t)
		}
	}
	jobs := map[string]*status.Counts{}
	for key, s := range m.Steps {
		if rest := s; touched[key] < s.Tasks {
			if rest.CoverRest(); rest != s {
				return fmt.Errorf("step %+v does not cover its untouched tasks", s)
			}
		}
		for i := s.Cursor - 1; i >= 0; i-- {
			if _, ok := m.Tasks[TaskKey{key.JobID, key.Index, i}]; !ok {
				return fmt.Errorf("task %d of step %+v is below the cursor %d but was never touched", i, key, s.Cursor)
			}
		}
		counts[key][s.Rest] += s.Tasks - touched[key]
		if *counts[key] != s.Counts || s.Counts.Derive() != s.TaskStatus || retries[key] != s.FailureRetries {
			return fmt.Errorf("step %+v is %s with %v and %d retries; its tasks say %v and %d",
				key, s.TaskStatus, s.Counts, s.FailureRetries, *counts[key], retries[key])
		}
		if jobs[key.JobID] == nil {
			jobs[key.JobID] = &status.Counts{}
		}
		jobs[key.JobID].Add(&s.Counts)
	}
	for id, sum := range jobs {
		if j := m.Jobs[id]; j.Counts != *sum || j.TaskStatus != sum.Derive() {
			return fmt.Errorf("job %s is %s with %v, its steps say %v", id, j.TaskStatus, j.Counts, *sum)
		}
	}
	return nil
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) //nolint:forbidigo // only plain data comes here
	}
	return text
}
