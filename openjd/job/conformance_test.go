package job_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// conformanceCase is a job file of the public conformance suite.
type conformanceCase struct {
	Template     yaml.Node      `yaml:"template"`
	Environments []yaml.Node    `yaml:"environments"`
	Parameters   map[string]any `yaml:"parameters"`
}

// TestPublicConformanceJobs creates the jobs of the public conformance suite where a copy of it lies beside the module. What the
// jobs print when they run is for the session package to check.
func TestPublicConformanceJobs(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "conformance", "openjd", "2023-09", "base", "jobs", "*.test.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("no copy of the conformance suite beside the module")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var c conformanceCase
			if err := yaml.Load(data, &c); err != nil {
				t.Fatal(err)
			}
			created, err := c.create()
			if invalid := strings.Contains(file, ".invalid."); invalid != (err != nil) {
				t.Errorf("invalid = %v, got error: %v", invalid, err)
			}
			if strings.Contains(file, "resolved-job-name") && (err != nil || created.Name != "Job-StudioX-1.0") {
				t.Errorf("got %+v, %v", created, err)
			}
		})
	}
}

func (c *conformanceCase) create() (*job.Job, error) {
	text, err := yaml.Dump(&c.Template)
	if err != nil {
		return nil, err
	}
	tmpl, err := template.DecodeJobTemplate(text, template.YAML, template.Options{})
	if err != nil {
		return nil, err
	}
	var environments []*template.EnvironmentTemplate
	for i := range c.Environments {
		if text, err = yaml.Dump(&c.Environments[i]); err != nil {
			return nil, err
		}
		e, err := template.DecodeEnvironmentTemplate(text, template.YAML, template.Options{})
		if err != nil {
			return nil, err
		}
		environments = append(environments, e)
	}
	values := map[string]job.Value{}
	for name, v := range c.Parameters {
		values[name] = job.Value{Text: fmt.Sprint(v)}
	}
	definitions, err := job.MergeParameterDefinitions(environments, tmpl)
	if err != nil {
		return nil, err
	}
	params, err := job.BindParameters(definitions, values, job.PathOptions{WorkingDirectory: "/work", TemplateDirectory: "/bundle"})
	if err != nil {
		return nil, err
	}
	return job.Create(tmpl, params, job.Limits{})
}

func ExampleCreate() {
	tmpl, err := template.DecodeJobTemplate([]byte(`
specificationVersion: jobtemplate-2023-09
name: Render {{Param.Scene}}
parameterDefinitions:
- {name: Scene, type: STRING}
- {name: Frames, type: STRING, default: 1-100}
steps:
- name: Frames
  parameterSpace:
    taskParameterDefinitions:
    - {name: Frame, type: INT, range: "{{Param.Frames}}"}
    - {name: Layer, type: STRING, range: [beauty, depth]}
  script: {actions: {onRun: {command: render, args: ["{{Task.Param.Frame}}", "{{Task.Param.Layer}}"]}}}
`), template.YAML, template.Options{})
	if err != nil {
		panic(err)
	}
	definitions, err := job.MergeParameterDefinitions(nil, tmpl)
	if err != nil {
		panic(err)
	}
	params, err := job.BindParameters(definitions, map[string]job.Value{"Scene": {Text: "teapot"}}, job.PathOptions{})
	if err != nil {
		panic(err)
	}
	created, err := job.Create(tmpl, params, job.Limits{})
	if err != nil {
		panic(err)
	}
	space := created.Steps[0].Space
	task, err := space.At(151)
	if err != nil {
		panic(err)
	}
	text, err := json.Marshal(task)
	fmt.Println(created.Name, space.Len(), string(text), err)
	// Output: Render teapot 200 [{"name":"Frame","type":"INT","value":"76"},{"name":"Layer","type":"STRING","value":"depth"}] <nil>
}
