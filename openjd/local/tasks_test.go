package local

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// TestAdaptiveChunks runs values of 2 s each with a target of 10 s: the size grows carefully at first, then is right.
func TestAdaptiveChunks(t *testing.T) {
	t.Parallel()
	space, err := job.NewParameterSpace(job.SpaceDefinition{Parameters: []job.SpaceParameter{{
		Name: "F", Type: template.ChunkIntTaskParameter, Range: "1-20,31-40",
		Chunks: &job.Chunks{DefaultTaskCount: 1, TargetRuntimeSeconds: 10, RangeConstraint: template.Contiguous},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	run := func(most int64) (all []string) {
		a := &adaptiveTasks{space: space, size: 1, target: 10 * time.Second, most: most}
		for {
			task, ok, err := a.next()
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				return all
			}
			all = append(all, task[0].Value)
			a.took(time.Duration(a.last) * 2 * time.Second)
		}
	}
	if diff := cmp.Diff([]string{"1-1", "2-3", "4-5", "6-7", "8-9", "10-11", "12-16", "17-20", "31-35", "36-40"}, run(-1)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"1-1", "2-3"}, run(2)); diff != "" {
		t.Error(diff)
	}
}
