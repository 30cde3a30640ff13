package sigv4

import "errors"

// Code names a reason for refusing a request, as AWS services name it. The
// JSON services append "Exception" to it (UnrecognizedClientException); see
// the service addressed for its exact envelope.
type Code string

// The reasons for refusing a request.
const (
	// MissingAuthenticationToken: the request carries no signature.
	MissingAuthenticationToken Code = "MissingAuthenticationToken"
	// IncompleteSignature: the signature is malformed or lacks a part.
	IncompleteSignature Code = "IncompleteSignature"
	// UnrecognizedClient: the access key or the session token is not valid.
	UnrecognizedClient Code = "UnrecognizedClient"
	// ExpiredToken: the session token was valid once and is no longer.
	ExpiredToken Code = "ExpiredToken"
	// InvalidSignature: the signature is well-formed but cannot be accepted,
	// for instance because it does not cover what it must.
	InvalidSignature Code = "InvalidSignature"
	// SignatureDoesNotMatch: the signature is not that of this request.
	SignatureDoesNotMatch Code = "SignatureDoesNotMatch"
	// RequestTimeTooSkewed: the time of signing is too far from now.
	RequestTimeTooSkewed Code = "RequestTimeTooSkewed"
	// RequestExpired: a presigned URL is past its X-Amz-Expires.
	RequestExpired Code = "RequestExpired"
	// ContentMismatch: the body is not the one that x-amz-content-sha256 or
	// x-amz-decoded-content-length declares.
	ContentMismatch Code = "XAmzContentSHA256Mismatch"
	// IncompleteBody: a chunked body is malformed or ends early.
	IncompleteBody Code = "IncompleteBody"
)

// Error says why a request was refused. Its message is fit for the caller: it
// holds no secret and not the signature that would have been right.
type Error struct {
	Code    Code
	Message string
}

// Error returns the code and the message.
func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// BodyError says that the body of a request could not be read, for instance
// because the connection broke. It is the caller's or the network's fault.
type BodyError struct {
	// Err is what the reading of the body returned.
	Err error
}

// Error describes the failure.
func (e *BodyError) Error() string { return "read request body: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *BodyError) Unwrap() error { return e.Err }

// CodeOf returns the code of the [Error] in err's chain, or "" if there is none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// ErrUnknownKey is what a [Lookup] returns, possibly wrapped, for an access key
// that does not exist. [Verifier.Verify] then does the work of a verification
// all the same and answers [UnrecognizedClient].
var ErrUnknownKey = errors.New("unknown access key")
