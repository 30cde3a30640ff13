package job_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

func ints(name, span string) job.SpaceParameter {
	return job.SpaceParameter{Name: name, Type: template.IntTaskParameter, Range: span}
}

func texts(name string, values ...string) job.SpaceParameter {
	return job.SpaceParameter{Name: name, Type: template.StringTaskParameter, Values: values}
}

// tasksOf lists a space as "A=1 B=x" lines.
func tasksOf(t testing.TB, s *job.ParameterSpace) []string {
	t.Helper()
	var all []string
	for i := range s.Len() {
		task, err := s.At(i)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, line(task))
	}
	return all
}

func line(task job.TaskParameters) string {
	var parts []string
	for _, p := range task {
		parts = append(parts, p.Name+"="+p.Value)
	}
	return strings.Join(parts, " ")
}

func TestParameterSpaceOrder(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		def  job.SpaceDefinition
		want []string
	}{
		{"no parameters", job.SpaceDefinition{}, []string{""}},
		{"one range", job.SpaceDefinition{Parameters: []job.SpaceParameter{ints("A", "5-1:-2")}}, []string{"A=1", "A=3", "A=5"}},
		{
			"default product, rightmost fastest",
			job.SpaceDefinition{Parameters: []job.SpaceParameter{ints("A", "1-2"), texts("B", "x", "y")}},
			[]string{"A=1 B=x", "A=1 B=y", "A=2 B=x", "A=2 B=y"},
		},
		{
			"written order decides, not the order of definition",
			job.SpaceDefinition{Parameters: []job.SpaceParameter{ints("A", "1-2"), texts("B", "x", "y")}, Combination: "B * A"},
			[]string{"A=1 B=x", "A=2 B=x", "A=1 B=y", "A=2 B=y"},
		},
		{
			"association of a product",
			job.SpaceDefinition{
				Parameters:  []job.SpaceParameter{ints("A", "1-2"), texts("B", "x", "y"), ints("C", "7-10")},
				Combination: "(A * B, C)",
			},
			[]string{"A=1 B=x C=7", "A=1 B=y C=8", "A=2 B=x C=9", "A=2 B=y C=10"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := job.NewParameterSpace(tt.def)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, tasksOf(t, s)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParameterSpaceRefuses(t *testing.T) {
	t.Parallel()
	huge := "0-9223372036854775806"
	tests := []struct {
		name, want string
		def        job.SpaceDefinition
	}{
		{"association of different lengths", "of one length, found 2 and 3", job.SpaceDefinition{
			Parameters: []job.SpaceParameter{ints("A", "1-2"), ints("B", "1-3")}, Combination: "(A, B)",
		}},
		{"more tasks than can be counted", "64-bit", job.SpaceDefinition{Parameters: []job.SpaceParameter{ints("A", huge), ints("B", "1-2")}}},
		{"no values", "neither", job.SpaceDefinition{Parameters: []job.SpaceParameter{texts("A")}}},
		{"defined twice", "twice", job.SpaceDefinition{Parameters: []job.SpaceParameter{ints("A", "1"), ints("A", "2")}}},
		{"range of strings", "only INT", job.SpaceDefinition{Parameters: []job.SpaceParameter{{Name: "A", Type: "STRING", Range: "1"}}}},
		{"not covered", "B is missing", job.SpaceDefinition{
			Parameters: []job.SpaceParameter{ints("A", "1"), ints("B", "1")}, Combination: "A",
		}},
		{"combination of nothing", "needs task parameters", job.SpaceDefinition{Combination: "A"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := job.NewParameterSpace(tt.def); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestParameterSpaceOfAnySize(t *testing.T) {
	t.Parallel()
	s, err := job.NewParameterSpace(job.SpaceDefinition{Parameters: []job.SpaceParameter{ints("A", "-4611686018427387904-4611686018427387902")}})
	if err != nil {
		t.Fatal(err)
	}
	if s.Len() != math.MaxInt64 {
		t.Fatalf("Len() = %d", s.Len())
	}
	task, err := s.At(s.Len() - 1)
	if err != nil || line(task) != "A=4611686018427387902" {
		t.Errorf("last task %v, %v", task, err)
	}
	for _, i := range []int64{-1, math.MaxInt64} {
		if _, err := s.At(i); !errors.Is(err, job.ErrNoSuchTask) {
			t.Errorf("At(%d) gives %v", i, err)
		}
	}
}

func TestNilSpaceIsOneTask(t *testing.T) {
	t.Parallel()
	var s *job.ParameterSpace
	task, err := s.At(0)
	if s.Len() != 1 || len(task) != 0 || err != nil || s.Parameters() != nil || s.Combination() != "" {
		t.Errorf("Len() = %d, At(0) = %v, %v", s.Len(), task, err)
	}
	if i, ok := s.Index(nil); i != 0 || !ok {
		t.Errorf("Index() = %d, %v", i, ok)
	}
	if _, err := s.At(1); !errors.Is(err, job.ErrNoSuchTask) {
		t.Errorf("At(1) gives %v", err)
	}
}

func TestIndexComparesNumbers(t *testing.T) {
	t.Parallel()
	s, err := job.NewParameterSpace(job.SpaceDefinition{Parameters: []job.SpaceParameter{
		{Name: "F", Type: template.FloatTaskParameter, Values: []string{"0.5", "1.50"}}, ints("I", "1-3"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	i, ok := s.Index(job.TaskParameters{{Name: "I", Value: "02"}, {Name: "F", Value: "1.5"}})
	if i != 4 || !ok {
		t.Errorf("Index() = %d, %v", i, ok)
	}
	for _, outside := range []job.TaskParameters{
		nil,
		{{Name: "I", Value: "2"}},
		{{Name: "I", Value: "2"}, {Name: "G", Value: "1.5"}},
		{{Name: "I", Value: "4"}, {Name: "F", Value: "1.5"}},
		{{Name: "I", Value: "x"}, {Name: "F", Value: "1.5"}},
	} {
		if i, ok := s.Index(outside); ok {
			t.Errorf("Index(%v) = %d", outside, i)
		}
	}
}

// naive enumerates a combination by the words of the specification: all tasks as maps.
func naive(c *template.Combination, values map[string][]string) []map[string]string {
	if c.Kind == template.CombineParameter {
		var all []map[string]string
		for _, v := range values[c.Name] {
			all = append(all, map[string]string{c.Name: v})
		}
		return all
	}
	all := naive(c.Parts[0], values)
	for _, part := range c.Parts[1:] {
		next := naive(part, values)
		var joined []map[string]string
		for i, left := range all {
			for k, right := range next {
				if c.Kind == template.CombineAssociation && i != k {
					continue
				}
				both := map[string]string{}
				for _, m := range []map[string]string{left, right} {
					maps.Copy(both, m)
				}
				joined = append(joined, both)
			}
		}
		all = joined
	}
	return all
}

// TestSpaceMatchesNaiveEnumeration builds random combinations whose associations fit and compares every task.
func TestSpaceMatchesNaiveEnumeration(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := generator{values: map[string][]string{}}
		g.def.Combination = g.product(t, 3, rapid.IntRange(1, 12).Draw(t, "tasks"))
		s, err := job.NewParameterSpace(g.def)
		if err != nil {
			t.Fatalf("%+v: %v", g.def, err)
		}
		c, err := template.ParseCombination(g.def.Combination)
		if err != nil {
			t.Fatal(err)
		}
		want := naive(c, g.values)
		if int64(len(want)) != s.Len() {
			t.Fatalf("Len() = %d, want %d for %+v", s.Len(), len(want), g.def)
		}
		first := map[string]int64{}
		for i, w := range want {
			task, err := s.At(int64(i))
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, p := range task {
				got[p.Name] = p.Value
			}
			if diff := cmp.Diff(w, got); diff != "" {
				t.Fatalf("task %d of %+v: %s", i, g.def, diff)
			}
			if _, seen := first[line(task)]; !seen {
				first[line(task)] = int64(i)
			}
			if at, ok := s.Index(task); !ok || at != first[line(task)] {
				t.Fatalf("Index(%v) = %d, %v, want %d in %+v", task, at, ok, first[line(task)], g.def)
			}
		}
		again := roundTrip(t, g.def)
		if diff := cmp.Diff(g.def, again); diff != "" {
			t.Fatal(diff)
		}
	})
}

func roundTrip(t *rapid.T, def job.SpaceDefinition) job.SpaceDefinition {
	data, err := json.Marshal(def)
	if err != nil {
		t.Fatal(err)
	}
	var again job.SpaceDefinition
	if err := json.Unmarshal(data, &again); err != nil {
		t.Fatal(err)
	}
	return again
}

// generator makes combinations of a wanted number of tasks, with its parameters.
type generator struct {
	def    job.SpaceDefinition
	values map[string][]string
}

func (g *generator) product(t *rapid.T, depth, tasks int) string {
	var divisors []int
	for d := 1; d <= tasks; d++ {
		if tasks%d == 0 {
			divisors = append(divisors, d)
		}
	}
	d := rapid.SampledFrom(divisors).Draw(t, "factor")
	if d == tasks || len(g.def.Parameters) > 8 {
		return g.element(t, depth, tasks)
	}
	return g.element(t, depth, d) + " * " + g.element(t, depth, tasks/d)
}

func (g *generator) element(t *rapid.T, depth, tasks int) string {
	if depth > 0 && len(g.def.Parameters) < 8 && rapid.Bool().Draw(t, "association") {
		return "(" + g.product(t, depth-1, tasks) + ", " + g.product(t, depth-1, tasks) + ")"
	}
	name := "P" + strconv.Itoa(len(g.def.Parameters))
	if rapid.Bool().Draw(t, "range") {
		step := rapid.IntRange(1, 3).Draw(t, "step")
		start := rapid.IntRange(-20, 20).Draw(t, "start")
		g.def.Parameters = append(g.def.Parameters, ints(name, fmt.Sprintf("%d-%d:%d", start, start+(tasks-1)*step, step)))
		for i := range tasks {
			g.values[name] = append(g.values[name], strconv.Itoa(start+i*step))
		}
		return name
	}
	values := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), tasks, tasks).Draw(t, "values")
	g.def.Parameters = append(g.def.Parameters, texts(name, values...))
	g.values[name] = values
	return name
}

func BenchmarkAt(b *testing.B) {
	s, err := job.NewParameterSpace(job.SpaceDefinition{
		Parameters:  []job.SpaceParameter{ints("Frame", "1-1000000"), texts("Layer", "a", "b", "c", "d", "e"), ints("Tile", "0-1")},
		Combination: "Frame * Layer * Tile",
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var task job.TaskParameters
	for i := int64(0); b.Loop(); i = (i + 7919) % s.Len() {
		if task, err = s.AppendAt(task[:0], i); err != nil {
			b.Fatal(err)
		}
	}
}
