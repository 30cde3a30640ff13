package jobvalue_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/jobvalue"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// TestEveryType takes a value of each type to the API, over the wire, and back.
func TestEveryType(t *testing.T) {
	t.Parallel()
	values := map[template.JobParameterType]string{
		template.StringParameter:      "a b",
		template.PathParameter:        "/a/b",
		template.IntParameter:         "-5",
		template.FloatParameter:       "1.50",
		template.BoolParameter:        "true",
		template.RangeParameter:       "1-10:2",
		template.ListStringParameter:  `["a", "b \"c\"", ""]`,
		template.ListPathParameter:    `["/a"]`,
		template.ListIntParameter:     "[1, -2]",
		template.ListFloatParameter:   "[1.50, 2]",
		template.ListBoolParameter:    "[true, false]",
		template.ListListIntParameter: "[[1, 2], []]",
	}
	for _, typ := range template.JobParameterTypes() {
		text, ok := values[typ]
		if !ok {
			t.Errorf("no value of type %s", typ)
		}
		for _, text := range []string{text, "[]"} {
			if text == "[]" && typ.Element() == "" {
				continue
			}
			wire, err := json.Marshal(jobvalue.ToAPI(typ, text))
			if err != nil {
				t.Fatal(err)
			}
			var v deadline.JobParameter
			if err := json.Unmarshal(wire, &v); err != nil {
				t.Fatal(err)
			}
			p, err := jobvalue.Bound("P", &v)
			if err != nil || p.Type != typ {
				t.Errorf("%s: %s is %s, %v", typ, wire, p.Type, err)
			}
			if diff := cmp.Diff(text, p.Value); diff != "" {
				t.Errorf("%s over %s: %s", typ, wire, diff)
			}
		}
	}
}

func TestUnknownType(t *testing.T) {
	t.Parallel()
	if _, err := jobvalue.Bound("P", &deadline.JobParameter{UnknownMember: "matrix"}); err == nil || !strings.Contains(err.Error(), `"matrix"`) {
		t.Errorf("got %v", err)
	}
	if _, err := jobvalue.Bound("P", &deadline.JobParameter{IntList: []string{"x"}}); err == nil {
		t.Error("x is an integer")
	}
}
