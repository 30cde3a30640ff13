package template

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestQuickYAML compares what the reader of usual YAML makes of many texts with what the library makes of them: the documents that are
// there, their beginnings, and variations of small ones. It also counts how many documents it refuses, so that it stays of use.
func TestQuickYAML(t *testing.T) {
	t.Parallel()
	documents := yamlDocuments(t)
	read := 0
	for _, data := range documents {
		if compareYAML(t, data) {
			read++
		}
		for i := len(data); i > 0; i = bytes.LastIndexByte(data[:i-1], '\n') + 1 {
			compareYAML(t, data[:i])
		}
	}
	if read < len(documents)*9/10 {
		t.Errorf("%d of %d documents are read without the library", read, len(documents))
	}
}

// TestQuickYAMLForms compares one by one what YAML can look like, and says which of it is read without the library.
func TestQuickYAMLForms(t *testing.T) {
	t.Parallel()
	tests := []struct {
		read  bool
		texts []string
	}{
		{true, []string{
			"a: 1\n", "a:\n  b: c", "a:\n- b\n- c\nd: e\n", "a:\n  - b: 1\n    c: 2\n  -\n    d: 3\n", "- - a\n  - b\n-\n- c\n", "  a: 1\n  b: 2\n",
			"# c\na: b # c\n# d\n\n   # e\nf: g#h\n", "a: {b: [c, {d: e}, ], f: 'g''h', \"i\": \"j\\n\\t\\\"\"}\n", "a: [\n  b,\n  c\n  ]\n", "{a: 1,\n b: 2}\n",
			"a: |\n  b\n   c\n\n  d\n\n\ne: f\n", "a: >-\n  b\n  c\n\n  d\n   e\n  f\n", "a: |+\n  b\n\n", "a: |\nb: c\n", "a: |\n\n  b\n # c\n", "a: >\n  b\n     \n  c\n",
			"é: [ü, ö]\nab: [ü, {日本: x}]\n", "a:\nb: ~\nc: 0x1F\nd: .5\ne: 1e3\nf: 010\n", "a: http://x:8/y#z\nb: -c\nc: a-b?c\nd: x,y[z]\n", "a: ''\nb: \"\"\n",
			"a:\n  |\n  b\n", "a:\n  b\n", "a:\n  'b'\n", "a:\n  {b: c}\n", "-\n  - a\n", "\n\na: b", "a: b  \nc:   d\n", "a: \"x: y # z\"\nb: '#'\n", "a: [b c, d:e, -f]\n",
			"a: |\n  b", "a: |-\n  b\n  \nc: d\n", "'a b': c\nd e: f\n", "'<<': a\n",
		}},
		{false, []string{
			"a: b\n  c\n", "a: 'b\n  c'\n", "a: &x b\nc: *x\n", "a: !!str 1\n", "--- \na: b\n", "a: b\n---\nc: d\n", "a: b\n...\n", "%YAML 1.2\n---\na: b\n", "? a\n: b\n", "a: 1\na: 2\n",
			"{a: 1, a: 2}\n", "<<: {a: b}\n", "a:\tb\n", "a: b\r\nc: d\r\n", "a: \"\\u00e9\"\n", "a: |2\n   b\n", "a: [b: c]\n", "a: {b}\n", "a: {b: }\n", "a: b: c\n", "a: [b, # c\n d]\n",
			"a: [b\n", "a: {b: c\n", "a: 'b\n", "a: \"b\n", "a: \"\\", "a: [b\nc]\n", " a: b\nc: d\n", "a:\n  - b\n c\n", "a: |\n   \n  b\n", "a: |\n  b\n   ", "a : b\n", "a: b # c\n  d\n",
			"a: 'b'#c\n", "a: @b\n", "a: `b`\n", "a: [,]\n", "a: [b c\n  d]\n", "a: {\"b\":c}\n", "a: 'b' c\n", "- a\nb: c\n", "a: b\n- c\n", "a: [b]]\n", "a\u2028b: c\n", "", "# a\n", "a: |\n b\n\tc\n",
			strings.Repeat("k", 2000) + ": v\n",
		}},
	}
	for _, tt := range tests {
		for _, text := range tt.texts {
			if read := compareYAML(t, []byte(text)); read != tt.read {
				t.Errorf("%q: read without the library is %v", text, read)
			}
			for i := range len(text) { // with a character that is wrong, or right, in every place
				for _, c := range []string{"", " ", "\n", "-", ":", "#", "[", "}", "'", "\"", ",", "- ", ": ", "\n  ", "\n- "} {
					compareYAML(t, []byte(text[:i]+c+text[i+len(text[i:min(i+1, len(text))]):]))
					compareYAML(t, []byte(text[:i]+c+text[i:]))
				}
			}
		}
	}
}

// FuzzQuickYAML is TestQuickYAML for any text.
func FuzzQuickYAML(f *testing.F) {
	for _, data := range yamlDocuments(f) {
		if len(data) < 2000 {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) { compareYAML(t, data) })
}

// compareYAML reads data both ways and says whether the quick one did. What that reads, the library must read alike, as valid UTF-8 at
// least, which callers check first.
func compareYAML(t *testing.T, data []byte) bool {
	t.Helper()
	data = bytes.ToValidUTF8(data, []byte("?"))
	root := readQuickYAML(data)
	if root == nil {
		return false
	}
	var c collector
	want := loadYAML(data, &c)
	if want == nil || len(c.errors) > 0 {
		t.Fatalf("%q is read, but the library says %v", data, c.err())
	}
	if got, want := dump(root), dump(want); got != want {
		t.Fatalf("%q is read as\n%s\nand by the library as\n%s", data, got, want)
	}
	return true
}

// dump shows all that a tree says.
func dump(n *node) string {
	var b strings.Builder
	var show func(n *node, indent string)
	show = func(n *node, indent string) {
		fmt.Fprintf(&b, "%s%q %d:%d [%d] kind %d loose %v %q at %d:%d\n", indent, n.key, n.keyLine, n.keyColumn, n.index, n.kind, n.loose, n.text, n.line, n.column)
		for _, child := range n.children {
			if child.parent != n {
				fmt.Fprintf(&b, "%s its parent is another\n", indent)
			}
			show(child, indent+" ")
		}
	}
	show(n, "")
	return b.String()
}

// yamlDocuments returns every YAML file of the project, and of the public conformance suite where it is there.
func yamlDocuments(tb testing.TB) [][]byte {
	tb.Helper()
	var all [][]byte
	for _, root := range []string{"testdata", filepath.Join("..", "testdata"), filepath.Join("..", "..", "examples"), filepath.Join("..", "..", "..", "shared", "conformance")} {
		if _, err := os.Stat(root); err != nil {
			continue
		}
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if ext := filepath.Ext(path); err != nil || ext != ".yaml" && ext != ".yml" {
				return err
			}
			data, err := os.ReadFile(path)
			all = append(all, data)
			return err
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	if len(all) < 500 {
		tb.Fatalf("%d documents", len(all))
	}
	return all
}
