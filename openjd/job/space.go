package job

import (
	"errors"
	"fmt"

	"github.com/farmhand-render/farmhand/openjd/template"
)

// SpaceDefinition is a resolved parameter space in its compact form: ranges stay range expressions. It is what to store.
// The zero value defines exactly one task, without parameters.
type SpaceDefinition struct {
	Parameters []SpaceParameter `json:"parameters,omitempty"`
	// Combination is the combination expression as authored, "" for the product in order of definition.
	Combination string `json:"combination,omitempty"`
}

// SpaceParameter is one dimension: a range expression, which only INT and CHUNK[INT] can have, or a list of values.
type SpaceParameter struct {
	Name   string                     `json:"name"`
	Type   template.TaskParameterType `json:"type"`
	Range  string                     `json:"range,omitempty"`
	Values []string                   `json:"values,omitempty"`
	// Chunks is how the values are grouped; CHUNK[INT] must have it, others cannot.
	Chunks *Chunks `json:"chunks,omitempty"`
}

// TaskParameter is the value of one parameter for one task.
type TaskParameter struct {
	Name  string                     `json:"name"`
	Type  template.TaskParameterType `json:"type"`
	Value string                     `json:"value"` // INT in decimal, FLOAT with its own digits, PATH not mapped, CHUNK[INT] a range
}

// TaskParameters is the parameters of one task in order of definition.
type TaskParameters []TaskParameter

// Get returns the value of the parameter called name.
func (p TaskParameters) Get(name string) (string, bool) {
	for i := range p {
		if p[i].Name == name {
			return p[i].Value, true
		}
	}
	return "", false
}

// ErrNoSuchTask says that an index lies outside the space.
var ErrNoSuchTask = errors.New("no such task in the parameter space")

// ParameterSpace is the tasks of a step. It is immutable and safe for concurrent use. A nil space holds exactly one task, without
// parameters.
type ParameterSpace struct {
	definition SpaceDefinition
	dimensions []dimension // in order of definition
	root       *factor     // nil when there are no parameters
	chunked    int         // the dimension that has chunks, -1 when none has
}

// Definition returns what the space was built from.
func (s *ParameterSpace) Definition() SpaceDefinition {
	if s == nil {
		return SpaceDefinition{}
	}
	return s.definition
}

// Parameters returns the dimensions in order of definition. The caller must not change them.
func (s *ParameterSpace) Parameters() []SpaceParameter { return s.Definition().Parameters }

// Combination returns the combination expression as authored, "" when there is none.
func (s *ParameterSpace) Combination() string { return s.Definition().Combination }

// Len returns the number of tasks, at least 1.
func (s *ParameterSpace) Len() int64 {
	if s == nil || s.root == nil {
		return 1
	}
	return s.root.length
}

// At returns the parameters of task i, counted from 0, or [ErrNoSuchTask]. The rightmost factor of a product varies fastest; a
// CHUNK[INT] parameter, whose value is then one integer, varies faster than all others.
func (s *ParameterSpace) At(i int64) (TaskParameters, error) {
	if s == nil || s.root == nil {
		return s.AppendAt(nil, i)
	}
	return s.AppendAt(make(TaskParameters, 0, len(s.dimensions)), i)
}

// AppendAt appends the parameters of task i to dst, so that a loop can reuse memory.
func (s *ParameterSpace) AppendAt(dst TaskParameters, i int64) (TaskParameters, error) {
	if i < 0 || i >= s.Len() {
		return dst, fmt.Errorf("task %d of %d: %w", i, s.Len(), ErrNoSuchTask)
	}
	if s == nil || s.root == nil {
		return dst, nil
	}
	var at [template.MaxTaskParameters]int64
	s.root.locate(i, at[:])
	for k := range s.dimensions {
		p := &s.definition.Parameters[k]
		dst = append(dst, TaskParameter{Name: p.Name, Type: p.Type, Value: s.dimensions[k].at(at[k])})
	}
	return dst, nil
}

// Index returns the index of the first task with these parameters, in any order, and whether there is one. Every parameter of the
// space must be given once and no other. INT and FLOAT compare as numbers.
func (s *ParameterSpace) Index(params TaskParameters) (int64, bool) {
	if s == nil || s.root == nil {
		return 0, len(params) == 0
	}
	if len(params) != len(s.dimensions) {
		return 0, false
	}
	texts := make([]string, len(s.dimensions))
	for k, p := range s.definition.Parameters {
		text, ok := params.Get(p.Name)
		if !ok {
			return 0, false
		}
		texts[k] = text
	}
	return s.root.find(func(k int, from int64) (int64, bool) { return s.dimensions[k].index(texts[k], from) })
}
