package job_test

import (
	"fmt"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

func ExampleAxis() {
	space, err := job.NewParameterSpace(job.SpaceDefinition{Parameters: []job.SpaceParameter{
		{Name: "Frame", Type: template.IntTaskParameter, Range: "1-1000000"},
		{Name: "Layer", Type: template.StringTaskParameter, Values: []string{"sky", "sea", "ship"}},
	}})
	if err != nil {
		panic(err)
	}
	// Which tasks draw the sea? That is asked of three values, not of three million tasks.
	layer, _ := space.Axis("Layer")
	sea := func(position int64) (int64, bool) {
		for ; position < layer.Len(); position++ {
			if layer.Value(position) == "sea" {
				return position, true
			}
		}
		return 0, false
	}
	for task, ok := layer.Next(2_999_990, sea); ok; task, ok = layer.Next(task+1, sea) {
		params, err := space.At(task)
		fmt.Println(task, params[0].Value, params[1].Value, err)
	}
	// Output:
	// 2999992 999998 sea <nil>
	// 2999995 999999 sea <nil>
	// 2999998 1000000 sea <nil>
}

// TestAxisFindsTasks compares what the axes of random spaces say with the tasks themselves.
func TestAxisFindsTasks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := generator{values: map[string][]string{}}
		g.def.Combination = g.product(t, 3, rapid.IntRange(1, 24).Draw(t, "tasks"))
		if rapid.Bool().Draw(t, "chunked") {
			g.def.Parameters = append(g.def.Parameters, job.SpaceParameter{
				Name: "C", Type: template.ChunkIntTaskParameter, Range: "1-3,7-8",
				Chunks: &job.Chunks{DefaultTaskCount: 2, RangeConstraint: template.Contiguous},
			})
			g.def.Combination = "C * " + g.def.Combination
		}
		s, err := job.NewParameterSpace(g.def)
		if err != nil {
			t.Fatalf("%+v: %v", g.def, err)
		}
		if rapid.Bool().Draw(t, "in chunks") {
			if s, err = s.InChunks(); err != nil {
				t.Fatal(err)
			}
		}
		for k, p := range g.def.Parameters {
			axis, ok := s.Axis(p.Name)
			if !ok || axis.Type() != p.Type {
				t.Fatalf("Axis(%s) = %v, %v", p.Name, axis.Type(), ok)
			}
			checkAxis(t, s, axis, k)
		}
	})
}

// checkAxis compares the axis of the k-th parameter with the parameters of each task.
func checkAxis(t *rapid.T, s *job.ParameterSpace, axis job.Axis, k int) {
	wanted := make([]bool, axis.Len())
	for position := range wanted {
		wanted[position] = rapid.IntRange(0, 3).Draw(t, "wanted") == 0
		if position > 0 && axis.Ascending() && number(t, axis.Value(int64(position))) <= number(t, axis.Value(int64(position-1))) {
			t.Fatalf("%s follows %s", axis.Value(int64(position)), axis.Value(int64(position-1)))
		}
	}
	next := func(position int64) (int64, bool) {
		for ; position < int64(len(wanted)); position++ {
			if wanted[position] {
				return position, true
			}
		}
		return 0, false
	}
	found, more := axis.Next(0, next)
	for i := range s.Len() {
		task, err := s.At(i)
		if err != nil {
			t.Fatal(err)
		}
		position := axis.Position(i)
		if value := axis.Value(position); value != task[k].Value || position != i/axis.Stride()%axis.Len() {
			t.Fatalf("task %d has %s at position %d, want %s", i, value, position, task[k].Value)
		}
		if from, ok := axis.Next(i, next); ok != more || ok && from != found {
			t.Fatalf("from %d on the next task is %d, %v, want %d, %v", i, from, ok, found, more)
		}
		if is := more && found == i; is != wanted[position] {
			t.Fatalf("task %d is found: %v, want %v", i, is, wanted[position])
		}
		if wanted[position] {
			found, more = axis.Next(i+1, next)
		}
	}
	if more {
		t.Fatalf("task %d is found, but there are only %d", found, s.Len())
	}
}

func number(t *rapid.T, text string) int64 {
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAxisOfOtherSpaces(t *testing.T) {
	t.Parallel()
	var s *job.ParameterSpace
	if _, ok := s.Axis("A"); ok {
		t.Error("a space without parameters has an axis")
	}
	s, err := job.NewParameterSpace(job.SpaceDefinition{Parameters: []job.SpaceParameter{ints("A", "-4611686018427387904-4611686018427387902")}})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Axis("B"); ok {
		t.Error("there is an axis of no parameter")
	}
	axis, _ := s.Axis("A")
	last := func(int64) (int64, bool) { return s.Len() - 1, true }
	if task, ok := axis.Next(5, last); !ok || task != s.Len()-1 {
		t.Errorf("Next() = %d, %v", task, ok)
	}
	first := func(position int64) (int64, bool) { return 0, position == 0 }
	if task, ok := axis.Next(5, first); ok {
		t.Errorf("task %d of one round is found again", task)
	}
	if task, ok := axis.Next(s.Len(), last); ok {
		t.Errorf("Next() behind the end = %d", task)
	}
}
