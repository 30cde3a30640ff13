//go:build linux

package jobattachments

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFullDisk: a disk that takes no more ends a download with an error that names the file, and leaves nothing of it. The limit on the size
// of files stands for the end of the disk; it is one of a process, so the download runs in one of its own.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	if to := os.Getenv("FULL_DISK_TO"); to != "" {
		downloadToFullDisk(t, to)
		return
	}
	b, from := openBucket(t), t.TempDir()
	writeTree(t, from, map[string]string{"small": strings.Repeat("s", 100_000), "large": largeContent(), "ok": "fits"})
	m := manifestOf(t, from)
	if _, err := b.upload(from, m); err != nil {
		t.Fatal(err)
	}
	for _, f := range m.Files {
		t.Run(f.Path, func(t *testing.T) {
			t.Parallel()
			to := t.TempDir()
			manifest := filepath.Join(t.TempDir(), "manifest")
			if err := os.WriteFile(manifest, (&Manifest{Files: []File{f}}).Encode(), 0o600); err != nil {
				t.Fatal(err)
			}
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestFullDisk$")
			child.Env = append(os.Environ(), "FULL_DISK_TO="+to, "FULL_DISK_URL="+b.url, "FULL_DISK_MANIFEST="+manifest)
			out, err := child.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			entries, err := os.ReadDir(to)
			if err != nil {
				t.Fatal(err)
			}
			if f.Path == "ok" {
				if len(entries) != 1 || !strings.Contains(string(out), "downloaded") {
					t.Errorf("%v: %s", entries, out)
				}
				return
			}
			if want := "download " + filepath.Join(to, f.Path); len(entries) != 0 || !strings.Contains(string(out), want) || !strings.Contains(string(out), "file too large") {
				t.Errorf("%v is left; the error is %s", entries, out)
			}
		})
	}
}

// downloadToFullDisk is the process of its own.
func downloadToFullDisk(t *testing.T, to string) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	data, err := os.ReadFile(os.Getenv("FULL_DISK_MANIFEST"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := DecodeManifest(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 50_000, Max: 50_000}); err != nil {
		t.Fatal(err)
	}
	b := &testBucket{t: t, url: os.Getenv("FULL_DISK_URL")}
	b.client = b.newClient(func(*S3Config) {})
	if _, err := b.download(to, m, CreateCopy); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("downloaded")
}
