package api

// Model is the API of one service version.
type Model struct {
	// Source says where the facts came from.
	Source Source `json:"source"`
	// Service holds what is the same for all operations.
	Service Service `json:"service"`
	// Operations in order of their names.
	Operations []*Operation `json:"operations"`
	// Shapes in order of their names.
	Shapes []*Shape `json:"shapes"`
	// Waiters in order of their names.
	Waiters []*Waiter `json:"waiters"`

	shapes     map[string]*Shape
	operations map[string]*Operation
}

// Source names the package that a model was imported from.
type Source struct {
	Package string `json:"package"`
	Version string `json:"version"`
	Path    string `json:"path"`
}

// Service holds the facts that all operations share.
type Service struct {
	// ID is the SDK service id, which also names the endpoint environment variable (AWS_ENDPOINT_URL_<ID>).
	ID string `json:"id"`
	// Name is the full name of the service.
	Name string `json:"name"`
	// APIVersion is the date of the API, the first segment of every path.
	APIVersion string `json:"apiVersion"`
	// Protocol is the wire protocol, "rest-json".
	Protocol string `json:"protocol"`
	// SigningName is the service name in the credential scope of a signature.
	SigningName string `json:"signingName"`
	// EndpointPrefix is the service's part of AWS host names.
	EndpointPrefix string `json:"endpointPrefix"`
}

// Operation is one API operation.
type Operation struct {
	Name string `json:"name"`
	// Method is the HTTP method.
	Method string `json:"method"`
	// Path is the URI template, such as /2023-10-12/farms/{farmId}.
	Path string `json:"path"`
	// SuccessCode is the HTTP status of a successful answer.
	SuccessCode int `json:"successCode"`
	// HostPrefix is what goes before the endpoint's host name, such as "management.".
	HostPrefix string `json:"hostPrefix,omitempty"`
	// Input and Output name structures.
	Input  string `json:"input"`
	Output string `json:"output"`
	// Errors name the modelled error structures, in the order of the source.
	Errors []string `json:"errors,omitempty"`
	// ErrorCodes maps an error structure to another code that this operation puts on the wire for it.
	ErrorCodes map[string]string `json:"errorCodes,omitempty"`
	// ReadOnly says that the operation changes nothing.
	ReadOnly bool `json:"readOnly,omitempty"`
	// Idempotent says that repeating the request changes nothing further.
	Idempotent bool `json:"idempotent,omitempty"`
	// Pagination is set on operations that answer in pages.
	Pagination *Pagination `json:"pagination,omitempty"`
}

// Pagination names the members that carry the pages of a list operation.
type Pagination struct {
	InputToken  string `json:"inputToken"`
	OutputToken string `json:"outputToken"`
	LimitKey    string `json:"limitKey,omitempty"`
	ResultKey   string `json:"resultKey"`
}

// Kind is the kind of a shape.
type Kind string

// The kinds of shapes.
const (
	KindStructure Kind = "structure"
	KindUnion     Kind = "union"
	KindDocument  Kind = "document"
	KindList      Kind = "list"
	KindMap       Kind = "map"
	KindString    Kind = "string"
	KindEnum      Kind = "enum"
	KindInteger   Kind = "integer"
	KindLong      Kind = "long"
	KindFloat     Kind = "float"
	KindDouble    Kind = "double"
	KindBoolean   Kind = "boolean"
	KindTimestamp Kind = "timestamp"
)

// Shape is one named type.
type Shape struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	// Members of structures and unions.
	Members []*Member `json:"members,omitempty"`
	// Element is the shape of a list's elements or a map's values.
	Element string `json:"element,omitempty"`
	// Key is the shape of a map's keys.
	Key string `json:"key,omitempty"`
	// Enum holds an enumeration's values, in the order of the source.
	Enum []string `json:"enum,omitempty"`
	// Min and Max bound a number's value, a string's length in Unicode code points, or the size of a list or map.
	Min *float64 `json:"min,omitempty"`
	Max *float64 `json:"max,omitempty"`
	// Pattern is a regular expression that the whole string must match.
	Pattern string `json:"pattern,omitempty"`
	// UniqueItems says that no two elements of a list may be equal.
	UniqueItems bool `json:"uniqueItems,omitempty"`
	// Sensitive values must not be logged.
	Sensitive bool `json:"sensitive,omitempty"`
	// Error is set on modelled errors.
	Error *ErrorTrait `json:"error,omitempty"`
}

// ErrorTrait makes a structure a modelled error.
type ErrorTrait struct {
	// Status is the HTTP status.
	Status int `json:"status"`
	// Retryable says that a client may repeat the request as it is.
	Retryable bool `json:"retryable,omitempty"`
	// Throttling says that the error means too many requests.
	Throttling bool `json:"throttling,omitempty"`
}

// Location says where a member travels. The zero value means the body.
type Location string

// The locations of members.
const (
	InBody   Location = ""
	InLabel  Location = "label"
	InQuery  Location = "query"
	InHeader Location = "header"
)

// Member is one member of a structure or union.
type Member struct {
	Name     string `json:"name"`
	Shape    string `json:"shape"`
	Required bool   `json:"required,omitempty"`
	// Location and WireName say where the member travels outside the body, and under which name.
	Location Location `json:"location,omitempty"`
	WireName string   `json:"wireName,omitempty"`
	// IdempotencyToken marks the client token, which clients fill in when it is absent.
	IdempotencyToken bool `json:"idempotencyToken,omitempty"`
	// Deprecated members stay for old clients.
	Deprecated bool `json:"deprecated,omitempty"`
}

// Waiter repeats an operation until what it answers settles.
type Waiter struct {
	Name      string `json:"name"`
	Operation string `json:"operation"`
	// DelaySeconds between attempts.
	DelaySeconds int `json:"delaySeconds"`
	// MaxAttempts before giving up.
	MaxAttempts int         `json:"maxAttempts"`
	Acceptors   []*Acceptor `json:"acceptors"`
}

// Acceptor decides what an answer means to a waiter.
type Acceptor struct {
	// Matcher is "path" (a top-level member of the output equals Expected) or "error" (the error's code equals Expected).
	Matcher  string `json:"matcher"`
	Argument string `json:"argument,omitempty"`
	Expected string `json:"expected"`
	// State is "success" or "failure".
	State string `json:"state"`
}

// Shape returns the named shape, or nil.
func (m *Model) Shape(name string) *Shape { return m.shapes[name] }

// Operation returns the named operation, or nil.
func (m *Model) Operation(name string) *Operation { return m.operations[name] }

// Member returns the named member, or nil.
func (s *Shape) Member(name string) *Member {
	for _, m := range s.Members {
		if m.Name == name {
			return m
		}
	}
	return nil
}
