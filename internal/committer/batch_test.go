package committer

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/internal/store/row"
)

// state is what a store would hold, for two kinds of rows.
type state struct {
	workers map[string]int64
	tasks   map[taskKey]int64
}

// apply does what [store.Store.Commit] promises: deletes before writes.
func (s state) apply(c *row.Changes) {
	for _, id := range c.DeleteWorkers {
		delete(s.workers, id)
	}
	for _, id := range c.DeleteJobs {
		for key := range s.tasks {
			if key.job == id {
				delete(s.tasks, key)
			}
		}
	}
	for _, r := range c.Workers {
		s.workers[r.WorkerID] = r.CreatedAt
	}
	for _, r := range c.Tasks {
		s.tasks[taskKey{r.JobID, r.StepIndex, r.TaskIndex}] = r.UpdatedAt
	}
}

// A batch is as good as its changes one after another, and has no key twice.
func TestMerge(t *testing.T) {
	t.Parallel()
	id := rapid.SampledFrom([]string{"a", "b", "c"})
	rapid.Check(t, func(t *rapid.T) {
		one := state{map[string]int64{}, map[taskKey]int64{}}
		merged := state{map[string]int64{"a": 0}, map[taskKey]int64{{job: "a"}: 0}}
		one.workers["a"], one.tasks[taskKey{job: "a"}] = 0, 0
		b := &batch{}
		for n := range rapid.Int64Range(1, 12).Draw(t, "changes") {
			c := &row.Changes{}
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				c.Workers = []row.Worker{{WorkerID: id.Draw(t, "id"), Stamp: row.Stamp{CreatedAt: n + 1}}}
			case 1:
				c.DeleteWorkers = []string{id.Draw(t, "id")}
			case 2:
				task := rapid.Int64Range(0, 2).Draw(t, "task")
				c.Tasks = []row.Task{{JobID: id.Draw(t, "id"), TaskIndex: task, UpdatedAt: n + 1}}
			case 3:
				c.DeleteJobs = []string{id.Draw(t, "id")}
			}
			one.apply(c)
			b.merge(c)
		}
		all := b.changes()
		merged.apply(all)
		if diff := cmp.Diff(one, merged, cmp.AllowUnexported(state{}, taskKey{})); diff != "" {
			t.Errorf("one by one and merged (-one +merged):\n%s", diff)
		}
		seen := map[any]bool{}
		for _, r := range all.Workers {
			if seen[r.WorkerID] {
				t.Errorf("worker %s is written twice", r.WorkerID)
			}
			seen[r.WorkerID] = true
		}
		for _, r := range all.Tasks {
			key := taskKey{r.JobID, r.StepIndex, r.TaskIndex}
			if seen[key] {
				t.Errorf("task %v is written twice", key)
			}
			seen[key] = true
		}
	})
}

// A job that is deleted takes with it what the same batch has just written of it.
func TestMergeDeletedJob(t *testing.T) {
	t.Parallel()
	b := &batch{}
	b.merge(&row.Changes{
		Jobs:  []row.Job{{JobID: "job-1", QueueID: "queue-1"}, {JobID: "job-2", QueueID: "queue-2"}},
		Tasks: []row.Task{{JobID: "job-1"}, {JobID: "job-2"}}, Sweeps: []row.Sweep{{JobID: "job-1"}, {JobID: "job-2"}},
	})
	b.merge(&row.Changes{DeleteJobs: []string{"job-1"}})
	c := b.changes()
	if len(c.Jobs) != 1 || c.Jobs[0].JobID != "job-2" || len(c.Tasks) != 1 || c.Tasks[0].JobID != "job-2" {
		t.Errorf("got jobs %v and tasks %v, want those of job-2 alone", c.Jobs, c.Tasks)
	}
	if len(c.Sweeps) != 1 || c.Sweeps[0].JobID != "job-2" {
		t.Errorf("got sweeps %v, want that of job-2 alone", c.Sweeps)
	}
}
