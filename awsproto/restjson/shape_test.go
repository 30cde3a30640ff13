package restjson_test

import (
	"time"

	"github.com/farmhand-render/farmhand/awsproto/restjson"
)

// thing is a structure with a member of every kind, as the generator would write it.
type thing struct {
	Name    string
	Note    *string
	Kind    kind
	Count   int32
	Maybe   *int32
	Long    *int64
	Float   *float32
	Double  *float64
	On      *bool
	When    *time.Time
	Inner   *thing
	List    []string
	Things  []thing
	Numbers map[string]float64
	Table   [][]int32
	Any     []byte
	Secret  *string
}

type kind string

func (v *thing) EncodeJSON(e *restjson.Encoder) {
	e.BeginObject()
	e.String("name", v.Name)
	e.OptString("note", v.Note)
	e.OptEnum("kind", string(v.Kind))
	e.Int("count", int64(v.Count))
	e.OptInt32("maybe", v.Maybe)
	e.OptInt64("long", v.Long)
	e.OptFloat32("float", v.Float)
	e.OptFloat64("double", v.Double)
	e.OptBool("on", v.On)
	e.OptTime("when", v.When)
	restjson.OptStruct(e, "inner", v.Inner)
	restjson.OptList(e, "list", v.List, restjson.EncodeString)
	restjson.OptList(e, "things", v.Things, (*thing).EncodeJSON)
	restjson.OptMap(e, "numbers", v.Numbers, restjson.EncodeFloat64)
	restjson.OptList(e, "table", v.Table, encodeRow)
	e.OptRaw("any", v.Any)
	if !e.Redact("secret", v.Secret != nil) {
		e.OptString("secret", v.Secret)
	}
	e.EndObject()
}

func (v *thing) DecodeJSON(d *restjson.Decoder) {
	if !d.Begin() {
		return
	}
	var seen uint64
	for d.Next() {
		switch string(d.Name()) {
		case "name":
			seen |= 1 << 0
			d.String(&v.Name)
		case "note":
			d.OptString(&v.Note)
		case "kind":
			restjson.DecodeString(&v.Kind, d)
		case "count":
			seen |= 1 << 1
			d.Int32(&v.Count)
		case "maybe":
			d.OptInt32(&v.Maybe)
		case "long":
			d.OptInt64(&v.Long)
		case "float":
			d.OptFloat32(&v.Float)
		case "double":
			d.OptFloat64(&v.Double)
		case "on":
			d.OptBool(&v.On)
		case "when":
			d.OptTime(&v.When)
		case "inner":
			v.Inner = new(thing)
			v.Inner.DecodeJSON(d)
		case "list":
			restjson.DecodeList(&v.List, d, 3, restjson.DecodeString)
		case "things":
			restjson.DecodeList(&v.Things, d, 0, (*thing).DecodeJSON)
		case "numbers":
			restjson.DecodeMap(&v.Numbers, d, 2, restjson.DecodeFloat64)
		case "table":
			restjson.DecodeList(&v.Table, d, 0, decodeRow)
		case "any":
			restjson.DecodeRaw(&v.Any, d)
		case "secret":
			d.OptString(&v.Secret)
		default:
			d.Skip()
		}
	}
	d.Require(seen, "name", "count")
}

func encodeRow(v *[]int32, e *restjson.Encoder) { restjson.EncodeList(v, e, restjson.EncodeInt) }
func decodeRow(v *[]int32, d *restjson.Decoder) {
	restjson.DecodeList(v, d, 0, restjson.DecodeInt32)
}

//go:fix inline
func ptr[T any](v T) *T { return new(v) }

// whole is a thing with every member.
func whole() *thing {
	return &thing{
		Name: "a \"quoted\" \\ é\u2028\U0001F600\x01\n", Note: new(""), Kind: "SOME", Count: -1 << 31, Maybe: ptr[int32](0), Long: ptr[int64](1<<63 - 1),
		Float: ptr[float32](0.1), Double: new(1e-300), On: new(false), When: new(time.Date(2026, 1, 31, 12, 0, 0, 678e6, time.UTC)),
		Inner: &thing{Name: "inner", List: []string{}}, List: []string{"", "x", "\u00e9"}, Things: []thing{{Name: "1"}, {Name: "2", Count: 7}},
		Numbers: map[string]float64{"b": 1e21, "a\"": -0.5}, Table: [][]int32{{}, {1, 2}}, Any: []byte(`{"z":[1,null,"x"]}`), Secret: new("hush"),
	}
}

// union is a union as the generator would write it.
type union struct {
	A, B          *string
	UnknownMember string
	UnknownValue  []byte
}

func (v *union) EncodeJSON(e *restjson.Encoder) {
	e.BeginObject()
	e.OptString("a", v.A)
	e.OptString("b", v.B)
	e.Unknown(v.UnknownMember, v.UnknownValue)
	e.EndObject()
}

func (v *union) DecodeJSON(d *restjson.Decoder) {
	if !d.Begin() {
		return
	}
	for d.Next() {
		switch string(d.Name()) {
		case "a":
			d.OptString(&v.A)
		case "b":
			d.OptString(&v.B)
		default:
			restjson.DecodeUnknown(d, &v.UnknownMember, &v.UnknownValue)
		}
	}
}
