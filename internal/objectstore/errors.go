package objectstore

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
)

// Error is an error as S3 answers it.
type Error struct {
	Status  int
	Code    string
	Message string

	// What some codes have besides; empty members are left out.
	BucketName, Key, UploadID   string
	Condition                   string // that was not met
	ArgumentName, ArgumentValue string
	Header                      string // that is not implemented
	RangeRequested              string
	ActualObjectSize            string
}

// Error returns the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// CodeOf gives the code of the [Error] in err's chain, "" when there is none.
func CodeOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

func noSuchBucket(bucket string) error {
	return &Error{Status: http.StatusNotFound, Code: "NoSuchBucket", Message: "The specified bucket does not exist", BucketName: bucket}
}

func noSuchKey(key string) error {
	return &Error{Status: http.StatusNotFound, Code: "NoSuchKey", Message: "The specified key does not exist.", Key: key}
}

func noSuchUpload(id string) error {
	return &Error{
		Status: http.StatusNotFound, Code: "NoSuchUpload", UploadID: id,
		Message: "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
	}
}

func noSuchVersion() error {
	return &Error{Status: http.StatusNotFound, Code: "NoSuchVersion", Message: "The specified version does not exist."}
}

func preconditionFailed(condition string) error {
	return &Error{
		Status: http.StatusPreconditionFailed, Code: "PreconditionFailed", Condition: condition,
		Message: "At least one of the pre-conditions you specified did not hold",
	}
}

func invalidArgument(name, value, format string, args ...any) error {
	return &Error{
		Status: http.StatusBadRequest, Code: "InvalidArgument", Message: fmt.Sprintf(format, args...), ArgumentName: name, ArgumentValue: value,
	}
}

func badRequest(code, format string, args ...any) error {
	return &Error{Status: http.StatusBadRequest, Code: code, Message: fmt.Sprintf(format, args...)}
}

func invalidRequest(format string, args ...any) error {
	return badRequest("InvalidRequest", format, args...)
}

func malformedXML() error {
	return badRequest("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
}

func accessDenied(format string, args ...any) error {
	return &Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: fmt.Sprintf(format, args...)}
}

func methodNotAllowed() error {
	return &Error{
		Status: http.StatusMethodNotAllowed, Code: "MethodNotAllowed",
		Message: "The specified method is not allowed against this resource.",
	}
}

func notImplemented(header string) error {
	return &Error{
		Status: http.StatusNotImplemented, Code: "NotImplemented", Header: header,
		Message: "A header or query you provided implies functionality that is not implemented",
	}
}

// bodyError says what it means that a body could not be read to its end.
func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	switch sigv4.CodeOf(err) {
	case sigv4.ContentMismatch:
		return badRequest("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	case sigv4.SignatureDoesNotMatch:
		return &Error{
			Status: http.StatusForbidden, Code: "SignatureDoesNotMatch",
			Message: "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
		}
	case sigv4.IncompleteBody:
		return incompleteBody()
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return incompleteBody()
	case errors.As(err, &tooLarge):
		return badRequest("MaxMessageLengthExceeded", "Your request was too big.")
	}
	return fmt.Errorf("read the body: %w", err)
}

func incompleteBody() error {
	return badRequest("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header")
}

// fault is what a caller is told of an error that is not theirs.
func fault() *Error {
	return &Error{
		Status: http.StatusInternalServerError, Code: "InternalError", Message: "We encountered an internal error. Please try again.",
	}
}

// asError gives the answer to an error. What is not the caller's doing is logged, and told without detail.
func asError(r *http.Request, logger *slog.Logger, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if r.Context().Err() == nil { // a caller that went away is nobody's failure
		logger.LogAttrs(r.Context(), slog.LevelError, "an object request failed", slog.String("method", r.Method),
			slog.String("path", r.URL.Path), slog.String("error", err.Error()))
	}
	return fault()
}
