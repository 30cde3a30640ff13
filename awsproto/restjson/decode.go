package restjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Unmarshaler is a structure that can read itself from a JSON object.
type Unmarshaler interface {
	DecodeJSON(d *Decoder)
}

// Limits bound what a body may cost. The zero value means the defaults.
type Limits struct {
	// MaxDepth is how deep structures, lists and maps may nest; 64 by default.
	MaxDepth int
	// MaxElements is how many elements of lists and entries of maps a body may have in all; 65,536 by default, no limit when negative.
	MaxElements int
	// AllowMissing accepts bodies without members that the model requires, as a client does with the answers of another version of the service.
	AllowMissing bool
}

const (
	defaultMaxDepth    = 64
	defaultMaxElements = 1 << 16
	// maxFieldErrors bounds the list of a hostile body's faults.
	maxFieldErrors = 100
	// maxFieldName bounds a fault's path, which may hold a map's key.
	maxFieldName = 512
)

// errTooDeep and errTooMany are the faults of a body beyond its limits.
var (
	errTooDeep = errors.New("the body is nested too deeply")
	errTooMany = errors.New("the body has too many list elements and map entries")
)

// Decoder reads a JSON body. Values of the wrong type are recorded and skipped; malformed text ends decoding: after it all reads do nothing.
type Decoder struct {
	json     *jsontext.Decoder
	limits   Limits
	name     []byte
	depth    int
	elements int
	fields   []FieldError
	err      error
}

// Unmarshal reads data into v. The error is a [*DecodeError].
func Unmarshal(data []byte, v Unmarshaler, limits Limits) error {
	return UnmarshalFunc(data, v.DecodeJSON, limits)
}

// pooled keeps decoders, whose inner buffers are worth keeping.
var pooled = sync.Pool{New: func() any { return new(jsontext.Decoder) }}

// UnmarshalFunc reads data with a function such as a structure's DecodeBody. The error is a [*DecodeError].
func UnmarshalFunc(data []byte, read func(*Decoder), limits Limits) error {
	inner := pooled.Get().(*jsontext.Decoder)
	defer pooled.Put(inner)
	inner.Reset(bytes.NewBuffer(data))
	defer inner.Reset(bytes.NewReader(nil))
	if limits.MaxDepth == 0 {
		limits.MaxDepth = defaultMaxDepth
	}
	if limits.MaxElements == 0 {
		limits.MaxElements = defaultMaxElements
	}
	d := &Decoder{json: inner, limits: limits}
	read(d)
	d.end()
	return d.result()
}

// end makes sure that nothing follows the value.
func (d *Decoder) end() {
	if d.err != nil {
		return
	}
	switch _, err := d.json.ReadToken(); {
	case err == nil:
		d.err = errors.New("more than one JSON value")
	case !errors.Is(err, io.EOF):
		d.err = err
	}
}

func (d *Decoder) result() error {
	if d.err == nil && len(d.fields) == 0 {
		return nil
	}
	return &DecodeError{Malformed: d.err, Fields: d.fields}
}

// Begin enters an object. It returns false, having recorded the fault, when the next value is something else.
func (d *Decoder) Begin() bool { return d.begin('{') }

func (d *Decoder) begin(kind jsontext.Kind) bool {
	if d.err != nil {
		return false
	}
	if d.json.PeekKind() != kind {
		d.wrongType(kindWords(kind))
		return false
	}
	if d.depth++; d.depth > d.limits.MaxDepth {
		d.err = errTooDeep
		return false
	}
	d.token()
	return d.err == nil
}

// more says whether the list goes on; at its end it leaves the list.
func (d *Decoder) more(end jsontext.Kind) bool {
	if d.err != nil {
		return false
	}
	if d.json.PeekKind() != end {
		return true
	}
	d.token()
	d.depth--
	return false
}

// Next moves to the object's next member whose value is not null. At the end it leaves the object and returns false.
func (d *Decoder) Next() bool {
	for d.more('}') {
		name, err := d.json.ReadValue()
		if err != nil {
			d.err = err
			return false
		}
		if inner := name[1 : len(name)-1]; bytes.IndexByte(inner, '\\') < 0 {
			d.name = append(d.name[:0], inner...)
		} else if d.name, err = jsontext.AppendUnquote(d.name[:0], name); err != nil {
			d.err = err
			return false
		}
		if d.json.PeekKind() != 'n' {
			return true
		}
		d.token()
	}
	return false
}

// Name returns the name of the member that Next moved to. It is valid until the next call.
func (d *Decoder) Name() []byte { return d.name }

// Skip passes over a value.
func (d *Decoder) Skip() {
	if d.err == nil {
		d.err = d.json.SkipValue()
	}
}

// Require records the members of the object just left that were not seen: bit i of seen stands for names[i].
func (d *Decoder) Require(seen uint64, names ...string) {
	if d.err != nil || d.limits.AllowMissing || seen == 1<<len(names)-1 {
		return
	}
	for i, name := range names {
		if seen&(1<<i) == 0 {
			d.record(FieldError{Name: joinPath(d.path(), name), Message: "is required", Missing: true})
		}
	}
}

// String reads a string.
func (d *Decoder) String(v *string) {
	if s, ok := d.scalar('"', "a string"); ok {
		*v = s
	}
}

// OptString reads an optional string.
func (d *Decoder) OptString(v **string) {
	if s, ok := d.scalar('"', "a string"); ok {
		*v = &s
	}
}

// Int32 reads an integer.
func (d *Decoder) Int32(v *int32) {
	if n, ok := d.integer(32); ok {
		*v = int32(n)
	}
}

// OptInt32 reads an optional integer.
func (d *Decoder) OptInt32(v **int32) {
	if n, ok := d.integer(32); ok {
		i := int32(n)
		*v = &i
	}
}

// Int64 reads an integer.
func (d *Decoder) Int64(v *int64) {
	if n, ok := d.integer(64); ok {
		*v = n
	}
}

// OptInt64 reads an optional integer.
func (d *Decoder) OptInt64(v **int64) {
	if n, ok := d.integer(64); ok {
		*v = &n
	}
}

// Float32 reads a number.
func (d *Decoder) Float32(v *float32) {
	if f, ok := d.float(32); ok {
		*v = float32(f)
	}
}

// OptFloat32 reads an optional number.
func (d *Decoder) OptFloat32(v **float32) {
	if f, ok := d.float(32); ok {
		f32 := float32(f)
		*v = &f32
	}
}

// Float64 reads a number.
func (d *Decoder) Float64(v *float64) {
	if f, ok := d.float(64); ok {
		*v = f
	}
}

// OptFloat64 reads an optional number.
func (d *Decoder) OptFloat64(v **float64) {
	if f, ok := d.float(64); ok {
		*v = &f
	}
}

// Bool reads true or false.
func (d *Decoder) Bool(v *bool) {
	if d.err != nil {
		return
	}
	if k := d.json.PeekKind(); k != 't' && k != 'f' {
		d.wrongType("true or false")
		return
	}
	tok, err := d.json.ReadToken()
	if err != nil {
		d.err = err
		return
	}
	*v = tok.Bool()
}

// OptBool reads an optional true or false.
func (d *Decoder) OptBool(v **bool) {
	b, before := new(bool), len(d.fields)
	if d.Bool(b); d.err == nil && len(d.fields) == before {
		*v = b
	}
}

// Time reads a time stamp.
func (d *Decoder) Time(v *time.Time) {
	if t, ok := d.time(); ok {
		*v = t
	}
}

// OptTime reads an optional time stamp.
func (d *Decoder) OptTime(v **time.Time) {
	if t, ok := d.time(); ok {
		*v = &t
	}
}

// Raw reads any value as its JSON text.
func (d *Decoder) Raw(v *[]byte) {
	if d.err != nil {
		return
	}
	raw, err := d.json.ReadValue()
	if err != nil {
		d.err = err
		return
	}
	*v = slices.Clone(raw)
}

// DecodeString reads an element.
func DecodeString[S ~string](v *S, d *Decoder) {
	if s, ok := d.scalar('"', "a string"); ok {
		*v = S(s)
	}
}

// scalar reads a string or the text of a number.
func (d *Decoder) scalar(kind jsontext.Kind, words string) (string, bool) {
	if d.err != nil {
		return "", false
	}
	if d.json.PeekKind() != kind {
		d.wrongType(words)
		return "", false
	}
	tok, err := d.json.ReadToken()
	if err != nil {
		d.err = err
		return "", false
	}
	return tok.String(), true
}

func (d *Decoder) integer(bits int) (int64, bool) {
	s, ok := d.scalar('0', "an integer")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, bits)
	if err != nil {
		d.record(FieldError{Name: d.path(), Message: fmt.Sprintf("must be an integer of %d bits", bits)})
		return 0, false
	}
	return n, true
}

func (d *Decoder) float(bits int) (float64, bool) {
	s, ok := d.scalar('0', "a number")
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, bits)
	if err != nil || math.IsInf(f, 0) {
		d.record(FieldError{Name: d.path(), Message: "is too large a number"})
		return 0, false
	}
	return f, true
}

func (d *Decoder) time() (time.Time, bool) {
	s, ok := d.scalar('"', "a time stamp such as 2026-01-31T12:00:00Z")
	if !ok {
		return time.Time{}, false
	}
	t, err := ParseTime(s)
	if err != nil {
		d.record(FieldError{Name: d.path(), Message: "must be a time stamp such as 2026-01-31T12:00:00Z"})
		return time.Time{}, false
	}
	return t, true
}

// ParseTime reads an RFC 3339 time stamp with any fraction and offset. The result is in UTC.
func ParseTime(s string) (time.Time, error) {
	// time.Parse takes a comma before the fraction and an hour of one digit, which RFC 3339 does not.
	if strings.IndexByte(s, ',') >= 0 || len(s) > len("2006-01-02T15") && s[len("2006-01-02T15")] != ':' {
		return time.Time{}, fmt.Errorf("time stamp %q is not of RFC 3339", s)
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, err
	}
	return t.UTC(), nil
}

// FormatTime writes a time stamp as bodies carry it.
func FormatTime(t time.Time) string { return t.UTC().Format(timeFormat) }

func (d *Decoder) token() {
	if _, err := d.json.ReadToken(); err != nil {
		d.err = err
	}
}

// take counts one element against the limit.
func (d *Decoder) take() bool {
	if d.elements++; d.limits.MaxElements > 0 && d.elements > d.limits.MaxElements {
		d.err = errTooMany
		return false
	}
	return true
}

// overflow records that a list or map is longer than the model allows, and passes over its rest. A map's member is entered already.
func (d *Decoder) overflow(limit int, end jsontext.Kind) {
	if end == '}' {
		d.Skip()
	}
	path := d.parentPath()
	for d.more(end) {
		d.Skip()
		if end == '}' {
			d.Skip()
		}
	}
	d.record(FieldError{Name: path, Message: fmt.Sprintf("must have at most %d elements", limit), Excess: true})
}

// wrongType passes over a value and records that it should have been something else.
func (d *Decoder) wrongType(words string) {
	d.Skip()
	d.record(FieldError{Name: d.path(), Message: "must be " + words})
}

func (d *Decoder) record(f FieldError) {
	if d.err == nil && len(d.fields) < maxFieldErrors {
		d.fields = append(d.fields, f)
	}
}

// path names the value just read, such as jobs[0].parameters.Frames.
func (d *Decoder) path() string { return d.pathTo(d.json.StackDepth()) }

// parentPath names the list or map that the decoder is in.
func (d *Decoder) parentPath() string { return d.pathTo(d.json.StackDepth() - 1) }

func (d *Decoder) pathTo(depth int) string {
	path, level := "", 0
	for segment := range d.json.StackPointer().Tokens() {
		if level++; level > depth {
			break
		}
		if kind, _ := d.json.StackIndex(level); kind == '[' {
			path += "[" + segment + "]"
		} else {
			path = joinPath(path, segment)
		}
	}
	return clip(path)
}

func joinPath(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// clip shortens a path that holds a long key, at a boundary of characters.
func clip(s string) string {
	if len(s) <= maxFieldName {
		return s
	}
	return strings.ToValidUTF8(s[:maxFieldName], "") + "…"
}

func kindWords(kind jsontext.Kind) string {
	if kind == '[' {
		return "a list"
	}
	return "an object"
}

// DecodeUnknown reads a union's member that this version of the model does not know, and keeps the first of them. The type hint that some services put beside a
// union's member is no member.
func DecodeUnknown[B ~[]byte](d *Decoder, name *string, value *B) {
	if string(d.name) == "__type" || *name != "" {
		d.Skip()
		return
	}
	*name = string(d.name)
	DecodeRaw(value, d)
}
