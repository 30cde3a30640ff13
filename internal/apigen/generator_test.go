package main

import (
	"bytes"
	"flag"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/api"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden generates the code of a small model that has every trait we use. The golden files end in .golden, so that nothing compiles them.
func TestGolden(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/model.json")
	if err != nil {
		t.Fatal(err)
	}
	model, err := api.Parse(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Generate(model, "example.com/module")
	if err != nil {
		t.Fatal(err)
	}
	const dir = "testdata/golden"
	if *update {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range got {
		file := filepath.Join(dir, strings.ReplaceAll(name, "/", "_")+".golden")
		if *update {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("%v (run the test with -update and read the difference)", err)
			continue
		}
		if diff := cmp.Diff(string(want), string(text)); diff != "" {
			t.Errorf("%s (-golden +generated):\n%s", name, diff)
		}
		if _, err := parser.ParseFile(token.NewFileSet(), name, text, parser.AllErrors); err != nil {
			t.Errorf("%s is not Go: %v", name, err)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(got) {
		t.Errorf("%d golden files for %d generated ones", len(files), len(got))
	}
}

// TestCommitted: the committed code is what the generator makes of the committed model, every time.
func TestCommitted(t *testing.T) {
	t.Parallel()
	model, err := api.Load()
	if err != nil {
		t.Fatal(err)
	}
	files, err := Generate(model, "github.com/farmhand-render/farmhand")
	if err != nil {
		t.Fatal(err)
	}
	again, err := Generate(model, "github.com/farmhand-render/farmhand")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !bytes.Equal(files[name], again[name]) {
			t.Errorf("%s differs between two runs", name)
		}
		committed, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.Equal(committed, files[name]) {
			t.Errorf("%s is not what the generator makes; run go run ./internal/apigen", name)
		}
	}
}

// TestWriteRemovesStale: files of a former model go, files written by hand stay.
func TestWriteRemovesStale(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := write(root, map[string][]byte{"p/a.go": []byte(header + "a"), "p/b.go": []byte(header + "b")}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "p/hand.go"), []byte("package p\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := write(root, map[string][]byte{"p/b.go": []byte(header + "c")}); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(root, "p/*"))
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range left {
		left[i] = filepath.Base(f)
	}
	if diff := cmp.Diff([]string{"b.go", "hand.go"}, left); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestConstName(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"READY": "Ready", "QUEUE_CONFIGURED_USER": "QueueConfiguredUser", "rtx-pro-server-6000": "RtxProServer6000", "x86_64": "X8664", "posix": "Posix",
		"InternalServerException": "InternalServerException",
	} {
		if got := constName(value); got != want {
			t.Errorf("constName(%q) = %q, want %q", value, got, want)
		}
	}
}

// TestUnsupported: a trait that the generator does not know is an error, not silently wrong code.
func TestUnsupported(t *testing.T) {
	t.Parallel()

	base := `{"source":{},"service":{},"operations":[{"name":"Do","method":"GET","path":"/","successCode":200,"input":"I","output":"O"}],"shapes":[
		{"name":"I","kind":"structure","members":[{"name":"m","shape":"S","location":"LOC","wireName":"M"}]},{"name":"O","kind":"structure"},{"name":"S","kind":"KIND"}],"waiters":[]}`
	for _, tt := range []struct{ location, kind string }{{"header", "boolean"}, {"label", "integer"}, {"query", "timestamp"}, {"label", "string"}} {
		text := strings.NewReplacer("LOC", tt.location, "KIND", tt.kind).Replace(base)

		model, err := api.Parse([]byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Generate(model, "m"); err == nil {
			t.Errorf("an optional %s of kind %s is accepted", tt.location, tt.kind)
		}
	}
}
