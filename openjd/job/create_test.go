package job_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

const header = "specificationVersion: jobtemplate-2023-09\n"

func jobTemplate(t testing.TB, text string) *template.JobTemplate {
	t.Helper()
	tmpl, err := template.DecodeJobTemplate([]byte(header+text), template.YAML, template.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

func environmentTemplate(t testing.TB, name, parameters string) *template.EnvironmentTemplate {
	t.Helper()
	text := "specificationVersion: environment-2023-09\nparameterDefinitions: " + parameters +
		"\nenvironment: {name: " + name + ", variables: {A: b}}\n"
	tmpl, err := template.DecodeEnvironmentTemplate([]byte(text), template.YAML, template.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

const rendering = `
name: render-{{Param.Scene}}
description: All frames.
parameterDefinitions:
- {name: Scene, type: STRING, default: bunny}
- {name: Last, type: INT, default: 4, minValue: 1}
- {name: Arch, type: STRING, default: X86_64}
- {name: Scale, type: FLOAT, default: "1.500"}
- {name: File, type: PATH, default: scenes/a.blend}
steps:
- name: Render
  hostRequirements:
    amounts: [{name: Amount.Worker.VCPU, min: 2}, {name: "amount.{{Param.Scene}}", min: 0, max: 1.5}]
    attributes: [{name: attr.worker.cpu.arch, anyOf: ["{{Param.Arch}}"]}]
  parameterSpace:
    taskParameterDefinitions:
    - {name: Frame, type: INT, range: " 1-{{Param.Last}} "}
    - {name: Scale, type: FLOAT, range: ["{{Param.Scale}}", 2.50]}
    - {name: Input, type: PATH, range: ["{{RawParam.File}}"]}
    combination: (Frame, Scale * Input)
  script: {actions: {onRun: {command: render, args: ["{{Task.Param.Frame}}"]}}}
- name: Assemble
  dependencies: [{dependsOn: Render}]
  script: {actions: {onRun: {command: assemble}}}
`

func bound(t testing.TB, tmpl *template.JobTemplate, values map[string]job.Value) []job.Parameter {
	t.Helper()
	definitions, err := job.MergeParameterDefinitions(nil, tmpl)
	if err != nil {
		t.Fatal(err)
	}
	params, err := job.BindParameters(definitions, values, job.PathOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return params
}

func TestCreateResolvesTheTemplateScope(t *testing.T) {
	t.Parallel()
	tmpl := jobTemplate(t, rendering)
	j, err := job.Create(tmpl, bound(t, tmpl, map[string]job.Value{"Last": {Text: "2"}, "Scene": {Type: "STRING", Text: "teapot"}}), job.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if j.Name != "render-teapot" || j.Description != "All frames." || len(j.Steps) != 2 {
		t.Errorf("job %q, %q with %d steps", j.Name, j.Description, len(j.Steps))
	}
	two, zero, most := 2.0, 0.0, 1.5
	wantRequirements := &job.HostRequirements{
		Amounts:    []job.AmountRequirement{{Name: "amount.worker.vcpu", Min: &two}, {Name: "amount.teapot", Min: &zero, Max: &most}},
		Attributes: []job.AttributeRequirement{{Name: "attr.worker.cpu.arch", AnyOf: []string{"X86_64"}}},
	}
	if diff := cmp.Diff(wantRequirements, j.Steps[0].HostRequirements); diff != "" {
		t.Error(diff)
	}
	wantSpace := job.SpaceDefinition{
		Parameters: []job.SpaceParameter{
			{Name: "Frame", Type: "INT", Range: "1-2"},
			{Name: "Scale", Type: "FLOAT", Values: []string{"1.500", "2.50"}},
			{Name: "Input", Type: "PATH", Values: []string{"scenes/a.blend"}},
		},
		Combination: "(Frame, Scale * Input)",
	}
	if diff := cmp.Diff(wantSpace, j.Steps[0].Space.Definition()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{0}, j.Steps[1].Dependencies); diff != "" || j.Steps[1].Space.Len() != 1 {
		t.Error(diff, j.Steps[1].Space.Len())
	}
	data, err := json.Marshal(j.Steps[0].Template)
	if err != nil || !strings.Contains(string(data), `"args":["{{Task.Param.Frame}}"]`) {
		t.Errorf("template %s, %v", data, err)
	}
}

func TestCreateReportsEveryMistake(t *testing.T) {
	t.Parallel()
	tmpl := jobTemplate(t, rendering)
	_, err := job.Create(tmpl, bound(t, tmpl, map[string]job.Value{
		"Last": {Text: "3"}, "Scene": {Text: "a\x01"}, "Arch": {Text: "sparc"},
	}), job.Limits{DependenciesPerStep: 1})
	var errs template.Errors
	if !errors.As(err, &errs) {
		t.Fatal(err)
	}
	var paths []string
	for _, e := range errs {
		paths = append(paths, e.Path)
	}
	want := []string{
		"name", "steps[0] -> hostRequirements -> amounts[1] -> name", "steps[0] -> hostRequirements -> attributes[0] -> anyOf[0]",
		"steps[0] -> parameterSpace",
	}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("%s\n%v", diff, err)
	}
}

func TestCreateKeepsLimits(t *testing.T) {
	t.Parallel()
	tmpl := jobTemplate(t, strings.Replace(rendering, "combination: (Frame, Scale * Input)", "", 1))
	params := bound(t, tmpl, nil)
	tests := []struct {
		limits job.Limits
		want   string
	}{
		{job.Limits{Steps: 2, Tasks: 9, TasksPerStep: 8, ConsumersPerStep: 1, DependenciesPerStep: 1, Environments: 1}, ""},
		{job.Limits{Steps: 1}, "2 steps"},
		{job.Limits{Tasks: 8}, "9 tasks"},
		{job.Limits{TasksPerStep: 7}, "8 tasks"},
	}
	for _, tt := range tests {
		_, err := job.Create(tmpl, params, tt.limits)
		if (err == nil) != (tt.want == "") || (err != nil && !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%+v: got %v, want %q", tt.limits, err, tt.want)
		}
	}
}

func TestBindParameters(t *testing.T) {
	t.Parallel()
	paths := job.PathOptions{WorkingDirectory: "/work dir", TemplateDirectory: "/bundle"}
	tests := []struct {
		name, definition string
		value            *job.Value
		paths            job.PathOptions
		want, wantErr    string
	}{
		{name: "int text", definition: "{name: P, type: INT}", value: &job.Value{Text: " +05"}, want: "5"},
		{name: "int of int64", definition: "{name: P, type: INT}", value: &job.Value{Text: "9223372036854775808"}, wantErr: "64-bit"},
		{name: "int with fraction", definition: "{name: P, type: INT}", value: &job.Value{Text: "3.0"}, wantErr: "64-bit"},
		{name: "float keeps its text", definition: "{name: P, type: FLOAT}", value: &job.Value{Text: "3.500"}, want: "3.500"},
		{name: "float overflow", definition: "{name: P, type: FLOAT}", value: &job.Value{Text: "1e309"}, wantErr: "finite"},
		{name: "nan", definition: "{name: P, type: FLOAT}", value: &job.Value{Text: "nan"}, wantErr: "finite"},
		{name: "int for float", definition: "{name: P, type: FLOAT}", value: &job.Value{Type: "INT", Text: "3"}, want: "3"},
		{name: "whole float for int", definition: "{name: P, type: INT}", value: &job.Value{Type: "FLOAT", Text: "3.0"}, want: "3"},
		{name: "float for int", definition: "{name: P, type: INT}", value: &job.Value{Type: "FLOAT", Text: "3.5"}, wantErr: "not a 64-bit integer"},
		{name: "path for int", definition: "{name: P, type: INT}", value: &job.Value{Type: "PATH", Text: "3"}, wantErr: "type PATH"},
		{name: "allowed as a number", definition: "{name: P, type: FLOAT, allowedValues: [1, 2]}", value: &job.Value{Text: "2.0"}, want: "2.0"},
		{name: "not allowed", definition: "{name: P, type: INT, allowedValues: [1, 2]}", value: &job.Value{Text: "3"}, wantErr: "allowed values: 1, 2"},
		{name: "code points", definition: "{name: P, type: STRING, maxLength: 2}", value: &job.Value{Text: "éé"}, want: "éé"},
		{name: "too long", definition: "{name: P, type: STRING, maxLength: 2}", value: &job.Value{Text: "ééé"}, wantErr: "the length 3"},
		{name: "below minimum", definition: "{name: P, type: INT, minValue: 2}", value: &job.Value{Text: "1"}, wantErr: "minimum 2"},
		{name: "default of an int as a float", definition: "{name: P, type: INT, default: 3.0}", want: "3"},
		{name: "missing", definition: "{name: P, type: INT}", wantErr: "without default: P"},
		{name: "relative path", definition: "{name: P, type: PATH}", value: &job.Value{Text: "a/../../b//c/."}, paths: paths, want: "/b/c"},
		{name: "absolute path", definition: "{name: P, type: PATH}", value: &job.Value{Text: "/x//y"}, paths: paths, want: "/x//y"},
		{name: "empty path", definition: "{name: P, type: PATH}", value: &job.Value{Text: ""}, paths: paths, want: ""},
		{name: "path left alone", definition: "{name: P, type: PATH}", value: &job.Value{Text: "a/../b"}, want: "a/../b"},
		{name: "default path", definition: "{name: P, type: PATH, default: a/../..name}", paths: paths, want: "/bundle/..name"},
		{name: "default is the directory", definition: "{name: P, type: PATH, default: a/..}", paths: paths, want: "/bundle"},
		{name: "default escapes", definition: "{name: P, type: PATH, default: a/../../bundle2}", paths: paths, wantErr: "leads out"},
		{name: "default absolute", definition: "{name: P, type: PATH, default: /tmp}", paths: paths, wantErr: "absolute"},
		{name: "length after joining", definition: "{name: P, type: PATH, maxLength: 5}", value: &job.Value{Text: "a"}, paths: paths, wantErr: "more than"},
		{
			name: "windows", definition: "{name: P, type: PATH}", value: &job.Value{Text: `..\x/y`},
			paths: job.PathOptions{Format: job.Windows, WorkingDirectory: `C:\a\b`}, want: `C:\a\x\y`,
		},
		{
			name: "windows, drive root", definition: "{name: P, type: PATH}", value: &job.Value{Text: `\x`},
			paths: job.PathOptions{Format: job.Windows, WorkingDirectory: `C:\a\b`}, want: `C:\x`,
		},
		{
			name: "windows share", definition: "{name: P, type: PATH}", value: &job.Value{Text: `..\..\x`},
			paths: job.PathOptions{Format: job.Windows, WorkingDirectory: `\\s\v\a`}, want: `\\s\v\x`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tmpl := jobTemplate(t, "name: N\nparameterDefinitions: ["+tt.definition+"]\nsteps: [{name: S, script: {actions: {onRun: {command: c}}}}]")
			values := map[string]job.Value{}
			if tt.value != nil {
				values["P"] = *tt.value
			}
			params, err := job.BindParameters(tmpl.ParameterDefinitions, values, tt.paths)
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Errorf("got %v, %v; want an error with %q", params, err, tt.wantErr)
				}
				return
			}
			if err != nil || params[0].Value != tt.want {
				t.Errorf("got %v, %v; want %q", params, err, tt.want)
			}
		})
	}
}

func TestBindReportsUnknownAndMissing(t *testing.T) {
	t.Parallel()
	tmpl := jobTemplate(t, rendering)
	_, err := job.BindParameters(tmpl.ParameterDefinitions, map[string]job.Value{"Z": {}, "Y": {}, "Last": {Text: "0"}}, job.PathOptions{})
	var errs template.Errors
	if !errors.As(err, &errs) || len(errs) != 2 || !strings.Contains(err.Error(), "not defined: Y, Z") || errs[0].Path != "parameter Last" {
		t.Error(err)
	}
}

func TestMergeParameterDefinitions(t *testing.T) {
	t.Parallel()
	minimal := "name: N\nsteps: [{name: S, script: {actions: {onRun: {command: c}}}}]\nparameterDefinitions: "
	tests := []struct {
		name, environment, job, want, wantErr string
	}{
		{
			"intersection", "[{name: A, type: INT, minValue: 1, maxValue: 9, allowedValues: [3, 2, 1], default: 3}]",
			"[{name: A, type: INT, minValue: 0, maxValue: 5, allowedValues: [1, 3, 4], default: 1}]",
			`[{"name":"A","type":"INT","default":1,"allowedValues":[3,1],"minValue":1,"maxValue":5}]`, "",
		},
		{
			"default of the environment stays", "[{name: A, type: STRING, default: x}]", "[{name: B, type: INT}, {name: A, type: STRING, minLength: 1}]",
			`[{"name":"A","type":"STRING","default":"x","minLength":1},{"name":"B","type":"INT"}]`, "",
		},
		{"types differ", "[{name: A, type: STRING}]", "[{name: A, type: INT}]", "", `environment template "E" and the job template contradict each other: the types STRING and INT`},
		{"object types differ", "[{name: A, type: PATH, objectType: FILE}]", "[{name: A, type: PATH, objectType: DIRECTORY}]", "", "object types"},
		{"nothing left", "[{name: A, type: INT, allowedValues: [1]}]", "[{name: A, type: INT, allowedValues: [2]}]", "", "no allowed value"},
		{"ranges apart", "[{name: A, type: INT, maxValue: 1}]", "[{name: A, type: INT, minValue: 2}]", "", "minValue 2 is greater"},
		{"default below merged minimum", "[{name: A, type: INT, minValue: 10}]", "[{name: A, type: INT, default: 5}]", "", "less than the minimum 10"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			merged, err := job.MergeParameterDefinitions(
				[]*template.EnvironmentTemplate{environmentTemplate(t, "E", tt.environment)}, jobTemplate(t, minimal+tt.job))
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Errorf("got %v, want an error with %q", err, tt.wantErr)
				}
				return
			}
			data, _ := json.Marshal(merged)
			if err != nil || string(data) != tt.want {
				t.Errorf("got %s, %v; want %s", data, err, tt.want)
			}
		})
	}
}

func TestNameOfABrokenTemplate(t *testing.T) {
	t.Parallel()
	head, err := template.DecodeHead([]byte("name: '{{Param.A}}-{{Param.B}}-{{Param.C}}'\nparameterDefinitions:\n- {name: A, type: INT, default: 1}\n"+
		"- {name: B, type: NONE}\n- {name: C, type: STRING, default: c}\nsteps: oops"), template.YAML, template.Options{})
	if err != nil {
		t.Fatal(err)
	}
	name, err := job.NameOf(head, map[string]job.Value{"B": {Text: "b"}, "A": {Text: "007"}})
	if name != "7-b-c" || err != nil {
		t.Errorf("NameOf() = %q, %v", name, err)
	}
	if name, err := job.NameOf(head, nil); err == nil {
		t.Errorf("NameOf() = %q although B is unknown", name)
	}
}

func TestSymbols(t *testing.T) {
	t.Parallel()
	params := []job.Parameter{{Name: "N", Type: "INT", Value: "5"}, {Name: "P", Type: "PATH", Value: "/a"}}
	upper := strings.ToUpper
	task := job.TaskSymbols(job.SessionSymbols(params, upper), job.TaskParameters{{Name: "T", Type: "PATH", Value: "/t"}, {Name: "F", Type: "FLOAT", Value: "2.50"}}, upper, nil)
	want := map[string]string{
		"Param.N": "5", "RawParam.N": "5", "Param.P": "/A", "RawParam.P": "/a",
		"Task.Param.T": "/T", "Task.RawParam.T": "/t", "Task.Param.F": "2.50", "Task.RawParam.F": "2.50",
	}
	got := map[string]string{}
	for _, name := range task.Names() {
		v, _ := task.Lookup(name)
		got[name] = v.Text()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, ok := job.TemplateSymbols(params).Lookup("Param.P"); ok {
		t.Error("Param.P of a PATH is known before there is a host")
	}
}
