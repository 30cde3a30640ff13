package template_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/farmhand-render/farmhand/openjd/template"
)

// conformance is where a copy of the public conformance suite lies when there is one beside the module.
var conformance = filepath.Join("..", "..", "..", "shared", "conformance", "openjd", "2023-09")

// TestPublicConformanceCases runs the template files of the public conformance suite where a copy of it lies beside the module.
func TestPublicConformanceCases(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(conformance); err != nil {
		t.Skip("no copy of the conformance suite beside the module")
	}
	checkCases(t, conformance)
}

// checkCases decodes every template below root, which is laid out as component/job_templates and component/env_templates. Those with
// .invalid. in their names must be refused, the others accepted.
func checkCases(t *testing.T, root string) int {
	t.Helper()
	count := 0
	for _, kind := range []string{"job_templates", "env_templates"} {
		files, err := filepath.Glob(filepath.Join(root, "*", kind, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			count++
			name, err := filepath.Rel(root, file)
			if err != nil {
				t.Fatal(err)
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				err = decode(data, formatOf(file), kind == "env_templates", allExtensions)
				if invalid := strings.Contains(filepath.Base(file), ".invalid."); invalid != (err != nil) {
					t.Errorf("invalid = %v, got error: %v", invalid, err)
				}
			})
		}
	}
	return count
}

func formatOf(file string) template.Format {
	if strings.HasSuffix(file, ".json") {
		return template.JSON
	}
	return template.YAML
}

// allExtensions supports every extension.
var allExtensions = template.Options{SupportedExtensions: template.ImplementedExtensions()}

func decode(data []byte, format template.Format, environment bool, options template.Options) error {
	if environment {
		_, err := template.DecodeEnvironmentTemplate(data, format, options)
		return err
	}
	_, err := template.DecodeJobTemplate(data, format, options)
	return err
}
