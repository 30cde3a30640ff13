package row

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestChunkRoundTrip: any ascending indexes are written and read back, and the text answers for each of them.
func TestChunkRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tasks := rapid.SliceOfNDistinct(rapid.Int64Range(0, 200), 1, 60, rapid.ID).Draw(t, "tasks")
		slices.Sort(tasks)
		c := NewChunk(tasks)
		got, err := c.Tasks()
		if err != nil || !slices.Equal(got, tasks) {
			t.Fatalf("%v is %q, which reads as %v, %v", tasks, c, got, err)
		}
		for i := range int64(201) {
			if c.Holds(i) != slices.Contains(tasks, i) {
				t.Fatalf("%q holds %d: %t", c, i, c.Holds(i))
			}
		}
	})
}

func TestChunkText(t *testing.T) {
	t.Parallel()
	if c := NewChunk([]int64{3, 4, 5, 9}); c != "3-5,9" {
		t.Errorf("got %q", c)
	}
	if c := NewChunk(nil); c != "" || c.Holds(0) {
		t.Errorf("no tasks are %q", c)
	}
	for _, bad := range []Chunk{"x", "3-", "5-3", "3,3", "1-9999999999", "9,1", "-1"} {
		if tasks, err := bad.Tasks(); err == nil {
			t.Errorf("%q reads as %d tasks", bad, len(tasks))
		}
	}
}
