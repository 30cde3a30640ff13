package job

import "github.com/farmhand-render/farmhand/openjd/template"

// Value is a parameter value as submitted.
type Value struct {
	// Type is the type the submitter declared, "" for text of no declared type, as on a command line.
	Type template.JobParameterType
	// Text is the value.
	Text string
	// Source is the value as it was written where that can differ, such as "0x10" for 16; a parameter that is text takes it.
	Source string
}

// Parameter is a job parameter with its value.
type Parameter struct {
	Name string                    `json:"name"`
	Type template.JobParameterType `json:"type"`
	// Value is the text that format strings print: an INT in decimal, a FLOAT with the digits it was given with, a PATH in the
	// submitter's format, not yet mapped to a host, a BOOL as true or false, a list as JSON.
	Value string `json:"value"`
}

// PathFormat is the format of the paths of the submitter's host.
type PathFormat string

// The path formats.
const (
	POSIX   PathFormat = "POSIX"
	Windows PathFormat = "WINDOWS"
)

// PathOptions says how relative PATH values become absolute. The zero value leaves every path as it is, which is right for a
// service: the submitter has made its paths absolute already.
type PathOptions struct {
	// Format of the submitter's paths; "" means [POSIX].
	Format PathFormat
	// WorkingDirectory is joined with relative values, absolute; "" leaves values as they are.
	WorkingDirectory string
	// TemplateDirectory is joined with relative defaults, absolute; "" leaves defaults as they are.
	TemplateDirectory string
	// AllowURIs lets values that begin with a scheme, such as s3://, pass as they are. It is for job templates with [template.Expr]; without
	// that extension a URI is a relative path like any other.
	AllowURIs bool
	// AllowDefaultsOutside accepts defaults that are absolute or lead out of TemplateDirectory.
	AllowDefaultsOutside bool
}
