package restjson

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bindings carries the members of a structure that travel outside the body, in one direction or the other. Generated BindHTTP methods call it once per
// member, with the member's name in the model and its name on the wire.
type Bindings interface {
	// Label is a segment of the path.
	Label(name string, v *string)
	// Query is a parameter that is absent when empty.
	Query(name, wire string, v *string)
	// OptQuery and OptQueryInt32 are parameters that are absent when nil.
	OptQuery(name, wire string, v **string)
	OptQueryInt32(name, wire string, v **int32)
	// QueryList is a repeated parameter.
	QueryList(name, wire string, v *[]string)
	// OptHeader and OptHeaderInt32 are headers that are absent when nil.
	OptHeader(name, wire string, v **string)
	OptHeaderInt32(name, wire string, v **int32)
}

// BindQueryEnums is QueryList for a list of an enumeration.
func BindQueryEnums[E ~string](b Bindings, name, wire string, v *[]E) {
	list := make([]string, 0, len(*v))
	for _, e := range *v {
		list = append(list, string(e))
	}
	b.QueryList(name, wire, &list)
	if len(list) == 0 {
		*v = nil
		return
	}
	out := make([]E, len(list))
	for i, s := range list {
		out[i] = E(s)
	}
	*v = out
}

// Reader takes members out of a received request or answer.
type Reader struct {
	labels map[string]string
	query  url.Values
	header http.Header
	fields []FieldError
}

// NewReader returns a reader of the decoded path labels, the raw query and the header; any of them may be absent.
func NewReader(labels map[string]string, rawQuery string, header http.Header) *Reader {
	r := &Reader{labels: labels, header: header}
	if rawQuery != "" {
		query, err := url.ParseQuery(rawQuery)
		if err != nil {
			r.fields = append(r.fields, FieldError{Message: "comes with a query string that is not percent-encoded properly"})
		}
		r.query = query
	}
	return r
}

// Err returns a [*DecodeError] with the ill-formed members, or nil.
func (r *Reader) Err() error {
	if len(r.fields) == 0 {
		return nil
	}
	return &DecodeError{Fields: r.fields}
}

func (r *Reader) fault(name, message string) {
	r.fields = append(r.fields, FieldError{Name: name, Message: message})
}

// text is a member's value, which must be UTF-8 as in a body.
func (r *Reader) text(name, s string) string {
	if !utf8.ValidString(s) {
		r.fault(name, "must be UTF-8")
	}
	return s
}

// Label implements [Bindings].
func (r *Reader) Label(name string, v *string) { *v = r.text(name, r.labels[name]) }

func (r *Reader) one(name, wire string) (string, bool) {
	values := r.query[wire]
	if len(values) == 0 {
		return "", false
	}
	if len(values) > 1 {
		r.fault(name, "is given more than once")
	}
	return r.text(name, values[0]), true
}

// Query implements [Bindings].
func (r *Reader) Query(name, wire string, v *string) { *v, _ = r.one(name, wire) }

// OptQuery implements [Bindings].
func (r *Reader) OptQuery(name, wire string, v **string) {
	if s, ok := r.one(name, wire); ok {
		*v = &s
	}
}

// OptQueryInt32 implements [Bindings].
func (r *Reader) OptQueryInt32(name, wire string, v **int32) {
	if s, ok := r.one(name, wire); ok {
		r.integer(name, s, v)
	}
}

// QueryList implements [Bindings].
func (r *Reader) QueryList(name, wire string, v *[]string) {
	*v = slices.Clone(r.query[wire])
	for i, s := range *v {
		r.text(name+"["+strconv.Itoa(i)+"]", s)
	}
}

// OptHeader implements [Bindings].
func (r *Reader) OptHeader(name, wire string, v **string) {
	if s := r.text(name, r.header.Get(wire)); s != "" {
		*v = &s
	}
}

// OptHeaderInt32 implements [Bindings].
func (r *Reader) OptHeaderInt32(name, wire string, v **int32) {
	if s := r.header.Get(wire); s != "" {
		r.integer(name, s, v)
	}
}

func (r *Reader) integer(name, s string, v **int32) {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		r.fault(name, "must be an integer of 32 bits")
		return
	}
	i := int32(n)
	*v = &i
}

// Writer puts members into a request or answer that is to be sent.
type Writer struct {
	path   string
	query  []byte
	header http.Header
	err    error
}

// NewWriter returns a writer for a path template such as /farms/{farmId}, which may be empty, and a header.
func NewWriter(template string, header http.Header) *Writer {
	return &Writer{path: template, header: header}
}

// Path returns the percent-encoded path.
func (w *Writer) Path() (string, error) {
	if w.err == nil && strings.IndexByte(w.path, '{') >= 0 {
		return "", fmt.Errorf("path %s has labels without values", w.path)
	}
	return w.path, w.err
}

// RawQuery returns the percent-encoded query, without a question mark.
func (w *Writer) RawQuery() string { return string(w.query) }

// Label implements [Bindings]. An empty label would name another resource and is an error.
func (w *Writer) Label(name string, v *string) {
	if *v == "" && w.err == nil {
		w.err = fmt.Errorf("%s is required", name)
	}
	w.path = strings.Replace(w.path, "{"+name+"}", string(appendEscaped(nil, *v)), 1)
}

func (w *Writer) add(wire, v string) {
	if len(w.query) > 0 {
		w.query = append(w.query, '&')
	}
	w.query = appendEscaped(w.query, wire)
	w.query = append(w.query, '=')
	w.query = appendEscaped(w.query, v)
}

// Query implements [Bindings].
func (w *Writer) Query(_, wire string, v *string) {
	if *v != "" {
		w.add(wire, *v)
	}
}

// OptQuery implements [Bindings].
func (w *Writer) OptQuery(_, wire string, v **string) {
	if *v != nil {
		w.add(wire, **v)
	}
}

// OptQueryInt32 implements [Bindings].
func (w *Writer) OptQueryInt32(_, wire string, v **int32) {
	if *v != nil {
		w.add(wire, strconv.Itoa(int(**v)))
	}
}

// QueryList implements [Bindings].
func (w *Writer) QueryList(_, wire string, v *[]string) {
	for _, s := range *v {
		w.add(wire, s)
	}
}

// OptHeader implements [Bindings].
func (w *Writer) OptHeader(_, wire string, v **string) {
	if *v != nil {
		w.header.Set(wire, **v)
	}
}

// OptHeaderInt32 implements [Bindings].
func (w *Writer) OptHeaderInt32(_, wire string, v **int32) {
	if *v != nil {
		w.header.Set(wire, strconv.Itoa(int(**v)))
	}
}

// appendEscaped percent-encodes every byte but the unreserved ones of RFC 3986, as AWS's clients do.
func appendEscaped(b []byte, s string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '.', c == '_', c == '~':
			b = append(b, c)
		default:
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return b
}
