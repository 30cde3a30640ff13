package objectstoretest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

func testBuckets(t *testing.T, s *suite) {
	t.Helper()
	ctx := t.Context()
	if _, err := s.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &s.bucket}); err != nil {
		t.Error(err)
	}
	location, err := s.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: &s.bucket})
	if err != nil {
		t.Error(err)
	} else if got := string(location.LocationConstraint); got != s.Region && (got != "" || s.Region != "us-east-1") {
		t.Errorf("location %q, want %q", got, s.Region)
	}
	all, err := s.ListBuckets(ctx, &s3.ListBucketsInput{})
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, b := range all.Buckets {
		found = found || aws.ToString(b.Name) == s.bucket && !b.CreationDate.IsZero()
	}
	if !found {
		t.Errorf("bucket %s is not among %d", s.bucket, len(all.Buckets))
	}
	versioning, err := s.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &s.bucket})
	if err != nil || versioning.Status != "" {
		t.Errorf("versioning %+v, %v", versioning, err)
	}
	s.put(t, "full", "x")
	_, err = s.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &s.bucket})
	wantCode(t, "delete a bucket that is not empty", err, "BucketNotEmpty")
	none := "farmhand-test-none"
	_, err = s.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &none})
	wantCode(t, "head of a bucket that is not there", err, "NotFound")
	_, err = s.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &none})
	wantCode(t, "list of a bucket that is not there", err, "NoSuchBucket")
	_, err = s.PutObject(ctx, &s3.PutObjectInput{Bucket: &none, Key: new("k"), Body: strings.NewReader("x")})
	wantCode(t, "put into a bucket that is not there", err, "NoSuchBucket")
}

// text is a content that differs by seed.
func text(size, seed int) string {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "%d line %d of a content\n", seed, i)
	}
	return b.String()[:size]
}

// testRoundTrip stores contents of many sizes, small ones and such as need more than one buffer.
func testRoundTrip(t *testing.T, s *suite) {
	t.Helper()
	for _, size := range []int{0, 1, 100, 4096, 16<<10 - 1, 16 << 10, 16<<10 + 1, 1 << 20, 6<<20 + 7} {
		key, want := fmt.Sprint("size/", size), text(size, size)
		put := s.put(t, key, want)
		got, out := s.get(t, key)
		if got != want {
			t.Errorf("size %d: another content of %d bytes", size, len(got))
		}
		if aws.ToString(out.ETag) != etagOf(put) || aws.ToInt64(out.ContentLength) != int64(size) {
			t.Errorf("size %d: ETag %s, length %d, put said %s", size, aws.ToString(out.ETag), aws.ToInt64(out.ContentLength), etagOf(put))
		}
		head, err := s.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &s.bucket, Key: &key})
		if err != nil || aws.ToInt64(head.ContentLength) != int64(size) || aws.ToString(head.ETag) != etagOf(put) {
			t.Errorf("size %d: head %+v, %v", size, head, err)
		}
	}
}

// oddKeys are keys that something on the way could misread.
var oddKeys = []string{
	"plain", "with space", "plus+plus", "percent%41", "percent%2Fslash", "quote'\"", "amp&equals=question?hash#", "semi;colon:comma,at@",
	"ü/ünïcode/日本語.exr", "brackets[](){}<>", "back\\slash", "tilde~star*", "a//b", "/leading", "trailing/", "dots/../up", "./here", "..",
	"2026-11-24T07:40:35.582362Z_sessionaction-1/h_output", "new\nline", "tab\ttab", "control\x01", "_", "!$", strings.Repeat("long/", 200),
}

func testKeys(t *testing.T, s *suite) {
	t.Helper()
	for i, key := range oddKeys {
		s.put(t, key, text(10+i, i))
	}
	for i, key := range oddKeys {
		if got, _ := s.get(t, key); got != text(10+i, i) {
			t.Errorf("key %q has another content: %q", key, got)
		}
	}
	pages := s3.NewListObjectsV2Paginator(s.Client, &s3.ListObjectsV2Input{
		Bucket: &s.bucket, EncodingType: types.EncodingTypeUrl, MaxKeys: new(int32(7)),
	})
	var listed []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, unescapeAll(t, keysOf(page.Contents))...)
	}
	want := sorted(oddKeys)
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("listed keys (-want +got):\n%s", diff)
	}
	_, err := s.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &s.bucket, Key: new(strings.Repeat("x", 1025)), Body: strings.NewReader("x")})
	wantCode(t, "key of 1025 bytes", err, "KeyTooLongError")
}

func testHeads(t *testing.T, s *suite) {
	t.Helper()
	expires := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	s.put(t, "k", "content", func(in *s3.PutObjectInput) {
		in.ContentType, in.CacheControl = new("image/x-exr"), new("no-cache")
		in.ContentDisposition, in.ContentEncoding, in.ContentLanguage = new(`attachment; filename="a b.exr"`), new("identity"), new("de")
		in.Expires = &expires
		in.Metadata = map[string]string{"asset-root": "/mnt/projects/shot 1", "file-system-location-name": "NAS"}
	})
	_, out := s.get(t, "k")
	if got := out.Metadata["asset-root"]; got != "/mnt/projects/shot 1" {
		t.Errorf("metadata %v", out.Metadata)
	}
	for _, tt := range []struct{ name, got, want string }{
		{"content type", aws.ToString(out.ContentType), "image/x-exr"},
		{"cache control", aws.ToString(out.CacheControl), "no-cache"},
		{"disposition", aws.ToString(out.ContentDisposition), `attachment; filename="a b.exr"`},
		{"encoding", aws.ToString(out.ContentEncoding), "identity"},
		{"language", aws.ToString(out.ContentLanguage), "de"},
		{"expires", aws.ToString(out.ExpiresString), expires.Format(http.TimeFormat)},
	} {
		if tt.got != tt.want {
			t.Errorf("%s %q, want %q", tt.name, tt.got, tt.want)
		}
	}
	// Some clients take metadata by the letters on the wire.
	raw := s.plain(t, "HEAD", "/"+s.bucket+"/k", "", nil)
	if raw.header.Get("X-Amz-Meta-Asset-Root") != "/mnt/projects/shot 1" || raw.header.Get("Accept-Ranges") != "bytes" || raw.body != "" {
		t.Errorf("head: %+v", raw)
	}
	_, out = s.get(t, "k", func(in *s3.GetObjectInput) {
		in.ResponseContentType, in.ResponseContentDisposition = new("text/plain"), new("inline")
	})
	if aws.ToString(out.ContentType) != "text/plain" || aws.ToString(out.ContentDisposition) != "inline" {
		t.Errorf("asked for another head and got %s, %s", aws.ToString(out.ContentType), aws.ToString(out.ContentDisposition))
	}
	s.plain(t, "PUT", "/"+s.bucket+"/bare", "x", nil)
	if _, out := s.get(t, "bare"); aws.ToString(out.ContentType) != "binary/octet-stream" {
		t.Errorf("content type of an object without one: %s", aws.ToString(out.ContentType))
	}
	_, err := s.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: &s.bucket, Key: new("m"), Body: strings.NewReader("x"), Metadata: map[string]string{"large": strings.Repeat("x", 3000)},
	})
	wantCode(t, "metadata of 3000 bytes", err, "MetadataTooLarge")
}

// testOverwrite: who reads an object goes on reading what it was.
func testOverwrite(t *testing.T, s *suite) {
	t.Helper()
	first, second := text(9<<20, 1), text(1<<20, 2)
	s.put(t, "k", first)
	out, err := s.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &s.bucket, Key: new("k")})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close() //nolint:errcheck // it is read to its end
	s.put(t, "k", second)
	if got, err := io.ReadAll(out.Body); err != nil || string(got) != first {
		t.Errorf("read %d bytes of the first content, %v", len(got), err)
	}
	if got, _ := s.get(t, "k"); got != second {
		t.Error("not the second content")
	}
}

func testMissing(t *testing.T, s *suite) {
	t.Helper()
	_, err := s.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &s.bucket, Key: new("none")})
	wantCode(t, "get", err, "NoSuchKey")
	_, err = s.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &s.bucket, Key: new("none")})
	wantCode(t, "head", err, "NotFound")
	raw := s.plain(t, "HEAD", "/"+s.bucket+"/none", "", nil)
	if raw.status != http.StatusNotFound || raw.body != "" {
		t.Errorf("head: status %d, body %q", raw.status, raw.body)
	}
	// Deleting what is not there succeeds.
	if _, err := s.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &s.bucket, Key: new("none")}); err != nil {
		t.Error(err)
	}
}

func testRanges(t *testing.T, s *suite) {
	t.Helper()
	content := text(50_000, 1)
	put := s.put(t, "k", content)
	s.put(t, "empty", "")
	for _, tt := range []struct {
		header  string
		status  int
		content string
		span    string
	}{
		{"bytes=0-0", 206, content[:1], "bytes 0-0/50000"},
		{"bytes=10-19", 206, content[10:20], "bytes 10-19/50000"},
		{"bytes=49990-", 206, content[49990:], "bytes 49990-49999/50000"},
		{"bytes=-10", 206, content[49990:], "bytes 49990-49999/50000"},
		{"bytes=-60000", 206, content, "bytes 0-49999/50000"},
		{"bytes=49990-60000", 206, content[49990:], "bytes 49990-49999/50000"},
		{"bytes=50000-", 416, "", ""},
		{"bytes=60000-70000", 416, "", ""},
		{"bytes=20-10", 200, content, ""},
		{"lines=1-2", 200, content, ""},
		{"bytes=x", 200, content, ""},
	} {
		got := s.plain(t, "GET", "/"+s.bucket+"/k", "", map[string]string{"Range": tt.header, "If-Match": etagOf(put)})
		if got.status != tt.status {
			t.Errorf("%s: status %d, want %d", tt.header, got.status, tt.status)
			continue
		}
		if tt.status == 416 {
			if !strings.Contains(got.body, "<Code>InvalidRange</Code>") || !strings.Contains(got.body, "<ActualObjectSize>50000</ActualObjectSize>") {
				t.Errorf("%s: %s", tt.header, got.body)
			}
			continue
		}
		if got.body != tt.content || got.header.Get("Content-Range") != tt.span || got.header.Get("Content-Length") != fmt.Sprint(len(tt.content)) {
			t.Errorf("%s: %d bytes, %q, want %d bytes, %q", tt.header, len(got.body), got.header.Get("Content-Range"), len(tt.content), tt.span)
		}
	}
	if got := s.plain(t, "GET", "/"+s.bucket+"/empty", "", map[string]string{"Range": "bytes=0-9"}); got.status != 416 {
		t.Errorf("range of an empty object: status %d", got.status)
	}
}

func testReadConditions(t *testing.T, s *suite) {
	t.Helper()
	put := s.put(t, "k", "content")
	_, out := s.get(t, "k")
	modified := out.LastModified.UTC()
	before, after := modified.Add(-time.Hour).Format(http.TimeFormat), modified.Add(time.Hour).Format(http.TimeFormat)
	etag, other := etagOf(put), `"00000000000000000000000000000000"`
	for _, tt := range []struct {
		name   string
		header map[string]string
		want   int
	}{
		{"match", map[string]string{"If-Match": etag}, 200},
		{"match of any", map[string]string{"If-Match": "*"}, 200},
		{"no match", map[string]string{"If-Match": other}, 412},
		{"none match", map[string]string{"If-None-Match": other}, 200},
		{"none match, the same", map[string]string{"If-None-Match": etag}, 304},
		{"modified since", map[string]string{"If-Modified-Since": before}, 200},
		{"not modified since", map[string]string{"If-Modified-Since": after}, 304},
		{"unmodified since", map[string]string{"If-Unmodified-Since": after}, 200},
		{"not unmodified since", map[string]string{"If-Unmodified-Since": before}, 412},
		{"match wins over unmodified since", map[string]string{"If-Match": etag, "If-Unmodified-Since": before}, 200},
		{"none match wins over modified since", map[string]string{"If-None-Match": other, "If-Modified-Since": after}, 200},
		{"bad date", map[string]string{"If-Modified-Since": "yesterday"}, 200},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			got := s.plain(t, method, "/"+s.bucket+"/k", "", tt.header)
			if got.status != tt.want {
				t.Errorf("%s %s: status %d, want %d", method, tt.name, got.status, tt.want)
			}
			if got.status == 304 && (got.body != "" || got.header.Get("Etag") != etag) {
				t.Errorf("%s %s: %+v", method, tt.name, got)
			}
		}
	}
}

func testWriteConditions(t *testing.T, s *suite) {
	t.Helper()
	first := s.put(t, "k", "1", func(in *s3.PutObjectInput) { in.IfNoneMatch = new("*") })
	try := func(change func(*s3.PutObjectInput)) error {
		in := &s3.PutObjectInput{Bucket: &s.bucket, Key: new("k"), Body: strings.NewReader("2")}
		change(in)
		_, err := s.PutObject(t.Context(), in)
		return err
	}
	wantCode(t, "If-None-Match: * where there is one", try(func(in *s3.PutObjectInput) { in.IfNoneMatch = new("*") }), "PreconditionFailed")
	wantCode(t, "If-Match of another", try(func(in *s3.PutObjectInput) { in.IfMatch = new(`"0"`) }), "PreconditionFailed")
	wantCode(t, "If-Match where there is none", try(func(in *s3.PutObjectInput) { in.IfMatch, in.Key = first.ETag, new("none") }), "NoSuchKey")
	if got, _ := s.get(t, "k"); got != "1" {
		t.Errorf("a refused write changed the object: %q", got)
	}
	if err := try(func(in *s3.PutObjectInput) { in.IfMatch = first.ETag }); err != nil {
		t.Error(err)
	}
	// Of many that want to be first one is.
	var wins, losses int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			err := try(func(in *s3.PutObjectInput) { in.IfNoneMatch, in.Key = new("*"), new("race") })
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				wins++
			} else {
				losses++
			}
		})
	}
	wg.Wait()
	if wins != 1 || losses != 7 {
		t.Errorf("%d writers were first, %d were not", wins, losses)
	}
}

func testDelete(t *testing.T, s *suite) {
	t.Helper()
	var objects []types.ObjectIdentifier
	for i := range 20 {
		s.put(t, fmt.Sprint("d/", i), "x")
		objects = append(objects, types.ObjectIdentifier{Key: new(fmt.Sprint("d/", i))})
	}
	objects = append(objects, types.ObjectIdentifier{Key: new("d/none")}, types.ObjectIdentifier{Key: new("d/ <&>'\"")})
	out, err := s.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: &s.bucket, Delete: &types.Delete{Objects: objects}})
	if err != nil || len(out.Deleted) != 22 || len(out.Errors) != 0 {
		t.Errorf("deleted %+v, %v", out, err)
	}
	s.put(t, "kept", "x")
	out, err = s.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: &s.bucket, Delete: &types.Delete{
		Quiet: new(true), Objects: []types.ObjectIdentifier{{Key: new("d/1")}},
	}})
	if err != nil || len(out.Deleted) != 0 {
		t.Errorf("quiet deletion: %+v, %v", out, err)
	}
	page, err := s.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &s.bucket})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"kept"}, keysOf(page.Contents)); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	if got := s.plain(t, "POST", "/"+s.bucket+"?delete", "<Delete><Object>", nil); !strings.Contains(got.body, "<Code>MalformedXML</Code>") {
		t.Errorf("malformed document: %+v", got)
	}
}

func testCopy(t *testing.T, s *suite) {
	t.Helper()
	for _, size := range []int{10, 100_000} {
		from, to := fmt.Sprint("from ü/", size), fmt.Sprint("to/", size)
		put := s.put(t, from, text(size, 1), func(in *s3.PutObjectInput) {
			in.Metadata, in.ContentType = map[string]string{"a": "1"}, new("text/x")
		})
		source := s.bucket + "/" + escaped(from)
		out, err := s.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: &s.bucket, Key: &to, CopySource: &source})
		if err != nil || aws.ToString(out.CopyObjectResult.ETag) != etagOf(put) {
			t.Fatalf("copy: %+v, %v", out, err)
		}
		s.put(t, from, "changed")
		got, head := s.get(t, to)
		if got != text(size, 1) || head.Metadata["a"] != "1" || aws.ToString(head.ContentType) != "text/x" {
			t.Errorf("the copy has %d bytes, %v, %v", len(got), head.Metadata, aws.ToString(head.ContentType))
		}
		self := s.bucket + "/" + to
		if _, err := s.CopyObject(t.Context(), &s3.CopyObjectInput{
			Bucket: &s.bucket, Key: &to, CopySource: &self, MetadataDirective: types.MetadataDirectiveReplace, Metadata: map[string]string{"b": "2"},
		}); err != nil {
			t.Fatal(err)
		}
		if got, head := s.get(t, to); got != text(size, 1) || head.Metadata["b"] != "2" || head.Metadata["a"] != "" {
			t.Errorf("the replaced head is %v, content of %d bytes", head.Metadata, len(got))
		}
		_, err = s.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: &s.bucket, Key: &to, CopySource: &self})
		wantCode(t, "copy to itself", err, "InvalidRequest")
		_, err = s.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: &s.bucket, Key: new("x"), CopySource: &self, CopySourceIfMatch: new(`"0"`)})
		wantCode(t, "copy of another version", err, "PreconditionFailed")
	}
	_, err := s.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: &s.bucket, Key: new("x"), CopySource: new(s.bucket + "/none")})
	wantCode(t, "copy of what is not there", err, "NoSuchKey")
}

// testConcurrency: writers and readers of one key see whole contents only.
func testConcurrency(t *testing.T, s *suite) {
	t.Helper()
	contents := make([]string, 6)
	for i := range contents {
		contents[i] = text(20_000*(i+1), i)
	}
	s.put(t, "k", contents[0])
	var wg sync.WaitGroup
	for i := range contents {
		wg.Go(func() {
			for range 5 {
				if _, err := s.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &s.bucket, Key: new("k"), Body: strings.NewReader(contents[i])}); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 10 {
				out, err := s.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &s.bucket, Key: new("k")})
				if err != nil {
					t.Error(err)
					return
				}
				got, err := io.ReadAll(out.Body)
				out.Body.Close() //nolint:errcheck // it is read to its end
				if n := len(got)/20_000 - 1; err != nil || n < 0 || n >= len(contents) || string(got) != contents[n] {
					t.Errorf("read %d bytes that nobody wrote, %v", len(got), err)
				}
			}
		})
	}
	wg.Wait()
}
