package template_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/farmhand-render/farmhand/openjd/template"
)

// TestPublicConformanceCases runs the template files of the public conformance suite where a copy of it lies beside the module.
func TestPublicConformanceCases(t *testing.T) {
	t.Parallel()
	base := filepath.Join("..", "..", "..", "shared", "conformance", "openjd", "2023-09", "base")
	for _, kind := range []string{"job_templates", "env_templates"} {
		files, err := filepath.Glob(filepath.Join(base, kind, "*"))
		if err != nil {
			t.Fatal(err)
		}
		if len(files) == 0 {
			t.Skip("no copy of the conformance suite beside the module")
		}
		for _, file := range files {
			t.Run(kind+"/"+filepath.Base(file), func(t *testing.T) {
				t.Parallel()
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				err = decode(data, formatOf(file), kind == "env_templates")
				if invalid := strings.Contains(filepath.Base(file), ".invalid."); invalid != (err != nil) {
					t.Errorf("invalid = %v, got error: %v", invalid, err)
				}
			})
		}
	}
}

func formatOf(file string) template.Format {
	if strings.HasSuffix(file, ".json") {
		return template.JSON
	}
	return template.YAML
}

func decode(data []byte, format template.Format, environment bool) error {
	if environment {
		_, err := template.DecodeEnvironmentTemplate(data, format, template.Options{})
		return err
	}
	_, err := template.DecodeJobTemplate(data, format, template.Options{})
	return err
}
