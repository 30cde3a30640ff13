package template_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestCaseErrors compares why the invalid ones of our own cases are refused with the file errors.txt of their component: a case that breaks
// another rule than its own shows nothing.
func TestCaseErrors(t *testing.T) {
	t.Parallel()
	components, err := filepath.Glob(filepath.Join("..", "testdata", "cases", "2023-09", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range components {
		var b strings.Builder
		for _, kind := range []string{"job_templates", "env_templates"} {
			files, err := filepath.Glob(filepath.Join(dir, kind, "*.invalid.*"))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				err := decode(read(t, file), formatOf(file), kind == "env_templates", allExtensions)
				if err == nil {
					t.Errorf("%s is accepted", file)
					continue
				}
				name, _, _ := strings.Cut(filepath.Base(file), ".invalid.")
				fmt.Fprintf(&b, "%s/%s\n\t%s\n", kind, name, strings.ReplaceAll(err.Error(), "\n", "\n\t"))
			}
		}
		if b.Len() > 0 {
			compare(t, filepath.Join(dir, "errors.txt"), b.String())
		}
	}
}
