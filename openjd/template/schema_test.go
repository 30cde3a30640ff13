package template_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/farmhand-render/farmhand/openjd/template"
)

// compiledSchema is the schema of a kind of template as a validator of others reads it.
func compiledSchema(t *testing.T, version string) *jsonschema.Schema {
	t.Helper()
	text, ok := template.Schema(version)
	if !ok {
		t.Fatalf("no schema of %s", version)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("template.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("template.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// beyondSchema names cases that editors mark although they are legal: fields that are null, merge keys, and texts that look like numbers.
var beyondSchema = []string{"null-optional-fields", "merge-key", "yaml-1.1-strings", "words-are-strings", "5--action.yaml"}

// TestSchemaAcceptsValidTemplates holds the schema to the templates that are known to be valid.
func TestSchemaAcceptsValidTemplates(t *testing.T) {
	t.Parallel()
	schemas := map[string]*jsonschema.Schema{}
	for _, version := range []string{template.JobTemplateVersion, template.EnvironmentTemplateVersion} {
		schemas[version] = compiledSchema(t, version)
	}
	checked := 0
	for _, path := range validTemplates(t) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var document map[string]any
		if err := yaml.Load(data, &document); err != nil {
			continue // what only our reader accepts
		}
		version, _ := document["specificationVersion"].(string)
		schema := schemas[version]
		if schema == nil {
			t.Errorf("%s: version %q", path, version)
			continue
		}
		checked++
		if err := schema.Validate(document); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if checked < 500 {
		t.Errorf("only %d templates were checked", checked)
	}
}

// validTemplates are those of this package, and of the public conformance suite where a copy of it lies beside the module.
func validTemplates(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{
		filepath.Join("testdata", "valid", "*"),
		filepath.Join("..", "testdata", "cases", "2023-09", "*", "*_templates", "*"),
		filepath.Join("..", "..", "..", "shared", "conformance", "openjd", "2023-09", "*", "*_templates", "*"),
	} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			if strings.HasSuffix(path, ".want") || strings.Contains(path, ".invalid.") || containsAny(path, beyondSchema) {
				continue
			}
			all = append(all, path)
		}
	}
	return all
}

func containsAny(text string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

// TestSchemaRefuses shows that the schema marks the mistakes that it is for.
func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	schema := compiledSchema(t, template.JobTemplateVersion)
	const good = `
specificationVersion: jobtemplate-2023-09
name: A
parameterDefinitions:
- {name: Frames, type: STRING, default: 1-10}
steps:
- name: B
  parameterSpace: {taskParameterDefinitions: [{name: F, type: INT, range: "{{Param.Frames}}"}]}
  script: {actions: {onRun: {command: x, timeout: 5}}}
`
	for _, change := range [][2]string{
		{"", ""},
		{"name: A\n", ""},
		{"name: A\n", "name: A\nextra: 1\n"},
		{"type: STRING", "type: TEXT"},
		{"default: 1-10", "minValue: 1"},
		{"type: INT", "type: FLOOT"},
		{"command: x", "commnd: x"},
		{"timeout: 5", "timeout: 0"},
		{"jobtemplate-2023-09", "jobtemplate-2024"},
		{"  script:", "  bash: {script: x}\n  script:"},
	} {
		var document any
		if err := yaml.Load([]byte(strings.Replace(good, change[0], change[1], 1)), &document); err != nil {
			t.Fatal(err)
		}
		err := schema.Validate(document)
		_, invalid := errors.AsType[*jsonschema.ValidationError](err)
		if change[0] == "" {
			if err != nil {
				t.Error(err)
			}
		} else if !invalid {
			t.Errorf("%q instead of %q: got %v", change[1], change[0], err)
		}
	}
	if _, ok := template.Schema("jobtemplate-2020"); ok {
		t.Error("there is a schema of an unknown version")
	}
}

// TestSchemaMarksInvalidCases compares the invalid cases that the schema does not mark, so that only a check finds them, with the file
// unmarked.txt of their component.
func TestSchemaMarksInvalidCases(t *testing.T) {
	t.Parallel()
	components, err := filepath.Glob(filepath.Join("..", "testdata", "cases", "2023-09", "*"))
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{"job_templates": template.JobTemplateVersion, "env_templates": template.EnvironmentTemplateVersion}
	marked, all := 0, 0
	for _, dir := range components {
		var unmarked strings.Builder
		for _, kind := range []string{"job_templates", "env_templates"} {
			schema := compiledSchema(t, versions[kind])
			files, err := filepath.Glob(filepath.Join(dir, kind, "*.invalid.*"))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				all++
				var document any
				if err := yaml.Load(read(t, file), &document); err != nil || schema.Validate(document) != nil {
					marked++
					continue
				}
				name, _, _ := strings.Cut(filepath.Base(file), ".invalid.")
				unmarked.WriteString(kind + "/" + name + "\n")
			}
		}
		if file := filepath.Join(dir, "unmarked.txt"); unmarked.Len() > 0 {
			compare(t, file, unmarked.String())
		}
	}
	t.Logf("the schema marks %d of %d invalid cases", marked, all)
}
