package template_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/openjd/template"
)

func TestDecodeValues(t *testing.T) {
	t.Parallel()
	text := func(s string) template.GivenValue {
		return template.GivenValue{Literal: template.Literal{Text: s}, Source: s}
	}
	got, err := template.DecodeValues([]byte(`
Scene: teapot
Quoted: "5"
Frames: 0x10
Scale: 1.50
Loose: 1e10
Gpu: True
Layers: [beauty, 'depth "z"', 2, 1.5, false]
Grid: [[1, 2], [3]]
`), template.YAML, template.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]template.GivenValue{
		"Scene":  text("teapot"),
		"Quoted": text("5"),
		"Frames": {Literal: template.Literal{Kind: template.IntLiteral, Text: "16"}, Source: "0x10"},
		"Scale":  {Literal: template.Literal{Kind: template.FloatLiteral, Text: "1.50"}, Source: "1.50"},
		"Loose":  {Literal: template.Literal{Kind: template.FloatLiteral, Text: "1e10"}, Source: "1e10"},
		"Gpu":    {Literal: template.Literal{Kind: template.BoolLiteral, Text: "true"}, Source: "True"},
		"Layers": {List: true, Literal: template.Literal{Text: `["beauty", "depth \"z\"", 2, 1.5, false]`}},
		"Grid":   {List: true, Literal: template.Literal{Text: `[[1, 2], [3]]`}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeValuesRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`[1]`:                   "expected a mapping",
		`{"A": null}`:           "A: expected the value of a parameter, found null",
		`{"A": {"B": 1}}`:       "A: expected the value of a parameter, found a mapping",
		`{"A": [1, [null]]}`:    "A[1][0]: expected a value, found null",
		`{"A": 1, "A": 2}`:      "A",
		`{"A": 1`:               "JSON",
		strings.Repeat(" ", 99): "larger",
	} {
		opts := template.Options{}
		if want == "larger" {
			opts.MaxBytes, want = 50, "more than the 50 allowed"
		}
		if _, err := template.DecodeValues([]byte(text), template.JSON, opts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}
