package objectstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/internal/diskfile"
	"github.com/farmhand-render/farmhand/internal/objectstore"
)

const bucket = "bucket"

// withBucket opens a store with a bucket.
func withBucket(t *testing.T, dir string, o objectstore.Options) *objectstore.Store {
	t.Helper()
	s := open(t, dir, o)
	if err := s.EnsureBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	return s
}

func closeStore(t *testing.T, s *objectstore.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func put(ctx context.Context, s *objectstore.Store, key string, content []byte) error {
	_, err := s.PutObject(ctx, bucket, key, objectstore.Head{}, body(content), objectstore.Conditions{})
	return err
}

func body(content []byte) *objectstore.Body {
	return &objectstore.Body{Reader: bytes.NewReader(content), Size: int64(len(content))}
}

func read(ctx context.Context, s *objectstore.Store, key string) ([]byte, error) {
	return s.Get(ctx, bucket, key, 1<<30)
}

// content is a text that its seed and size decide.
func content(seed, size int) []byte {
	line := fmt.Sprintf("%d of %d\n", seed, size)
	return []byte(strings.Repeat(line, size/len(line)+1)[:size])
}

// wantFiles wants exactly the files on the disk that the index needs.
func wantFiles(t *testing.T, s *objectstore.Store) {
	t.Helper()
	known, err := s.KnownFiles(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	there, err := s.FilesOnDisk()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(known)), slices.Sorted(slices.Values(there))); diff != "" {
		t.Errorf("files (-in the index +on the disk):\n%s", diff)
	}
}

func TestObjectsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := withBucket(t, dir, objectstore.Options{})
	for _, size := range []int{0, 100, 100_000} {
		if err := put(t.Context(), s, fmt.Sprint(size), content(1, size)); err != nil {
			t.Fatal(err)
		}
	}
	upload, err := s.CreateUpload(t.Context(), bucket, objectstore.Upload{Key: "parts", Head: objectstore.Head{ContentType: "image/x-exr"}})
	if err != nil {
		t.Fatal(err)
	}
	first, err := s.PutPart(t.Context(), bucket, upload, 1, body(content(1, 5<<20)))
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)

	s = open(t, dir, objectstore.Options{})
	defer func() { closeStore(t, s) }()
	for _, size := range []int{0, 100, 100_000} {
		if got, err := read(t.Context(), s, fmt.Sprint(size)); err != nil || !bytes.Equal(got, content(1, size)) {
			t.Errorf("object of %d bytes has %d, %v", size, len(got), err)
		}
	}
	second, err := s.PutPart(t.Context(), bucket, upload, 2, body(content(2, 1000)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.CompleteUpload(t.Context(), bucket, "parts", upload.ID, []objectstore.CompletedPart{
		{Number: 1, ETag: first.ETag}, {Number: 2, ETag: second.ETag},
	}, objectstore.Checksum{}, objectstore.Conditions{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(t.Context(), s, "parts")
	if err != nil || !bytes.Equal(got, append(content(1, 5<<20), content(2, 1000)...)) {
		t.Errorf("the object of two runs has %d bytes, %v", len(got), err)
	}
	if err := s.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, s)
}

// TestBrokenBodies: of a body that does not come to its end nothing is visible, and nothing is left.
func TestBrokenBodies(t *testing.T) {
	t.Parallel()
	s := withBucket(t, t.TempDir(), objectstore.Options{})
	defer closeStore(t, s)
	if err := put(t.Context(), s, "k", []byte("before")); err != nil {
		t.Fatal(err)
	}
	upload, err := s.CreateUpload(t.Context(), bucket, objectstore.Upload{Key: "parts"})
	if err != nil {
		t.Fatal(err)
	}
	refuse := errors.New("not the declared one")
	for _, size := range []int{100, 200_000} {
		for name, b := range map[string]*objectstore.Body{
			"cut off": {Reader: bytes.NewReader(content(1, size)), Size: int64(size) + 1},
			"broken":  {Reader: io.MultiReader(bytes.NewReader(content(1, size)), iotest.ErrReader(io.ErrUnexpectedEOF)), Size: int64(size) + 10},
			"refused": {Reader: bytes.NewReader(content(1, size)), Size: int64(size), Verify: func(_, _ []byte) error { return refuse }},
		} {
			_, err := s.PutObject(t.Context(), bucket, "k", objectstore.Head{}, b, objectstore.Conditions{})
			if code := objectstore.CodeOf(err); code != "IncompleteBody" && !errors.Is(err, refuse) {
				t.Errorf("%s, %d bytes: %v", name, size, err)
			}
		}
		_, err := s.PutPart(t.Context(), bucket, upload, 1, &objectstore.Body{Reader: bytes.NewReader(content(1, size)), Size: int64(size) + 1})
		if code := objectstore.CodeOf(err); code != "IncompleteBody" {
			t.Errorf("part of %d bytes: %v", size, err)
		}
	}
	if got, err := read(t.Context(), s, "k"); err != nil || string(got) != "before" {
		t.Errorf("the object is %q, %v", got, err)
	}
	if parts, _, err := s.Parts(t.Context(), upload.ID, 0, 10); err != nil || len(parts) != 0 {
		t.Errorf("parts %v, %v", parts, err)
	}
	wantFiles(t, s)
}

// TestFilesGoWhenNobodyNeedsThem: a replaced or deleted content stays while it is read, and then goes.
func TestFilesGoWhenNobodyNeedsThem(t *testing.T) {
	t.Parallel()
	s := withBucket(t, t.TempDir(), objectstore.Options{})
	defer closeStore(t, s)
	first := content(1, 100_000)
	if err := put(t.Context(), s, "k", first); err != nil {
		t.Fatal(err)
	}
	reading, err := s.Open(t.Context(), bucket, "k")
	if err != nil {
		t.Fatal(err)
	}
	twin, err := s.CopyObject(t.Context(), reading, bucket, "twin", nil, objectstore.Conditions{})
	if err != nil || twin.Size != int64(len(first)) {
		t.Fatal(twin, err)
	}
	for i := range 3 {
		if err := put(t.Context(), s, "k", content(2+i, 50_000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.DeleteObject(t.Context(), bucket, "k", objectstore.Conditions{}); err != nil {
		t.Fatal(err)
	}
	if there, err := s.FilesOnDisk(); err != nil || len(there) != 2 {
		t.Errorf("files while one is read: %v, %v", there, err)
	}
	var got bytes.Buffer
	if err := reading.CopyRange(&got, 0, reading.Size); err != nil || !bytes.Equal(got.Bytes(), first) {
		t.Errorf("read %d bytes, %v", got.Len(), err)
	}
	reading.Close()
	wantFiles(t, s)
	if err := s.DeleteObject(t.Context(), bucket, "twin", objectstore.Conditions{}); err != nil {
		t.Fatal(err)
	}
	if there, err := s.FilesOnDisk(); err != nil || len(there) != 0 {
		t.Errorf("files when all is deleted: %v, %v", there, err)
	}
}

// TestLeftoversAreRemoved: what a killed process wrote or could not remove goes at the next start.
func TestLeftoversAreRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := withBucket(t, dir, objectstore.Options{})
	for i := range 3 {
		if err := put(t.Context(), s, fmt.Sprint(i), content(i, 50_000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.LeaveFile(); err != nil {
		t.Fatal(err)
	}
	s.DropDoomed()
	if err := s.DeleteObject(t.Context(), bucket, "1", objectstore.Conditions{}); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	s = open(t, dir, objectstore.Options{})
	defer func() { closeStore(t, s) }()
	if there, err := s.FilesOnDisk(); err != nil || len(there) != 3 {
		t.Errorf("files after the start: %v, %v", there, err)
	}
	if err := s.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, s)
	for _, key := range []string{"0", "2"} {
		if got, err := read(t.Context(), s, key); err != nil || len(got) != 50_000 {
			t.Errorf("object %s has %d bytes, %v", key, len(got), err)
		}
	}
}

func TestUploadsExpire(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	s := withBucket(t, t.TempDir(), objectstore.Options{Now: func() time.Time { return now }, UploadLife: time.Hour})
	defer closeStore(t, s)
	old, err := s.CreateUpload(t.Context(), bucket, objectstore.Upload{Key: "old"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutPart(t.Context(), bucket, old, 1, body(content(1, 100))); err != nil {
		t.Fatal(err)
	}
	now = now.Add(59 * time.Minute)
	if _, err := s.CreateUpload(t.Context(), bucket, objectstore.Upload{Key: "young"}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Minute)
	if err := s.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	uploads, _, err := s.Uploads(t.Context(), bucket, "", "", "", 10)
	if err != nil || len(uploads) != 1 || uploads[0].Key != "young" {
		t.Errorf("uploads %v, %v", uploads, err)
	}
	wantFiles(t, s)
}

func TestOneProcessAtATime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, objectstore.Options{})
	if _, err := objectstore.Open(t.Context(), dir, objectstore.Options{}); !errors.Is(err, diskfile.ErrHeld) {
		t.Errorf("a second store in the directory: %v", err)
	}
	closeStore(t, s)
	closeStore(t, open(t, dir, objectstore.Options{}))
}

// TestManyWriters: each of many changes that share commits gets its own result.
func TestManyWriters(t *testing.T) {
	t.Parallel()
	s := withBucket(t, t.TempDir(), objectstore.Options{})
	defer closeStore(t, s)
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			key := fmt.Sprint("k", i)
			if err := put(t.Context(), s, key, content(i, 100+i)); err != nil {
				t.Error(err)
			}
			_, err := s.PutObject(t.Context(), bucket, key, objectstore.Head{}, body(nil), objectstore.Conditions{IfNoneMatch: "*"})
			if objectstore.CodeOf(err) != "PreconditionFailed" {
				t.Errorf("%s: %v", key, err)
			}
			if got, err := read(t.Context(), s, key); err != nil || !bytes.Equal(got, content(i, 100+i)) {
				t.Errorf("%s has %d bytes, %v", key, len(got), err)
			}
		})
	}
	wg.Wait()
}

// TestListsAgreeWithTheDefinition lists random keys in pages and compares with what lists are.
func TestListsAgreeWithTheDefinition(t *testing.T) {
	t.Parallel()
	s := withBucket(t, t.TempDir(), objectstore.Options{Relaxed: true})
	defer closeStore(t, s)
	there := map[string]bool{}
	key := rapid.StringOfN(rapid.SampledFrom([]rune("ab/-\x00\U0010ffffé")), 1, 6, -1)
	rapid.Check(t, func(t *rapid.T) {
		for _, k := range rapid.SliceOfN(key, 0, 5).Draw(t, "new keys") {
			if err := put(context.Background(), s, k, nil); err != nil {
				t.Fatal(err)
			}
			there[k] = true
		}
		q := objectstore.ListQuery{
			Prefix:    rapid.OneOf(rapid.Just(""), key).Draw(t, "prefix"),
			Delimiter: rapid.SampledFrom([]string{"", "/", "-", "b/"}).Draw(t, "delimiter"),
			Max:       rapid.IntRange(1, 5).Draw(t, "page"),
		}
		var got []string
		for {
			page, err := s.List(context.Background(), bucket, q)
			if err != nil {
				t.Fatal(err)
			}
			names := page.CommonPrefixes
			for _, o := range page.Objects {
				names = append(names, o.Key)
			}
			if len(names) > q.Max {
				t.Fatalf("a page of %d, want at most %d", len(names), q.Max)
			}
			got = append(got, slices.Sorted(slices.Values(names))...)
			if !page.Truncated {
				break
			}
			q.After = page.Next
		}
		want := map[string]bool{}
		for k := range there {
			if rest, ok := strings.CutPrefix(k, q.Prefix); ok {
				if at := strings.Index(rest, q.Delimiter); q.Delimiter != "" && at >= 0 {
					k = q.Prefix + rest[:at+len(q.Delimiter)]
				}
				want[k] = true
			}
		}
		if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), got); diff != "" && len(want)+len(got) > 0 {
			t.Fatalf("%+v (-want +got):\n%s", q, diff)
		}
	})
}

// TestCombinedChecksums: the CRC of a whole is found from those of its parts.
func TestCombinedChecksums(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SampledFrom([]string{"CRC32", "CRC32C", "CRC64NVME"}).Draw(t, "algorithm")
		first := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "first")
		second := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "second")
		got := objectstore.Combine(a, objectstore.SumOf(a, first), objectstore.SumOf(a, second), int64(len(second)))
		if want := objectstore.SumOf(a, append(slices.Clone(first), second...)); got != want {
			t.Fatalf("%s: %s, want %s", a, got, want)
		}
	})
}
