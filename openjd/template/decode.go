package template

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
	return nil, Errors{{Message: "job templates are not decoded yet"}}
}

// DecodeEnvironmentTemplate decodes and checks an environment template. The error is an [Errors].
func DecodeEnvironmentTemplate(data []byte, format Format, opts Options) (*EnvironmentTemplate, error) {
	return nil, Errors{{Message: "environment templates are not decoded yet"}}
}

// DecodeHead reads what can be read of a job template: its version, its name and the parameters the name can refer to. The error is
// an [Errors]; it is nil whenever the document can be read and has a usable name, whatever is wrong with the rest.
func DecodeHead(data []byte, format Format, opts Options) (*Head, error) {
	return nil, Errors{{Message: "heads are not decoded yet"}}
}

// DecodeStepJSON decodes one step object as a service hands it to a worker: without the template around it, so references to
// parameters cannot be checked. A bare step script, as old services send, is accepted too. The error is an [Errors].
func DecodeStepJSON(data []byte, opts Options) (*Step, error) {
	return nil, Errors{{Message: "steps are not decoded yet"}}
}

// DecodeEnvironmentJSON decodes one environment object as a service hands it to a worker. The error is an [Errors].
func DecodeEnvironmentJSON(data []byte, opts Options) (*Environment, error) {
	return nil, Errors{{Message: "environments are not decoded yet"}}
}
