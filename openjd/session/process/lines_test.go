package process

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// TestSplitterDoesNotDependOnChunks feeds the same output whole and in pieces.
func TestSplitterDoesNotDependOnChunks(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", MaxLine)
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.SampledFrom([]string{"a", "\n", "\r\n", "\r", "é", "\xff", "\xc3", long, long[:MaxLine], long[:MaxLine-1]})).Draw(t, "parts")
		output := []byte(strings.Join(parts, ""))
		whole := split(output)
		chunks := func(yield func([]byte) bool) {
			for rest := output; len(rest) > 0; {
				n := min(rapid.IntRange(1, 70_000).Draw(t, "chunk"), len(rest))
				if !yield(rest[:n]) {
					return
				}
				rest = rest[n:]
			}
		}
		var pieces []Line
		var s splitter
		keep := func(l Line) { pieces = append(pieces, l) }
		for chunk := range chunks {
			s.feed(bytes.Clone(chunk), keep)
		}
		s.flush(keep)
		if len(pieces) != len(whole) {
			t.Fatalf("%d lines in pieces, %d whole", len(pieces), len(whole))
		}
		for i := range whole {
			if pieces[i] != whole[i] {
				t.Fatalf("line %d differs", i)
			}
			if !utf8.ValidString(whole[i].Text) || strings.Contains(whole[i].Text, "\n") {
				t.Fatalf("line %d is not one line of text", i)
			}
		}
	})
}

func split(output []byte) (lines []Line) {
	var s splitter
	keep := func(l Line) { lines = append(lines, l) }
	s.feed(output, keep)
	s.flush(keep)
	return lines
}
