package deadline

// Operation describes one operation of the API. The table [Operations] holds them all.
type Operation struct {
	// Name in the model, such as "CreateJob".
	Name string
	// Method is the HTTP method, Path the URI template below the endpoint, such as /2023-10-12/farms/{farmId}.
	Method, Path string
	// HostPrefix goes before the endpoint's host name: "management." or "scheduling.".
	HostPrefix string
	// SuccessCode is the HTTP status of a successful answer.
	SuccessCode int
	// ResultMember is the output member that holds a page's items, "" when the operation is not paginated.
	ResultMember string
	// IdempotencyToken says that the request has a client token.
	IdempotencyToken bool
	// ReadOnly operations change nothing. Idempotent ones may be repeated with the same request.
	ReadOnly, Idempotent bool
	// Errors are the codes of the modelled errors.
	Errors []string
	// FaultCode is the code that this operation puts on the wire for a server fault (HTTP 500).
	FaultCode string
}
