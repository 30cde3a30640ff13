package servertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/farmhand-render/farmhand/api"
)

// TB is what the package needs of testing.TB.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Checker checks answers against the API model. It is safe for concurrent use.
type Checker struct {
	model    *api.Model
	patterns sync.Map // of pattern to *regexp.Regexp
}

// New returns the checker of the API's own model.
func New() (*Checker, error) { return shared() }

// shared reads the model once; a checker changes nothing of it.
var shared = sync.OnceValues(func() (*Checker, error) {
	model, err := api.Load()
	if err != nil {
		return nil, err
	}
	return &Checker{model: model}, nil
})

// Handler passes requests on to next and reports to t every answer that breaks the model. Paths of no operation are not checked.
func Handler(t TB, next http.Handler) http.Handler {
	t.Helper()
	c, err := New()
	if err != nil {
		t.Fatalf("read the API model: %v", err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		op := c.Operation(r.Method, r.URL.EscapedPath())
		if op == nil {
			next.ServeHTTP(w, r)
			return
		}
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		if err := c.Check(op, rec.Code, rec.Header(), rec.Body.Bytes()); err != nil {
			t.Errorf("%s %s answered %d against the model: %v\n%s", r.Method, r.URL.Path, rec.Code, err, rec.Body)
		}
		maps.Copy(w.Header(), rec.Header())
		w.WriteHeader(rec.Code)
		io.Copy(w, rec.Body) //nolint:errcheck // the test's client is gone
	})
}

// Operation finds the operation of a request, or nil.
func (c *Checker) Operation(method, escapedPath string) *api.Operation {
	for _, op := range c.model.Operations {
		if op.Method == method && matches(op.Path, escapedPath) {
			return op
		}
	}
	return nil
}

func matches(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if strings.Contains(template, "/tags/") && len(got) > len(want) {
		got = append(got[:len(want)-1], strings.Join(got[len(want)-1:], "/"))
	}
	return slices.EqualFunc(want, got, func(w, g string) bool { return w == g || strings.HasPrefix(w, "{") && g != "" })
}

// Check returns everything that is wrong with an answer to the operation, or nil.
func (c *Checker) Check(op *api.Operation, status int, header http.Header, body []byte) error {
	f := &findings{model: c.model, matches: c.matches}
	if header.Get("X-Amzn-Requestid") == "" {
		f.add("", "has no x-amzn-RequestId header")
	}
	switch {
	case status/100 != 2:
		f.checkError(op, status, header, body)
	case status != op.SuccessCode:
		f.add("", "has status %d, not %d", status, op.SuccessCode)
	case status == http.StatusNoContent:
		if len(body) > 0 {
			f.add("", "has a body")
		}
	default:
		f.checkBody(op.Output, header, body)
	}
	return errors.Join(f.errs...)
}

// matches says whether the whole string matches, and compiles each pattern once.
func (c *Checker) matches(pattern, s string) bool {
	compiled, ok := c.patterns.Load(pattern)
	if !ok {
		compiled, _ = c.patterns.LoadOrStore(pattern, regexp.MustCompile("^(?:"+pattern+")$"))
	}
	return compiled.(*regexp.Regexp).MatchString(s)
}

// findings collects what is wrong with one answer.
type findings struct {
	model   *api.Model
	matches func(pattern, s string) bool
	errs    []error
}

func (f *findings) add(path, format string, args ...any) {
	if path == "" {
		path = "the answer"
	}
	f.errs = append(f.errs, fmt.Errorf("%s %s", path, fmt.Sprintf(format, args...)))
}

func (f *findings) checkBody(shape string, header http.Header, body []byte) {
	if got := header.Get("Content-Type"); got != "application/json" {
		f.add("", "has the content type %q", got)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		f.add("", "is not JSON: %v", err)
		return
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		f.add("", "goes on after its JSON value")
	}
	f.value("", f.model.Shape(shape), v)
}

// outside are the codes of errors that come before any operation and are in no model.
var outside = map[string]int{
	"MissingAuthenticationTokenException": http.StatusForbidden,
	"IncompleteSignatureException":        http.StatusForbidden,
	"InvalidSignatureException":           http.StatusForbidden,
	"UnrecognizedClientException":         http.StatusForbidden,
	"ExpiredTokenException":               http.StatusForbidden,
	"UnknownOperationException":           http.StatusNotFound,
}

func (f *findings) checkError(op *api.Operation, status int, header http.Header, body []byte) {
	code := header.Get("X-Amzn-Errortype")
	if want, ok := outside[code]; ok {
		if status != want {
			f.add("", "has status %d with the code %s", status, code)
		}
		return
	}
	name := code
	for modelled, onWire := range op.ErrorCodes {
		switch {
		case onWire == code:
			name = modelled
		case modelled == code:
			f.add("", "has the code %s, which this operation must send as %s", code, onWire)
		}
	}
	shape := f.model.Shape(name)
	if shape == nil || shape.Error == nil {
		f.add("", "has the code %q, which the model does not know", code)
		return
	}
	if status != shape.Error.Status {
		f.add("", "has status %d with the code %s", status, code)
	}
	f.checkBody(name, header, body)
}
