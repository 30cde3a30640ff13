package expr

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"
	"unsafe"
)

// Value is one typed, immutable value. The zero value is an empty text of no type.
//
// A float keeps the text it was made from until it is computed with: a FLOAT parameter submitted as "3.500" is printed as "3.500".
// A value can be unresolved: then only its type is known, see [Unresolved].
//
// A Value has 32 bytes in few fields, because the compiler keeps what is larger in memory and copies it at every step of an evaluation.
type Value struct {
	kind
	number uint64 // of a bool, an int, a float
	// text is that of a string, a path; of a float, the text it was written with or "". For a list and a range it is the memory of a
	// compound, see ref.
	text string
}

type kind struct {
	typ        Type
	unresolved bool
}

// compound is what does not fit a Value: the items of a list, or a range.
type compound struct {
	items []Value
	span  RangeExpr
	size  int64 // bytes, as the evaluation budget counts them
}

// ref returns what a list or a range consists of, nil for another value.
func (v *Value) ref() *compound {
	if v.typ&(typeList|TypeRange) == 0 || v.text == "" {
		return nil
	}
	return (*compound)(unsafe.Pointer(unsafe.StringData(v.text)))
}

// refTo returns the text by which a value refers to c.
func refTo(c *compound) string {
	return unsafe.String((*byte)(unsafe.Pointer(c)), unsafe.Sizeof(*c))
}

// String is the value of a STRING parameter, or of any symbol that is plain text.
func String(s string) Value { return Value{kind: kind{typ: TypeString}, text: s} }

// Path is a path in the format of the host that will use it.
func Path(s string) Value { return Value{kind: kind{typ: TypePath}, text: s} }

// Int is a 64-bit integer.
func Int(i int64) Value { return Value{kind: kind{typ: TypeInt}, number: uint64(i)} }

// Float is a finite floating point number given by its text, which is what it prints as.
func Float(text string) Value {
	f, _ := strconv.ParseFloat(strings.TrimSpace(text), 64)
	return Value{kind: kind{typ: TypeFloat}, number: math.Float64bits(f), text: text}
}

// FloatOf is a finite floating point number, printed with the fewest digits that distinguish it.
func FloatOf(f float64) Value {
	if f == 0 {
		f = 0 // there is no negative zero
	}
	return Value{kind: kind{typ: TypeFloat}, number: math.Float64bits(f)}
}

// Bool is true or false.
func Bool(b bool) Value {
	if b {
		return Value{kind: kind{typ: TypeBool}, number: 1}
	}
	return Value{kind: kind{typ: TypeBool}}
}

// Null is the value null.
func Null() Value { return Value{kind: kind{typ: TypeNull}} }

// Range is a range expression.
func Range(r RangeExpr) Value {
	return Value{kind: kind{typ: TypeRange}, text: refTo(&compound{span: r, size: int64(len(r.ranges)) * 32})}
}

// List is a list whose items all are of the concrete type element, which the caller promises. An empty list of unknown element type
// has TypeNull. The caller must not change items afterwards.
func List(element Type, items ...Value) Value {
	size := int64(0)
	for i := range items {
		size += items[i].size()
	}
	return Value{kind: kind{typ: ListOf(element)}, text: refTo(&compound{items: items, size: size})}
}

// Unresolved is a value of which nothing is known but that its type is one of t. Checking an expression means evaluating it with
// such values.
func Unresolved(t Type) Value { return Value{kind: kind{t, true}} }

// valueSize is what a value costs beside what it refers to, in bytes.
const valueSize = 40

// size returns what the value counts for in the memory budget.
func (v *Value) size() int64 {
	if c := v.ref(); c != nil {
		return valueSize + c.size
	}
	return int64(valueSize + len(v.text))
}

// Type returns the type of the value: one for a known value, 0 for the zero value, possibly several for an unresolved one.
func (v Value) Type() Type { return v.typ }

// IsUnresolved says whether only the type is known.
func (v Value) IsUnresolved() bool { return v.unresolved }

// IsNull says whether the value is null.
func (v Value) IsNull() bool { return v.typ == TypeNull && !v.unresolved }

// AsInt returns the integer, 0 when the value is none.
func (v Value) AsInt() int64 {
	if v.typ == TypeInt {
		return int64(v.number)
	}
	return 0
}

// AsFloat returns the number of an int or a float, 0 when the value is neither.
func (v Value) AsFloat() float64 {
	switch v.typ {
	case TypeInt:
		return float64(int64(v.number))
	case TypeFloat:
		return math.Float64frombits(v.number)
	}
	return 0
}

// AsBool returns the truth of a bool, false when the value is none.
func (v Value) AsBool() bool { return v.typ == TypeBool && v.number != 0 }

// Items returns the items of a list, nil when the value is none. The caller must not change them.
func (v Value) Items() []Value {
	if v.ref() == nil {
		return nil
	}
	return v.ref().items
}

// AsRange returns the range expression, the empty set when the value is none.
func (v Value) AsRange() RangeExpr {
	if v.ref() == nil {
		return RangeExpr{}
	}
	return v.ref().span
}

// Text returns the value as a format string prints it among other text: null prints as nothing, a list as JSON.
// An unresolved value has no text.
func (v Value) Text() string {
	if v.unresolved {
		return ""
	}
	switch v.typ {
	case TypeString, TypePath:
		return v.text
	case TypeNull, 0:
		return v.text
	}
	return string(v.appendText(nil))
}

// appendText appends what string(x) gives, except that null is nothing.
func (v *Value) appendText(b []byte) []byte {
	switch v.typ {
	case TypeString, TypePath:
		return append(b, v.text...)
	case TypeBool:
		return strconv.AppendBool(b, v.number != 0)
	case TypeInt:
		return appendInt(b, int64(v.number))
	case TypeFloat:
		if v.text != "" {
			return append(b, v.text...)
		}
		return appendFloat(b, math.Float64frombits(v.number))
	case TypeRange:
		return v.ref().span.appendText(b)
	}
	if v.typ.Has(typeList) {
		return v.appendList(b)
	}
	return append(b, v.text...)
}

// appendInt is strconv.AppendInt, faster for the numbers that frames have.
func appendInt(b []byte, i int64) []byte {
	if i < 0 || i >= 100_000_000 {
		return strconv.AppendInt(b, i, 10)
	}
	rest, digits := uint32(i), 1
	for limit := uint32(10); rest >= limit; limit *= 10 {
		digits++
	}
	end := len(b) + digits
	if end > cap(b) {
		b = slices.Grow(b, digits)
	}
	b = b[:end]
	for ; rest >= 100; rest /= 100 {
		pair := twoDigits[2*(rest%100):][:2]
		end -= 2
		b[end], b[end+1] = pair[0], pair[1]
	}
	if rest >= 10 {
		b[end-2] = byte('0' + rest/10)
	}
	b[end-1] = byte('0' + rest%10)
	return b
}

const twoDigits = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899"

// appendList writes a list as JSON with a blank after each comma. Characters beyond ASCII stay as they are.
func (v *Value) appendList(b []byte) []byte {
	b = append(b, '[')
	for i := range v.Items() {
		item := &v.ref().items[i]
		if i > 0 {
			b = append(b, ", "...)
		}
		switch item.typ {
		case TypeString, TypePath:
			b = appendJSONString(b, item.text, false)
		case TypeNull:
			b = append(b, "null"...)
		default:
			b = item.appendText(b)
		}
	}
	return append(b, ']')
}

// appendFloat writes a float as Python does: the fewest digits that distinguish it, with an exponent below 1e-4 and from 1e16 on.
func appendFloat(b []byte, f float64) []byte {
	if f == 0 {
		return append(b, "0.0"...)
	}
	if a := math.Abs(f); a >= 1e16 || a < 1e-4 {
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	start := len(b)
	b = strconv.AppendFloat(b, f, 'f', -1, 64)
	if bytes.IndexByte(b[start:], '.') >= 0 {
		return b
	}
	return append(b, ".0"...)
}
