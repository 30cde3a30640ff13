package jobbundle_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/internal/jobbundle"
	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

const (
	templateYAML = `specificationVersion: jobtemplate-2023-09
name: Bundle
parameterDefinitions:
  - {name: Frames, type: STRING, default: "1"}
  - {name: Scale, type: FLOAT, default: 1}
steps:
  - name: Only
    script: {actions: {onRun: {command: "true"}}}
`
	templateJSON = `{"specificationVersion": "jobtemplate-2023-09", "name": "Bundle",
 "steps": [{"name": "Only", "script": {"actions": {"onRun": {"command": "true"}}}}]}
`
)

// bundle writes files into a directory of its own.
func bundle(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRead(t *testing.T) {
	t.Parallel()
	number := func(n int32) *int32 { return &n }
	tests := []struct {
		name     string
		files    map[string]string
		format   template.Format
		values   map[string]job.Value
		settings jobbundle.Settings
	}{
		{
			name:   "a template in YAML and nothing else",
			files:  map[string]string{"template.yaml": templateYAML},
			format: template.YAML, values: map[string]job.Value{},
		},
		{
			name:   "the other ending",
			files:  map[string]string{"template.yml": templateYAML, "parameter_values.yml": "parameterValues: [{name: Frames, value: 5}]"},
			format: template.YAML, values: map[string]job.Value{"Frames": {Text: "5"}},
		},
		{
			name: "JSON, values too",
			files: map[string]string{
				"template.json":         templateJSON,
				"parameter_values.json": `{"parameterValues": [{"name": "Frames", "value": "1-3"}, {"name": "Scale", "value": 2.50}]}`,
			},
			format: template.JSON, values: map[string]job.Value{"Frames": {Text: "1-3"}, "Scale": {Text: "2.50"}},
		},
		{
			name: "settings are not parameters, those of other submitters are ignored",
			files: map[string]string{
				"template.yaml": templateYAML,
				"parameter_values.yaml": `parameterValues:
- name: "deadline:priority"
  value: 0
- name: deadline:maxFailedTasksCount
  value: "7"
- name: deadline:maxRetriesPerTask
  value: 1
- name: deadline:maxWorkerCount
  value: -1
- name: deadline:targetTaskRunStatus
  value: SUSPENDED
- name: deadline:somethingElse
  value: whatever
- name: Frames
  value: 007
`,
			},
			format: template.YAML, values: map[string]job.Value{"Frames": {Text: "007"}},
			settings: jobbundle.Settings{
				Priority: number(0), MaxFailedTasksCount: number(7), MaxRetriesPerTask: number(1), MaxWorkerCount: number(-1),
				TargetTaskRunStatus: "SUSPENDED",
			},
		},
		{
			name:   "YAML comes before JSON",
			files:  map[string]string{"template.yaml": templateYAML, "template.json": "not read"},
			format: template.YAML, values: map[string]job.Value{},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := bundle(t, tt.files)
			got, err := jobbundle.Read(dir)
			if err != nil {
				t.Fatal(err)
			}
			if got.Dir != dir || got.Format != tt.format || got.Job == nil || len(got.Job.Steps) != 1 {
				t.Errorf("got %+v", got)
			}
			if _, authored := tt.files[filepath.Base(got.Dir)]; authored || !strings.Contains(got.Template, "jobtemplate-2023-09") {
				t.Errorf("the template is %q", got.Template)
			}
			if diff := cmp.Diff(tt.values, got.Values); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.settings, got.Settings); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadTellsWhere(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"empty directory", nil, []string{"is not a job bundle", "template.yaml"}},
		{
			"mistakes in the template, all of them",
			map[string]string{"template.yaml": strings.ReplaceAll(templateYAML, "name: Only", "name: ''\n    nme: Only")},
			[]string{"template.yaml: 2 validation errors", "line 7, column 11: steps[0] -> name", `unknown field "nme"`},
		},
		{"a template that is no document", map[string]string{"template.json": "{"}, []string{"template.json: "}},
		{
			"a value that is a mapping",
			map[string]string{"template.yaml": templateYAML, "parameter_values.yaml": "parameterValues:\n- name: Frames\n  value: {a: 2}\n"},
			[]string{"parameter_values.yaml:3: the value of Frames is neither a single value nor a list"},
		},
		{
			"a list of a mapping",
			map[string]string{"template.yaml": templateYAML, "parameter_values.yaml": "parameterValues:\n- name: Frames\n  value: [1, {a: 2}]\n"},
			[]string{"parameter_values.yaml:3: read the value of Frames", "expected a value, found a mapping"},
		},
		{
			"a setting that is no number",
			map[string]string{"template.yaml": templateYAML, "parameter_values.yaml": "parameterValues:\n- name: deadline:priority\n  value: high\n"},
			[]string{`parameter_values.yaml:3: deadline:priority must be an integer, not "high"`},
		},
		{
			"a setting that is no 32 bits",
			map[string]string{"template.yaml": templateYAML, "parameter_values.yaml": "parameterValues: [{name: 'deadline:priority', value: 99999999999}]"},
			[]string{"parameter_values.yaml:1: deadline:priority must be an integer"},
		},
		{
			"values that are no document",
			map[string]string{"template.yaml": templateYAML, "parameter_values.json": "{"},
			[]string{"parameter_values.json: "},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := jobbundle.Read(bundle(t, tt.files))
			if err == nil {
				t.Fatal("it was read")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q:\n%v", want, err)
				}
			}
		})
	}
}

func TestMistakesKeepTheirKind(t *testing.T) {
	t.Parallel()
	_, err := jobbundle.Read(bundle(t, map[string]string{"template.yaml": "specificationVersion: jobtemplate-2023-09\nname: x\n"}))
	if mistakes, ok := errors.AsType[template.Errors](err); !ok || len(mistakes) != 1 {
		t.Errorf("got %v", err)
	}
	dir := bundle(t, nil)
	if err := os.Mkdir(filepath.Join(dir, "template.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err = jobbundle.Read(dir)
	if _, ok := errors.AsType[*fs.PathError](err); !ok {
		t.Errorf("a template that cannot be read: %v", err)
	}
}

// The examples of the repository are bundles.
func TestExamples(t *testing.T) {
	t.Parallel()
	dirs, err := filepath.Glob(filepath.Join("..", "..", "examples", "*"))
	if err != nil || len(dirs) < 2 {
		t.Fatalf("%d examples, %v", len(dirs), err)
	}
	for _, dir := range dirs {
		if _, err := jobbundle.Read(dir); err != nil {
			t.Error(err)
		}
	}
}
