package job_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// TestAll compares the tasks that a walk gives with those asked for one by one.
func TestAll(t *testing.T) {
	t.Parallel()
	list := func(name string, values ...string) job.SpaceParameter {
		return job.SpaceParameter{Name: name, Type: template.StringTaskParameter, Values: values}
	}
	frames := job.SpaceParameter{Name: "F", Type: template.IntTaskParameter, Range: "1-4"}
	for _, def := range []job.SpaceDefinition{
		{},
		{Parameters: []job.SpaceParameter{frames}},
		{Parameters: []job.SpaceParameter{frames, list("A", "x", "y", "x")}},
		{Parameters: []job.SpaceParameter{frames, list("A", "x", "y", "x", "z"), list("B", "p", "q")}, Combination: "B * (F, A)"},
	} {
		space, err := job.NewParameterSpace(def)
		if err != nil {
			t.Fatal(err)
		}
		count := int64(0)
		for i, params := range space.All() {
			want, err := space.At(i)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(slices.Clone(want), slices.Clone(params)); i != count || diff != "" {
				t.Errorf("%v: task %d, the %d. one: %s", def, i, count, diff)
			}
			count++
		}
		if count != space.Len() {
			t.Errorf("%v: %d tasks of %d", def, count, space.Len())
		}
		for range space.All() {
			break
		}
	}
}
