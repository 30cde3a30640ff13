package template_test

import (
	"path/filepath"
	"testing"
)

// TestCases runs our own cases, which are laid out like those of the public conformance suite: openjd/testdata/cases/README.md.
func TestCases(t *testing.T) {
	t.Parallel()
	if n := checkCases(t, filepath.Join("..", "testdata", "cases", "2023-09")); n < 600 {
		t.Errorf("there are %d template cases, at least 600 are wanted", n)
	}
}
