package job_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

func ExampleParameterSpace_InChunks() {
	space, err := job.NewParameterSpace(job.SpaceDefinition{Parameters: []job.SpaceParameter{{
		Name: "Frame", Type: template.ChunkIntTaskParameter, Range: "1-35",
		Chunks: &job.Chunks{DefaultTaskCount: 10, RangeConstraint: template.Contiguous},
	}}})
	if err != nil {
		panic(err)
	}
	chunks, err := space.InChunks()
	if err != nil {
		panic(err)
	}
	fmt.Println(space.Len(), "tasks in", chunks.Len(), "chunks")
	for i := range chunks.Len() {
		task, err := chunks.At(i)
		fmt.Println(task[0].Value, err)
	}
	// A scheduler takes what it likes instead: at most 12 tasks from the 31st on.
	count := space.ChunkLimit(30, 12)
	task, err := space.ChunkAt(30, count)
	fmt.Println(count, task[0].Value, err)
	// Output:
	// 35 tasks in 4 chunks
	// 1-9 <nil>
	// 10-18 <nil>
	// 19-27 <nil>
	// 28-35 <nil>
	// 5 31-35 <nil>
}

// chunkSpace is a space of one chunked parameter Frame, of a range expression or of a list of integers in brackets.
func chunkSpace(t testing.TB, values string, size int64, constraint template.RangeConstraint) *job.ParameterSpace {
	t.Helper()
	p := job.SpaceParameter{
		Name: "Frame", Type: template.ChunkIntTaskParameter, Range: values,
		Chunks: &job.Chunks{DefaultTaskCount: size, RangeConstraint: constraint},
	}
	if list, ok := strings.CutPrefix(values, "["); ok {
		p.Range, p.Values = "", strings.Split(strings.TrimSuffix(list, "]"), ",")
	}
	return mustSpace(t, job.SpaceDefinition{Parameters: []job.SpaceParameter{p}})
}

func mustSpace(t testing.TB, def job.SpaceDefinition) *job.ParameterSpace {
	t.Helper()
	space, err := job.NewParameterSpace(def)
	if err != nil {
		t.Fatal(err)
	}
	return space
}

func inChunks(t testing.TB, space *job.ParameterSpace) *job.ParameterSpace {
	t.Helper()
	chunks, err := space.InChunks()
	if err != nil {
		t.Fatal(err)
	}
	return chunks
}

// TestChunkFormation holds the exact formation of chunks of the default size.
func TestChunkFormation(t *testing.T) {
	t.Parallel()
	const contiguous, any = template.Contiguous, template.Noncontiguous
	tests := []struct {
		values     string
		size       int64
		constraint template.RangeConstraint
		want       string
	}{
		{"1-35", 10, contiguous, "1-9 10-18 19-27 28-35"},
		{"-20--5", 5, contiguous, "-20--17 -16--13 -12--9 -8--5"},
		{"1-12", 5, contiguous, "1-4 5-8 9-12"},
		{"1,3,5", 100, contiguous, "1-1 3-3 5-5"},
		{"1,3,5", 100, any, "1-5:2"},
		{"[1,2,3,7,4,5]", 2, contiguous, "1-2 3-3 7-7 4-5"},
		{"[1,2,3,7,4,5]", 3, any, "1-3 4,5,7"},
		{"1-8", 3, any, "1-3 4-6 7,8"},
		{"1-3,4-10:2", 10, contiguous, "1-4 6-6 8-8 10-10"},
		{"2-6:2,7-9", 10, contiguous, "2-2 4-4 6-9"},
		{"2-6:2,7-11:2", 10, contiguous, "2-2 4-4 6-7 9-9 11-11"},
		{"5", 1, contiguous, "5-5"},
		{"5", 1, any, "5"},
		{"[3,2,1]", 5, contiguous, "3-3 2-2 1-1"},
		{"[1,1,2]", 5, contiguous, "1-1 1-2"},
		{"[1,1,2]", 5, any, "1,2"},
		{"1-100:7", 4, any, "1-22:7 29-50:7 57-78:7 85-99:7"},
		{"1-4", math.MaxInt64, contiguous, "1-4"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.values, " by ", tt.size, " ", tt.constraint), func(t *testing.T) {
			t.Parallel()
			space := chunkSpace(t, tt.values, tt.size, tt.constraint)
			chunks := inChunks(t, space)
			var got []string
			for i := range chunks.Len() {
				params, err := chunks.At(i)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, params[0].Value)
				if at, ok := chunks.Index(params); !ok || at != i {
					t.Errorf("chunk %d, %s, is found at %d, %v", i, params[0].Value, at, ok)
				}
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
			var again []string
			for i := int64(0); i < space.Len(); {
				first, count := space.StaticChunk(i)
				params, err := space.ChunkAt(first, count)
				if err != nil || first != i {
					t.Fatalf("the chunk of task %d begins at %d, %v", i, first, err)
				}
				again = append(again, params[0].Value)
				i += count
			}
			if diff := cmp.Diff(got, again); diff != "" {
				t.Errorf("static chunks of single tasks differ: %s", diff)
			}
		})
	}
}

// TestChunkSizes holds how many values each chunk gets.
func TestChunkSizes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		size int64
		want []int64
	}{
		{38, []int64{37}},
		{37, []int64{37}},
		{36, []int64{19, 18}},
		{17, []int64{13, 12, 12}},
		{9, []int64{8, 7, 8, 7, 7}},
		{4, []int64{4, 4, 4, 3, 4, 4, 3, 4, 4, 3}},
	}
	for _, tt := range tests {
		space := chunkSpace(t, "1-37", tt.size, template.Contiguous)
		var sizes []int64
		for i := int64(0); i < space.Len(); {
			_, count := space.StaticChunk(i)
			sizes = append(sizes, count)
			i += count
		}
		if diff := cmp.Diff(tt.want, sizes); diff != "" {
			t.Errorf("size %d: %s", tt.size, diff)
		}
	}
}

// TestChunksOfAnySize shows that nothing is enumerated.
func TestChunksOfAnySize(t *testing.T) {
	t.Parallel()
	space := chunkSpace(t, "-9000000000000000000-9000000000000000000:2,9000000000000000001-9200000000000000000", 1_000_000_007, template.Contiguous)
	chunks := inChunks(t, space)
	if want := int64(9_000_000_000_000_000_000 + 199_999_999); chunks.Len() != want {
		t.Errorf("%d chunks, want %d", chunks.Len(), want)
	}
	last, err := chunks.At(chunks.Len() - 1)
	if err != nil || !strings.HasSuffix(last[0].Value, "-9200000000000000000") {
		t.Errorf("the last chunk is %v, %v", last, err)
	}
	first, count := space.StaticChunk(space.Len() - 1)
	if first+count != space.Len() || count < 999_000_000 || count > 1_000_000_007 {
		t.Errorf("the last chunk has %d tasks from %d on", count, first)
	}
	params, err := chunks.At(9_000_000_000_000_000_000)
	if err != nil || !strings.HasPrefix(params[0].Value, "9000000000000000000-") {
		t.Errorf("the first long chunk is %v, %v", params, err)
	}
}

// TestChunksAmongOtherParameters shows the two orders: single tasks with the chunked parameter innermost, chunks as combined.
func TestChunksAmongOtherParameters(t *testing.T) {
	t.Parallel()
	space := mustSpace(t, job.SpaceDefinition{
		Parameters: []job.SpaceParameter{
			{Name: "Frame", Type: template.ChunkIntTaskParameter, Range: "1-4", Chunks: &job.Chunks{DefaultTaskCount: 3, RangeConstraint: template.Contiguous}},
			{Name: "Camera", Type: template.StringTaskParameter, Values: []string{"L", "R"}},
			{Name: "Pass", Type: template.IntTaskParameter, Values: []string{"7", "8"}},
		},
		Combination: "(Frame) * (Camera, Pass)",
	})
	text := func(s *job.ParameterSpace) string {
		var all []string
		for i := range s.Len() {
			params, err := s.At(i)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, params[0].Value+params[1].Value+params[2].Value)
			if at, ok := s.Index(params); !ok || at != i {
				t.Errorf("task %d is found at %d, %v", i, at, ok)
			}
		}
		return strings.Join(all, " ")
	}
	if diff := cmp.Diff("1L7 2L7 3L7 4L7 1R8 2R8 3R8 4R8", text(space)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("1-2L7 1-2R8 3-4L7 3-4R8", text(inChunks(t, space))); diff != "" {
		t.Error(diff)
	}
	if got := space.ChunkLimit(2, 100); got != 2 {
		t.Errorf("a chunk from task 2 on has %d tasks, but the row ends after 2", got)
	}
	if space.Joins(3, 4) || !space.Joins(4, 5) || space.Joins(5, 5) || space.Joins(4, 6) {
		t.Error("tasks are joined wrongly")
	}
	if _, err := space.ChunkAt(2, 3); !errors.Is(err, job.ErrNotOneChunk) {
		t.Errorf("got %v", err)
	}
	if _, err := space.ChunkOf([]int64{4, 5, 7}); !errors.Is(err, job.ErrNotOneChunk) {
		t.Errorf("got %v", err)
	}
	if _, err := space.ChunkOf([]int64{8}); !errors.Is(err, job.ErrNoSuchTask) {
		t.Errorf("got %v", err)
	}
	params, err := space.ChunkOf([]int64{5, 6})
	if diff := cmp.Diff([]string{"2-3", "R", "8"}, []string{params[0].Value, params[1].Value, params[2].Value}); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestChunksAreRefused(t *testing.T) {
	t.Parallel()
	good := &job.Chunks{DefaultTaskCount: 1, RangeConstraint: template.Contiguous}
	chunk := func(name string, c *job.Chunks) job.SpaceParameter {
		return job.SpaceParameter{Name: name, Type: template.ChunkIntTaskParameter, Range: "1-2", Chunks: c}
	}
	tests := []struct {
		def  job.SpaceDefinition
		want string
	}{
		{job.SpaceDefinition{Parameters: []job.SpaceParameter{chunk("A", nil)}}, "needs chunks"},
		{job.SpaceDefinition{Parameters: []job.SpaceParameter{chunk("A", &job.Chunks{RangeConstraint: template.Contiguous})}}, "defaultTaskCount"},
		{job.SpaceDefinition{Parameters: []job.SpaceParameter{chunk("A", &job.Chunks{DefaultTaskCount: 1, TargetRuntimeSeconds: -1, RangeConstraint: template.Contiguous})}}, "targetRuntimeSeconds"},
		{job.SpaceDefinition{Parameters: []job.SpaceParameter{chunk("A", &job.Chunks{DefaultTaskCount: 1})}}, "rangeConstraint"},
		{job.SpaceDefinition{Parameters: []job.SpaceParameter{chunk("A", good), chunk("B", good)}}, "A and B both have chunks"},
		{job.SpaceDefinition{Parameters: []job.SpaceParameter{{Name: "A", Type: template.IntTaskParameter, Range: "1", Chunks: good}}}, "only CHUNK[INT]"},
		{job.SpaceDefinition{
			Parameters:  []job.SpaceParameter{chunk("A", good), {Name: "B", Type: template.IntTaskParameter, Range: "1-2"}},
			Combination: "(A, B)",
		}, "association"},
	}
	for _, tt := range tests {
		if _, err := job.NewParameterSpace(tt.def); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
}

// TestChunksMatchNaiveOnes compares chunks of random lists and ranges with chunks made value by value.
func TestChunksMatchNaiveOnes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(-12, 12), 1, 25).Draw(t, "values")
		def := job.SpaceParameter{Name: "Frame", Type: template.ChunkIntTaskParameter, Chunks: &job.Chunks{
			DefaultTaskCount: rapid.Int64Range(1, 9).Draw(t, "size"),
			RangeConstraint:  rapid.SampledFrom([]template.RangeConstraint{template.Contiguous, template.Noncontiguous}).Draw(t, "constraint"),
		}}
		if rapid.Bool().Draw(t, "range") {
			r := expr.RangeOf(values)
			def.Range, values = r.String(), nil
			for i := range r.Len() {
				values = append(values, r.At(i))
			}
		} else {
			for _, v := range values {
				def.Values = append(def.Values, strconv.FormatInt(v, 10))
			}
		}
		space, err := job.NewParameterSpace(job.SpaceDefinition{Parameters: []job.SpaceParameter{def}})
		if err != nil {
			t.Fatal(err)
		}
		chunks, err := space.InChunks()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i := range chunks.Len() {
			params, err := chunks.At(i)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, params[0].Value)
		}
		if diff := cmp.Diff(naiveChunks(values, def.Chunks), got); diff != "" {
			t.Fatal(diff)
		}
		first := rapid.Int64Range(0, space.Len()-1).Draw(t, "first")
		most := rapid.Int64Range(1, 30).Draw(t, "most")
		count := space.ChunkLimit(first, most)
		tasks := []int64{first}
		for next := first + 1; next < space.Len() && int64(len(tasks)) < most && space.Joins(next-1, next); next++ {
			tasks = append(tasks, next)
		}
		if int64(len(tasks)) != count {
			t.Fatalf("%d tasks from %d on form a chunk, by joining %v", count, first, tasks)
		}
		together, err := space.ChunkAt(first, count)
		if err != nil {
			t.Fatal(err)
		}
		gathered, err := space.ChunkOf(tasks)
		if diff := cmp.Diff(together, gathered); diff != "" || err != nil {
			t.Fatal(diff, err)
		}
	})
}

// naiveChunks follows the rule word by word: runs first, then chunks of each, the larger ones at ⌊k·c/extra⌋.
func naiveChunks(values []int64, c *job.Chunks) []string {
	runs := [][]int64{values}
	if c.RangeConstraint == template.Contiguous {
		runs = nil
		for i, v := range values {
			if i == 0 || v != values[i-1]+1 {
				runs = append(runs, nil)
			}
			runs[len(runs)-1] = append(runs[len(runs)-1], v)
		}
	}
	var all []string
	for _, run := range runs {
		n := int64(len(run))
		count := (n + c.DefaultTaskCount - 1) / c.DefaultTaskCount
		small, extra := n/count, n%count
		larger := map[int64]bool{}
		for k := range extra {
			larger[k*count/extra] = true
		}
		for k := range count {
			size := small
			if larger[k] {
				size++
			}
			chunk := run[:size]
			run = run[size:]
			if c.RangeConstraint == template.Contiguous {
				all = append(all, fmt.Sprintf("%d-%d", chunk[0], chunk[len(chunk)-1]))
				continue
			}
			all = append(all, expr.RangeOf(slices.Clone(chunk)).String())
		}
	}
	return all
}
