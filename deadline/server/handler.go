package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/farmhand-render/farmhand/awsproto/restjson"
	"github.com/farmhand-render/farmhand/deadline"
)

// DefaultMaxBody holds a template of 1,000,000 characters in any escaping, and what goes with it.
const DefaultMaxBody = 16 << 20

// Options configure a handler. Every member may be left out.
type Options struct {
	// Authorize decides whether the caller may make this request. It sees decoded and checked input, a pointer to the operation's input
	// structure; its error is answered. nil permits everything.
	Authorize func(ctx context.Context, op *deadline.Operation, input any) error
	// Observe is told how each request ended, after it was answered.
	Observe func(ctx context.Context, outcome Outcome)
	// RequestID gives the id of a request, which is answered in x-amzn-RequestId and in the text of server faults.
	RequestID func(ctx context.Context) string
	// MaxBody bounds request bodies in bytes; DefaultMaxBody when 0.
	MaxBody int64
}

// Outcome is how a request ended.
type Outcome struct {
	Operation *deadline.Operation // nil when no operation has the path
	Status    int
	Duration  time.Duration
	// Err is the error that was answered or that a server fault hides; nil on success.
	Err error
	// Panic is the stack of a method that panicked, "" otherwise.
	Panic string
}

// handler serves the API.
type handler struct {
	routes  *router
	options Options
}

// NewHandler returns the handler of the whole API.
func NewHandler(service Service, options Options) http.Handler {
	if options.MaxBody == 0 {
		options.MaxBody = DefaultMaxBody
	}
	if options.Authorize == nil {
		options.Authorize = func(context.Context, *deadline.Operation, any) error { return nil }
	}
	if options.Observe == nil {
		options.Observe = func(context.Context, Outcome) {}
	}
	if options.RequestID == nil {
		options.RequestID = func(context.Context) string { return "" }
	}
	return &handler{routes: newRouter(endpoints(service)), options: options}
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	if id := h.options.RequestID(r.Context()); id != "" {
		w.Header().Set(requestIDHeader, id)
	}
	endpoint, labels := h.routes.match(r.Method, r.URL.EscapedPath())
	if endpoint == nil {
		err := fmt.Errorf("no operation has the method %s and this path", r.Method)
		writeError(w, http.StatusNotFound, "UnknownOperationException", []byte(`{"message":"The operation does not exist"}`))
		h.options.Observe(r.Context(), Outcome{Status: http.StatusNotFound, Duration: time.Since(start), Err: err})
		return
	}
	outcome := Outcome{Operation: endpoint.operation}
	answer, err := h.serve(endpoint, labels, r, &outcome)
	if err == nil {
		outcome.Status = endpoint.operation.SuccessCode
		writeAnswer(w, outcome.Status, answer)
	} else {
		outcome.Err = err
		outcome.Status = fail(w, endpoint.operation, err)
	}
	outcome.Duration = time.Since(start)
	h.options.Observe(r.Context(), outcome)
}

// serve runs one operation. A panic in it becomes an error, so that one broken method harms one request.
func (h *handler) serve(e *endpoint, labels map[string]string, r *http.Request, outcome *Outcome) (answer []byte, err error) {
	defer func() {
		if caught := recover(); caught != nil {
			if caught == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so, too
				panic(caught) //nolint:forbidigo // the server's own way to abort a connection
			}
			outcome.Panic = string(debug.Stack())
			err = fmt.Errorf("panic in %s: %v", e.operation.Name, caught)
		}
	}()
	body, err := h.body(r)
	if err != nil {
		return nil, err
	}
	return e.serve(r.Context(), h.options.Authorize, labels, r, body)
}

func (h *handler) body(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, h.options.MaxBody+1))
	if err != nil {
		return nil, malformed("the body could not be read")
	}
	if int64(len(body)) > h.options.MaxBody {
		return nil, malformed("the body is larger than " + strconv.FormatInt(h.options.MaxBody, 10) + " bytes")
	}
	return body, nil
}

func malformed(message string) error {
	return &deadline.ValidationException{Message: message, Reason: deadline.ValidationExceptionReasonCannotParse}
}

// refusal is the API's answer to a request that could not be decoded: the faults of its form, and those constraints that the members which
// could be decoded violate.
func refusal(err, violated error) error {
	var decode *restjson.DecodeError
	if !errors.As(err, &decode) {
		return malformed(err.Error())
	}
	if decode.Malformed != nil {
		return malformed("the body is not well-formed: " + decode.Malformed.Error())
	}
	reason := deadline.ValidationExceptionReasonFieldValidationFailed
	named := make(map[string]bool)
	fields := make([]deadline.ValidationExceptionField, 0, len(decode.Fields))
	for _, f := range decode.Fields {
		if !f.Missing && !f.Excess {
			reason = deadline.ValidationExceptionReasonCannotParse
		}
		named[f.Name] = true
		fields = append(fields, deadline.ValidationExceptionField{Name: f.Name, Message: f.Message})
	}
	if validation, ok := errors.AsType[*deadline.ValidationException](violated); ok {
		for _, f := range validation.FieldList {
			if !followsFrom(f.Name, named) {
				fields = append(fields, f)
			}
		}
	}
	return deadline.InvalidFields(reason, fields)
}

// followsFrom says whether a violated constraint may only show that one of the named members could not be decoded and is empty now: the constraint is that
// member's own, of a member in it, or of one around it, such as a union without any other member.
func followsFrom(path string, named map[string]bool) bool {
	for i := range len(path) {
		if (path[i] == '.' || path[i] == '[') && named[path[:i]] {
			return true
		}
	}
	for name := range named {
		if rest, ok := strings.CutPrefix(name, path); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}

// WriteError answers an error as the API does, for handlers beside it: what is not modelled becomes a fault that tells nothing. It gives
// the HTTP status.
func WriteError(w http.ResponseWriter, err error) int { return fail(w, &deadline.Operation{}, err) }

// fail answers an error and gives its status.
func fail(w http.ResponseWriter, op *deadline.Operation, err error) int {
	var modelled deadline.Error
	if !errors.As(err, &modelled) {
		modelled = &deadline.InternalServerErrorException{Message: faultText(w.Header().Get(requestIDHeader))}
	}
	code := modelled.ErrorCode()
	if modelled.HTTPStatusCode() == http.StatusInternalServerError && op.FaultCode != "" {
		code = op.FaultCode
	}
	if b, ok := modelled.(interface{ BindHTTP(restjson.Bindings) }); ok {
		b.BindHTTP(restjson.NewWriter("", w.Header()))
	}
	e := restjson.NewEncoder(nil)
	switch v := modelled.(type) {
	case interface{ EncodeBody(*restjson.Encoder) }:
		v.EncodeBody(e)
	case interface{ EncodeJSON(*restjson.Encoder) }:
		v.EncodeJSON(e)
	}
	writeError(w, modelled.HTTPStatusCode(), code, e.Bytes())
	return modelled.HTTPStatusCode()
}

func faultText(requestID string) string {
	if requestID != "" {
		return "internal error; the log of the service tells more under request id " + requestID
	}
	return "internal error; the log of the service tells more"
}

const (
	contentType     = "application/json"
	requestIDHeader = "X-Amzn-Requestid"
)

func writeAnswer(w http.ResponseWriter, status int, body []byte) {
	if status != http.StatusNoContent {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	if status != http.StatusNoContent {
		w.Write(body) //nolint:errcheck // the caller is gone
	}
}

func writeError(w http.ResponseWriter, status int, code string, body []byte) {
	w.Header().Set("X-Amzn-Errortype", code)
	writeAnswer(w, status, body)
}
