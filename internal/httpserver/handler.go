package httpserver

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
	"github.com/farmhand-render/farmhand/internal/auth"
)

// Service is one service on the port.
type Service struct {
	// Handler gets requests whose signature is verified; [auth.FromContext] gives who signed.
	Handler http.Handler
	// Refuse answers a request that could not be authenticated, in the service's own form. code is a [sigv4.Code] or, for what is not
	// about the signature, the name of an exception.
	Refuse refusal
}

// Check is a condition of readiness.
type Check struct {
	Name  string
	Check func(context.Context) error
}

// Config is what [New] needs.
type Config struct {
	Authenticator *auth.Authenticator
	Services      map[string]Service // by the service name in the scope of signatures
	Checks        []Check
	// Index answers GET /; nil answers 404.
	Index  http.Handler
	Logger *slog.Logger
	Now    func() time.Time // default time.Now
}

// handler is everything behind the listener.
type handler struct {
	Config
	open *http.ServeMux // what needs no signature
}

// New returns the handler of the port.
func New(c Config) http.Handler {
	if c.Now == nil {
		c.Now = time.Now
	}
	h := &handler{Config: c, open: http.NewServeMux()}
	if c.Index != nil {
		h.open.Handle("GET /{$}", c.Index)
	}
	h.open.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok\n") })
	h.open.HandleFunc("GET /readyz", h.ready)
	h.open.HandleFunc("OPTIONS "+apiPath, preflight)
	h.open.HandleFunc("POST "+apiPath+"telemetry", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte("{}")) //nolint:errcheck // the caller is gone
	})
	return h
}

type requestIDKey struct{}

// RequestID gives the id of the request that ctx belongs to.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// newRequestID is a version 4 UUID.
func newRequestID() string {
	var b [16]byte
	rand.Read(b[:]) // it never fails: the process ends instead
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	var text [36]byte
	hex.Encode(text[:], b[:4])
	hex.Encode(text[9:], b[4:6])
	hex.Encode(text[14:], b[6:8])
	hex.Encode(text[19:], b[8:10])
	hex.Encode(text[24:], b[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	id := newRequestID()
	w.Header().Set("X-Amzn-Requestid", id)
	allowOrigin(w, r)
	rec := &recorder{ResponseWriter: w}
	service := sigv4.Service(r) // "" without a signature, and when it is malformed
	refuse := h.refusal(r, service)
	defer func() {
		if caught := recover(); caught != nil {
			if caught == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so, too
				panic(caught) //nolint:forbidigo // the server's own way to abort a connection
			}
			h.Logger.LogAttrs(r.Context(), slog.LevelError, "panic in a handler", slog.String("request_id", id),
				slog.Any("panic", caught), slog.String("stack", string(debug.Stack())))
			if rec.status == 0 {
				refuse(rec, http.StatusInternalServerError, faultCode, "the service failed; its log has request "+id)
			}
		}
		h.Logger.LogAttrs(r.Context(), slog.LevelDebug, "request", slog.String("request_id", id), slog.String("method", r.Method),
			slog.String("path", r.URL.Path), slog.Int("status", rec.status), slog.Int64("bytes", rec.bytes),
			slog.Duration("took", time.Since(start)))
	}()
	h.dispatch(rec, r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id)), service, refuse)
}

// refusal answers an error in the form of a service.
type refusal = func(w http.ResponseWriter, status int, code, message string)

// faultCode is what the Deadline Cloud API calls a fault of the service.
const faultCode = "InternalServerErrorException"

// refusal gives the form of errors that the caller expects: of the service that the signature is for or, without one, that the request
// looks like.
func (h *handler) refusal(r *http.Request, name string) refusal {
	if name == "" && strings.HasPrefix(r.Header.Get("X-Amz-Target"), "Logs_") {
		name = "logs"
	}
	if s, known := h.Services[name]; known {
		return s.Refuse
	}
	return refuseJSON
}

// dispatch finds the service that the signature names.
func (h *handler) dispatch(w http.ResponseWriter, r *http.Request, service string, refuse refusal) {
	if !sigv4.IsSigned(r) {
		if known, pattern := h.open.Handler(r); pattern != "" {
			known.ServeHTTP(w, r)
			return
		}
		refuse(w, http.StatusForbidden, "MissingAuthenticationTokenException", "the request is not signed")
		return
	}
	addressed, known := h.Services[service]
	if service != "" && !known {
		refuse(w, http.StatusForbidden, "InvalidSignatureException", "the signature is for a service that does not answer here")
		return
	}
	who, err := h.Authenticator.Authenticate(r, h.Now()) // refuses what is malformed
	if err != nil {
		h.refuse(w, r, refuse, err)
		return
	}
	addressed.Handler.ServeHTTP(w, r.WithContext(auth.WithPrincipal(r.Context(), who)))
}

// refuse answers a request whose caller is not known.
func (h *handler) refuse(w http.ResponseWriter, r *http.Request, refuse refusal, err error) {
	var tooLarge *http.MaxBytesError
	var refused *sigv4.Error
	var unread *sigv4.BodyError
	switch {
	case errors.As(err, &tooLarge):
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "the body is too large")
	case errors.As(err, &refused):
		refuse(w, http.StatusForbidden, string(refused.Code), refused.Message)
	case errors.As(err, &unread):
		refuse(w, http.StatusBadRequest, "IncompleteBodyException", "the body could not be read")
	default:
		h.Logger.LogAttrs(r.Context(), slog.LevelError, "a caller could not be looked up",
			slog.String("request_id", RequestID(r.Context())), slog.String("error", err.Error()))
		refuse(w, http.StatusInternalServerError, faultCode, "the service failed; its log has request "+RequestID(r.Context()))
	}
}

// exceptionName is what AWS's JSON services call a reason for refusing a request.
func exceptionName(code string) string {
	switch sigv4.Code(code) {
	case sigv4.SignatureDoesNotMatch, sigv4.RequestTimeTooSkewed, sigv4.RequestExpired, sigv4.ContentMismatch, sigv4.IncompleteBody:
		return "InvalidSignatureException"
	}
	if strings.HasSuffix(code, "Exception") {
		return code
	}
	return code + "Exception"
}

// ready tells the truth about whether requests can be served.
func (h *handler) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	status, text := http.StatusOK, ""
	for _, c := range h.Checks {
		if err := c.Check(ctx); err != nil {
			status = http.StatusServiceUnavailable
			text += c.Name + ": " + err.Error() + "\n"
			continue
		}
		text += c.Name + ": ok\n"
	}
	writeText(w, status, text)
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64 // of the body
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// ReadFrom lets the operating system copy a file to the connection.
func (r *recorder) ReadFrom(src io.Reader) (int64, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := io.Copy(r.ResponseWriter, src)
	r.bytes += n
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	w.Write([]byte(text)) //nolint:errcheck // the caller is gone
}
