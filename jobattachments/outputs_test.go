package jobattachments

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestOutputs: of each task the last action counts, of chunks all; later ones win.
func TestOutputs(t *testing.T) {
	t.Parallel()
	b := openBucket(t)
	u := Uploader{S3: b.client, Settings: testSettings}
	ids := func(name string) string { return name + "-" + strings.Repeat("0", 32) }
	put := func(job, step, task, action string, minute int, root Root, path, content string) string {
		t.Helper()
		a := Action{
			FarmID: "farm", QueueID: "queue", JobID: job, StepID: step, TaskID: task, ActionID: action,
			Started: time.Date(2026, 1, 2, 3, minute, 0, 0, time.UTC),
		}
		p := a.OutputManifestPath(root)
		if _, err := u.PutManifest(t.Context(), p, &Manifest{Files: []File{{Path: path, Hash: Hash([]byte(content)), Size: 1}}}, root.Metadata()); err != nil {
			t.Fatal(err)
		}
		return p
	}
	job, render, encode := ids("job"), ids("step"), "step-"+strings.Repeat("1", 32)
	root, other := Root{Path: "/p"}, Root{Path: "/p", Location: "Work"}
	put(job, render, ids("task")+"-0", "old", 1, root, "frame0", "stale")
	put(job, render, ids("task")+"-0", "new", 2, root, "frame0", "zero")
	put(job, render, ids("task")+"-0", "new", 2, other, "log", "log")
	put(job, render, ids("task")+"-1", "one", 1, root, "frame1", "one")
	put(job, encode, "", "chunk-a", 3, root, "video", "first")
	put(job, encode, "", "chunk-b", 4, root, "video", "second")
	put("job-other", render, ids("task")+"-0", "x", 9, root, "frame0", "foreign")
	input := NewInputManifestPath("farm", "queue", root)
	if _, err := u.PutManifest(t.Context(), input, &Manifest{Files: []File{{Path: "in", Hash: "aa"}}}, nil); err != nil {
		t.Fatal(err)
	}

	files := func(scope Scope) map[string]map[string]string {
		t.Helper()
		outputs, err := ListOutputs(t.Context(), b.client, testSettings, scope)
		if err != nil {
			t.Fatal(err)
		}
		trees := map[string]map[string]string{}
		for _, tree := range MergeOutputs(outputs) {
			of := map[string]string{}
			for _, f := range tree.Manifest.Files {
				of[f.Path] = f.Hash
			}
			trees[tree.Root.Location+tree.Root.Path] = of
		}
		return trees
	}
	h := func(content string) string { return Hash([]byte(content)) }
	whole := Scope{FarmID: "farm", QueueID: "queue", JobID: job}
	for _, tt := range []struct {
		scope Scope
		want  map[string]map[string]string
	}{
		{whole, map[string]map[string]string{"/p": {"frame0": h("zero"), "frame1": h("one"), "video": h("second")}, "Work/p": {"log": h("log")}}},
		{Scope{whole.FarmID, whole.QueueID, job, encode, ""}, map[string]map[string]string{"/p": {"video": h("second")}}},
		{Scope{whole.FarmID, whole.QueueID, job, render, ids("task") + "-1"}, map[string]map[string]string{"/p": {"frame1": h("one")}}},
		{Scope{whole.FarmID, whole.QueueID, "job-none", "", ""}, map[string]map[string]string{}},
	} {
		if diff := cmp.Diff(tt.want, files(tt.scope)); diff != "" {
			t.Errorf("%+v: %s", tt.scope, diff)
		}
	}
	if _, err := ReadManifest(t.Context(), b.client, testSettings, input, "aa"); err == nil || !strings.Contains(err.Error(), "the job says aa") {
		t.Errorf("got %v", err)
	}
	if err := b.client.put(t.Context(), testSettings.ManifestKey(strings.Join([]string{"farm", "queue", job, render, "x", "y_output"}, "/")), []byte("{}"), nil, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := ListOutputs(t.Context(), b.client, testSettings, whole); err == nil || !strings.Contains(err.Error(), "asset-root") {
		t.Errorf("got %v", err)
	}
}

// TestSessionDirectory: the names are those of AWS's library.
func TestSessionDirectory(t *testing.T) {
	t.Parallel()
	if got := (Root{Path: "/home/artist/project"}).SessionDirectory(); got != "assetroot-bc21fb9988d11377b1f3" {
		t.Errorf("got %s", got)
	}
}

func TestScan(t *testing.T) {
	t.Parallel()
	session := t.TempDir()
	dir, outside := filepath.Join(session, "assetroot"), t.TempDir()
	writeTree(t, outside, map[string]string{"secret": "s"})
	writeTree(t, dir, map[string]string{"in/a": "a", "out/b": "b", "out/deep/c": "c", "out/.farmhand-x": "staged", "elsewhere/d": "d"})
	s := NewScan(session)
	changed := func(directories ...string) (*Found, []string) {
		t.Helper()
		found, err := s.Changed(dir, directories, false)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, path := range found.Files {
			name, _ := filepath.Rel(dir, path)
			names = append(names, filepath.ToSlash(name))
		}
		return found, names
	}
	want := func(names []string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, names); diff != "" {
			t.Error(diff)
		}
	}
	s.Known(dir, &Manifest{Files: []File{{Path: "in/a"}, {Path: "out/b"}, {Path: "not/there"}}})
	found, names := changed("in", "out", "missing", ".")
	want(names, "elsewhere/d", "out/deep/c")
	s.Accept(found)
	_, names = changed(".")
	want(names)
	writeTree(t, dir, map[string]string{"out/b": "bb", "out/e": "e"})
	for link, target := range map[string]string{"out/inside": "../in/a", "out/secret": filepath.Join(outside, "secret"), "out/dir": outside, "out/dangling": "x"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	found, names = changed("out")
	want(names, "out/b", "out/e", "out/inside")
	if notes := strings.Join(found.Notes, "\n"); !strings.Contains(notes, "secret is left out") {
		t.Errorf("the notes are %q", notes)
	}
	if _, err := s.Changed(dir, []string{"../.."}, false); err == nil {
		t.Error("a directory may lead out")
	}
	if found, err := s.Changed(dir, []string{`out\deep`}, true); err != nil || len(found.Files) != 0 {
		t.Errorf("%+v, %v", found, err)
	}
}
