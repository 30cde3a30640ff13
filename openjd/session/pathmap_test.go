package session

import (
	"testing"

	"pgregory.net/rapid"
)

func TestPathMapper(t *testing.T) {
	t.Parallel()
	posix := []PathMappingRule{
		{PosixPaths, "/mnt/a", "/local/a"},
		{PosixPaths, "/mnt/a/deep/", "/fast"},
		{WindowsPaths, `Z:\Shows`, "/shows"},
		{WindowsPaths, `\\server\share`, "/share"},
		{PosixPaths, "rel/dir", "/rel"},
		{URIPaths, "s3://Bucket/pre", "/bucket"},
	}
	windows := []PathMappingRule{{PosixPaths, "/mnt/a", `D:\a`}, {PosixPaths, "/mnt/root", `E:\`}}
	tests := []struct {
		name      string
		rules     []PathMappingRule
		separator byte
		in, want  string
	}{
		{"no rule", nil, '/', "/mnt/a", "/mnt/a"},
		{"exact", posix, '/', "/mnt/a", "/local/a"},
		{"below", posix, '/', "/mnt/a/b/c.exr", "/local/a/b/c.exr"},
		{"whole components only", posix, '/', "/mnt/abc", "/mnt/abc"},
		{"longest source first", posix, '/', "/mnt/a/deep/x", "/fast/x"},
		{"applied once", posix, '/', "/mnt/a/mnt/a", "/local/a/mnt/a"},
		{"trailing separator stays", posix, '/', "/mnt/a/", "/local/a/"},
		{"repeated separators", posix, '/', "//mnt//a//x", "/local/a/x"},
		{"case matters", posix, '/', "/Mnt/a", "/Mnt/a"},
		{"windows ignores case", posix, '/', `z:\SHOWS\one\two`, "/shows/one/two"},
		{"windows takes slashes", posix, '/', `Z:/shows/one/`, "/shows/one/"},
		{"windows relative drive", posix, '/', `Z:Shows\one`, `Z:Shows\one`},
		{"unc", posix, '/', `\\Server\share\x`, "/share/x"},
		{"relative source", posix, '/', "rel/dir/x", "/rel/x"},
		{"relative does not match rooted", posix, '/', "/rel/dir/x", "/rel/dir/x"},
		{"uri", posix, '/', "S3://bucket/pre/x", "/bucket/x"},
		{"uri boundary", posix, '/', "s3://bucket/prefix", "s3://bucket/prefix"},
		{"empty", posix, '/', "", ""},
		{"to windows", windows, '\\', "/mnt/a/b/c", `D:\a\b\c`},
		{"to a windows root", windows, '\\', "/mnt/root/x", `E:\x`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := newPathMapper(tt.rules, tt.separator).Map(tt.in); got != tt.want {
				t.Errorf("Map(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestRedactor(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		secrets []string
		in      string
		want    string
	}{
		{"none", nil, "abc", "abc"},
		{"anywhere", []string{"key"}, "a key, a keyring", "a ********, a ********ring"},
		{"empty hides nothing", []string{""}, "abc", "abc"},
		{"overlapping", []string{"abc", "cde"}, "xabcdex", "x********x"},
		{"touching stay apart", []string{"abc", "def"}, "abcdef", "****************"},
		{"self overlapping", []string{"aa"}, "aaa b", "******** b"},
		{"first line", []string{"first\nmiddle\nlast"}, "say first", "say ********"},
		{"last line", []string{"first\nmiddle\nlast"}, "lastly", "********ly"},
		{"middle line alone", []string{"first\nmiddle\nlast"}, "middle", "********"},
		{"middle line within", []string{"first\nmiddle\nlast"}, "the middle", "the middle"},
		{"whole", []string{"first\nmiddle\nlast"}, "<first\nmiddle\nlast>", "<********>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var r redactor
			for _, s := range tt.secrets {
				r.add(s)
			}
			if got := r.apply(tt.in); got != tt.want {
				t.Errorf("apply(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

// TestRedactorCuts checks that cutting a text anywhere the redactor allows hides as much as not cutting it.
func TestRedactorCuts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var r redactor
		for _, secret := range rapid.SliceOfN(rapid.StringOfN(rapid.SampledFrom([]rune("abé")), 1, 4, -1), 0, 3).Draw(t, "secrets") {
			r.add(secret)
		}
		text := rapid.StringOfN(rapid.SampledFrom([]rune("abéx")), 0, 20, -1).Draw(t, "text")
		piece := text[:rapid.SampledFrom(boundaries(text)).Draw(t, "length")]
		cut := r.cut(piece)
		if got, want := r.apply(text[:cut])+r.apply(text[cut:]), r.apply(text); got != want {
			t.Fatalf("%q cut at %d of %q gives %q, want %q", text, cut, piece, got, want)
		}
	})
}

// boundaries lists where characters of a text begin, and its end.
func boundaries(text string) []int {
	var all []int
	for i := range text {
		all = append(all, i)
	}
	return append(all, len(text))
}
