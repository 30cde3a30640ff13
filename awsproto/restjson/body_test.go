package restjson_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/awsproto/restjson"
)

func TestEncode(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 9, 30, 45, 889575000, time.FixedZone("", 7200))
	tests := []struct {
		name string
		in   record
		want string
	}{
		{"empty", record{At: at}, `{"name":"","count":0,"weight":0,"at":"2026-11-23T07:30:45.889Z","names":[]}`},
		{
			"full",
			record{
				Name: "a\"\\\n\u2028é😀", Alias: new(""), Count: -5, Big: ptr(int64(math.MinInt64)), Ratio: new(float32(0.1)), Weight: 1e-7, Open: new(false),
				At: at, Until: new(time.Unix(0, 0)), Names: []string{"x", "y"}, Rows: [][]string{{}, {"z"}}, Tags: map[string]string{"b": "2", "a\"": "1"},
				Inner: &record{At: at}, Extra: []byte(` {"k" : [1, 2.50]} `), Unknown: "ne\"w", Value: []byte(`1`),
			},
			`{"name":"a\"\\\n` + "\u2028é😀" + `","alias":"","count":-5,"big":-9223372036854775808,"ratio":0.1,"weight":1e-07,"open":false,` +
				`"at":"2026-11-23T07:30:45.889Z","until":"1970-01-01T00:00:00.000Z","names":["x","y"],"rows":[[],["z"]],"tags":{"a\"":"1","b":"2"},` +
				`"inner":{"name":"","count":0,"weight":0,"at":"2026-11-23T07:30:45.889Z","names":[]},"extra":{"k":[1,2.50]},"ne\"w":1}`,
		},
		{"bad UTF-8", record{At: at, Name: "a\xffb"}, "{\"name\":\"a\ufffdb\",\"count\":0,\"weight\":0,\"at\":\"2026-11-23T07:30:45.889Z\",\"names\":[]}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := restjson.Marshal(&tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
		})
	}
}

// TestEncodeImpossible: values that JSON or RFC 3339 cannot say are errors, and what was written is still JSON.
func TestEncodeImpossible(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]record{
		"NaN": {Weight: math.NaN()}, "infinity": {Ratio: new(float32(math.Inf(-1)))}, "year 10000": {At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
		"document": {Extra: []byte(`{"a":`)},
	} {
		got, err := restjson.Marshal(&in)
		if err == nil {
			t.Errorf("%s: no error, wrote %s", name, got)
		}
		if !jsontext.Value(got).IsValid() {
			t.Errorf("%s: wrote %s", name, got)
		}
	}
}

func TestRedacted(t *testing.T) {
	t.Parallel()
	text := restjson.RedactedText(&record{Alias: new("secret"), Inner: &record{Alias: new("secret")}})
	if strings.Contains(text, "secret") || strings.Count(text, restjson.Redacted) != 2 {
		t.Errorf("wrote %s", text)
	}
}

func TestDecodeFaults(t *testing.T) {
	t.Parallel()
	const ok = `"name":"n","count":1`
	tests := []struct {
		name, in  string
		malformed bool
		fields    []restjson.FieldError
	}{
		{"well", `{` + ok + `}`, false, nil},
		{"white space around", " \n{" + ok + "}\t ", false, nil},
		{"empty", ``, true, nil},
		{"cut off", `{` + ok, true, nil},
		{"second value", `{` + ok + `} {}`, true, nil},
		{"duplicate", `{` + ok + `,"name":"m"}`, true, nil},
		{"duplicate in another spelling", `{` + ok + `,"n\u0061me":"m"}`, true, nil},
		{"duplicate in what is skipped", `{` + ok + `,"__type":{"a":1,"a":2}}`, true, nil},
		{"bad UTF-8", "{" + ok + ",\"alias\":\"\xc3\"}", true, nil},
		{"lone surrogate", `{` + ok + `,"alias":"\ud800"}`, true, nil},
		{"missing", `{"Name":"n"}`, false, []restjson.FieldError{{Name: "name", Message: "is required", Missing: true}, {Name: "count", Message: "is required", Missing: true}}},
		{"null is missing", `{"name":null,"count":1}`, false, []restjson.FieldError{{Name: "name", Message: "is required", Missing: true}}},
		{"wrong types", `{"name":1,"count":"1","open":0,"inner":[],"names":{},"tags":7}`, false, []restjson.FieldError{
			{Name: "name", Message: "must be a string"},
			{Name: "count", Message: "must be an integer"},
			{Name: "open", Message: "must be true or false"},
			{Name: "inner", Message: "must be an object"},
			{Name: "names", Message: "must be a list"},
			{Name: "tags", Message: "must be an object"},
		}},
		{"fraction", `{"name":"n","count":1.0}`, false, []restjson.FieldError{{Name: "count", Message: "must be an integer of 32 bits"}}},
		{"too large", `{` + ok + `,"weight":1e999}`, false, []restjson.FieldError{{Name: "weight", Message: "is too large a number"}}},
		{"paths", `{` + ok + `,"rows":[["a"],["b",1]],"tags":{"k":[]},"inner":{"name":"n","count":{"x":1}}}`, false, []restjson.FieldError{
			{Name: "rows[1][1]", Message: "must be a string"},
			{Name: "tags.k", Message: "must be a string"},
			{Name: "inner.count", Message: "must be an integer"},
		}},
		{"null elements", `{` + ok + `,"names":["a",null]}`, false, []restjson.FieldError{{Name: "names[1]", Message: "must be a string"}}},
		{"too many", `{` + ok + `,"names":["a","b","c","d","e"],"tags":{"a":"1","b":"2","c":"3","d":"4"}}`, false, []restjson.FieldError{
			{Name: "names", Message: "must have at most 3 elements", Excess: true},
			{Name: "tags", Message: "must have at most 2 elements", Excess: true},
		}},
		{"time stamps", `{` + ok + `,"at":5,"until":"2026-01-31"}`, false, []restjson.FieldError{
			{Name: "at", Message: "must be a time stamp such as 2026-01-31T12:00:00Z"},
			{Name: "until", Message: "must be a time stamp such as 2026-01-31T12:00:00Z"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var v record
			err := restjson.Unmarshal([]byte(tt.in), &v, restjson.Limits{})
			var fault *restjson.DecodeError
			if errors.As(err, &fault) != (tt.malformed || tt.fields != nil) {
				t.Fatalf("error %v", err)
			}
			if fault == nil {
				return
			}
			if (fault.Malformed != nil) != tt.malformed {
				t.Errorf("malformed: %v", fault.Malformed)
			}
			if diff := cmp.Diff(tt.fields, fault.Fields); !tt.malformed && diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeLimits(t *testing.T) {
	t.Parallel()
	deep := func(n int) string {
		return strings.Repeat(`{"name":"n","count":1,"inner":`, n) + `{"name":"n","count":1}` + strings.Repeat(`}`, n)
	}
	tests := []struct {
		name, in string
		limits   restjson.Limits
		ok       bool
	}{
		{"deep", deep(63), restjson.Limits{}, true},
		{"too deep", deep(64), restjson.Limits{}, false},
		{"deeper than any parser", deep(1 << 16), restjson.Limits{MaxDepth: 1 << 20}, false},
		{"elements", `{"name":"n","count":1,"rows":[[],["a"]]}`, restjson.Limits{MaxElements: 3}, true},
		{"too many elements", `{"name":"n","count":1,"rows":[[],["a","b"]]}`, restjson.Limits{MaxElements: 3}, false},
		{"any number", `{"name":"n","count":1,"rows":[` + strings.Repeat(`[],`, 1<<17) + `[]]}`, restjson.Limits{MaxElements: -1}, true},
		{"lenient", `{}`, restjson.Limits{AllowMissing: true}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := restjson.Unmarshal([]byte(tt.in), new(record), tt.limits); (err == nil) != tt.ok {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestRoundTrip: what is written reads back as it was.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := record{
			Name: rapid.String().Draw(t, "name"), Alias: rapid.Ptr(rapid.String(), true).Draw(t, "alias"), Count: rapid.Int32().Draw(t, "count"),
			Big: rapid.Ptr(rapid.Int64(), true).Draw(t, "big"), Ratio: rapid.Ptr(rapid.Float32(), true).Draw(t, "ratio"), Weight: rapid.Float64().Draw(t, "weight"),
			At:    time.UnixMilli(rapid.Int64Range(-62167219200000, 253402300799999).Draw(t, "at")).UTC(),
			Names: rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "names"), Tags: rapid.MapOfN(rapid.String(), rapid.String(), 0, 2).Draw(t, "tags"),
		}
		text, err := restjson.Marshal(&in)
		if err != nil {
			t.Fatal(err)
		}
		var out record
		if err := restjson.Unmarshal(text, &out, restjson.Limits{}); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if diff := cmp.Diff(in, out); diff != "" {
			t.Errorf("changed (-in +out):\n%s", diff)
		}
	})
}

// FuzzDecode: the decoder calls the same texts malformed as the strict parser does, never panics, and what it accepts survives being written and read again.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{"name":"n","count":1,"rows":[["a"],[]],"tags":{"k":"v"},"inner":{"name":"m","count":2},"extra":{"x":[null,1e5]},"new":[1]}`,
		`{"name":null}`, `[]`, `{"at":"2026-11-23T07:30:45.889575Z","until":"2026-01-01T00:00:00+01:00"}`, `{"a":1,"a":2}`, "\"\xff\"", `{"count":-0}`, ``, `{"__type":"x"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v record
		err := restjson.Unmarshal(data, &v, restjson.Limits{MaxDepth: 1 << 20, MaxElements: -1})
		var fault *restjson.DecodeError
		malformed := errors.As(err, &fault) && fault.Malformed != nil
		if valid := jsontext.Value(data).IsValid(); valid == malformed {
			t.Fatalf("valid %t, error %v", valid, err)
		}
		if err != nil {
			return
		}
		text, err := restjson.Marshal(&v)
		if err != nil {
			t.Fatalf("write what was read: %v", err)
		}
		var again record
		if err := restjson.Unmarshal(text, &again, restjson.Limits{MaxDepth: 1 << 20, MaxElements: -1}); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		second, err := restjson.Marshal(&again)
		if err != nil || string(second) != string(text) {
			t.Errorf("%v\n%s\n%s", err, text, second)
		}
	})
}

func TestTime(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"2026-11-23T07:30:45Z": "2026-11-23T07:30:45.000Z", "2026-11-23T07:30:45.889575Z": "2026-11-23T07:30:45.889Z",
		"2026-11-23T07:30:45.1+02:30": "2026-11-23T05:00:45.100Z", "2026-02-29T00:00:00Z": "", "2026-11-23 07:30:45Z": "", "2026-11-23T07:30:45": "",
		"2026-11-23T07:30:45,5Z": "", "1700000000": "", "": "", "2026-11-23T24:00:00Z": "",
	} {
		got, err := restjson.ParseTime(in)
		if (err == nil) != (want != "") || err == nil && restjson.FormatTime(got) != want {
			t.Errorf("ParseTime(%q) = %v, %v; want %q", in, got, err, want)
		}
	}
}
