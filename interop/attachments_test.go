package interop

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/jobattachments"
)

// TestManifests compares manifests of random trees with those of AWS's library, byte for byte, and the names of session directories.
func TestManifests(t *testing.T) {
	t.Parallel()
	needClients(t)
	python := exec.Command(filepath.Join(clientsDir, "bin", "python"), "manifest.py") //nolint:noctx // it ends with its input
	python.Env = append(os.Environ(), "AWS_EC2_METADATA_DISABLED=true", "AWS_REGION=us-west-2", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=y", "PYTHONDONTWRITEBYTECODE=1")
	python.Stderr = os.Stderr
	in, err := python.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := python.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := python.Start(); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(out)
	for seed := range uint64(25) {
		dir := filepath.Join(t.TempDir(), "root")
		paths := randomTree(t, rand.New(rand.NewPCG(seed, 0)), dir) //nolint:gosec // the same trees each time
		if _, err := fmt.Fprintf(in, "%s\t%s\n", dir, t.TempDir()); err != nil {
			t.Fatal(err)
		}
		var hasher jobattachments.Hasher
		plan, err := jobattachments.NewPlan(jobattachments.Paths{InputDirectories: []string{dir}, OutputDirs: []string{dir}}, nil, true)
		if err != nil {
			t.Fatal(err)
		}
		if len(plan.Groups) != 1 || len(plan.Groups[0].Inputs) != paths {
			t.Fatalf("tree %d: %d files are planned of %d", seed, plan.Files, paths)
		}
		manifests, err := hasher.Manifests(t.Context(), plan.Groups)
		if err != nil {
			t.Fatal(err)
		}
		for _, ours := range []string{string(manifests[0].Encode()), plan.Groups[0].Root.SessionDirectory()} {
			theirs, err := answers.ReadString('\n')
			if err != nil {
				t.Fatalf("tree %d: AWS's library gave up: %v", seed, err)
			}
			if theirs = strings.TrimSuffix(theirs, "\n"); ours != theirs {
				t.Errorf("tree %d\nours:   %s\ntheirs: %s", seed, ours, theirs)
			}
		}
		decoded, err := jobattachments.DecodeManifest(manifests[0].Encode())
		if err != nil || decoded.TotalSize() != manifests[0].TotalSize() {
			t.Errorf("tree %d is not read: %v", seed, err)
		}
	}
	_ = in.Close()
	_, _ = io.Copy(io.Discard, out)
	if err := python.Wait(); err != nil {
		t.Error(err)
	}
}

// randomTree makes files and links with names, contents and times of all kinds, and gives their number.
func randomTree(t *testing.T, r *rand.Rand, root string) (files int) {
	t.Helper()
	names := []string{
		"frame.0001.exr", "a", "B", " space ", "é", "e\u0301", "日本", "\U0001F600", "\uff61\uffff", `quote"back\slash`, "tab\tline\nbell\a\x7f",
		"bytes\xff\xfe", "half\xed\xa0\x80", "#%+&=;", "-rf", "..dots", "long" + strings.Repeat("x", 200),
	}
	dirs := []string{root}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(root, 0o755))
	for i := range 3 + r.IntN(30) {
		dir := dirs[r.IntN(len(dirs))]
		path := filepath.Join(dir, names[r.IntN(len(names))])
		if _, err := os.Lstat(path); err == nil {
			continue
		}
		switch {
		case i > 0 && r.IntN(5) == 0:
			must(os.Mkdir(path, 0o755))
			dirs = append(dirs, path)
			continue
		case i > 0 && r.IntN(8) == 0:
			target := filepath.Join(root, fmt.Sprint("target", i))
			must(os.WriteFile(target, []byte("linked"), 0o644))
			must(os.Symlink(target, path))
			files += 2
			continue
		}
		content := make([]byte, []int{0, 1, 100, 4096, 300_000}[r.IntN(5)])
		for k := range content {
			content[k] = byte(r.Uint32())
		}
		must(os.WriteFile(path, content, 0o644))
		mtime := time.Unix(r.Int64N(4e9)-1e9, r.Int64N(1e9))
		must(os.Chtimes(path, mtime, mtime))
		files++
	}
	return files
}
