package restjson

import (
	"maps"
	"slices"
	"time"
)

// structure is a pointer to T that can write itself.
type structure[T any] interface {
	*T
	Marshaler
}

// OptStruct writes a member that is a structure unless it is nil.
func OptStruct[T any, P structure[T]](e *Encoder, name string, v P) {
	if v != nil {
		e.Name(name)
		v.EncodeJSON(e)
	}
}

// List writes a member that is a list, even when it is empty.
func List[T any](e *Encoder, name string, list []T, element func(*T, *Encoder)) {
	e.Name(name)
	EncodeList(&list, e, element)
}

// OptList writes a member that is a list unless it is nil.
func OptList[T any](e *Encoder, name string, list []T, element func(*T, *Encoder)) {
	if list != nil {
		List(e, name, list, element)
	}
}

// Map writes a member that is a map, even when it is empty, in the order of its keys.
func Map[T any](e *Encoder, name string, m map[string]T, element func(*T, *Encoder)) {
	e.Name(name)
	EncodeMap(&m, e, element)
}

// OptMap writes a member that is a map unless it is nil.
func OptMap[T any](e *Encoder, name string, m map[string]T, element func(*T, *Encoder)) {
	if m != nil {
		Map(e, name, m, element)
	}
}

// EncodeList writes a list as a value of its own.
func EncodeList[T any](list *[]T, e *Encoder, element func(*T, *Encoder)) {
	e.open('[')
	for i := range *list {
		element(&(*list)[i], e)
	}
	e.buf = append(e.buf, ']')
}

// EncodeMap writes a map as a value of its own, in the order of its keys, so that equal values give equal text.
func EncodeMap[T any](m *map[string]T, e *Encoder, element func(*T, *Encoder)) {
	e.open('{')
	for _, k := range slices.Sorted(maps.Keys(*m)) {
		e.separate()
		e.quote(k)
		e.buf = append(e.buf, ':')
		v := (*m)[k]
		element(&v, e)
	}
	e.buf = append(e.buf, '}')
}

// EncodeString writes an element.
func EncodeString[S ~string](v *S, e *Encoder) { e.appendString(string(*v)) }

// EncodeInt writes an element.
func EncodeInt[I ~int32 | ~int64](v *I, e *Encoder) { e.appendInt(int64(*v)) }

// EncodeFloat32 writes an element.
func EncodeFloat32(v *float32, e *Encoder) { e.appendFloat(float64(*v), 32) }

// EncodeFloat64 writes an element.
func EncodeFloat64(v *float64, e *Encoder) { e.appendFloat(*v, 64) }

// EncodeBool writes an element.
func EncodeBool(v *bool, e *Encoder) { e.appendBool(*v) }

// EncodeTime writes an element.
func EncodeTime(v *time.Time, e *Encoder) { e.appendTime(*v) }

// EncodeRaw writes an element that is JSON text already.
func EncodeRaw[B ~[]byte](v *B, e *Encoder) { e.appendRaw(*v) }

// DecodeList reads a list. At most limit elements are kept, or as many as the decoder allows when limit is 0; more are a [FieldError].
func DecodeList[T any](v *[]T, d *Decoder, limit int, element func(*T, *Decoder)) {
	if !d.begin('[') {
		return
	}
	list := []T{}
	for d.more(']') {
		if limit > 0 && len(list) == limit {
			d.overflow(limit, ']')
			break
		}
		if !d.take() {
			break
		}
		var zero T
		list = append(list, zero)
		element(&list[len(list)-1], d)
	}
	*v = list
}

// DecodeMap reads a map. At most limit entries are kept, or as many as the decoder allows when limit is 0; more are a [FieldError]. Entries whose value is null
// are left out.
func DecodeMap[T any](v *map[string]T, d *Decoder, limit int, element func(*T, *Decoder)) {
	if !d.Begin() {
		return
	}
	m := map[string]T{}
	for d.Next() {
		if limit > 0 && len(m) == limit {
			d.overflow(limit, '}')
			break
		}
		if !d.take() {
			break
		}
		key := string(d.Name())
		var value T
		element(&value, d)
		m[key] = value
	}
	*v = m
}

// DecodeInt32 reads an element.
func DecodeInt32(v *int32, d *Decoder) { d.Int32(v) }

// DecodeInt64 reads an element.
func DecodeInt64(v *int64, d *Decoder) { d.Int64(v) }

// DecodeFloat32 reads an element.
func DecodeFloat32(v *float32, d *Decoder) { d.Float32(v) }

// DecodeFloat64 reads an element.
func DecodeFloat64(v *float64, d *Decoder) { d.Float64(v) }

// DecodeBool reads an element.
func DecodeBool(v *bool, d *Decoder) { d.Bool(v) }

// DecodeTime reads an element.
func DecodeTime(v *time.Time, d *Decoder) { d.Time(v) }

// DecodeRaw reads an element of any type as its JSON text.
func DecodeRaw[B ~[]byte](v *B, d *Decoder) {
	var raw []byte
	d.Raw(&raw)
	*v = raw
}
