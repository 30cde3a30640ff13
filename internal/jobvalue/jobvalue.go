// Package jobvalue converts values of job parameters between Deadline's API, which has a member for each type and texts for everything, and
// Open Job Description, which has a type and one text. Both sides of the API use it.
package jobvalue

import (
	"encoding/json"
	"fmt"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// FromAPI gives a value of the API for [job.BindParameters]. It is checked there; the text of a list is JSON.
func FromAPI(v *deadline.JobParameter) (job.Value, error) {
	scalars := []struct {
		t    template.JobParameterType
		text *string
	}{
		{template.IntParameter, v.Int},
		{template.FloatParameter, v.Float},
		{template.StringParameter, v.String},
		{template.PathParameter, v.Path},
		{template.BoolParameter, v.Bool},
		{template.RangeParameter, v.RangeExpr},
	}
	for _, s := range scalars {
		if s.text != nil {
			return job.Value{Type: s.t, Text: *s.text}, nil
		}
	}
	lists := []struct {
		t     template.JobParameterType
		items []string
	}{
		{template.ListStringParameter, v.StringList},
		{template.ListPathParameter, v.PathList},
		{template.ListIntParameter, v.IntList},
		{template.ListFloatParameter, v.FloatList},
		{template.ListBoolParameter, v.BoolList},
	}
	for _, l := range lists {
		if l.items != nil {
			return listValue(l.t, l.items)
		}
	}
	if v.IntListList != nil {
		return listValue(template.ListListIntParameter, v.IntListList)
	}
	return job.Value{}, fmt.Errorf("is of the type %q, which this version of Farmhand does not know", v.UnknownMember)
}

func listValue(t template.JobParameterType, items any) (job.Value, error) {
	text, err := json.Marshal(items)
	if err != nil {
		return job.Value{}, fmt.Errorf("read a value of type %s: %w", t, err)
	}
	return job.Value{Type: t, Text: string(text)}, nil
}

// Bound gives a value of the API that is known to be right, such as one that a service hands to its workers, as a bound parameter.
func Bound(name string, v *deadline.JobParameter) (job.Parameter, error) {
	value, err := FromAPI(v)
	if err != nil {
		return job.Parameter{}, fmt.Errorf("the job parameter %s %w", name, err)
	}
	definition := template.JobParameterDefinition{Name: name, Type: value.Type}
	text, err := definition.ValueText(value.Text)
	if err != nil {
		return job.Parameter{}, fmt.Errorf("the job parameter %s: %w", name, err)
	}
	return job.Parameter{Name: name, Type: value.Type, Value: text}, nil
}

// ToAPI gives a value as the API shows it. A type that the API does not have, or a text that is not of its type, is shown as a string.
func ToAPI(t template.JobParameterType, text string) deadline.JobParameter {
	switch t {
	case template.IntParameter:
		return deadline.JobParameter{Int: &text}
	case template.FloatParameter:
		return deadline.JobParameter{Float: &text}
	case template.PathParameter:
		return deadline.JobParameter{Path: &text}
	case template.BoolParameter:
		return deadline.JobParameter{Bool: &text}
	case template.RangeParameter:
		return deadline.JobParameter{RangeExpr: &text}
	}
	items, err := t.Items(text)
	if t.Element() == "" || err != nil {
		return deadline.JobParameter{String: &text}
	}
	if items == nil {
		items = []string{}
	}
	switch t {
	case template.ListStringParameter:
		return deadline.JobParameter{StringList: items}
	case template.ListPathParameter:
		return deadline.JobParameter{PathList: items}
	case template.ListIntParameter:
		return deadline.JobParameter{IntList: items}
	case template.ListFloatParameter:
		return deadline.JobParameter{FloatList: items}
	case template.ListBoolParameter:
		return deadline.JobParameter{BoolList: items}
	case template.ListListIntParameter:
		lists := make([][]string, len(items))
		for i, inner := range items {
			lists[i] = []string{}
			if texts, err := t.Element().Items(inner); err == nil && texts != nil {
				lists[i] = texts
			}
		}
		return deadline.JobParameter{IntListList: lists}
	}
	return deadline.JobParameter{String: &text}
}
