package template

import (
	"slices"

	"github.com/farmhand-render/farmhand/openjd/expr"
)

// Format is the notation of a document.
type Format string

// The notations; the names are those of Deadline's templateType.
const (
	JSON Format = "JSON"
	YAML Format = "YAML"
)

// Options says what a caller accepts.
type Options struct {
	// SupportedExtensions lists the extensions that a template may use, those of [ImplementedExtensions] at most.
	SupportedExtensions []Extension
	// MaxBytes bounds the size of the document; 0 means [DefaultMaxBytes].
	MaxBytes int
}

// DefaultMaxBytes holds a template of 1,000,000 characters of any kind.
const DefaultMaxBytes = 4_000_000

// DecodeJobTemplate decodes and checks a job template. The error is an [Errors].
func DecodeJobTemplate(data []byte, format Format, opts Options) (*JobTemplate, error) {
	d, root := newDecoder(data, format, opts)
	if root == nil || !d.preamble(root, JobTemplateVersion, opts) {
		return nil, d.err()
	}
	t := d.jobTemplate(root)
	if err := d.err(); err != nil {
		return nil, err
	}
	return t, nil
}

// DecodeEnvironmentTemplate decodes and checks an environment template. The error is an [Errors].
func DecodeEnvironmentTemplate(data []byte, format Format, opts Options) (*EnvironmentTemplate, error) {
	d, root := newDecoder(data, format, opts)
	if root == nil || !d.preamble(root, EnvironmentTemplateVersion, opts) {
		return nil, d.err()
	}
	t := d.environmentTemplate(root)
	if err := d.err(); err != nil {
		return nil, err
	}
	return t, nil
}

// newDecoder reads the document; root is nil when that is not possible, and the decoder says why.
func newDecoder(data []byte, format Format, opts Options) (d *decoder, root *node) {
	d = &decoder{collector: &collector{}}
	return d, parseDocument(data, format, opts, d.collector)
}

// preamble reads what decides how the rest is read: version and extensions.
func (d *decoder) preamble(root *node, version string, opts Options) bool {
	return d.version(root, version) && d.readExtensions(root, opts.SupportedExtensions)
}

// DecodeHead reads what can be read of a job template: its version, its name and the parameters the name can refer to. It is for a
// caller that must answer with a name although [DecodeJobTemplate] refused the template. The error is an [Errors]; it is nil whenever
// the document can be read and has a usable name, whatever is wrong with the rest.
func DecodeHead(data []byte, format Format, opts Options) (*Head, error) {
	d, root := newDecoder(data, format, opts)
	if root == nil {
		return nil, d.err()
	}
	h := &Head{}
	// Mistakes outside of the name are for DecodeJobTemplate to report.
	lenient := &decoder{collector: &collector{}}
	if n := root.get("specificationVersion"); n != nil {
		h.SpecificationVersion, _ = lenient.text(n)
	}
	lenient.readExtensions(root, Extensions())
	h.Extensions = lenient.extensions
	if n := root.get("description"); n != nil {
		h.Description, _ = lenient.text(n)
	}
	h.ParameterDefinitions, _ = lenient.parameterDefinitions(object{root, d}.optional("parameterDefinitions"), true)
	d.extensions = lenient.extensions
	h.Name, _ = d.formatRule(object{root, d}.required("name"), openScope(), JobNameRule(d.extensions), expr.TypeString)
	if err := d.err(); err != nil {
		return nil, err
	}
	return h, nil
}

// DecodeStepJSON decodes one step object as a service hands it to a worker: without the template around it, so references to names
// defined there cannot be checked. A bare step script, as old services send, is accepted too. The error is an [Errors].
func DecodeStepJSON(data []byte, opts Options) (*Step, error) {
	d, root := newDecoder(data, JSON, opts)
	if root == nil {
		return nil, d.err()
	}
	d.allow(opts)
	var s Step
	if root.get("actions") != nil {
		s.Script = d.stepScript(root, openScope(), openScope())
	} else {
		s = d.step(root, openScope(), openScope())
	}
	if err := d.err(); err != nil {
		return nil, err
	}
	return &s, nil
}

// DecodeEnvironmentJSON decodes one environment object as a service hands it to a worker. The error is an [Errors].
func DecodeEnvironmentJSON(data []byte, opts Options) (*Environment, error) {
	d, root := newDecoder(data, JSON, opts)
	if root == nil {
		return nil, d.err()
	}
	d.allow(opts)
	e := d.environment(root, openScope(), openScope())
	if err := d.err(); err != nil {
		return nil, err
	}
	return &e, nil
}

// allow puts every supported extension in force, for objects that do not say which they use.
func (d *decoder) allow(opts Options) {
	for _, e := range opts.SupportedExtensions {
		if slices.Contains(ImplementedExtensions(), e) {
			d.extensions = append(d.extensions, e)
		}
	}
}
