package template_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/farmhand-render/farmhand/openjd/template"
)

func FuzzDecodeYAML(f *testing.F) { fuzzDecode(f, template.YAML) }

func FuzzDecodeJSON(f *testing.F) { fuzzDecode(f, template.JSON) }

// fuzzDecode checks that decoding never panics, that refusals are Errors, and that what is accepted keeps its meaning as JSON.
func fuzzDecode(f *testing.F, format template.Format) {
	f.Helper()
	for _, folder := range []string{"valid", "invalid"} {
		for _, file := range documents(f, folder) {
			if data := read(f, file); formatOf(file) == format && len(data) < 4000 {
				f.Add(data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		decoded, err := template.DecodeJobTemplate(data, format, allExtensions)
		var errs template.Errors
		if err != nil {
			if !errors.As(err, &errs) || len(errs) == 0 {
				t.Fatalf("not an Errors: %v", err)
			}
			return
		}
		first, err := json.Marshal(decoded)
		if err != nil {
			t.Fatal(err)
		}
		again, err := template.DecodeJobTemplate(first, template.JSON, allExtensions)
		if err != nil {
			t.Fatalf("the JSON form is refused: %v\n%s", err, first)
		}
		second, err := json.Marshal(again)
		if err != nil || string(first) != string(second) {
			t.Fatalf("the JSON form changes:\n%s\n%s\n%v", first, second, err)
		}
	})
}

func FuzzParseCombination(f *testing.F) {
	for _, seed := range []string{"A", "A * B", "(A, B*C)", "((A),B) * C", "(", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := template.ParseCombination(text)
		if err != nil {
			return
		}
		var names []string
		for _, p := range c.Parameters() {
			if !strings.HasPrefix(text[p.Offset:], p.Name) {
				t.Fatalf("%q is not at offset %d of %q", p.Name, p.Offset, text)
			}
			names = append(names, p.Name)
		}
		unique := map[string]bool{}
		for _, n := range names {
			unique[n] = true
		}
		if err := c.Covers(names); (err == nil) != (len(unique) == len(names)) {
			t.Fatalf("Covers(%v) of %q: %v", names, text, err)
		}
	})
}

func BenchmarkDecode200Steps(b *testing.B) {
	var text strings.Builder
	text.WriteString(jobHeader + "parameterDefinitions:\n- {name: Frames, type: STRING, default: 1-100}\n- {name: Scene, type: PATH}\nsteps:\n")
	for i := range 200 {
		fmt.Fprintf(&text, `- name: Step%d
  dependencies: [{dependsOn: Step%d}]
  hostRequirements: {amounts: [{name: amount.worker.vcpu, min: 4}]}
  parameterSpace:
    taskParameterDefinitions:
    - {name: Frame, type: INT, range: "{{Param.Frames}}"}
    - {name: Layer, type: STRING, range: [a, b, c]}
  script:
    embeddedFiles: [{name: Run, type: TEXT, data: "render {{Param.Scene}} {{Task.Param.Frame}}\n"}]
    actions: {onRun: {command: bash, args: ["{{Task.File.Run}}"], timeout: 600}}
`, i+1, i)
	}
	data := []byte(strings.Replace(text.String(), "  dependencies: [{dependsOn: Step0}]\n", "", 1))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := template.DecodeJobTemplate(data, template.YAML, template.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
