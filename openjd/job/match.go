package job

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// Match returns the parameters of the task that somebody describes by the values of its parameters as text, in the form that the space
// gives them. A CHUNK[INT] parameter takes one value or any range of its values, not only the chunks of the default size. The error
// says which parameter is missing or unknown, or why the space has no such task.
func (s *ParameterSpace) Match(values map[string]string) (TaskParameters, error) {
	var params TaskParameters
	var problems []error
	for _, p := range s.Parameters() {
		text, ok := values[p.Name]
		if !ok {
			problems = append(problems, fmt.Errorf("the task parameter %s is missing", p.Name))
		}
		params = append(params, TaskParameter{Name: p.Name, Type: p.Type, Value: text})
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if _, ok := params.Get(name); !ok {
			problems = append(problems, fmt.Errorf("the step has no task parameter %s", name))
		}
	}
	if problems != nil {
		return nil, errors.Join(problems...)
	}
	chunk := ""
	if s.Chunks() != nil {
		p := &params[s.chunked]
		first, text, err := s.dimensions[s.chunked].matchChunk(p.Value)
		if err != nil {
			return nil, fmt.Errorf("task parameter %s: %w", p.Name, err)
		}
		p.Value, chunk = first, text
	}
	i, ok := s.Index(params)
	if !ok {
		return nil, fmt.Errorf("the parameter space has no task with %s", describe(params))
	}
	params, err := s.At(i)
	if err == nil && chunk != "" {
		params[s.chunked].Value = chunk
	}
	return params, err
}

func describe(params TaskParameters) string {
	texts := make([]string, len(params))
	for i, p := range params {
		texts[i] = p.Name + "=" + p.Value
	}
	return strings.Join(texts, ", ")
}

// maxMatched bounds the values of a chunk that somebody describes, each of which is looked up.
const maxMatched = 1_000_000

// matchChunk reads a chunk of values of the dimension: its first value, and its text.
func (d *dimension) matchChunk(text string) (first, chunk string, err error) {
	values, err := expr.ParseRange(strings.TrimSpace(text))
	if err != nil {
		return "", "", fmt.Errorf("%q is not a range: %w", text, err)
	}
	if values.Len() > maxMatched {
		return "", "", fmt.Errorf("%q holds more than %d values", text, maxMatched)
	}
	for i := range values.Len() {
		if _, ok := d.valueIndex(strconv.FormatInt(values.At(i), 10), 0); !ok {
			return "", "", fmt.Errorf("%d is not in the range", values.At(i))
		}
	}
	low, high := values.At(0), values.At(values.Len()-1)
	first = strconv.FormatInt(low, 10)
	if d.chunks.RangeConstraint == template.Noncontiguous {
		return first, values.Regrouped().String(), nil
	}
	if uint64(high)-uint64(low) != uint64(values.Len()-1) {
		return "", "", fmt.Errorf("%q has a gap, which a %s chunk cannot have", text, template.Contiguous)
	}
	return first, first + "-" + strconv.FormatInt(high, 10), nil
}
