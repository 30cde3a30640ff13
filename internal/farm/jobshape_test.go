package farm

import (
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// The ids of tasks and session actions carry what they are made of, and nothing else parses.
func TestNumberedIDs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		hexID := rapid.StringMatching(`[0-9a-f]{32}`).Draw(t, "hex")
		index := rapid.Int64Min(0).Draw(t, "index")
		step, i, ok := parseTaskID(taskID(prefixStep+hexID, index))
		if !ok || step != prefixStep+hexID || i != index {
			t.Errorf("task: %s %d %t", step, i, ok)
		}
		session, i, ok := parseSessionActionID(sessionActionID(prefixSession+hexID, index))
		if !ok || session != prefixSession+hexID || i != index {
			t.Errorf("session action: %s %d %t", session, i, ok)
		}
	})
	for _, id := range []string{"", "task-", "task-00", "task-00-", "task-00-01", "task-00--1", "task-00-+1", "task-00-1-1", "step-00-1", "task-00-99999999999999999999"} {
		if _, _, ok := parseTaskID(id); ok {
			t.Errorf("%q was taken for the id of a task", id)
		}
	}
}

// The cache of shapes stays within its memory and keeps what was used last.
func TestShapesAreBounded(t *testing.T) {
	t.Parallel()
	c := newShapes()
	large := &jobShape{steps: make([]stepShape, 1), bytes: shapeBytes / 4}
	for i := range 10 {
		c.put(strconv.Itoa(i), large)
		c.get("0")
		if c.bytes > shapeBytes {
			t.Fatalf("%d bytes are cached", c.bytes)
		}
	}
	for id, want := range map[string]bool{"0": true, "9": true, "8": true, "7": true, "6": false, "1": false} {
		if got := c.get(id) != nil; got != want {
			t.Errorf("job %s is cached: %t, want %t", id, got, want)
		}
	}
	c.put("more than all", &jobShape{steps: make([]stepShape, 1), bytes: shapeBytes + 1})
	if c.get("more than all") != nil || c.get("0") == nil {
		t.Error("a shape that does not fit drove the others out")
	}
}

// What is remembered is bounded, and what was added last is always there.
func TestRememberedIsBounded(t *testing.T) {
	t.Parallel()
	r := newRemembered(10)
	for i := range 100 {
		id := strconv.Itoa(i)
		r.add(id)
		if !r.has(id) || len(r.new)+len(r.old) > 20 {
			t.Fatalf("after %d: has %t, %d remembered", i, r.has(id), len(r.new)+len(r.old))
		}
	}
	r.remove("99")
	if r.has("99") || !r.has("98") {
		t.Error("remove forgot the wrong one")
	}
}
