package objectstoretest

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// partSize is the least that S3 takes for all parts but the last.
const partSize = 5 << 20

// begin begins an upload.
func (s *suite) begin(t *testing.T, key string, change ...func(*s3.CreateMultipartUploadInput)) string {
	t.Helper()
	in := &s3.CreateMultipartUploadInput{Bucket: &s.bucket, Key: &key}
	for _, c := range change {
		c(in)
	}
	out, err := s.CreateMultipartUpload(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.UploadId)
}

// part uploads a part and gives what completes the upload with it.
func (s *suite) part(t *testing.T, key, upload string, number int32, content string, change ...func(*s3.UploadPartInput)) types.CompletedPart {
	t.Helper()
	in := &s3.UploadPartInput{Bucket: &s.bucket, Key: &key, UploadId: &upload, PartNumber: &number, Body: strings.NewReader(content)}
	for _, c := range change {
		c(in)
	}
	out, err := s.UploadPart(t.Context(), in)
	if err != nil {
		t.Fatalf("part %d: %v", number, err)
	}
	return types.CompletedPart{
		PartNumber: &number, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32, ChecksumCRC32C: out.ChecksumCRC32C,
		ChecksumCRC64NVME: out.ChecksumCRC64NVME, ChecksumSHA1: out.ChecksumSHA1, ChecksumSHA256: out.ChecksumSHA256,
	}
}

func (s *suite) complete(t *testing.T, key, upload string, parts ...types.CompletedPart) (*s3.CompleteMultipartUploadOutput, error) {
	t.Helper()
	return s.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
		Bucket: &s.bucket, Key: &key, UploadId: &upload, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
}

func testMultipart(t *testing.T, s *suite) {
	t.Helper()
	upload := s.begin(t, "k ü", func(in *s3.CreateMultipartUploadInput) {
		in.Metadata, in.ContentType = map[string]string{"asset-root": "/a"}, new("image/png")
	})
	first, second, third := text(partSize, 1), text(partSize+3, 2), text(100, 3)
	s.part(t, "k ü", upload, 4, text(partSize, 9)) // replaced
	parts := []types.CompletedPart{
		s.part(t, "k ü", upload, 2, first), s.part(t, "k ü", upload, 4, second), s.part(t, "k ü", upload, 7, third),
	}
	s.part(t, "k ü", upload, 5, text(10, 4)) // not used
	_, err := s.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &s.bucket, Key: new("k ü")})
	wantCode(t, "get before the upload is complete", err, "NoSuchKey")
	out, err := s.complete(t, "k ü", upload, parts...)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(aws.ToString(out.ETag), `-3"`) {
		t.Errorf("ETag %s", aws.ToString(out.ETag))
	}
	whole := first + second + third
	got, head := s.get(t, "k ü")
	if got != whole || head.Metadata["asset-root"] != "/a" || aws.ToString(head.ContentType) != "image/png" || aws.ToString(head.ETag) != aws.ToString(out.ETag) {
		t.Errorf("%d bytes of %d, %v, %s", len(got), len(whole), head.Metadata, aws.ToString(head.ETag))
	}
	for _, span := range [][2]int{{0, 10}, {partSize - 5, partSize + 5}, {partSize, 2*partSize + 3}, {len(whole) - 50, len(whole)}, {partSize - 1, len(whole)}} {
		part, _ := s.get(t, "k ü", func(in *s3.GetObjectInput) {
			in.Range, in.IfMatch = new(fmt.Sprintf("bytes=%d-%d", span[0], span[1]-1)), out.ETag
		})
		if part != whole[span[0]:span[1]] {
			t.Errorf("range %v: another content of %d bytes", span, len(part))
		}
	}
	part, partHead := s.get(t, "k ü", func(in *s3.GetObjectInput) { in.PartNumber = new(int32(2)) })
	if part != second || aws.ToInt32(partHead.PartsCount) != 3 {
		t.Errorf("part 2 has %d bytes, of %d parts", len(part), aws.ToInt32(partHead.PartsCount))
	}
	s.put(t, "simple", "one part")
	if got := s.plain(t, "GET", "/"+s.bucket+"/simple?partNumber=1", "", nil); got.status != 206 || got.body != "one part" || got.header.Get("Content-Range") != "bytes 0-7/8" {
		t.Errorf("the only part: %+v", got)
	}
	if got := s.plain(t, "GET", "/"+s.bucket+"/simple?partNumber=2", "", nil); got.status != 416 {
		t.Errorf("a part that is not there: status %d", got.status)
	}
	// A client that did not get the answer asks again.
	again, err := s.complete(t, "k ü", upload, parts...)
	if err != nil || aws.ToString(again.ETag) != aws.ToString(out.ETag) {
		t.Errorf("repeated completion: %+v, %v", again, err)
	}
	copied := s.begin(t, "copied")
	source := s.bucket + "/" + escaped("k ü")
	piece, err := s.UploadPartCopy(t.Context(), &s3.UploadPartCopyInput{
		Bucket: &s.bucket, Key: new("copied"), UploadId: &copied, PartNumber: new(int32(1)), CopySource: &source,
		CopySourceRange: new(fmt.Sprintf("bytes=%d-%d", partSize-10, partSize+9)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.complete(t, "copied", copied, types.CompletedPart{PartNumber: new(int32(1)), ETag: piece.CopyPartResult.ETag}); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.get(t, "copied"); got != whole[partSize-10:partSize+10] {
		t.Errorf("the copied part has %d bytes", len(got))
	}
	to := "twin"
	if _, err := s.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: &s.bucket, Key: &to, CopySource: &source}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &s.bucket, Key: new("k ü")}); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.get(t, to); got != whole {
		t.Errorf("the copy of an object in parts has %d bytes", len(got))
	}
}

// testMultipartChecksums: an object's checksum is that of its parts' checksums, or of the whole.
func testMultipartChecksums(t *testing.T, s *suite) {
	t.Helper()
	first, second := text(partSize, 1), text(1234, 2)
	for a := range sums {
		for _, kind := range []types.ChecksumType{types.ChecksumTypeComposite, types.ChecksumTypeFullObject} {
			isHash := a == types.ChecksumAlgorithmSha1 || a == types.ChecksumAlgorithmSha256
			if isHash && kind == types.ChecksumTypeFullObject || a == types.ChecksumAlgorithmCrc64nvme && kind == types.ChecksumTypeComposite {
				_, err := s.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{
					Bucket: &s.bucket, Key: new("k"), ChecksumAlgorithm: a, ChecksumType: kind,
				})
				wantCode(t, fmt.Sprint(a, kind), err, "InvalidRequest")
				continue
			}
			key := fmt.Sprint(a, kind)
			upload := s.begin(t, key, func(in *s3.CreateMultipartUploadInput) { in.ChecksumAlgorithm, in.ChecksumType = a, kind })
			with := func(in *s3.UploadPartInput) { in.ChecksumAlgorithm = a }
			parts := []types.CompletedPart{s.part(t, key, upload, 1, first, with), s.part(t, key, upload, 2, second, with)}
			if _, err := s.complete(t, key, upload, parts...); err != nil {
				t.Errorf("%s: %v", key, err)
				continue
			}
			want := sum(a, first+second)
			if kind == types.ChecksumTypeComposite {
				h := sums[a]()
				for _, part := range []string{first, second} {
					one := sums[a]()
					one.Write([]byte(part))
					h.Write(one.Sum(nil))
				}
				want = b64(h.Sum(nil)) + "-2"
			}
			head := s.plain(t, "HEAD", "/"+s.bucket+"/"+key, "", map[string]string{"X-Amz-Checksum-Mode": "ENABLED"})
			if got := head.header.Get(checksumHeader(a)); got != want || head.header.Get("X-Amz-Checksum-Type") != string(kind) {
				t.Errorf("%s: checksum %q of type %s, want %q", key, got, head.header.Get("X-Amz-Checksum-Type"), want)
			}
		}
	}
	upload := s.begin(t, "k", func(in *s3.CreateMultipartUploadInput) { in.ChecksumAlgorithm = types.ChecksumAlgorithmCrc32 })
	_, err := s.UploadPart(t.Context(), &s3.UploadPartInput{
		Bucket: &s.bucket, Key: new("k"), UploadId: &upload, PartNumber: new(int32(1)), Body: strings.NewReader("x"),
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
	})
	wantCode(t, "part with another algorithm", err, "InvalidRequest")
}

func testMultipartRefusals(t *testing.T, s *suite) {
	t.Helper()
	upload := s.begin(t, "k")
	small, last := s.part(t, "k", upload, 1, "small"), s.part(t, "k", upload, 2, "last")
	_, err := s.complete(t, "k", upload, small, last)
	wantCode(t, "small part that is not the last", err, "EntityTooSmall")
	_, err = s.complete(t, "k", upload, last, small)
	wantCode(t, "parts out of order", err, "InvalidPartOrder")
	_, err = s.complete(t, "k", upload, types.CompletedPart{PartNumber: new(int32(3)), ETag: last.ETag})
	wantCode(t, "part that was not uploaded", err, "InvalidPart")
	_, err = s.complete(t, "k", upload, types.CompletedPart{PartNumber: new(int32(2)), ETag: small.ETag})
	wantCode(t, "part with another ETag", err, "InvalidPart")
	_, err = s.complete(t, "other", upload, last)
	wantCode(t, "upload of another key", err, "NoSuchUpload")
	_, err = s.UploadPart(t.Context(), &s3.UploadPartInput{
		Bucket: &s.bucket, Key: new("k"), UploadId: new("none"), PartNumber: new(int32(1)), Body: strings.NewReader("x"),
	})
	wantCode(t, "part of an upload that is not there", err, "NoSuchUpload")
	if got := s.plain(t, "PUT", "/"+s.bucket+"/k?partNumber=10001&uploadId="+upload, "x", nil); !strings.Contains(got.body, "<Code>InvalidArgument</Code>") {
		t.Errorf("part 10001: %+v", got)
	}
	s.put(t, "k", "present")
	_, err = s.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
		Bucket: &s.bucket, Key: new("k"), UploadId: &upload, IfNoneMatch: new("*"),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{last}},
	})
	wantCode(t, "completion where there is an object", err, "PreconditionFailed")
	if got := s.plain(t, "POST", "/"+s.bucket+"/k?uploadId="+upload, "<CompleteMultipartUpload/>", nil); !strings.Contains(got.body, "<Code>MalformedXML</Code>") {
		t.Errorf("completion without parts: %+v", got)
	}
	if _, err := s.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: new("k"), UploadId: &upload}); err != nil {
		t.Error(err)
	}
	_, err = s.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: new("k"), UploadId: &upload})
	wantCode(t, "second abortion", err, "NoSuchUpload")
	_, err = s.complete(t, "k", upload, last)
	wantCode(t, "completion of an aborted upload", err, "NoSuchUpload")
}

func testUploadLists(t *testing.T, s *suite) {
	t.Helper()
	upload := s.begin(t, "a/1")
	for i := range int32(5) {
		s.part(t, "a/1", upload, i+1, fmt.Sprint("part ", i))
	}
	pages := s3.NewListPartsPaginator(s.Client, &s3.ListPartsInput{Bucket: &s.bucket, Key: new("a/1"), UploadId: &upload, MaxParts: new(int32(2))})
	var numbers []int32
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Parts {
			numbers = append(numbers, aws.ToInt32(p.PartNumber))
			if aws.ToInt64(p.Size) != 6 || aws.ToString(p.ETag) == "" {
				t.Errorf("part %+v", p)
			}
		}
	}
	if fmt.Sprint(numbers) != "[1 2 3 4 5]" {
		t.Errorf("parts %v", numbers)
	}
	s.begin(t, "a/2")
	s.begin(t, "a/2")
	s.begin(t, "b")
	uploads := s3.NewListMultipartUploadsPaginator(s.Client, &s3.ListMultipartUploadsInput{Bucket: &s.bucket, Prefix: new("a/"), MaxUploads: new(int32(1))})
	var keys []string
	for uploads.HasMorePages() {
		page, err := uploads.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page.Uploads {
			keys = append(keys, aws.ToString(u.Key))
		}
	}
	if fmt.Sprint(keys) != "[a/1 a/2 a/2]" {
		t.Errorf("uploads %v", keys)
	}
}

// testTransferManager moves an object as programs do that use AWS's own manager.
func testTransferManager(t *testing.T, s *suite) {
	t.Helper()
	content := []byte(text(20<<20+17, 5))
	manager := transfermanager.New(s.Client, func(o *transfermanager.Options) { o.PartSizeBytes = partSize; o.Concurrency = 4 })
	if _, err := manager.UploadObject(t.Context(), &transfermanager.UploadObjectInput{
		Bucket: &s.bucket, Key: new("large"), Body: bytes.NewReader(content),
	}); err != nil {
		t.Fatal(err)
	}
	out, err := manager.GetObject(t.Context(), &transfermanager.GetObjectInput{Bucket: &s.bucket, Key: new("large")})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(out.Body); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d of %d bytes, %v", len(got), len(content), err)
	}
}
