package job

import (
	"errors"

	"github.com/farmhand-render/farmhand/openjd/template"
)

// MergeParameterDefinitions joins the definitions of environment templates, outermost first, and of the job template, which comes
// last: types must agree, constraints intersect, the last default wins (2023-09 §1.2.1). jobTemplate may be nil. The result is in
// order of first appearance. The error is a [template.Errors] that names the documents in conflict.
func MergeParameterDefinitions(environments []*template.EnvironmentTemplate, jobTemplate *template.JobTemplate) ([]template.JobParameterDefinition, error) {
	return nil, errors.New("parameter definitions are not merged yet")
}

// BindParameters checks submitted values against merged definitions, fills in defaults and makes paths absolute (2023-09 §2).
// The result is in the order of definitions. The error is a [template.Errors] with every unknown, missing and wrong value.
func BindParameters(definitions []template.JobParameterDefinition, values map[string]Value, paths PathOptions) ([]Parameter, error) {
	return nil, errors.New("parameters are not bound yet")
}

// NameOf resolves the name of a job from what could be read of its template, using submitted values and then defaults, without
// checking them. It serves a caller that must answer with a name before, or although, the template is refused.
func NameOf(head *template.Head, values map[string]Value) (string, error) {
	return "", errors.New("names are not resolved yet")
}

// Create resolves a checked job template against bound parameters, which may hold parameters of environment templates too
// (2023-09, job creation). The error is a [template.Errors].
func Create(t *template.JobTemplate, params []Parameter, limits Limits) (*Job, error) {
	return nil, errors.New("jobs are not created yet")
}
