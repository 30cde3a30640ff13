package job_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/openjd/expr"
	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// decodeExtended decodes a template that may use every extension.
func decodeExtended(t *testing.T, text string) *template.JobTemplate {
	t.Helper()
	tmpl, err := template.DecodeJobTemplate([]byte("specificationVersion: jobtemplate-2023-09\n"+text), template.YAML,
		template.Options{SupportedExtensions: template.ImplementedExtensions()})
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

// createExtended makes a job from a template and values as on a command line.
func createExtended(t *testing.T, text string, values map[string]job.Value, limits job.Limits) (*job.Job, error) {
	t.Helper()
	tmpl := decodeExtended(t, text)
	definitions, err := job.MergeParameterDefinitions(nil, tmpl)
	if err != nil {
		return nil, err
	}
	params, err := job.BindParameters(definitions, values, job.PathOptions{WorkingDirectory: "/cwd", TemplateDirectory: "/bundle", AllowURIs: true})
	if err != nil {
		return nil, err
	}
	return job.Create(tmpl, params, limits)
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const extended = `
extensions: [EXPR, FEATURE_BUNDLE_1, TASK_CHUNKING]
name: "{{ Param.Show.upper() }}-{{Param.Frames}}"
parameterDefinitions:
- {name: Show, type: string, default: dragon}
- {name: Frames, type: RANGE_EXPR, default: 1-10}
- {name: Layers, type: "LIST[STRING]", default: [beauty, depth]}
- {name: Files, type: "LIST[PATH]", default: [a.exr, sub/b.exr]}
- {name: Memory, type: FLOAT, default: "1.50"}
- {name: Fast, type: BOOL, default: yes}
- {name: Count, type: INT, default: 4}
jobEnvironments:
- {name: E, script: {actions: {onEnter: {command: "{{Job.Name}}"}}}}
steps:
- name: Render
  let:
  - half = Param.Count // 2
  - os = 'linux' if Param.Fast else 'windows'
  - unused = 1
  hostRequirements:
    amounts: [{name: amount.worker.memory, min: "{{ Param.Memory * 1024 }}", max: "{{half}}0000"}]
    attributes: [{name: attr.worker.os.family, anyOf: ["{{os}}"]}]
  parameterSpace:
    taskParameterDefinitions:
    - {name: Layer, type: STRING, range: "{{Param.Layers}}"}
    - {name: Frame, type: "CHUNK[INT]", range: "{{Param.Frames}}", chunks: {defaultTaskCount: "{{half}}", targetRuntimeSeconds: "{{Param.Count}}", rangeConstraint: CONTIGUOUS}}
  stepEnvironments:
  - {name: S, variables: {A: "{{Step.Name}}-{{half}}-{{Param.Count}}"}}
  script:
    actions: {onRun: {command: "{{Param.Files[0]}}", args: ["{{half}}", "{{Task.Param.Frame}}", "{{RawParam.Files}}"]}}
`

func TestCreateWithExtensions(t *testing.T) {
	t.Parallel()
	j, err := createExtended(t, extended, nil, job.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if j.Name != "DRAGON-1-10" {
		t.Errorf("the name is %q", j.Name)
	}
	values := map[string]string{}
	for _, p := range j.Parameters {
		values[p.Name] = p.Value
	}
	want := map[string]string{
		"Show": "dragon", "Frames": "1-10", "Layers": `["beauty", "depth"]`, "Files": `["/bundle/a.exr", "/bundle/sub/b.exr"]`,
		"Memory": "1.50", "Fast": "true", "Count": "4",
	}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Error(diff)
	}
	s := &j.Steps[0]
	if diff := cmp.Diff(`{"amounts":[{"name":"amount.worker.memory","min":1536,"max":20000}],"attributes":[{"name":"attr.worker.os.family","anyOf":["linux"]}]}`, asJSON(t, s.HostRequirements)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(`{"parameters":[{"name":"Layer","type":"STRING","values":["beauty","depth"]},{"name":"Frame","type":"CHUNK[INT]","range":"1-10","chunks":{"defaultTaskCount":2,"targetRuntimeSeconds":4,"rangeConstraint":"CONTIGUOUS"}}]}`, asJSON(t, s.Space.Definition())); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(`[{"name":"RawParam.Files","type":"list[string]","value":["/bundle/a.exr","/bundle/sub/b.exr"]},{"name":"half","type":"int","value":"2"}]`, asJSON(t, job.StepSymbols(s))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(`[{"name":"Param.Count","type":"int","value":"4"},{"name":"Step.Name","type":"string","value":"Render"},{"name":"half","type":"int","value":"2"}]`, asJSON(t, job.EnvironmentSymbols(&s.Environments[0], s.Symbols))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(`[{"name":"Job.Name","type":"string","value":"DRAGON-1-10"}]`, asJSON(t, job.EnvironmentSymbols(&j.Environments[0], j.Symbols))); diff != "" {
		t.Error(diff)
	}
}

// TestCreateRechecks finds with the values of parameters what their types did not tell.
func TestCreateRechecks(t *testing.T) {
	t.Parallel()
	const head = `
name: N
extensions: [EXPR, FEATURE_BUNDLE_1, TASK_CHUNKING, WRAP_ACTIONS]
parameterDefinitions: [{name: N, type: INT}, {name: P, type: PATH, default: p}, {name: L, type: "LIST[STRING]", default: []}]
`
	tests := []struct{ name, step, want string }{
		{"good", "script: {actions: {onRun: {command: a, args: [\"{{10 // (Param.N + 1)}}\"], timeout: \"{{Param.N + 1}}\"}}}", ""},
		{"argument", "script: {actions: {onRun: {command: a, args: [b, \"{{10 // Param.N}}\"]}}}", "steps[0] -> script -> actions -> onRun -> args[1]"},
		{"task value stays unknown", "parameterSpace: {taskParameterDefinitions: [{name: T, type: INT, range: 1-2}]}\n  script: {actions: {onRun: {command: a, args: [\"{{10 // Task.Param.T}}\"]}}}", ""},
		{"script let", "script: {let: ['x = 10 // Param.N'], actions: {onRun: {command: a, args: [\"{{x}}\"]}}}", "steps[0] -> script -> let"},
		{"step let", "let: ['x = 10 // Param.N']\n  script: {actions: {onRun: {command: a, args: [\"{{x}}\"]}}}", "steps[0] -> let"},
		{"file", "script: {actions: {onRun: {command: a}}, embeddedFiles: [{name: F, type: TEXT, data: \"{{10 // Param.N}}\"}]}", "embeddedFiles[0] -> data"},
		{"timeout", "script: {actions: {onRun: {command: a, timeout: \"{{Param.N}}\"}}}", "onRun -> timeout"},
		{"notify period", "script: {actions: {onRun: {command: a, cancelation: {mode: NOTIFY_THEN_TERMINATE, notifyPeriodInSeconds: \"{{Param.N + 601}}\"}}}}", "onRun -> cancelation"},
		{"mode", "script: {actions: {onRun: {command: a, cancelation: {mode: \"{{'STOP' if Param.N == 0 else 'TERMINATE'}}\"}}}}", "onRun -> cancelation"},
		{"step environment", "stepEnvironments: [{name: E, variables: {A: \"{{10 // Param.N}}\"}}]\n  script: {actions: {onRun: {command: a}}}", "steps[0] -> stepEnvironments[0] -> variables -> A"},
		{"hooks", "stepEnvironments: [{name: E, script: {actions: {onWrapEnvEnter: {command: a}, onWrapEnvExit: {command: a}, onWrapTaskRun: {command: a, args: [\"{{WrappedAction.Args[10 // Param.N]}}\"], timeout: \"{{WrappedAction.Timeout}}\"}}}}]\n  script: {actions: {onRun: {command: a}}}", "onWrapTaskRun -> args[0]"},
		{"path stays unknown", "script: {actions: {onRun: {command: \"{{Param.P.name}}\"}}}", ""},
		{"empty range", "parameterSpace: {taskParameterDefinitions: [{name: T, type: STRING, range: \"{{Param.L}}\"}]}\n  script: {actions: {onRun: {command: a}}}", "taskParameterDefinitions[0] -> range: a list of values has 1 to 1024 items"},
		{"chunk count", "parameterSpace: {taskParameterDefinitions: [{name: T, type: \"CHUNK[INT]\", range: 1-2, chunks: {defaultTaskCount: \"{{Param.N}}\", rangeConstraint: CONTIGUOUS}}]}\n  script: {actions: {onRun: {command: a}}}", "chunks: defaultTaskCount: must be at least 1"},
		{"amount", "hostRequirements: {amounts: [{name: amount.a, min: 5, max: \"{{Param.N}}\"}]}\n  script: {actions: {onRun: {command: a}}}", "amounts[0] -> max: must be greater than 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := createExtended(t, head+"steps:\n- name: S\n  "+tt.step+"\n", map[string]job.Value{"N": {Text: "0"}}, job.Limits{})
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestSizesAreLimited(t *testing.T) {
	t.Parallel()
	text := "name: N\njobEnvironments: [{name: E, variables: {A: " + strings.Repeat("x", 100) + "}}]\nsteps: [{name: S, script: {actions: {onRun: {command: " + strings.Repeat("y", 100) + "}}}}]\n"
	_, err := createExtended(t, text, nil, job.Limits{EnvironmentBytes: 100, StepScriptBytes: 100})
	for _, want := range []string{"jobEnvironments[0]: the environment has 1", "steps[0] -> script: the script has 1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, err := createExtended(t, text, nil, job.Limits{EnvironmentBytes: 1000, StepScriptBytes: 1000}); err != nil {
		t.Error(err)
	}
}

// TestBindEveryType binds values of every declared type to parameters of every type.
func TestChunksAreLimited(t *testing.T) {
	t.Parallel()
	const text = `
extensions: [TASK_CHUNKING]
name: chunks
steps:
- name: Render
  parameterSpace:
    taskParameterDefinitions:
    - {name: Frame, type: "CHUNK[INT]", range: 1-1000, chunks: {defaultTaskCount: 151, rangeConstraint: CONTIGUOUS}}
  script: {actions: {onRun: {command: render}}}
`
	for most, want := range map[int64]string{0: "", 151: "", 150: "151 tasks"} {
		_, err := createExtended(t, text, nil, job.Limits{TasksPerChunk: most})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("with at most %d tasks a chunk: %v, want %q", most, err, want)
		}
	}
}

func TestBindEveryType(t *testing.T) {
	t.Parallel()
	value := func(t template.JobParameterType, text string) job.Value { return job.Value{Type: t, Text: text} }
	tests := []struct {
		to    template.JobParameterType
		value job.Value
		want  string // "" for an error
	}{
		{template.BoolParameter, value("", "Yes"), "true"},
		{template.BoolParameter, value(template.BoolParameter, "false"), "false"},
		{template.BoolParameter, value(template.IntParameter, "1"), "true"},
		{template.BoolParameter, value(template.IntParameter, "2"), ""},
		{template.BoolParameter, value(template.FloatParameter, "0.0"), "false"},
		{template.BoolParameter, value("", "maybe"), ""},
		{template.StringParameter, value(template.BoolParameter, "true"), "true"},
		{template.StringParameter, job.Value{Type: template.FloatParameter, Text: "1e10", Source: "1E10"}, "1E10"},
		{template.IntParameter, value(template.BoolParameter, "true"), ""},
		{template.FloatParameter, value(template.BoolParameter, "true"), ""},
		{template.IntParameter, value(template.FloatParameter, "3.0"), "3"},
		{template.IntParameter, value("", "3.0"), ""},
		{template.RangeParameter, value("", "1-3,7"), "1-3,7"},
		{template.RangeParameter, value(template.IntParameter, "5"), "5"},
		{template.RangeParameter, value("", "x"), ""},
		{template.StringParameter, value(template.RangeParameter, "1-3"), "1-3"},
		{template.ListStringParameter, value("", `["a","b"]`), `["a", "b"]`},
		{template.ListStringParameter, value(job.ListValue, `["a", 1]`), ""},
		{template.ListStringParameter, value(template.IntParameter, "1"), ""},
		{template.ListStringParameter, value("", "a"), ""},
		{template.StringParameter, value(job.ListValue, `["a"]`), ""},
		{template.ListIntParameter, value(template.ListIntParameter, "[1, 2]"), "[1, 2]"},
		{template.ListIntParameter, value("", `["1", 2.0]`), "[1, 2]"},
		{template.ListFloatParameter, value("", "[1, 2.50]"), "[1, 2.50]"},
		{template.ListBoolParameter, value("", `[true, "no", 1]`), "[true, false, true]"},
		{template.ListListIntParameter, value("", "[[1],[2,3]]"), "[[1], [2, 3]]"},
		{template.ListListIntParameter, value("", "[1]"), ""},
		{template.ListPathParameter, value("", `["a/../b", "/c", "", "s3://bucket//x"]`), `["/cwd/b", "/c", "", "s3://bucket//x"]`},
		{template.PathParameter, value("", "s3://bucket/./x"), "s3://bucket/./x"},
		{template.PathParameter, value(template.IntParameter, "1"), ""},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s from %s %s", tt.to, tt.value.Type, tt.value.Text), func(t *testing.T) {
			t.Parallel()
			params, err := job.BindParameters([]template.JobParameterDefinition{{Name: "P", Type: tt.to}}, map[string]job.Value{"P": tt.value},
				job.PathOptions{WorkingDirectory: "/cwd", AllowURIs: true})
			got := ""
			if err == nil {
				got = params[0].Value
			}
			if got != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

// TestListPathDefaults joins every item with the template's directory, which none may leave.
func TestListPathDefaults(t *testing.T) {
	t.Parallel()
	definition := func(paths ...string) []template.JobParameterDefinition {
		l := template.Literal{Kind: template.ListLiteral}
		for _, p := range paths {
			l.Items = append(l.Items, template.Literal{Text: p})
		}
		return []template.JobParameterDefinition{{Name: "P", Type: template.ListPathParameter, Default: &l}}
	}
	opts := job.PathOptions{TemplateDirectory: "/bundle"}
	params, err := job.BindParameters(definition("a", "b/../c"), nil, opts)
	if err != nil || params[0].Value != `["/bundle/a", "/bundle/c"]` {
		t.Errorf("got %v, %v", params, err)
	}
	for _, bad := range []string{"../x", "/abs"} {
		if _, err := job.BindParameters(definition("a", bad), nil, opts); err == nil || !strings.Contains(err.Error(), "item 1") {
			t.Errorf("%s: got %v", bad, err)
		}
	}
	if _, err := job.BindParameters(definition("s3://b/x"), nil, opts); err != nil {
		t.Errorf("without EXPR a URI is a relative path: %v", err)
	}
}

func TestExtendedSymbols(t *testing.T) {
	t.Parallel()
	params := []job.Parameter{{Name: "F", Type: template.ListPathParameter, Value: `["/a", "/b"]`}, {Name: "R", Type: template.RangeParameter, Value: "1-3"}}
	table := job.SessionSymbols(params, strings.ToUpper)
	if diff := cmp.Diff(`[{"name":"Param.F","type":"list[path]","value":["/A","/B"]},{"name":"Param.R","type":"range_expr","value":"1-3"},{"name":"RawParam.F","type":"list[string]","value":["/a","/b"]},{"name":"RawParam.R","type":"range_expr","value":"1-3"}]`, asJSON(t, table)); diff != "" {
		t.Error(diff)
	}
	chunk := job.TaskParameters{{Name: "C", Type: template.ChunkIntTaskParameter, Value: "5-5"}}
	for want, extensions := range map[expr.Type]template.ExtensionSet{expr.TypeString: nil, expr.TypeRange: {template.Expr}} {
		v, _ := job.TaskSymbols(table, chunk, nil, extensions).Lookup("Task.Param.C")
		if v.Type() != want {
			t.Errorf("with %v a chunk is %s", extensions, v.Type())
		}
	}
}

func TestCheckEnvironment(t *testing.T) {
	t.Parallel()
	e, err := template.DecodeEnvironmentTemplate([]byte(`
specificationVersion: environment-2023-09
extensions: [EXPR]
parameterDefinitions: [{name: N, type: INT}]
environment: {name: E, script: {let: ["x = 10 // Param.N"], actions: {onEnter: {command: "{{Job.Name}}", args: ["{{x}}"]}}}}
`), template.YAML, template.Options{SupportedExtensions: template.ImplementedExtensions()})
	if err != nil {
		t.Fatal(err)
	}
	j := &job.Job{Name: "J", Parameters: []job.Parameter{{Name: "N", Type: template.IntParameter, Value: "5"}}}
	if err := job.CheckEnvironment(e, j, job.Limits{}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(`[{"name":"Job.Name","type":"string","value":"J"},{"name":"Param.N","type":"int","value":"5"}]`, asJSON(t, job.ExternalSymbols(e, j))); diff != "" {
		t.Error(diff)
	}
	j.Parameters[0].Value = "0"
	if err := job.CheckEnvironment(e, j, job.Limits{}); err == nil || !strings.Contains(err.Error(), "environment -> script -> let") {
		t.Errorf("got %v", err)
	}
}
