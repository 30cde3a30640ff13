package jobattachments

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestEncode(t *testing.T) {
	t.Parallel()
	m := &Manifest{Files: []File{
		{Path: "zoë/☃.exr", Hash: "bb", Size: 2, MTime: -1},
		{Path: "a\"\\\n\x7f", Hash: "aa", Size: 1, MTime: 1690000000000001},
		{Path: "\U0001F600", Hash: "cc", Size: 0, MTime: 3},
		{Path: "\uff61", Hash: "dd", Size: 4, MTime: 4}, // after the one above as UTF-16, before it as UTF-8
		{Path: "raw\xff", Hash: "ee", Size: 5, MTime: 5},
	}}
	want := `{"hashAlg":"xxh128","manifestVersion":"2023-03-03","paths":[` +
		`{"hash":"aa","mtime":1690000000000001,"path":"a\"\\\n\u007f","size":1},` +
		`{"hash":"ee","mtime":5,"path":"raw\udcff","size":5},` +
		`{"hash":"bb","mtime":-1,"path":"zo\u00eb/\u2603.exr","size":2},` +
		`{"hash":"cc","mtime":3,"path":"\ud83d\ude00","size":0},` +
		`{"hash":"dd","mtime":4,"path":"\uff61","size":4}],"totalSize":12}`
	if diff := cmp.Diff(want, string(m.Encode())); diff != "" {
		t.Error(diff)
	}
}

// names are paths of files, of all the characters and bytes that names have.
func names() *rapid.Generator[string] {
	part := rapid.Custom(func(t *rapid.T) string {
		text := rapid.OneOf(
			rapid.StringN(1, 12, 40),
			rapid.SampledFrom([]string{"a", "b.exr", "frame.0001.exr", " ", "\xff\xfe", "\xed\xa0\x80", "é", "日本", "\U0001F600", "\uff61", "\uffff", `q"\`, "\x01"}),
			rapid.Map(rapid.SliceOfN(rapid.Byte(), 1, 8), func(b []byte) string { return string(b) }),
		).Draw(t, "part")
		return strings.NewReplacer("/", "_", "\x00", "_").Replace(text)
	})
	return rapid.Custom(func(t *rapid.T) string {
		path := strings.Join(rapid.SliceOfN(part, 1, 4).Draw(t, "parts"), "/")
		if CheckPath(path) != nil {
			return "x"
		}
		return path
	})
}

func manifests() *rapid.Generator[*Manifest] {
	return rapid.Custom(func(t *rapid.T) *Manifest {
		m := &Manifest{}
		for _, path := range rapid.SliceOfNDistinct(names(), 1, 8, func(s string) string { return s }).Draw(t, "paths") {
			m.Files = append(m.Files, File{
				Path: path, Hash: Hash([]byte(path)), Size: rapid.Int64Range(0, 1<<40).Draw(t, "size"), MTime: rapid.Int64().Draw(t, "mtime"),
			})
		}
		return m
	})
}

// TestManifestProperties: what is decoded is what was encoded; the order of files does not matter; the encoding is JSON in ASCII, sorted
// by UTF-16.
func TestManifestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := manifests().Draw(t, "manifest")
		encoded := m.Encode()
		decoded, err := DecodeManifest(encoded)
		if err != nil {
			t.Fatalf("%s: %v", encoded, err)
		}
		if again := decoded.Encode(); string(again) != string(encoded) {
			t.Fatalf("%s\nbecame\n%s", encoded, again)
		}
		byPath := func(a, b File) int { return strings.Compare(a.Path, b.Path) }
		if diff := cmp.Diff(slices.SortedFunc(slices.Values(m.Files), byPath), slices.SortedFunc(slices.Values(decoded.Files), byPath)); diff != "" {
			t.Fatal(diff)
		}
		shuffled := &Manifest{Files: slices.Clone(m.Files)}
		rand.Shuffle(len(shuffled.Files), func(i, j int) { //nolint:gosec // any order will do
			shuffled.Files[i], shuffled.Files[j] = shuffled.Files[j], shuffled.Files[i]
		})
		if string(shuffled.Encode()) != string(encoded) {
			t.Fatal("the order of the files matters")
		}
		if i := slices.IndexFunc(encoded, func(b byte) bool { return b >= 0x7f || b < ' ' }); i >= 0 {
			t.Fatalf("byte %d is not printable ASCII: %s", i, encoded)
		}
		checkOrder(t, encoded)
	})
}

// checkOrder reads the escapes with another decoder.
func checkOrder(t *rapid.T, encoded []byte) {
	var document struct {
		Paths []struct{ Path json.RawMessage }
	}
	if err := json.Unmarshal(encoded, &document); err != nil {
		t.Fatal(err)
	}
	var last []uint16
	for i, p := range document.Paths {
		var text string
		if err := json.Unmarshal(p.Path, &text); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsRune(text, '\uFFFD') { // a surrogate that this decoder does not know
			last = nil
			continue
		}
		units := utf16.Encode([]rune(text))
		if i > 0 && last != nil && slices.Compare(last, units) >= 0 {
			t.Fatalf("%s is not after the one before", p.Path)
		}
		last = units
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	file := func(path string) string {
		return `{"hashAlg":"xxh128","manifestVersion":"2023-03-03","paths":[{"hash":"aa","mtime":1,"path":` + path + `,"size":1}],"totalSize":1}`
	}
	tests := []struct{ name, manifest, want string }{
		{"empty", ``, `'{' is expected`},
		{"version", `{"hashAlg":"xxh128","manifestVersion":"2025-01-01","paths":[],"totalSize":0}`, `manifestVersion "2025-01-01" is not supported`},
		{"no version", `{"hashAlg":"xxh128","paths":[],"totalSize":0}`, `manifestVersion is missing`},
		{"hash", `{"hashAlg":"md5","manifestVersion":"2023-03-03","paths":[],"totalSize":0}`, `hashAlg "md5" is not supported`},
		{"no files", `{"hashAlg":"xxh128","manifestVersion":"2023-03-03","paths":[],"totalSize":0}`, `paths lists no file`},
		{"parent", file(`"a/../../b"`), `has the component ".."`},
		{"escaped parent", file(`"\u002e\u002e/b"`), `has the component ".."`},
		{"absolute", file(`"/etc/passwd"`), `is not relative`},
		{"dot", file(`"a/./b"`), `has the component "."`},
		{"twofold slash", file(`"a//b"`), `has the component ""`},
		{"empty path", file(`""`), `the path is empty`},
		{"zero", file(`"a\u0000"`), `has a zero byte`},
		{"number", file(`12`), `'"' is expected`},
		{"control", file("\"a\nb\""), `a control character is in a string`},
		{"not UTF-8", file("\"a\xffb\""), `a string is not UTF-8`},
		{"bad escape", file(`"\x41"`), `a string has the escape 'x'`},
		{"half an escape", file(`"\u00`), `not hexadecimal`},
		{"size", strings.Replace(file(`"a"`), `"size":1`, `"size":-1`, 1), `the size of "a" is negative`},
		{"fraction", strings.Replace(file(`"a"`), `"size":1`, `"size":1.5`, 1), `is not an integer`},
		{"leading zero", strings.Replace(file(`"a"`), `"size":1`, `"size":01`, 1), `is not an integer`},
		{"hash in a key", strings.Replace(file(`"a"`), `"aa"`, `"../aa"`, 1), `is not made of letters and digits`},
		{"missing", strings.Replace(file(`"a"`), `"mtime":1,`, ``, 1), `mtime of a path is missing`},
		{"twice", strings.Replace(file(`"a"`), `"mtime":1,`, `"mtime":1,"mtime":2,`, 1), `the member "mtime" occurs twice`},
		{"rest", file(`"a"`) + `x`, `there is something after the manifest`},
		{"depth", `{"x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`, `nested too deeply`},
		{"cut", file(`"a"`)[:40], `a string does not end`},
		{
			"one file twice",
			`{"hashAlg":"xxh128","manifestVersion":"2023-03-03","paths":[{"hash":"aa","mtime":1,"path":"a","size":1},{"hash":"bb","mtime":1,"path":"a","size":1}],"totalSize":2}`,
			`the path "a" is listed twice`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, err := DecodeManifest([]byte(tt.manifest))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, %v, want an error with %q", m, err, tt.want)
			}
		})
	}
}

func TestDecodeIgnoresUnknownMembers(t *testing.T) {
	t.Parallel()
	m, err := DecodeManifest([]byte(` { "new" : [1, -2.5e3, {"a": null}, true, "x"], "paths": [ {"hash":"aa","mtime":1,"path":"\ud83d\ude00\/b","size":1,"runnable":false} ],
		"totalSize":1,"hashAlg":"xxh128","manifestVersion":"2023-03-03" } `))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]File{{Path: "\U0001F600/b", Hash: "aa", Size: 1, MTime: 1}}, m.Files); diff != "" {
		t.Error(diff)
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	a := &Manifest{Files: []File{{Path: "a", Hash: "1"}, {Path: "b", Hash: "2"}}}
	b := &Manifest{Files: []File{{Path: "b", Hash: "3"}, {Path: "c", Hash: "4"}}}
	want := []File{{Path: "a", Hash: "1"}, {Path: "b", Hash: "3"}, {Path: "c", Hash: "4"}}
	if diff := cmp.Diff(want, Merge(a, b).Files); diff != "" {
		t.Error(diff)
	}
}

func TestMicroseconds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ nanos, want int64 }{{1999, 1}, {2000, 2}, {0, 0}, {-1, -1}, {-1000, -1}, {-1001, -2}} {
		if got := microseconds(time.Unix(0, tt.nanos)); got != tt.want {
			t.Errorf("%d ns is %d µs, want %d", tt.nanos, got, tt.want)
		}
	}
}

func FuzzDecodeManifest(f *testing.F) {
	f.Add((&Manifest{Files: []File{{Path: "a/b\xff☃", Hash: "aa", Size: 1, MTime: -5}}}).Encode())
	f.Add([]byte(`{"hashAlg":"xxh128","x":[{"y":1e5}],"manifestVersion":"2023-03-03","paths":[{"hash":"a","mtime":1,"path":"\ud800x","size":0}],"totalSize":0}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := DecodeManifest(data)
		if err != nil {
			return
		}
		for _, file := range m.Files {
			if err := CheckPath(file.Path); err != nil {
				t.Fatal(err)
			}
		}
		encoded := m.Encode()
		again, err := DecodeManifest(encoded)
		if err != nil {
			t.Fatalf("%s: %v", encoded, err)
		}
		if string(again.Encode()) != string(encoded) {
			t.Fatalf("%s is not canonical", encoded)
		}
	})
}
