//go:build linux

package jobattachments

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestOwner: what a worker downloads for another user belongs to that user, up to the directory that was there.
func TestOwner(t *testing.T) {
	t.Parallel()
	owner := &Owner{UID: os.Geteuid(), GID: os.Getegid()}
	if os.Geteuid() == 0 {
		owner = &Owner{UID: 12345, GID: 12346}
	}
	b, from, session := openBucket(t), t.TempDir(), t.TempDir()
	writeTree(t, from, map[string]string{"deep/small": "s", "large": largeContent()})
	m := manifestOf(t, from)
	if _, err := b.upload(from, m); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(session, "assetroot")
	d := Downloader{S3: b.client, Settings: testSettings, PartSize: partSize, Confine: session, Owner: owner}
	if _, err := d.Download(t.Context(), Download{dir, m}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "deep", "deep/small", "large"} {
		info, err := os.Lstat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if stat := info.Sys().(*syscall.Stat_t); int(stat.Uid) != owner.UID || int(stat.Gid) != owner.GID {
			t.Errorf("%q belongs to %d:%d", name, stat.Uid, stat.Gid)
		}
	}
}
