package interop

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestDocumented holds the table of docs/clients.md to what is here: each client's pinned release and all of its scenarios.
func TestDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	pins := releases(t)
	for dir, client := range map[string]string{
		"boto3": "boto3", "awscli": "awscli", "javascript": "@aws-sdk/client-deadline", "deadline": "deadline", "workers": "deadline-cloud-worker-agent",
	} {
		files, err := filepath.Glob(filepath.Join("testdata", dir, "*.txtar"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no scripts in %s: %v", dir, err)
		}
		var names []string
		for _, file := range files {
			names = append(names, strings.TrimSuffix(filepath.Base(file), ".txtar"))
		}
		slices.Sort(names)
		if want := "| " + client + " " + pins[client] + " | " + strings.Join(names, ", ") + " |"; !strings.Contains(string(text), want) {
			t.Errorf("docs/clients.md has no row that ends in\n%s", want)
		}
	}
}

// releases are the pinned releases by package.
func releases(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("package.json")
	if err != nil {
		t.Fatal(err)
	}
	var modules struct{ Dependencies map[string]string }
	if err := json.Unmarshal(text, &modules); err != nil {
		t.Fatal(err)
	}
	pins := modules.Dependencies
	for _, file := range []string{"requirements-agent.txt", "requirements.txt"} {
		lines, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(lines)) {
			if name, release, ok := strings.Cut(strings.TrimSpace(line), "=="); ok {
				pins[name] = release
			}
		}
	}
	return pins
}
