package row

import (
	"fmt"
	"strconv"
	"strings"
)

// Chunk is the indexes of tasks that run together, in ascending order, as text: "3-9,12".
type Chunk string

// MaxChunk bounds the tasks of a chunk, so that a damaged row cannot ask for all memory.
const MaxChunk = 1 << 20

// NewChunk writes ascending indexes.
func NewChunk(tasks []int64) Chunk {
	var text []byte
	for i := 0; i < len(tasks); {
		last := i
		for last+1 < len(tasks) && tasks[last+1] == tasks[last]+1 {
			last++
		}
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, tasks[i], 10)
		if last > i {
			text = strconv.AppendInt(append(text, '-'), tasks[last], 10)
		}
		i = last + 1
	}
	return Chunk(text)
}

// Tasks reads the indexes; nil for "". The error says that the text is not a chunk.
func (c Chunk) Tasks() ([]int64, error) {
	if c == "" {
		return nil, nil
	}
	var tasks []int64
	for part := range strings.SplitSeq(string(c), ",") {
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		from, err := strconv.ParseInt(low, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("chunk %q: %w", c, err)
		}
		to, err := strconv.ParseInt(high, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("chunk %q: %w", c, err)
		}
		if from > to || len(tasks) > 0 && tasks[len(tasks)-1] >= from || to-from >= MaxChunk-int64(len(tasks)) {
			return nil, fmt.Errorf("chunk %q is not an ascending list of at most %d tasks", c, MaxChunk)
		}
		for i := from; i <= to; i++ {
			tasks = append(tasks, i)
		}
	}
	return tasks, nil
}

// Holds reports whether a task is in the chunk.
func (c Chunk) Holds(task int64) bool {
	for part := range strings.SplitSeq(string(c), ",") {
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		from, err := strconv.ParseInt(low, 10, 64)
		to, err2 := strconv.ParseInt(high, 10, 64)
		if err == nil && err2 == nil && from <= task && task <= to {
			return true
		}
	}
	return false
}
