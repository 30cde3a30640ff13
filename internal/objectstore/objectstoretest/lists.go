package objectstoretest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

func sorted(keys []string) []string { return slices.Sorted(slices.Values(keys)) }

func unescapeAll(t *testing.T, keys []string) []string {
	t.Helper()
	out := make([]string, 0, len(keys))
	for _, key := range keys {
		plain, err := url.QueryUnescape(key)
		if err != nil {
			t.Errorf("key %q: %v", key, err)
		}
		out = append(out, plain)
	}
	return out
}

// tree are keys with the shapes that a list can meet.
var tree = []string{
	"a", "a-b", "a/", "a/1", "a/2/x", "a/2/y", "a/3", "a0", "b/c/d", "b/c/e", "b/d", "c", "é/1", "é/2", "z//y",
}

func testList(t *testing.T, s *suite) {
	t.Helper()
	for _, key := range tree {
		s.put(t, key, "content of "+key)
	}
	for _, prefix := range []string{"", "a", "a/", "a/2", "b/", "b/c/d", "é", "none", "z/"} {
		for _, delimiter := range []string{"", "/", "/2/", "-"} {
			for _, size := range []int32{2, 100} {
				want := expected(tree, prefix, delimiter)
				if got := s.listV2(t, prefix, delimiter, size); !cmp.Equal(want, got) {
					t.Errorf("V2, prefix %q, delimiter %q, pages of %d (-want +got):\n%s", prefix, delimiter, size, cmp.Diff(want, got))
				}
				if got := s.listV1(t, prefix, delimiter, size); !cmp.Equal(want, got) {
					t.Errorf("V1, prefix %q, delimiter %q, pages of %d (-want +got):\n%s", prefix, delimiter, size, cmp.Diff(want, got))
				}
			}
		}
	}
	one, err := s.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: new("a/1")})
	if err != nil || len(one.Contents) != 1 {
		t.Fatalf("%+v, %v", one, err)
	}
	o := one.Contents[0]
	if aws.ToInt64(o.Size) != int64(len("content of a/1")) || aws.ToString(o.ETag) == "" || o.LastModified.IsZero() || aws.ToInt32(one.KeyCount) != 1 {
		t.Errorf("listed %+v", o)
	}
	after, err := s.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &s.bucket, StartAfter: new("b/d")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"c", "z//y", "é/1", "é/2"}, keysOf(after.Contents)); diff != "" {
		t.Errorf("start after b/d (-want +got):\n%s", diff)
	}
	none, err := s.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &s.bucket, MaxKeys: new(int32(0))})
	if err != nil || len(none.Contents) != 0 || aws.ToBool(none.IsTruncated) {
		t.Errorf("page of none: %+v, %v", none, err)
	}
	versions, err := s.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &s.bucket, Prefix: new("b/")})
	if err != nil || len(versions.Versions) != 3 || aws.ToString(versions.Versions[0].VersionId) != "null" || !aws.ToBool(versions.Versions[0].IsLatest) {
		t.Errorf("versions %+v, %v", versions, err)
	}
}

// expected lists by the definition: common prefixes and keys, each once, in order.
func expected(keys []string, prefix, delimiter string) []string {
	var want []string
	for _, key := range sorted(keys) {
		if !strings.HasPrefix(key, prefix) {
			continue
		}
		if rest := key[len(prefix):]; delimiter != "" && strings.Contains(rest, delimiter) {
			key = prefix + rest[:strings.Index(rest, delimiter)+len(delimiter)] + " (common)"
		}
		if len(want) == 0 || want[len(want)-1] != key {
			want = append(want, key)
		}
	}
	return want
}

// merged puts what one page lists in order.
func merged(objects []types.Object, prefixes []types.CommonPrefix) []string {
	page := keysOf(objects)
	for _, p := range prefixes {
		page = append(page, aws.ToString(p.Prefix)+" (common)")
	}
	slices.SortFunc(page, func(a, b string) int {
		return strings.Compare(strings.TrimSuffix(a, " (common)"), strings.TrimSuffix(b, " (common)"))
	})
	return page
}

func (s *suite) listV2(t *testing.T, prefix, delimiter string, size int32) (all []string) {
	t.Helper()
	in := &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &prefix, MaxKeys: &size}
	if delimiter != "" {
		in.Delimiter = &delimiter
	}
	for {
		page, err := s.ListObjectsV2(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		got := merged(page.Contents, page.CommonPrefixes)
		if len(got) > int(size) || int(aws.ToInt32(page.KeyCount)) != len(got) {
			t.Fatalf("a page of %d, want at most %d", len(got), size)
		}
		all = append(all, got...)
		if !aws.ToBool(page.IsTruncated) {
			return all
		}
		in.ContinuationToken = page.NextContinuationToken
	}
}

func (s *suite) listV1(t *testing.T, prefix, delimiter string, size int32) (all []string) {
	t.Helper()
	in := &s3.ListObjectsInput{Bucket: &s.bucket, Prefix: &prefix, MaxKeys: &size}
	if delimiter != "" {
		in.Delimiter = &delimiter
	}
	for {
		page, err := s.ListObjects(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, merged(page.Contents, page.CommonPrefixes)...)
		if !aws.ToBool(page.IsTruncated) {
			return all
		}
		if in.Marker = page.NextMarker; in.Marker == nil {
			in.Marker = page.Contents[len(page.Contents)-1].Key
		}
	}
}

// testListPages lists more than fits in a page.
func testListPages(t *testing.T, s *suite) {
	t.Helper()
	const count = 1003
	var want []string
	keys := make(chan string)
	done := make(chan struct{})
	for range 8 {
		go func() {
			defer func() { done <- struct{}{} }()
			for key := range keys {
				if _, err := s.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &s.bucket, Key: &key, Body: strings.NewReader("")}); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	for i := range count {
		key := fmt.Sprintf("p/%05d", i)
		want = append(want, key)
		keys <- key
	}
	close(keys)
	for range 8 {
		<-done
	}
	page, err := s.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &s.bucket, MaxKeys: new(int32(5000))})
	if err != nil || len(page.Contents) != 1000 || !aws.ToBool(page.IsTruncated) {
		t.Fatalf("first page of %d, %v", len(page.Contents), err)
	}
	if diff := cmp.Diff(want, s.listV2(t, "", "", 1000)); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if got := s.listV2(t, "", "/", 1000); !cmp.Equal(got, []string{"p/ (common)"}) {
		t.Errorf("common prefixes %v", got)
	}
}

// testListEncoding compares documents: a key must be what the client decodes.
func testListEncoding(t *testing.T, s *suite) {
	t.Helper()
	s.put(t, "a b+c/ü&<>", "x")
	encoded := s.plain(t, "GET", "/"+s.bucket+"?list-type=2&encoding-type=url&prefix=a%20b%2Bc%2F", "", nil)
	for _, want := range []string{"<EncodingType>url</EncodingType>", "<Prefix>a%20b%2Bc/</Prefix>", "<Key>a%20b%2Bc/%C3%BC%26%3C%3E</Key>"} {
		if alternative := strings.ReplaceAll(want, "%20", "+"); !strings.Contains(encoded.body, want) && !strings.Contains(encoded.body, alternative) {
			t.Errorf("no %s in %s", want, encoded.body)
		}
	}
	plain := s.plain(t, "GET", "/"+s.bucket+"?list-type=2", "", nil)
	if !strings.Contains(plain.body, "<Key>a b+c/ü&amp;&lt;&gt;</Key>") || strings.Contains(plain.body, "EncodingType") {
		t.Errorf("without encoding: %s", plain.body)
	}
	if got := s.plain(t, "GET", "/"+s.bucket+"?list-type=2&encoding-type=rot13", "", nil); got.status != 400 {
		t.Errorf("unknown encoding: status %d", got.status)
	}
	if got := s.plain(t, "GET", "/"+s.bucket+"?list-type=2&max-keys=-1", "", nil); got.status != 400 {
		t.Errorf("negative page: status %d", got.status)
	}
}
