package job

import (
	"slices"

	"github.com/farmhand-render/farmhand/openjd/template"
)

// Axis is one parameter of a space. Whatever products and associations the space is made of, the values of a parameter come in an even
// rhythm: each is kept for [Axis.Stride] tasks, and after the last one the first one follows again. So what is asked of a parameter
// can be decided for each of its values, which are few, instead of for each task; [Axis.Next] then finds the tasks.
//
// Tasks and values are counted from 0. To ask for one that is not there panics, as indexing a slice does.
type Axis struct {
	dimension *dimension
	tasks     int64
}

// Axis returns the parameter called name, and whether the space has it.
func (s *ParameterSpace) Axis(name string) (Axis, bool) {
	for k := range s.Parameters() {
		if s.definition.Parameters[k].Name == name {
			return Axis{&s.dimensions[k], s.root.length}, true
		}
	}
	return Axis{}, false
}

// Type returns the type of the parameter.
func (a Axis) Type() template.TaskParameterType { return a.dimension.typ }

// Len returns how many values the parameter has, at least 1. A list may have a value more than once.
func (a Axis) Len() int64 { return a.dimension.length() }

// Value returns the value at a position, as [ParameterSpace.At] gives it.
func (a Axis) Value(position int64) string { return a.dimension.at(position) }

// Ascending says that the values are integers, each larger than the one before it, as those of a range expression are.
func (a Axis) Ascending() bool { return a.dimension.values == nil && !a.dimension.whole }

// Stride returns how many tasks in a row have the same value: task i has the one at position i / Stride() % Len().
func (a Axis) Stride() int64 { return a.dimension.stride }

// Position returns which value a task has.
func (a Axis) Position(task int64) int64 { return task / a.dimension.stride % a.dimension.length() }

// Next returns the first task, from a given one on, whose value is wanted, and whether there is one. wanted returns the first position
// of a wanted value from a given one on; it is called with any position below [Axis.Len].
func (a Axis) Next(from int64, wanted func(position int64) (next int64, ok bool)) (task int64, ok bool) {
	if from >= a.tasks {
		return 0, false
	}
	position := a.Position(from)
	round := from/a.dimension.stride - position // where the first value came last, in strides
	next, ok := wanted(position)
	switch {
	case ok && next == position:
		return from, true
	case ok:
		return (round + next) * a.dimension.stride, true
	case round+a.Len() == a.tasks/a.dimension.stride:
		return 0, false // there is no other round
	}
	next, ok = wanted(0)
	return (round + a.Len() + next) * a.dimension.stride, ok
}

// setStrides tells the dimensions of a part for how many tasks each value is kept, when the part's next task comes after stride.
func (s *ParameterSpace) setStrides(f *factor, stride int64) {
	if f.kind == template.CombineParameter {
		s.dimensions[f.dimension].stride = stride
		return
	}
	for _, part := range slices.Backward(f.parts) {
		s.setStrides(part, stride)
		if f.kind == template.CombineProduct {
			stride *= part.length
		}
	}
}
