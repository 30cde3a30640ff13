package jobattachments

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// writeTree writes files by path.
func writeTree(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

// readTree reads files by path; empty directories do not show.
func readTree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// manifestOf hashes all files below a directory.
func manifestOf(t *testing.T, dir string) *Manifest {
	t.Helper()
	plan, err := NewPlan(Paths{InputDirectories: []string{dir}, OutputDirs: []string{dir}}, nil, true)
	if err != nil {
		t.Fatal(err)
	}
	var h Hasher
	m, err := h.Manifest(t.Context(), dir, plan.Groups[0].Inputs)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (b *testBucket) upload(dir string, m *Manifest) (Progress, error) {
	u := Uploader{S3: b.client, Settings: testSettings, PartSize: partSize}
	return u.Upload(b.t.Context(), Upload{dir, m})
}

func (b *testBucket) download(dir string, m *Manifest, conflict Conflict) (Result, error) {
	d := Downloader{S3: b.client, Settings: testSettings, PartSize: partSize, Conflict: conflict}
	return d.Download(b.t.Context(), Download{dir, m})
}

// partSize is the least that S3 allows.
const partSize = 5 << 20

// largeContent is more than what is sent in one request, and no multiple of a part.
func largeContent() string {
	random := rand.NewChaCha8([32]byte{7})
	data := make([]byte, 2*partSize+partSize/2+13)
	_, _ = random.Read(data)
	return string(data)
}

// TestRoundTrip: what goes up comes down, with names, contents and times; a second time nothing moves.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	b := openBucket(t)
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "new", "place")
	files := map[string]string{
		"a.txt": "hello", "same.txt": "hello", "empty": "", "deep/er/é ☃.exr": "x", "medium": strings.Repeat("m", askFirst+5), "large": largeContent(),
	}
	writeTree(t, from, files)
	past := time.Date(2001, 2, 3, 4, 5, 6, 789_000, time.UTC)
	if err := os.Chtimes(filepath.Join(from, "a.txt"), past, past); err != nil {
		t.Fatal(err)
	}
	m := manifestOf(t, from)
	progress, err := b.upload(from, m)
	if err != nil {
		t.Fatal(err)
	}
	if progress.Files != 6 || progress.SkippedFiles != 1 || progress.Bytes != m.TotalSize() || progress.TotalBytes != m.TotalSize() {
		t.Errorf("the progress is %+v", progress)
	}
	result, err := b.download(to, m, CreateCopy)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Files) != 6 || result.Progress.Bytes != m.TotalSize() {
		t.Errorf("the result is %+v", result)
	}
	if diff := cmp.Diff(files, readTree(t, to)); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff(string(m.Encode()), string(manifestOf(t, to).Encode())); diff != "" {
		t.Errorf("the manifest of what came down is another: %s", diff)
	}
	b.sent()
	if progress, err = b.upload(from, m); err != nil || progress.SkippedFiles != 6 {
		t.Errorf("the second upload: %+v, %v", progress, err)
	}
	if parts := b.sent("POST"); len(parts) != 0 {
		t.Errorf("the second upload sent %v", parts)
	}
	if result, err = b.download(to, m, CreateCopy); err != nil || len(result.Files) != 0 || result.Progress.SkippedFiles != 6 {
		t.Errorf("the second download: %+v, %v", result, err)
	}
	if requests := b.sent(); len(requests) != 0 {
		t.Errorf("the second download sent %v", requests)
	}
}

// TestKeys: objects are where AWS's clients look for them.
func TestKeys(t *testing.T) {
	t.Parallel()
	b, dir := openBucket(t), t.TempDir()
	writeTree(t, dir, map[string]string{"a": "hello"})
	m := manifestOf(t, dir)
	if _, err := b.upload(dir, m); err != nil {
		t.Fatal(err)
	}
	u := Uploader{S3: b.client, Settings: testSettings, PartSize: partSize}
	root := Root{Path: "/p/é", Location: "Work"}
	action := Action{
		FarmID: "farm-1", QueueID: "queue-1", JobID: "job-1", StepID: "step-1", TaskID: "task-1", ActionID: "sessionaction-1-0",
		Started: time.Date(2026, 1, 2, 3, 4, 5, 6_000, time.FixedZone("", 3600)),
	}
	hash, err := u.PutManifest(t.Context(), action.OutputManifestPath(root), m, root.Metadata())
	if err != nil {
		t.Fatal(err)
	}
	if hash != Hash(m.Encode()) {
		t.Errorf("the hash is %s", hash)
	}
	want := []string{
		"root/Data/b5e9c1ad071b3e7fc779cfaa5e523818.xxh128",
		"root/Manifests/farm-1/queue-1/job-1/step-1/task-1/2026-01-02T02:04:05.000006Z_sessionaction-1-0/" + Hash([]byte("Work/p/é")) + "_output",
	}
	found, err := b.client.list(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range found {
		if i >= len(want) || o.Key != want[i] {
			t.Errorf("object %d is %s", i, o.Key)
		}
	}
	o, err := b.client.read(t.Context(), want[1], 1000)
	if err != nil {
		t.Fatal(err)
	}
	metadata := map[string]string{"asset-root": `"/p/\u00e9"`, "asset-root-json": `"/p/\u00e9"`, "file-system-location-name": "Work"}
	if diff := cmp.Diff(metadata, o.metadata); diff != "" {
		t.Error(diff)
	}
	if got, err := rootOf(o.metadata); err != nil || got != root {
		t.Errorf("the root is read as %+v, %v", got, err)
	}
}

// TestPassingFaults: what may pass is tried again.
func TestPassingFaults(t *testing.T) {
	t.Parallel()
	faults := map[string]func(w http.ResponseWriter, r *http.Request) bool{
		"slow down": func(w http.ResponseWriter, _ *http.Request) bool {
			return answer(w, http.StatusServiceUnavailable, "SlowDown")
		},
		"internal": func(w http.ResponseWriter, _ *http.Request) bool {
			return answer(w, http.StatusInternalServerError, "InternalError")
		},
		"no text": func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusBadGateway); return true },
		"expired": func(w http.ResponseWriter, _ *http.Request) bool {
			return answer(w, http.StatusBadRequest, "ExpiredToken")
		},
		"torn": func(w http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodGet && r.Header.Get("Range") == "" && tear(w, http.StatusOK, "5")
		},
		"torn part": func(w http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodGet && tear(w, http.StatusPartialContent, strconv.Itoa(partSize))
		},
		"reset": func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) },
		"late error": func(w http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodPost && r.URL.Query().Has("uploadId") && answer(w, http.StatusOK, "InternalError")
		},
	}
	files := map[string]string{"a": "hello", "large": largeContent()}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, from, to := openBucket(t), t.TempDir(), t.TempDir()
			writeTree(t, from, files)
			m := manifestOf(t, from)
			var n atomic.Int64
			b.inject(func(w http.ResponseWriter, r *http.Request) bool { return n.Add(1)%3 == 1 && fault(w, r) })
			progress, err := b.upload(from, m)
			if err != nil {
				t.Fatal(err)
			}
			if progress.Bytes != m.TotalSize() {
				t.Errorf("the progress is %+v", progress)
			}
			result, err := b.download(to, m, CreateCopy)
			if err != nil {
				t.Fatal(err)
			}
			if result.Progress.Bytes != m.TotalSize() {
				t.Errorf("the progress is %+v", result.Progress)
			}
			if !cmp.Equal(files, readTree(t, to)) {
				t.Error("what came down differs")
			}
		})
	}
}

// TestLastingFaults: what does not pass is told, with what it was about, and nothing half done is left under a file's name.
func TestLastingFaults(t *testing.T) {
	t.Parallel()
	b, from, to := openBucket(t), t.TempDir(), t.TempDir()
	writeTree(t, from, map[string]string{"a": "hello"})
	m := manifestOf(t, from)
	for _, tt := range []struct {
		status     int
		code, want string
		attempts   int
	}{
		{http.StatusForbidden, "AccessDenied", "403 AccessDenied: so it is (check that the queue's role reaches", 1},
		{http.StatusNotFound, "NoSuchBucket", "404 NoSuchBucket: so it is (check the bucket in the queue's", 1},
		{http.StatusServiceUnavailable, "SlowDown", "503 SlowDown", 6},
	} {
		b.sent()
		b.inject(func(w http.ResponseWriter, _ *http.Request) bool { return answer(w, tt.status, tt.code) })
		_, err := b.upload(from, m)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), filepath.Join(from, "a")) {
			t.Errorf("%s: got %v", tt.code, err)
		}
		if requests := b.sent(); len(requests) != tt.attempts {
			t.Errorf("%s: sent %v", tt.code, requests)
		}
	}
	b.inject(nil)
	_, err := b.download(to, m, CreateCopy)
	if err == nil || !strings.Contains(err.Error(), "not in the bucket") || !strings.Contains(err.Error(), filepath.Join(to, "a")) {
		t.Errorf("got %v", err)
	}
	if files := readTree(t, to); len(files) != 0 {
		t.Errorf("%v is left", files)
	}
}

// TestTornTransfer: a transfer that always breaks off leaves no file.
func TestTornTransfer(t *testing.T) {
	t.Parallel()
	b, from, to := openBucket(t), t.TempDir(), t.TempDir()
	writeTree(t, from, map[string]string{"a": "hello"})
	m := manifestOf(t, from)
	if _, err := b.upload(from, m); err != nil {
		t.Fatal(err)
	}
	b.inject(func(w http.ResponseWriter, _ *http.Request) bool { return tear(w, http.StatusOK, "5") })
	if _, err := b.download(to, m, CreateCopy); err == nil || !strings.Contains(err.Error(), "breaks off") {
		t.Errorf("got %v", err)
	}
	if files := readTree(t, to); len(files) != 0 {
		t.Errorf("%v is left", files)
	}
}

// TestStall: a request that makes no progress is given up and sent again.
func TestStall(t *testing.T) {
	t.Parallel()
	b, from, to := openBucket(t), t.TempDir(), t.TempDir()
	writeTree(t, from, map[string]string{"a": "hello"})
	m := manifestOf(t, from)
	if _, err := b.upload(from, m); err != nil {
		t.Fatal(err)
	}
	b.client = b.newClient(func(c *S3Config) { c.Stall = 50 * time.Millisecond })
	var n atomic.Int64
	b.inject(func(w http.ResponseWriter, r *http.Request) bool {
		if n.Add(1) > 1 {
			return false
		}
		w.Header().Set("Content-Length", "5")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return true
	})
	if _, err := b.download(to, m, CreateCopy); err != nil || n.Load() != 2 {
		t.Errorf("after %d requests: %v", n.Load(), err)
	}
}

// TestDamagedObject: content that has another hash than its key is refused, small or large.
func TestDamagedObject(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"small": "hello", "large": largeContent()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, from, to := openBucket(t), t.TempDir(), t.TempDir()
			writeTree(t, from, map[string]string{"a": content})
			m := manifestOf(t, from)
			damaged := append([]byte(nil), content...)
			damaged[len(damaged)/2] ^= 1
			if err := b.client.put(t.Context(), testSettings.DataKey(m.Files[0].Hash), damaged, nil, nil); err != nil {
				t.Fatal(err)
			}
			if _, err := b.download(to, m, CreateCopy); err == nil || !strings.Contains(err.Error(), "hash") {
				t.Errorf("got %v", err)
			}
			if files := readTree(t, to); len(files) != 0 {
				t.Errorf("%d files are left", len(files))
			}
		})
	}
}

// TestChangedFile: a file that is not what its manifest says makes no object.
func TestChangedFile(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"small": "hello", "medium": strings.Repeat("m", askFirst+5), "large": largeContent()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, dir := openBucket(t), t.TempDir()
			writeTree(t, dir, map[string]string{"a": content})
			m := manifestOf(t, dir)
			for _, changed := range []string{content + "x", content[:len(content)-1], "H" + content[1:]} {
				writeTree(t, dir, map[string]string{"a": changed})
				if _, err := b.upload(dir, m); !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), filepath.Join(dir, "a")) {
					t.Errorf("got %v", err)
				}
			}
			if found, err := b.client.list(t.Context(), ""); err != nil || len(found) != 0 {
				t.Errorf("there are %v, %v", found, err)
			}
		})
	}
}

// TestUploadGoesOn: a large upload that was interrupted sends only the parts that are missing.
func TestUploadGoesOn(t *testing.T) {
	t.Parallel()
	b, dir, to := openBucket(t), t.TempDir(), t.TempDir()
	content := largeContent()
	writeTree(t, dir, map[string]string{"a": content})
	m := manifestOf(t, dir)
	u := Uploader{S3: b.client, Settings: testSettings, PartSize: partSize, StateDir: t.TempDir()}
	b.inject(func(w http.ResponseWriter, r *http.Request) bool {
		return r.URL.Query().Get("partNumber") == "2" && answer(w, http.StatusForbidden, "AccessDenied")
	})
	if _, err := u.Upload(t.Context(), Upload{dir, m}); err == nil {
		t.Fatal("the upload succeeded")
	}
	first := b.sent("PUT", "POST", "DELETE")
	b.inject(nil)
	progress, err := u.Upload(t.Context(), Upload{dir, m})
	if err != nil {
		t.Fatal(err)
	}
	second := b.sent("PUT", "POST", "DELETE")
	if again := len(slices.DeleteFunc(slices.Clone(second), func(r string) bool { return !strings.Contains(r, "partNumber=2") })); again != 1 || len(first)+len(second) > 7 ||
		slices.ContainsFunc(second, func(r string) bool { return strings.Contains(r, "partNumber=1") }) {
		t.Errorf("first %v, then %v", first, second)
	}
	if progress.Bytes != m.TotalSize() || progress.Files != 1 {
		t.Errorf("the progress is %+v", progress)
	}
	if _, err := b.download(to, m, CreateCopy); err != nil || readTree(t, to)["a"] != content {
		t.Errorf("what came down differs: %v", err)
	}
	if left, _ := os.ReadDir(u.StateDir); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
}

// TestForgottenUpload: an upload that the service has forgotten is begun anew.
func TestForgottenUpload(t *testing.T) {
	t.Parallel()
	b, dir := openBucket(t), t.TempDir()
	writeTree(t, dir, map[string]string{"a": largeContent()})
	m := manifestOf(t, dir)
	u := Uploader{S3: b.client, Settings: testSettings, PartSize: partSize, StateDir: t.TempDir()}
	b.inject(func(w http.ResponseWriter, r *http.Request) bool {
		return r.URL.Query().Get("partNumber") == "2" && answer(w, http.StatusForbidden, "AccessDenied")
	})
	if _, err := u.Upload(t.Context(), Upload{dir, m}); err == nil {
		t.Fatal("the upload succeeded")
	}
	var once atomic.Bool
	b.inject(func(w http.ResponseWriter, r *http.Request) bool {
		return r.URL.Query().Get("partNumber") == "2" && once.CompareAndSwap(false, true) && answer(w, http.StatusNotFound, "NoSuchUpload")
	})
	if _, err := u.Upload(t.Context(), Upload{dir, m}); err != nil {
		t.Fatal(err)
	}
}

// TestDownloadGoesOn: a large download that was interrupted goes on behind what is on disk; what is there and wrong is replaced.
func TestDownloadGoesOn(t *testing.T) {
	t.Parallel()
	b, from := openBucket(t), t.TempDir()
	content := largeContent()
	writeTree(t, from, map[string]string{"a": content})
	m := manifestOf(t, from)
	if _, err := b.upload(from, m); err != nil {
		t.Fatal(err)
	}
	last := fmt.Sprintf("bytes=%d-%d", 2*partSize, len(content)-1)
	for name, spoil := range map[string]bool{"whole": false, "spoiled": true} {
		t.Run(name, func(t *testing.T) { // one after the other: they share the bucket
			to := t.TempDir()
			b.inject(func(w http.ResponseWriter, r *http.Request) bool {
				return r.Header.Get("Range") == last && answer(w, http.StatusForbidden, "AccessDenied")
			})
			if _, err := b.download(to, m, CreateCopy); err == nil {
				t.Fatal("the download succeeded")
			}
			b.inject(nil)
			if spoil {
				for name := range readTree(t, to) {
					if err := os.WriteFile(filepath.Join(to, name), []byte(strings.Repeat("!", partSize)), 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
			if files := readTree(t, to); files["a"] != "" {
				t.Fatal("half a file is there under its name")
			}
			b.sent()
			if _, err := b.download(to, m, CreateCopy); err != nil {
				t.Fatal(err)
			}
			if requests := b.sent("GET"); !spoil && len(requests) >= 3 {
				t.Errorf("all of it was asked for again: %v", requests)
			}
			if files := readTree(t, to); len(files) != 1 || files["a"] != content {
				t.Error("what came down differs")
			}
		})
	}
}

func TestConflicts(t *testing.T) {
	t.Parallel()
	b, from := openBucket(t), t.TempDir()
	writeTree(t, from, map[string]string{"image.tar.gz": "new", ".rc": "new", "sub/plain": "new"})
	m := manifestOf(t, from)
	if _, err := b.upload(from, m); err != nil {
		t.Fatal(err)
	}
	old := map[string]string{"image.tar.gz": "old!", "image.tar (1).gz": "old!", ".rc": "old!", "sub/plain": "old!"}
	with := func(more map[string]string) map[string]string {
		all := map[string]string{}
		for _, files := range []map[string]string{old, more} {
			maps.Copy(all, files)
		}
		return all
	}
	for conflict, want := range map[Conflict]map[string]string{
		CreateCopy: with(map[string]string{"image.tar (2).gz": "new", ".rc (1)": "new", "sub/plain (1)": "new"}),
		"":         with(map[string]string{"image.tar (2).gz": "new", ".rc (1)": "new", "sub/plain (1)": "new"}),
		Overwrite:  with(map[string]string{"image.tar.gz": "new", ".rc": "new", "sub/plain": "new"}),
		Skip:       old,
	} {
		to := t.TempDir()
		writeTree(t, to, old)
		if _, err := b.download(to, m, conflict); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, readTree(t, to)); diff != "" {
			t.Errorf("%q: %s", conflict, diff)
		}
	}
	to := t.TempDir()
	writeTree(t, to, map[string]string{"sub": "a file", ".rc/x": "a directory"})
	for _, file := range m.Files {
		_, err := b.download(to, &Manifest{Files: []File{file}}, Overwrite)
		if blocked := file.Path != "image.tar.gz"; blocked != (err != nil) || err != nil && !strings.Contains(err.Error(), "in the way") {
			t.Errorf("%s: %v", file.Path, err)
		}
	}
}

// TestDownloadStaysInTheDirectory: neither a path nor a link leads out.
func TestDownloadStaysInTheDirectory(t *testing.T) {
	t.Parallel()
	b, from := openBucket(t), t.TempDir()
	writeTree(t, from, map[string]string{"a": "evil"})
	good := manifestOf(t, from)
	if _, err := b.upload(from, good); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, path, link, target string }{
		{"parent", "../escaped", "", ""},
		{"hidden parent", "x/../../escaped", "", ""},
		{"absolute", "/escaped", "", ""},
		{"link to a directory", "link/escaped", "link", ".."},
		{"absolute link", "link/escaped", "link", "OUTSIDE"},
		{"deep link", "d/link/escaped", "d/link", "../.."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			outside := t.TempDir()
			to := filepath.Join(outside, "to")
			writeTree(t, outside, map[string]string{"untouched": "good"})
			if err := os.MkdirAll(filepath.Join(to, "d"), 0o755); err != nil {
				t.Fatal(err)
			}
			if tt.link != "" {
				if err := os.Symlink(strings.Replace(tt.target, "OUTSIDE", outside, 1), filepath.Join(to, tt.link)); err != nil {
					t.Fatal(err)
				}
			}
			file := good.Files[0]
			file.Path = tt.path
			if _, err := b.download(to, &Manifest{Files: []File{file}}, Overwrite); err == nil {
				t.Error("it was downloaded")
			}
			if diff := cmp.Diff(map[string]string{"untouched": "good"}, readTreeNoFollow(t, outside)); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("a link in the place of the file", func(t *testing.T) {
		outside, to := t.TempDir(), t.TempDir()
		writeTree(t, outside, map[string]string{"file": "good"})
		if err := os.Symlink(filepath.Join(outside, "file"), filepath.Join(to, "a")); err != nil {
			t.Fatal(err)
		}
		if _, err := b.download(to, good, Overwrite); err != nil {
			t.Fatal(err)
		}
		if got := readTree(t, outside)["file"]; got != "good" {
			t.Errorf("the file outside is %q", got)
		}
	})
	t.Run("a link in the place of the directory", func(t *testing.T) {
		session, outside := t.TempDir(), t.TempDir()
		if err := os.Symlink(outside, filepath.Join(session, "assetroot")); err != nil {
			t.Fatal(err)
		}
		d := Downloader{S3: b.client, Settings: testSettings, PartSize: partSize, Confine: session}
		if _, err := d.Download(t.Context(), Download{filepath.Join(session, "assetroot"), good}); err == nil {
			t.Error("it was downloaded")
		}
		if files := readTree(t, outside); len(files) != 0 {
			t.Errorf("%v was written outside", files)
		}
	})
}

func readTreeNoFollow(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			data, _ := os.ReadFile(path)
			name, _ := filepath.Rel(dir, path)
			files[filepath.ToSlash(name)] = string(data)
		}
		return nil
	})
	return files
}

// TestUnwritable: a disk that takes nothing is told, by path.
func TestUnwritable(t *testing.T) {
	t.Parallel()
	b, from, to := openBucket(t), t.TempDir(), t.TempDir()
	writeTree(t, from, map[string]string{"a": "hello"})
	m := manifestOf(t, from)
	if _, err := b.upload(from, m); err != nil {
		t.Fatal(err)
	}
	writeTree(t, to, map[string]string{"file": ""})
	if _, err := b.download(filepath.Join(to, "file", "below"), m, CreateCopy); err == nil || !strings.Contains(err.Error(), filepath.Join(to, "file")) {
		t.Errorf("got %v", err)
	}
	huge := &Manifest{Files: []File{{Path: "huge", Hash: m.Files[0].Hash, Size: 1 << 60}}}
	if _, err := b.download(to, huge, CreateCopy); err == nil || !strings.Contains(err.Error(), "the disk has") {
		t.Errorf("got %v", err)
	}
}

// TestCancel: a transfer ends when its context does, with its cause.
func TestCancel(t *testing.T) {
	t.Parallel()
	b, from := openBucket(t), t.TempDir()
	files := map[string]string{}
	for i := range 200 {
		files[fmt.Sprint("f", i)] = fmt.Sprint("content ", i)
	}
	files["large"] = largeContent()
	writeTree(t, from, files)
	m := manifestOf(t, from)
	enough := errors.New("enough")
	for _, after := range []int64{1, 50, 203} {
		ctx, cancel := context.WithCancelCause(t.Context())
		var n atomic.Int64
		b.inject(func(http.ResponseWriter, *http.Request) bool {
			if n.Add(1) == after {
				cancel(enough)
			}
			return false
		})
		u := Uploader{S3: b.client, Settings: testSettings, PartSize: partSize}
		if _, err := u.Upload(ctx, Upload{from, m}); !errors.Is(err, enough) && (err != nil || after < 203) {
			t.Errorf("after %d requests: %v", after, err)
		}
	}
	b.inject(nil)
	if _, err := b.upload(from, m); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(enough)
	d := Downloader{S3: b.client, Settings: testSettings, PartSize: partSize}
	if _, err := d.Download(ctx, Download{t.TempDir(), m}); !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
	var h Hasher
	if _, err := h.Manifest(ctx, from, []string{filepath.Join(from, "f1")}); !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
}

// TestOldKeys: objects of early clients have no suffix.
func TestOldKeys(t *testing.T) {
	t.Parallel()
	b, from, to := openBucket(t), t.TempDir(), t.TempDir()
	writeTree(t, from, map[string]string{"a": "hello"})
	m := manifestOf(t, from)
	key := strings.TrimSuffix(testSettings.DataKey(m.Files[0].Hash), ".xxh128")
	if err := b.client.put(t.Context(), key, []byte("hello"), nil, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := b.download(to, m, CreateCopy); err != nil || readTree(t, to)["a"] != "hello" {
		t.Error(err)
	}
}

// TestConditionalWritesUnknown: a service without conditional writes is asked before each write.
func TestConditionalWritesUnknown(t *testing.T) {
	t.Parallel()
	b, from := openBucket(t), t.TempDir()
	writeTree(t, from, map[string]string{"a": "hello", "b": "world"})
	m := manifestOf(t, from)
	b.inject(func(w http.ResponseWriter, r *http.Request) bool {
		return r.Header.Get("If-None-Match") != "" && answer(w, http.StatusNotImplemented, "NotImplemented")
	})
	for _, skipped := range []int64{0, 2} {
		if progress, err := b.upload(from, m); err != nil || progress.SkippedFiles != skipped {
			t.Errorf("%+v, %v", progress, err)
		}
	}
}

// TestReport: progress is told from zero to all, and never goes back when nothing fails.
func TestReport(t *testing.T) {
	t.Parallel()
	b, from := openBucket(t), t.TempDir()
	writeTree(t, from, map[string]string{"a": "hello", "large": largeContent()})
	m := manifestOf(t, from)
	var seen []Progress
	u := Uploader{S3: b.client, Settings: testSettings, PartSize: partSize, Report: func(p Progress) { seen = append(seen, p) }}
	if _, err := u.Upload(t.Context(), Upload{from, m}); err != nil {
		t.Fatal(err)
	}
	last := seen[len(seen)-1]
	if last.Bytes != m.TotalSize() || last.Files != 2 || last.Percent() != 100 || last.Phase != Uploading {
		t.Errorf("the last report is %+v", last)
	}
	if !slices.IsSortedFunc(seen, func(a, b Progress) int { return int(a.Bytes - b.Bytes) }) {
		t.Errorf("the progress goes back: %+v", seen)
	}
}

func TestChecksum(t *testing.T) {
	t.Parallel()
	if got := checksum([]byte("123456789")); got != "4waSgw==" { // CRC-32C's check value, E3069283
		t.Errorf("got %s", got)
	}
	if !bytes.Equal([]byte(escapePath("/a b/é+&~._-%")), []byte("/a%20b/%C3%A9%2B%26~._-%25")) {
		t.Error(escapePath("/a b/é+&~._-%"))
	}
}
