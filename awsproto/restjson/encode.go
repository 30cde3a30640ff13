package restjson

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Marshaler is a structure that can write itself as a JSON object.
type Marshaler interface {
	EncodeJSON(e *Encoder)
}

// errNotFinite is what encoding a NaN or an infinity gives: JSON has no such number.
var errNotFinite = errors.New("encode JSON: a number is not finite")

// errBadTime is what encoding a time outside the years 0000 to 9999 gives: RFC 3339 has no such time.
var errBadTime = errors.New("encode JSON: a time is outside the years 0 to 9999")

// Encoder appends JSON to a buffer. Methods with a name write an object's member and the comma before it; those beginning with Opt write nothing when
// the value is absent. The first error stays and is returned by [Encoder.Err].
type Encoder struct {
	buf    []byte
	redact bool
	err    error
}

// NewEncoder returns an encoder that appends to buf.
func NewEncoder(buf []byte) *Encoder { return &Encoder{buf: buf} }

// Bytes returns what was written.
func (e *Encoder) Bytes() []byte { return e.buf }

// Err returns the first error.
func (e *Encoder) Err() error { return e.err }

// Reset empties the encoder and keeps its buffer.
func (e *Encoder) Reset() { *e = Encoder{buf: e.buf[:0]} }

// Marshal returns the JSON text of v.
func Marshal(v Marshaler) ([]byte, error) {
	var e Encoder
	v.EncodeJSON(&e)
	return e.buf, e.err
}

// BeginObject and EndObject write an object's braces.
func (e *Encoder) BeginObject() { e.open('{') }

// EndObject ends the object that BeginObject began.
func (e *Encoder) EndObject() { e.buf = append(e.buf, '}') }

func (e *Encoder) open(brace byte) {
	e.separate()
	e.buf = append(e.buf, brace)
}

// separate writes the comma between two members or elements. A value can only follow an opening brace, a colon or another value, and no value ends in
// one of those bytes.
func (e *Encoder) separate() {
	if len(e.buf) == 0 {
		return
	}
	switch e.buf[len(e.buf)-1] {
	case '{', '[', ':':
	default:
		e.buf = append(e.buf, ',')
	}
}

// Name writes a member's name, whose value must follow. Names come from the model and need no escaping.
func (e *Encoder) Name(name string) {
	e.separate()
	e.buf = append(e.buf, '"')
	e.buf = append(e.buf, name...)
	e.buf = append(e.buf, '"', ':')
}

// Redact replaces a sensitive member when the encoder writes for people: it then writes REDACTED for a present member and returns true.
func (e *Encoder) Redact(name string, present bool) bool {
	if !e.redact {
		return false
	}
	if present {
		e.String(name, "REDACTED")
	}
	return true
}

// String writes a member.
func (e *Encoder) String(name, v string) {
	e.Name(name)
	e.appendString(v)
}

// OptString writes a member unless it is nil.
func (e *Encoder) OptString(name string, v *string) {
	if v != nil {
		e.String(name, *v)
	}
}

// OptEnum writes a member unless it is empty.
func (e *Encoder) OptEnum(name, v string) {
	if v != "" {
		e.String(name, v)
	}
}

// Int writes a member.
func (e *Encoder) Int(name string, v int64) {
	e.Name(name)
	e.buf = strconv.AppendInt(e.buf, v, 10)
}

// OptInt32 writes a member unless it is nil.
func (e *Encoder) OptInt32(name string, v *int32) {
	if v != nil {
		e.Int(name, int64(*v))
	}
}

// OptInt64 writes a member unless it is nil.
func (e *Encoder) OptInt64(name string, v *int64) {
	if v != nil {
		e.Int(name, *v)
	}
}

// Float32 writes a member.
func (e *Encoder) Float32(name string, v float32) {
	e.Name(name)
	e.appendFloat(float64(v), 32)
}

// OptFloat32 writes a member unless it is nil.
func (e *Encoder) OptFloat32(name string, v *float32) {
	if v != nil {
		e.Float32(name, *v)
	}
}

// Float64 writes a member.
func (e *Encoder) Float64(name string, v float64) {
	e.Name(name)
	e.appendFloat(v, 64)
}

// OptFloat64 writes a member unless it is nil.
func (e *Encoder) OptFloat64(name string, v *float64) {
	if v != nil {
		e.Float64(name, *v)
	}
}

// Bool writes a member.
func (e *Encoder) Bool(name string, v bool) {
	e.Name(name)
	e.buf = strconv.AppendBool(e.buf, v)
}

// OptBool writes a member unless it is nil.
func (e *Encoder) OptBool(name string, v *bool) {
	if v != nil {
		e.Bool(name, *v)
	}
}

// Time writes a member.
func (e *Encoder) Time(name string, v time.Time) {
	e.Name(name)
	e.appendTime(v)
}

// OptTime writes a member unless it is nil.
func (e *Encoder) OptTime(name string, v *time.Time) {
	if v != nil {
		e.Time(name, *v)
	}
}

// Raw writes a member whose value is JSON text already. Empty text is written as null.
func (e *Encoder) Raw(name string, v []byte) {
	e.Name(name)
	e.appendRaw(v)
}

// OptRaw writes a member unless it is nil.
func (e *Encoder) OptRaw(name string, v []byte) {
	if v != nil {
		e.Raw(name, v)
	}
}

// Unknown writes the member of a union that this version of the model does not know, unless name is empty.
func (e *Encoder) Unknown(name string, v []byte) {
	if name == "" {
		return
	}
	e.separate()
	e.quote(name)
	e.buf = append(e.buf, ':')
	e.appendRaw(v)
}

func (e *Encoder) appendRaw(v []byte) {
	e.separate()
	if len(v) == 0 {
		e.buf = append(e.buf, "null"...)
		return
	}
	value := jsontext.Value(slices.Clone(v))
	if err := value.Compact(); err != nil {
		e.fail(err)
		value = jsontext.Value("null")
	}
	e.buf = append(e.buf, value...)
}

func (e *Encoder) appendString(s string) {
	e.separate()
	e.quote(s)
}

// quote appends s as a JSON string. Text that is not UTF-8 gets replacement characters: it can only come from this program, and a reply that says a little less
// is better than none.
func (e *Encoder) quote(s string) {
	if isPlain(s) {
		e.buf = append(e.buf, '"')
		e.buf = append(e.buf, s...)
		e.buf = append(e.buf, '"')
		return
	}
	e.buf, _ = jsontext.AppendQuote(e.buf, s)
}

// isPlain says whether s needs no escaping and no check of its UTF-8.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

func (e *Encoder) appendFloat(v float64, bits int) {
	e.separate()
	if math.IsNaN(v) || math.IsInf(v, 0) {
		e.fail(errNotFinite)
		e.buf = append(e.buf, '0')
		return
	}
	format := byte('f')
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	e.buf = strconv.AppendFloat(e.buf, v, format, -1, bits)
}

func (e *Encoder) appendTime(t time.Time) {
	e.separate()
	t = t.UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		e.fail(errBadTime)
		t = time.Time{}
	}
	e.buf = append(e.buf, '"')
	e.buf = t.AppendFormat(e.buf, timeFormat)
	e.buf = append(e.buf, '"')
}

func (e *Encoder) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

// timeFormat is how time stamps are written: RFC 3339 in UTC with milliseconds.
const timeFormat = "2006-01-02T15:04:05.000Z"

func (e *Encoder) appendInt(v int64) {
	e.separate()
	e.buf = strconv.AppendInt(e.buf, v, 10)
}

func (e *Encoder) appendBool(v bool) {
	e.separate()
	e.buf = strconv.AppendBool(e.buf, v)
}
