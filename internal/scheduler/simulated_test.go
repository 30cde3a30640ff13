package scheduler_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/internal/scheduler/schedtest"
)

// TestSimulationsAreScripts: what the simulator prints of a run that failed is a script that does the same.
func TestSimulationsAreScripts(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		text, store := schedtest.Script(schedtest.NewPlan(seed, 60))
		s := newScript(t)
		datadriven.RunTestFromString(t, text, func(t *testing.T, d *datadriven.TestData) string {
			t.Helper()
			if strings.HasPrefix(d.Cmd, "#") {
				return d.Expected
			}
			s.run(t, d)
			return d.Expected
		})
		if diff := cmp.Diff(outline(store), outline(s.store)); diff != "" {
			t.Fatalf("seed %d: the script ends otherwise than the simulation (-simulation +script):\n%s\n%s", seed, diff, text)
		}
	}
}

// outline is what became of all tasks, actions and workers.
func outline(m *schedtest.MemStore) map[string]string {
	out := map[string]string{}
	for key, t := range m.Tasks {
		out[fmt.Sprintf("task %s.%d/%d", key.JobID, key.Step, key.Task)] = fmt.Sprint(t.Status, t.FailureRetries)
	}
	for key, a := range m.Actions {
		out[fmt.Sprintf("action %s/%d/%d", key.JobID, key.Session, key.Action)] = fmt.Sprint(a.Kind, a.Status, a.TaskIndex, a.Chunk)
	}
	for id, w := range m.Workers {
		out["worker "+id] = w.Status.String()
	}
	for id, spent := range m.Spendings {
		out["spent "+id] = fmt.Sprint(spent.Amount, spent.StoppedAt)
	}
	for id, j := range m.Jobs {
		out["job "+id] = fmt.Sprint(j.TaskStatus, j.Lifecycle)
	}
	return out
}
