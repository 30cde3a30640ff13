package job

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// MergeParameterDefinitions joins the definitions of environment templates, outermost first, and of the job template, which comes
// last: types must agree, constraints intersect, the last default wins (2023-09 §1.2.1). jobTemplate may be nil. The result is in
// order of first appearance. The error is a [template.Errors] that names the documents in conflict.
func MergeParameterDefinitions(environments []*template.EnvironmentTemplate, jobTemplate *template.JobTemplate) ([]template.JobParameterDefinition, error) {
	m := merger{index: map[string]int{}}
	for _, e := range environments {
		m.document(fmt.Sprintf("environment template %q", e.Environment.Name), e.ParameterDefinitions)
	}
	if jobTemplate != nil {
		m.document("the job template", jobTemplate.ParameterDefinitions)
	}
	for i := range m.merged {
		d := &m.merged[i]
		if len(m.sources[i]) == 1 || d.Default == nil || m.broken[d.Name] {
			continue
		}
		text, err := d.LiteralText(*d.Default)
		if err == nil {
			err = d.CheckValue(text)
		}
		if err != nil {
			m.report(d.Name, fmt.Errorf("the default breaks a constraint of %s: %w", strings.Join(m.sources[i], " and "), err))
		}
	}
	if len(m.errors) > 0 {
		return nil, m.errors
	}
	return m.merged, nil
}

type merger struct {
	merged  []template.JobParameterDefinition
	sources [][]string // by definition: the documents that define it
	index   map[string]int
	broken  map[string]bool
	errors  template.Errors
}

func (m *merger) document(source string, definitions []template.JobParameterDefinition) {
	for _, d := range definitions {
		i, known := m.index[d.Name]
		if !known {
			m.index[d.Name] = len(m.merged)
			m.merged = append(m.merged, d)
			m.sources = append(m.sources, []string{source})
			continue
		}
		m.sources[i] = append(m.sources[i], source)
		merged, err := m.merged[i].Merge(d)
		if err != nil {
			m.report(d.Name, fmt.Errorf("the definitions of %s contradict each other: %w", strings.Join(m.sources[i], " and "), err))
			continue
		}
		m.merged[i] = merged
	}
}

func (m *merger) report(name string, err error) {
	if m.broken == nil {
		m.broken = map[string]bool{}
	}
	m.broken[name] = true
	m.errors = append(m.errors, template.Error{Path: "parameter " + name, Message: err.Error()})
}

// BindParameters checks submitted values against merged definitions, fills in defaults and makes paths absolute (2023-09 §2).
// The result is in the order of definitions. The error is a [template.Errors] with every unknown, missing and wrong value.
func BindParameters(definitions []template.JobParameterDefinition, values map[string]Value, paths PathOptions) ([]Parameter, error) {
	var errs template.Errors
	var missing []string
	known := map[string]bool{}
	names := make([]string, 0, len(definitions))
	params := make([]Parameter, 0, len(definitions))
	for i := range definitions {
		d := &definitions[i]
		known[d.Name] = true
		names = append(names, d.Name)
		value, submitted := values[d.Name]
		if !submitted && d.Default == nil {
			missing = append(missing, d.Name)
			continue
		}
		text, err := bind(d, value, submitted, paths)
		if err != nil {
			errs = append(errs, template.Error{Path: "parameter " + d.Name, Message: err.Error()})
			continue
		}
		params = append(params, Parameter{Name: d.Name, Type: d.Type, Value: text})
	}
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if known[name] {
			continue
		}
		if near := expr.Nearest(name, names); near != "" {
			name += " (did you mean " + near + "?)"
		}
		unknown = append(unknown, name)
	}
	if unknown != nil {
		errs = append(errs, template.Error{Message: "values were given for parameters that are not defined: " + strings.Join(unknown, ", ")})
	}
	if missing != nil {
		errs = append(errs, template.Error{Message: "no values were given for parameters without default: " + strings.Join(missing, ", ")})
	}
	if errs != nil {
		return nil, errs
	}
	return params, nil
}

// bind returns the text of one parameter's value.
func bind(d *template.JobParameterDefinition, value Value, submitted bool, paths PathOptions) (string, error) {
	var text string
	var err error
	if submitted {
		text, err = coerce(d, value)
	} else {
		text, err = d.LiteralText(*d.Default)
	}
	if err == nil && d.Type.HoldsPaths() {
		text, err = paths.absoluteValue(d.Type, text, submitted)
	}
	if err != nil {
		return "", err
	}
	return text, d.CheckValue(text)
}

// coerce returns the text of a submitted value for the type of the definition (2023-09 §2, values). Command lines and older clients send
// text for everything, and strings for paths.
func coerce(d *template.JobParameterDefinition, v Value) (string, error) {
	isList := d.Type.Element() != ""
	text := d.Type == template.StringParameter || d.Type == template.PathParameter || d.Type == template.RangeParameter
	mismatch := fmt.Errorf("a value of type %s was given for a parameter of type %s", v.Type, d.Type)
	switch {
	case v.Type == "" || v.Type == d.Type || v.Type == template.StringParameter:
	case v.Type == ListValue || v.Type.Element() != "":
		if !isList {
			return "", mismatch
		}
	case isList:
		return "", mismatch
	case v.Type == template.IntParameter || v.Type == template.FloatParameter:
		if text && d.Type != template.PathParameter {
			return d.ValueText(cmp.Or(v.Source, v.Text))
		}
		return coerceNumber(d, v)
	case v.Type == template.BoolParameter:
		if d.Type != template.StringParameter {
			return "", mismatch
		}
	case v.Type == template.RangeParameter && d.Type == template.StringParameter:
	case v.Type == template.PathParameter && d.Type == template.StringParameter:
	default:
		return "", mismatch
	}
	return d.ValueText(v.Text)
}

// coerceNumber returns the text of a number for a parameter that is a number or a boolean. A float counts as an integer when it has no fraction.
func coerceNumber(d *template.JobParameterDefinition, v Value) (string, error) {
	switch d.Type {
	case template.FloatParameter:
		return d.ValueText(v.Text)
	case template.IntParameter, template.BoolParameter:
		kind := template.IntLiteral
		if v.Type == template.FloatParameter {
			kind = template.FloatLiteral
		}
		return d.LiteralText(template.Literal{Kind: kind, Text: v.Text})
	}
	return "", fmt.Errorf("a value of type %s was given for a parameter of type %s", v.Type, d.Type)
}

// NameOf resolves the name of a job from what could be read of its template, using submitted values and then defaults, without
// checking them. It serves a caller that must answer with a name before, or although, the template is refused.
func NameOf(head *template.Head, values map[string]Value) (string, error) {
	symbols := expr.NewSymbolTable(nil)
	set := func(name string, t template.JobParameterType, text string) {
		v := parameterValue(t, text)
		symbols.Set("Param."+name, v)
		symbols.Set("RawParam."+name, v)
	}
	for i := range head.ParameterDefinitions {
		d := &head.ParameterDefinitions[i]
		if v, ok := values[d.Name]; ok {
			if text, err := coerce(d, v); err == nil {
				set(d.Name, d.Type, text)
				continue
			}
		}
		if d.Default == nil {
			continue
		}
		if text, err := d.LiteralText(*d.Default); err == nil {
			set(d.Name, d.Type, text)
		}
	}
	for name, v := range values {
		if _, ok := symbols.Lookup("RawParam." + name); !ok {
			set(name, template.StringParameter, v.Text)
		}
	}
	name, err := head.Name.Resolve(symbols)
	if err != nil {
		return "", fmt.Errorf("resolve the job name: %w", err)
	}
	if err := template.JobNameRule(head.Extensions).Check(name); err != nil {
		return "", fmt.Errorf("the job name %q: %w", name, err)
	}
	return name, nil
}
