package template_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/openjd/template"
)

var update = flag.Bool("update", false, "rewrite the expected results in testdata")

// documents returns the templates in a folder of testdata; expected results end in .want and .err.
func documents(t testing.TB, folder string) []string {
	t.Helper()
	var all []string
	for _, ext := range []string{"yaml", "json"} {
		files, err := filepath.Glob(filepath.Join("testdata", folder, "*."+ext))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, files...)
	}
	if len(all) == 0 {
		t.Fatalf("no test data in %s", folder)
	}
	return all
}

// optionsOf supports no extension for the documents about that.
func optionsOf(file string) template.Options {
	if strings.Contains(file, "unsupported") {
		return template.Options{}
	}
	return allExtensions
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// isEnvironment tells the environment templates of testdata, whose names begin with the section about them.
func isEnvironment(file string) bool { return strings.HasPrefix(filepath.Base(file), "1.2--") }

func compare(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(read(t, file)), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// TestInvalidTemplates compares every mistake found in each file with the .err file beside it.
func TestInvalidTemplates(t *testing.T) {
	t.Parallel()
	for _, file := range documents(t, "invalid") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			err := decode(read(t, file), formatOf(file), isEnvironment(file), optionsOf(file))
			var errs template.Errors
			if !errors.As(err, &errs) || len(errs) == 0 {
				t.Fatalf("got %v, want template.Errors", err)
			}
			compare(t, file+".err", errs.Error()+"\n")
		})
	}
}

// TestValidTemplates compares the JSON form of each file with the .want file beside it, and decodes that form again.
func TestValidTemplates(t *testing.T) {
	t.Parallel()
	for _, file := range documents(t, "valid") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			first := encode(t, read(t, file), formatOf(file), isEnvironment(file))
			compare(t, file+".want", first+"\n")
			if diff := cmp.Diff(first, encode(t, []byte(first), template.JSON, isEnvironment(file))); diff != "" {
				t.Errorf("the JSON form decodes to something else:\n%s", diff)
			}
		})
	}
}

func encode(t *testing.T, data []byte, format template.Format, environment bool) string {
	t.Helper()
	var decoded any
	var err error
	if environment {
		decoded, err = template.DecodeEnvironmentTemplate(data, format, allExtensions)
	} else {
		decoded, err = template.DecodeJobTemplate(data, format, allExtensions)
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := json.MarshalIndent(decoded, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
