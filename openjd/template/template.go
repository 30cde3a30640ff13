package template

import "github.com/farmhand-render/farmhand/openjd/expr"

// The values of specificationVersion.
const (
	JobTemplateVersion         = "jobtemplate-2023-09"
	EnvironmentTemplateVersion = "environment-2023-09"
)

// JobTemplate is a whole job template (2023-09 §1.1).
type JobTemplate struct {
	SpecificationVersion string                   `json:"specificationVersion"`
	Schema               string                   `json:"$schema,omitempty"` // ignored, kept as authored
	Extensions           ExtensionSet             `json:"extensions,omitempty"`
	Name                 expr.FormatString        `json:"name"` // 1 to 128 characters when resolved
	Description          string                   `json:"description,omitempty"`
	ParameterDefinitions []JobParameterDefinition `json:"parameterDefinitions,omitempty"`
	JobEnvironments      []Environment            `json:"jobEnvironments,omitempty"`
	Steps                []Step                   `json:"steps"`
}

// EnvironmentTemplate is a whole environment template (2023-09 §1.2).
type EnvironmentTemplate struct {
	SpecificationVersion string                   `json:"specificationVersion"`
	Schema               string                   `json:"$schema,omitempty"`
	Extensions           ExtensionSet             `json:"extensions,omitempty"`
	ParameterDefinitions []JobParameterDefinition `json:"parameterDefinitions,omitempty"`
	Environment          Environment              `json:"environment"`
}

// Head is what can be said about a job template, even one with mistakes elsewhere.
type Head struct {
	// SpecificationVersion is the text found there, possibly of an unknown version.
	SpecificationVersion string
	Extensions           []Extension
	Name                 expr.FormatString
	Description          string
	// ParameterDefinitions holds the definitions that are free of mistakes. They give meaning to references in Name.
	ParameterDefinitions []JobParameterDefinition
}
