package job

import (
	"iter"

	"github.com/farmhand-render/farmhand/openjd/template"
)

// All yields the index and the parameters of every task in order. The slice is the same each time: what must outlive a step is copied.
// A value is made only when it changes, so that walking through a space costs less than asking for each task.
func (s *ParameterSpace) All() iter.Seq2[int64, TaskParameters] {
	return func(yield func(int64, TaskParameters) bool) {
		if s == nil || s.root == nil {
			yield(0, nil)
			return
		}
		params, err := s.AppendAt(make(TaskParameters, 0, len(s.dimensions)), 0)
		if err != nil {
			return // there is always a first task
		}
		var now, next [template.MaxTaskParameters]int64
		s.root.locate(0, now[:])
		for i := int64(0); yield(i, params); {
			if i++; i == s.root.length {
				return
			}
			s.root.locate(i, next[:])
			for k := range s.dimensions {
				if next[k] != now[k] {
					now[k] = next[k]
					params[k].Value = s.dimensions[k].at(next[k])
				}
			}
		}
	}
}
