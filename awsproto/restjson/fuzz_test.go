package restjson_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/farmhand-render/farmhand/awsproto/restjson"
)

func bodies(f *testing.F) {
	f.Helper()
	for _, body := range []string{
		`{}`, `[]`, `{"name":"x","count":1}`, `{"name":"x","count":1,"inner":{"list":["a",null]},"numbers":{"a":1e400}}`, `{"new":{"a":[1]}}`,
		"{\"name\":\"\xff\"}", `{"any":[1,{"a":1,"a":2}]}`, `{"when":"2026-01-31T12:00:00.5+01:00","table":[[1],[]]}`,
	} {
		f.Add([]byte(body))
	}
	data, err := restjson.Marshal(whole())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
}

// FuzzUnmarshal: any body is refused or decoded, and what was decoded survives encoding.
func FuzzUnmarshal(f *testing.F) {
	bodies(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		got := new(thing)
		if err := restjson.Unmarshal(body, got, restjson.Limits{MaxDepth: 16, MaxElements: 1000}); err != nil {
			var decode *restjson.DecodeError
			if !errors.As(err, &decode) || decode.Malformed == nil && len(decode.Fields) == 0 || len(decode.Fields) > 100 {
				t.Fatalf("%#v", err)
			}
			return
		}
		if !json.Valid(body) {
			t.Fatalf("accepted %q", body)
		}
		data, err := restjson.Marshal(got)
		if err != nil {
			t.Skip("a time stamp with an offset can leave the years that RFC 3339 has")
		}
		again := new(thing)
		if err := restjson.Unmarshal(data, again, restjson.Limits{MaxDepth: 16, MaxElements: 1000}); err != nil {
			t.Fatalf("%v in %s, which was made of %s", err, data, body)
		}
		truncateTimes(got)
		if diff := cmp.Diff(got, again, cmp.Comparer(equalJSON)); diff != "" {
			t.Errorf("(-decoded +encoded and decoded):\n%s", diff)
		}
	})
}

// truncateTimes leaves the milliseconds that the wire has.
func truncateTimes(v *thing) {
	if v == nil {
		return
	}
	if v.When != nil {
		text := restjson.FormatTime(*v.When)
		*v.When, _ = restjson.ParseTime(text)
	}
	truncateTimes(v.Inner)
	for i := range v.Things {
		truncateTimes(&v.Things[i])
	}
}

func equalJSON(a, b []byte) bool {
	var x, y any
	return len(a) == 0 && len(b) == 0 || json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && cmp.Equal(x, y)
}

// FuzzUnion: a union keeps one unknown member and never more than it was given.
func FuzzUnion(f *testing.F) {
	bodies(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		var got union
		if restjson.Unmarshal(body, &got, restjson.Limits{}) != nil {
			return
		}
		if len(got.UnknownMember)+len(got.UnknownValue) > len(body) {
			t.Fatalf("%q became %q %q", body, got.UnknownMember, got.UnknownValue)
		}
		if data, err := restjson.Marshal(&got); err != nil || !json.Valid(data) {
			t.Fatalf("%q became %q, %v", body, data, err)
		}
	})
}

// FuzzReader: any query is refused or read, and what was read is written so that it reads the same.
func FuzzReader(f *testing.F) {
	f.Add("size=a&token=b%20c&max=5&name=1&name=2&sizes=x", "client")
	f.Add("max=1&max=2&%zz;", "\xff")
	f.Fuzz(func(t *testing.T, query, header string) {
		read := func(query string, header http.Header) (*bound, error) {
			v := new(bound)
			r := restjson.NewReader(map[string]string{"id": "x"}, query, header)
			v.BindHTTP(r)
			return v, r.Err()
		}
		got, err := read(query, http.Header{"X-Client": {header}})
		if err != nil {
			return
		}
		written := http.Header{}
		w := restjson.NewWriter("/{id}", written)
		got.BindHTTP(w)
		again, err := read(w.RawQuery(), written)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, again, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("(-read +written and read):\n%s", diff)
		}
	})
}

func BenchmarkUnmarshal(b *testing.B) {
	data, err := restjson.Marshal(whole())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if err := restjson.Unmarshal(data, new(thing), restjson.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMarshal(b *testing.B) {
	v := whole()
	e := restjson.NewEncoder(nil)
	for b.Loop() {
		e.Reset()
		v.EncodeJSON(e)
		b.SetBytes(int64(len(e.Bytes())))
	}
}
