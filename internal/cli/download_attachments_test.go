package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/jobattachments"
)

func TestGather(t *testing.T) {
	t.Parallel()
	tree := func(root string, files ...string) jobattachments.Tree {
		m := &jobattachments.Manifest{}
		for _, f := range files {
			m.Files = append(m.Files, jobattachments.File{Path: f})
		}
		return jobattachments.Tree{Root: jobattachments.Root{Path: root}, Manifest: m}
	}
	outputs := []output{{"Out", "/p/out"}, {"Deep", "/p/out/deep"}, {"Report", "/p/report.txt"}, {"Win", `C:\out`}}
	for _, tt := range []struct {
		trees []jobattachments.Tree
		want  []string
	}{
		{[]jobattachments.Tree{tree("/p", "out/a", "out/deep/b", "outer/c", "report.txt", "report.txt.bak")}, []string{"Out/a", "Deep/b", "outer/c", "Report/report.txt", "report.txt.bak"}},
		{[]jobattachments.Tree{tree("/", "p/out/a", "x")}, []string{"Out/a", "x"}},
		{[]jobattachments.Tree{tree("/p", "x"), tree("/q/p", "x"), tree(`C:\`, "out/a", "x"), tree("/", "x")}, []string{"p/x", "p-2/x", "Win/a", "C/x", "root/x"}},
	} {
		var got []string
		for _, f := range gather(tt.trees, outputs).Files {
			got = append(got, f.Path)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// TestOriginalDir: outputs go to the submitter's paths, and nowhere else.
func TestOriginalDir(t *testing.T) {
	t.Parallel()
	attachments := &deadline.Attachments{Manifests: []deadline.ManifestProperties{
		{RootPath: "/p", RootPathFormat: deadline.PathFormatPosix}, {RootPath: `C:\p`, RootPathFormat: deadline.PathFormatWindows},
	}}
	locations := []jobattachments.FileSystemLocation{{Name: "Work", Path: "/mnt/work"}}
	for _, tt := range []struct {
		root      jobattachments.Root
		want, err string
	}{
		{jobattachments.Root{Path: "/p"}, "/p", ""},
		{jobattachments.Root{Path: "/p", Location: "Work"}, "/mnt/work", ""},
		{jobattachments.Root{Path: `C:\p`, Location: "Work"}, "/mnt/work", ""},
		{jobattachments.Root{Path: `C:\p`}, "", "a path of another operating system"},
		{jobattachments.Root{Path: "/etc"}, "", "which the job does not name"},
		{jobattachments.Root{Path: "/etc", Location: "Work"}, "", "which the job does not name"},
	} {
		got, err := originalDir(attachments, tt.root, locations)
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%+v: %q, %v", tt.root, got, err)
		}
	}
}
