package restjson_test

import (
	"time"

	"github.com/farmhand-render/farmhand/awsproto/restjson"
)

// record is a structure as the generator would write it, with one member of every kind.
type record struct {
	Name    string
	Alias   *string
	Count   int32
	Big     *int64
	Ratio   *float32
	Weight  float64
	Open    *bool
	At      time.Time
	Until   *time.Time
	Names   []string
	Rows    [][]string
	Tags    map[string]string
	Inner   *record
	Extra   []byte
	Unknown string
	Value   []byte
}

func (v *record) EncodeJSON(e *restjson.Encoder) {
	e.BeginObject()
	e.String("name", v.Name)
	if !e.Redact("alias", v.Alias != nil) {
		e.OptString("alias", v.Alias)
	}
	e.Int("count", int64(v.Count))
	e.OptInt64("big", v.Big)
	e.OptFloat32("ratio", v.Ratio)
	e.Float64("weight", v.Weight)
	e.OptBool("open", v.Open)
	e.Time("at", v.At)
	e.OptTime("until", v.Until)
	restjson.List(e, "names", v.Names, restjson.EncodeString)
	restjson.OptList(e, "rows", v.Rows, encodeTexts)
	restjson.OptMap(e, "tags", v.Tags, restjson.EncodeString)
	restjson.OptStruct(e, "inner", v.Inner)
	e.OptRaw("extra", v.Extra)
	e.Unknown(v.Unknown, v.Value)
	e.EndObject()
}

func (v *record) DecodeJSON(d *restjson.Decoder) {
	if !d.Begin() {
		return
	}
	var seen uint64
	for d.Next() {
		switch string(d.Name()) {
		case "name":
			seen |= 1 << 0
			d.String(&v.Name)
		case "alias":
			d.OptString(&v.Alias)
		case "count":
			seen |= 1 << 1
			d.Int32(&v.Count)
		case "big":
			d.OptInt64(&v.Big)
		case "ratio":
			d.OptFloat32(&v.Ratio)
		case "weight":
			d.Float64(&v.Weight)
		case "open":
			d.OptBool(&v.Open)
		case "at":
			d.Time(&v.At)
		case "until":
			d.OptTime(&v.Until)
		case "names":
			restjson.DecodeList(&v.Names, d, 3, restjson.DecodeString)
		case "rows":
			restjson.DecodeList(&v.Rows, d, 0, decodeTexts)
		case "tags":
			restjson.DecodeMap(&v.Tags, d, 2, restjson.DecodeString)
		case "inner":
			v.Inner = new(record)
			v.Inner.DecodeJSON(d)
		case "extra":
			d.Raw(&v.Extra)
		default:
			restjson.DecodeUnknown(d, &v.Unknown, &v.Value)
		}
	}
	d.Require(seen, "name", "count")
}

func encodeTexts(v *[]string, e *restjson.Encoder) { restjson.EncodeList(v, e, restjson.EncodeString) }

func decodeTexts(v *[]string, d *restjson.Decoder) {
	restjson.DecodeList(v, d, 0, restjson.DecodeString)
}

func (v *record) BindHTTP(b restjson.Bindings) {
	b.Label("name", &v.Name)
	b.OptQuery("alias", "alias", &v.Alias)
	b.QueryList("names", "n", &v.Names)
}
