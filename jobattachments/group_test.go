package jobattachments

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// planned is a group with its paths relative to a directory.
func planned(dir string, g Group) (string, []string, []string, []string) {
	relative := func(paths []string) (out []string) {
		for _, path := range paths {
			r, _ := filepath.Rel(dir, path)
			out = append(out, filepath.ToSlash(r))
		}
		return out
	}
	return relative([]string{g.Root.Path})[0] + " " + g.Root.Location, relative(g.Inputs), relative(g.Outputs), relative(g.References)
}

func TestPlan(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{
		"p/scene.blend": "s", "p/tex/a.exr": "aa", "p/tex/b.exr": "bbb", "local/x/file": "l", "local/deep/file": "d", "shared/big": "not uploaded",
	})
	at := func(names ...string) (paths []string) {
		for _, name := range names {
			paths = append(paths, filepath.Join(dir, filepath.FromSlash(name)))
		}
		return paths
	}
	if err := errors.Join(
		os.Mkdir(filepath.Join(dir, "empty"), 0o755),
		os.Symlink("tex/a.exr", filepath.Join(dir, "p", "link.exr")),
		os.Symlink("tex", filepath.Join(dir, "p", "linked")),
		os.Symlink("nowhere", filepath.Join(dir, "p", "dangling")),
		os.Symlink(filepath.Join(dir, "shared"), filepath.Join(dir, "p", "to-shared")),
	); err != nil {
		t.Fatal(err)
	}
	locations := []FileSystemLocation{
		{Name: "Shared", Path: filepath.Join(dir, "shared"), Shared: true},
		{Name: "Local", Path: filepath.Join(dir, "local")},
		{Name: "Deep", Path: filepath.Join(dir, "local", "deep")},
	}
	plan, err := NewPlan(Paths{
		InputFiles:       append(at("local/x/file", "local/deep/file", "shared/big", "p/to-shared/big", "missing", "p/tex/a.exr"), ""),
		InputDirectories: at("p", "empty", "nowhere"),
		OutputDirs:       at("out", "local/x/out", "shared/out"),
		Referenced:       at("p/ref", "shared/ref"),
	}, locations, false)
	if err != nil {
		t.Fatal(err)
	}
	type group struct {
		Root                 string
		Inputs, Outputs, Ref []string
	}
	var got []group
	for _, g := range plan.Groups {
		var x group
		x.Root, x.Inputs, x.Outputs, x.Ref = planned(dir, g)
		got = append(got, x)
	}
	want := []group{
		{". ", []string{"p/link.exr", "p/scene.blend", "p/tex/a.exr", "p/tex/b.exr"}, []string{"out"}, []string{"empty", "missing", "nowhere", "p/dangling", "p/ref"}},
		{"local Local", []string{"local/x/file"}, []string{"local/x/out"}, nil},
		{"local/deep Deep", []string{"local/deep/file"}, nil, nil},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	if plan.Files != 6 || plan.Bytes != 2+1+2+3+1+1 {
		t.Errorf("%d files with %d bytes", plan.Files, plan.Bytes)
	}
	notes := strings.Join(plan.Notes, "\n")
	for _, part := range []string{"linked leads to a directory", "empty has no files", "nowhere does not exist", "missing does not exist", "dangling does not exist"} {
		if !strings.Contains(notes, part) {
			t.Errorf("no note says %q:\n%s", part, notes)
		}
	}
	if diff := cmp.Diff([]string{"x/out"}, plan.Groups[1].OutputDirectories()); diff != "" {
		t.Error(diff)
	}
}

func TestPlanRoots(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{"a/b/file": "x", "a/c/file": "y"})
	one := filepath.Join(dir, "a", "b", "file")
	for name, tt := range map[string]struct {
		paths   Paths
		root    string
		outputs []string
	}{
		"one file":        {Paths{InputFiles: []string{one}}, "a/b", nil},
		"one output":      {Paths{OutputDirs: []string{filepath.Join(dir, "o", "u")}}, "o/u", []string{"."}},
		"common":          {Paths{InputFiles: []string{one, filepath.Join(dir, "a", "c", "file")}, OutputDirs: []string{filepath.Join(dir, "a", "c", "..", "o")}}, "a", []string{"o"}},
		"not letter-wise": {Paths{OutputDirs: []string{filepath.Join(dir, "ab"), filepath.Join(dir, "ac")}}, ".", []string{"ab", "ac"}},
	} {
		plan, err := NewPlan(tt.paths, nil, true)
		if err != nil || len(plan.Groups) != 1 {
			t.Fatal(name, plan, err)
		}
		if got := plan.Groups[0].Root.Path; got != filepath.Join(dir, filepath.FromSlash(tt.root)) {
			t.Errorf("%s: the root is %s", name, got)
		}
		if diff := cmp.Diff(tt.outputs, plan.Groups[0].OutputDirectories()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if plan, err := NewPlan(Paths{}, nil, true); err != nil || len(plan.Groups) != 0 {
		t.Errorf("of nothing: %+v, %v", plan, err)
	}
}

func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	for _, tt := range []struct {
		paths   Paths
		require bool
		want    InputError
	}{
		{Paths{InputFiles: []string{missing}, InputDirectories: []string{missing}}, true, InputError{Missing: []string{missing, missing}}},
		{Paths{InputFiles: []string{dir}}, false, InputError{Directories: []string{dir}}},
		{Paths{InputFiles: []string{os.DevNull}}, false, InputError{Special: []string{os.DevNull}}},
	} {
		_, err := NewPlan(tt.paths, nil, tt.require)
		wrong, ok := errors.AsType[*InputError](err)
		if !ok {
			t.Errorf("got %v", err)
			continue
		}
		if diff := cmp.Diff(tt.want, *wrong); diff != "" {
			t.Error(diff)
		}
	}
}

// TestHashed: links have the content of their file; what changes is seen; what cannot be read is told.
func TestHashed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{"a": "hello", "big": strings.Repeat("b", hashBuffer+1)})
	if err := os.Symlink("a", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	m := manifestOf(t, dir)
	for i, want := range []File{
		{Path: "a", Hash: "b5e9c1ad071b3e7fc779cfaa5e523818", Size: 5},
		{Path: "big", Hash: Hash([]byte(strings.Repeat("b", hashBuffer+1))), Size: hashBuffer + 1},
		{Path: "link", Hash: "b5e9c1ad071b3e7fc779cfaa5e523818", Size: 5},
	} {
		got := m.Files[i]
		got.MTime = 0
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	var h Hasher
	for _, path := range []string{filepath.Join(dir, "missing"), filepath.Dir(dir)} {
		if _, err := h.Manifest(t.Context(), dir, []string{path}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v", err)
		}
	}
	before, err := os.Stat(filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	writeTree(t, dir, map[string]string{"a": "hello!"})
	if _, err := hashFile(t.Context(), source{}, filepath.Join(dir, "a"), before, newMeter(Hashing, nil, nil)); !errors.Is(err, ErrChanged) {
		t.Errorf("got %v", err)
	}
}

func TestHashCache(t *testing.T) {
	t.Parallel()
	dir, path := t.TempDir(), filepath.Join(t.TempDir(), "caches", "hashes")
	past := time.Now().Add(-time.Hour)
	write := func(content string, mtime time.Time) string {
		writeTree(t, dir, map[string]string{"a": content})
		if err := os.Chtimes(filepath.Join(dir, "a"), mtime, mtime); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, "a")
	}
	hash := func() (string, int64) {
		cache, err := OpenHashCache(path)
		if err != nil {
			t.Fatal(err)
		}
		var last Progress
		h := Hasher{Cache: cache, Report: func(p Progress) { last = p }}
		m, err := h.Manifest(t.Context(), dir, []string{filepath.Join(dir, "a")})
		if err := errors.Join(err, cache.Close()); err != nil {
			t.Fatal(err)
		}
		return m.Files[0].Hash, last.SkippedFiles
	}
	for i, tt := range []struct {
		content string
		mtime   time.Time
		skipped int64
	}{
		{"hello", past, 0},
		{"hello", past, 1},
		{"hallo", past.Add(1), 0},
		{"hallo", past.Add(1), 1},
		{"hallo!", past.Add(1), 0},
		{"fresh", time.Now().Add(time.Hour), 0},
		{"fresh", time.Now().Add(time.Hour), 0},
	} {
		write(tt.content, tt.mtime)
		if got, skipped := hash(); got != Hash([]byte(tt.content)) || skipped != tt.skipped {
			t.Errorf("%d: %s, %d skipped", i, got, skipped)
		}
	}
	write("hello", past)
	hash()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, spoiled := range [][]byte{nil, data[:10], data[:len(data)-1], append(data[:len(data)-1:len(data)-1], data[len(data)-1]^1), []byte("other format")} {
		if err := os.WriteFile(path, spoiled, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, _ := hash(); got != Hash([]byte("hello")) {
			t.Errorf("with a spoiled cache: %s", got)
		}
		if _, skipped := hash(); skipped != 1 {
			t.Error("the cache was not mended")
		}
	}
}

func TestCheckCache(t *testing.T) {
	t.Parallel()
	b, dir := openBucket(t), t.TempDir()
	writeTree(t, dir, map[string]string{"a": "hello", "b": "world", "large": largeContent()})
	m := manifestOf(t, dir)
	path := filepath.Join(t.TempDir(), "objects")
	upload := func() Progress {
		cache, err := OpenCheckCache(path)
		if err != nil {
			t.Fatal(err)
		}
		u := Uploader{S3: b.client, Settings: testSettings, PartSize: partSize, Checked: cache}
		progress, err := u.Upload(t.Context(), Upload{dir, m})
		if err != nil {
			t.Fatal(err)
		}
		return progress
	}
	if p := upload(); p.SkippedFiles != 0 {
		t.Errorf("%+v", p)
	}
	b.sent()
	if p := upload(); p.SkippedFiles != 3 {
		t.Errorf("%+v", p)
	}
	if sent := b.sent(); len(sent) != 3 || len(sent[0]) < 4 || sent[0][:4] != "HEAD" {
		t.Errorf("only the sample is to be looked at: %v", sent)
	}
	if err := b.client.do(t.Context(), &call{action: "delete", method: "DELETE", key: testSettings.DataKey(m.Files[0].Hash)}); err != nil {
		t.Fatal(err)
	}
	if p := upload(); p.SkippedFiles != 2 {
		t.Errorf("with an object gone: %+v", p)
	}
}

func TestLexical(t *testing.T) {
	t.Parallel()
	posix, windows := lexical{}, lexical{windows: true}
	for _, tt := range []struct {
		l          lexical
		path, root string
		rest       []string
		ok         bool
	}{
		{posix, "/a/b/c", "/a", []string{"b", "c"}, true},
		{posix, "/ab", "/a", nil, false},
		{posix, "/a", "/a/", []string{}, true},
		{posix, `/a\b`, "/a", nil, false},
		{windows, `c:\Work\x`, `C:\work`, []string{"x"}, true},
		{windows, `C:/work/x`, `C:\work\`, []string{"x"}, true},
		{windows, `D:\work`, `C:\`, nil, false},
		{windows, `\\Server\share\x`, `\\server\share`, []string{"x"}, true},
		{windows, `\\server\x`, `\\server\share`, nil, false},
	} {
		rest, ok := tt.l.below(tt.path, tt.root)
		if ok != tt.ok || !cmp.Equal(tt.rest, rest, cmpopts.EquateEmpty()) {
			t.Errorf("%s below %s: %v, %v", tt.path, tt.root, rest, ok)
		}
	}
	if got := windows.common([]string{`C:\a\b\c`, `c:\A\b\d`}); got != `C:\a\b` {
		t.Error(got)
	}
	for path, bad := range map[string]bool{"a/b": false, `a\..\..\b`: true, "C:x": true, "a:stream": true} {
		if err := checkHostPath(path, windows); (err != nil) != bad {
			t.Errorf("%s: %v", path, err)
		}
	}
}
