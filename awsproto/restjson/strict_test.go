package restjson_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/awsproto/restjson"
)

// TestMalformed: what is not JSON as the protocol allows it is refused as a whole, wherever it stands.
func TestMalformed(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"not JSON":            `name`,
		"cut in a string":     `{"name":"x`,
		"trailing comma":      `{"name":"x","count":1,}`,
		"text behind":         `{"name":"x","count":1} x`,
		"unknown twice":       `{"name":"x","count":1,"other":1,"other":2}`,
		"duplicate key":       `{"name":"x","count":1,"numbers":{"a":1,"a":2}}`,
		"bad UTF-8 in a name": "{\"name\":\"x\",\"count\":1,\"\xc3\":1}",
		"control character":   "{\"name\":\"\x01\",\"count\":1}",
		"number with a zero":  `{"name":"x","count":01}`,
		"NaN":                 `{"name":"x","count":1,"double":NaN}`,
		"comment":             `{"name":"x",/**/"count":1}`,
		"byte order mark":     "\ufeff{\"name\":\"x\",\"count\":1}",
		"much too deep":       strings.Repeat(`{"inner":`, 100_000),
		"too deep in a skip":  `{"name":"x","count":1,"other":` + strings.Repeat(`[`, 100_000) + strings.Repeat(`]`, 100_000) + `}`,
		"too many elements":   `{"name":"x","count":1,"table":[` + strings.Repeat(`[1,2,3],`, 20_000) + `[]]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := restjson.Unmarshal([]byte(body), new(thing), restjson.Limits{})
			var decode *restjson.DecodeError
			if !errors.As(err, &decode) || decode.Malformed == nil {
				t.Errorf("got %v, want a malformed body", err)
			}
		})
	}
}

// TestFaultsAreBounded: a hostile body does not make a long answer.
func TestFaultsAreBounded(t *testing.T) {
	t.Parallel()
	key := strings.Repeat("é", 5000)
	var decode *restjson.DecodeError
	body := `{"name":"x","count":1,"things":[` + strings.Repeat(`1,`, 5000) + `1]}`
	if err := restjson.Unmarshal([]byte(body), new(thing), restjson.Limits{}); !errors.As(err, &decode) || len(decode.Fields) != 100 {
		t.Errorf("got %v", err)
	}
	body = `{"name":"x","count":1,"numbers":{"` + key + `":"x"}}`
	if err := restjson.Unmarshal([]byte(body), new(thing), restjson.Limits{}); !errors.As(err, &decode) || len(decode.Fields[0].Name) > 600 {
		t.Errorf("got %v", err)
	}
}

func TestUnknownUnionMember(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]union{
		`{"a":"x"}`:                              {A: new("x")},
		`{"new":{"deep":[1,{}]}}`:                {UnknownMember: "new", UnknownValue: []byte(`{"deep":[1,{}]}`)},
		`{"__type":"service#Union","b":"y"}`:     {B: new("y")},
		`{"__type":"service#Union","n\"ew":"y"}`: {UnknownMember: `n"ew`, UnknownValue: []byte(`"y"`)},
		`{"a":null,"new":null,"newer":1}`:        {UnknownMember: "newer", UnknownValue: []byte(`1`)},
	} {
		var got, again union
		if err := restjson.Unmarshal([]byte(body), &got, restjson.Limits{}); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
		text, err := restjson.Marshal(&got)
		if err != nil {
			t.Errorf("%s: %v", body, err)
		}
		if err := restjson.Unmarshal(text, &again, restjson.Limits{}); err != nil || !cmp.Equal(want, again) {
			t.Errorf("%s became %s", body, text)
		}
	}
}

// TestTextOutsideBodies: labels, parameters and headers are UTF-8, as bodies are.
func TestTextOutsideBodies(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*restjson.Reader{
		"id":       restjson.NewReader(map[string]string{"id": "\xff"}, "", nil),
		"size":     restjson.NewReader(nil, "size=%ff", nil),
		"token":    restjson.NewReader(nil, "token=%c3%28", nil),
		"names[1]": restjson.NewReader(nil, "name=ok&name=%ff", nil),
		"sizes[0]": restjson.NewReader(nil, "sizes=%ff", nil),
		"client":   restjson.NewReader(nil, "", http.Header{"X-Client": {"\xff"}}),
	} {
		new(bound).BindHTTP(r)
		var decode *restjson.DecodeError
		if !errors.As(r.Err(), &decode) || decode.Fields[0].Name != name {
			t.Errorf("%v, want a fault of %s", r.Err(), name)
		}
	}
}

func TestTimeRefusals(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"2026-01-31", "2026-02-30T12:00:00Z", "2026-01-31T25:00:00Z", "2026-01-31T12:00Z", "Sat, 31 Jan 2026 12:00:00 GMT", "2026-01-31T12:00:00+0100",
		" 2026-01-31T12:00:00Z", "2026-1-31T12:00:00Z", "2026-01-31T2:00:00Z", "2026-01-31T12:00:00+25:00",
	} {
		if got, err := restjson.ParseTime(text); err == nil {
			t.Errorf("%q was taken for %v", text, got)
		}
	}
}
