package job

import (
	"fmt"
	"strconv"

	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// A space with a CHUNK[INT] parameter can be looked at in two ways. As it is, every value is a task of its own, and that parameter
// varies fastest whatever the combination says, so that a chunk is always tasks that follow each other: this is how a service counts
// and hands out tasks. [ParameterSpace.InChunks] is the space of chunks of the default size, in the order of the combination: this is
// how the specification numbers them.

// Chunks returns how the tasks of the space are grouped, nil when each runs by itself.
func (s *ParameterSpace) Chunks() *Chunks {
	if s == nil || s.chunked < 0 || s.root == nil {
		return nil
	}
	return &s.dimensions[s.chunked].chunks.Chunks
}

// InChunks returns the same space with every chunk of the default size as one task. A space without chunks is returned as it is.
// Errors are those of [NewParameterSpace], so there are none.
func (s *ParameterSpace) InChunks() (*ParameterSpace, error) {
	if s.Chunks() == nil || s.dimensions[s.chunked].whole {
		return s, nil
	}
	return newParameterSpace(s.definition, true)
}

// rowOf splits the index of a task into the first task of its row and its place in it. A row is the tasks that are equal in all but
// the chunked parameter.
func (s *ParameterSpace) rowOf(task int64) (first, position int64) {
	length := s.dimensions[s.chunked].length()
	return task - task%length, task % length
}

// checkChunked panics when the space has no chunks or the task is not in it: to ask is a mistake of the program.
func (s *ParameterSpace) checkChunked(task int64) {
	if s.Chunks() == nil || s.dimensions[s.chunked].whole {
		panic("job: the parameter space has no tasks to put into chunks") //nolint:forbidigo // documented
	}
	if task < 0 || task >= s.Len() {
		panic("job: task " + strconv.FormatInt(task, 10) + " is not in the parameter space") //nolint:forbidigo // documented, as indexing
	}
}

// StaticChunk returns the chunk of the default size that holds a task: count tasks from first on. The tasks of a run are spread
// evenly over as few chunks as possible. The space must have chunks, and the task.
func (s *ParameterSpace) StaticChunk(task int64) (first, count int64) {
	s.checkChunked(task)
	row, position := s.rowOf(task)
	chunks := s.dimensions[s.chunked].chunks
	from, to := chunks.chunk(chunks.chunkOf(position))
	return row + from, to - from
}

// ChunkLimit returns how many tasks from first on can be one chunk, at most most, which is at least 1: fewer where the values of the
// chunked parameter end, and for CONTIGUOUS at a gap. The space must have chunks, and the task.
func (s *ParameterSpace) ChunkLimit(first, most int64) int64 {
	s.checkChunked(first)
	_, position := s.rowOf(first)
	return min(most, s.dimensions[s.chunked].chunks.runEnd(position)-position)
}

// Joins says whether a task can follow another in one chunk: both are equal in all other parameters, and for CONTIGUOUS its value is
// the next integer. The space must have chunks, and the tasks. It serves to gather tasks that are run again.
func (s *ParameterSpace) Joins(previous, next int64) bool {
	s.checkChunked(previous)
	s.checkChunked(next)
	rowA, a := s.rowOf(previous)
	rowB, b := s.rowOf(next)
	if rowA != rowB || a >= b {
		return false
	}
	d := &s.dimensions[s.chunked]
	if d.chunks.RangeConstraint != template.Contiguous {
		return true
	}
	x, y := d.integer(a), d.integer(b)
	return x < y && uint64(y)-uint64(x) == 1
}

// ChunkAt returns the parameters of a chunk of count tasks from first on. Errors: [ErrNoSuchTask], [ErrNotOneChunk].
func (s *ParameterSpace) ChunkAt(first, count int64) (TaskParameters, error) {
	if s.Chunks() == nil || first < 0 || count < 1 || first >= s.Len() {
		return nil, fmt.Errorf("chunk of %d tasks from %d on: %w", count, first, ErrNoSuchTask)
	}
	if s.ChunkLimit(first, count) < count {
		return nil, fmt.Errorf("chunk of %d tasks from %d on: %w", count, first, ErrNotOneChunk)
	}
	_, position := s.rowOf(first)
	return s.chunkParameters(first, s.dimensions[s.chunked].text(position, position+count))
}

// ChunkOf returns the parameters of a chunk of the given tasks, in ascending order of index. Errors: [ErrNoSuchTask], [ErrNotOneChunk].
func (s *ParameterSpace) ChunkOf(tasks []int64) (TaskParameters, error) {
	if s.Chunks() == nil || len(tasks) == 0 {
		return nil, fmt.Errorf("chunk of %d tasks: %w", len(tasks), ErrNoSuchTask)
	}
	values := make([]int64, len(tasks))
	for i, task := range tasks {
		if task < 0 || task >= s.Len() {
			return nil, fmt.Errorf("chunk of %d tasks: task %d: %w", len(tasks), task, ErrNoSuchTask)
		}
		if i > 0 && !s.Joins(tasks[i-1], task) {
			return nil, fmt.Errorf("chunk of %d tasks: %d and %d: %w", len(tasks), tasks[i-1], task, ErrNotOneChunk)
		}
		_, position := s.rowOf(task)
		values[i] = s.dimensions[s.chunked].integer(position)
	}
	text := expr.RangeOf(values).String()
	if s.Chunks().RangeConstraint == template.Contiguous {
		text = strconv.FormatInt(values[0], 10) + "-" + strconv.FormatInt(values[len(values)-1], 10)
	}
	return s.chunkParameters(tasks[0], text)
}

func (s *ParameterSpace) chunkParameters(task int64, text string) (TaskParameters, error) {
	params, err := s.At(task)
	if err == nil {
		params[s.chunked].Value = text
	}
	return params, err
}
