package objectstoretest

import (
	"crypto/md5"  // what S3 has
	"crypto/sha1" // what S3 has
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
)

// sums computes each of S3's checksums of a content.
var sums = map[types.ChecksumAlgorithm]func() hash.Hash{
	types.ChecksumAlgorithmCrc32:     func() hash.Hash { return crc32.NewIEEE() },
	types.ChecksumAlgorithmCrc32c:    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	types.ChecksumAlgorithmCrc64nvme: func() hash.Hash { return crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5)) },
	types.ChecksumAlgorithmSha1:      sha1.New,
	types.ChecksumAlgorithmSha256:    sha256.New,
}

func sum(a types.ChecksumAlgorithm, content string) string {
	h := sums[a]()
	h.Write([]byte(content))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// checksumHeader is the header that carries a checksum.
func checksumHeader(a types.ChecksumAlgorithm) string {
	return "x-amz-checksum-" + strings.ToLower(string(a))
}

func testChecksums(t *testing.T, s *suite) {
	t.Helper()
	for a := range sums {
		for _, size := range []int{0, 9, 100_000} {
			key, content := fmt.Sprint(a, size), text(size, 1)
			want := sum(a, content)
			put := s.put(t, key, content, func(in *s3.PutObjectInput) { in.ChecksumAlgorithm = a })
			stored := map[types.ChecksumAlgorithm]*string{
				types.ChecksumAlgorithmCrc32: put.ChecksumCRC32, types.ChecksumAlgorithmCrc32c: put.ChecksumCRC32C,
				types.ChecksumAlgorithmCrc64nvme: put.ChecksumCRC64NVME, types.ChecksumAlgorithmSha1: put.ChecksumSHA1,
				types.ChecksumAlgorithmSha256: put.ChecksumSHA256,
			}[a]
			if aws.ToString(stored) != want {
				t.Errorf("%s: put answers %s, want %s", key, aws.ToString(stored), want)
			}
			head := s.plain(t, "HEAD", "/"+s.bucket+"/"+key, "", map[string]string{"X-Amz-Checksum-Mode": "ENABLED"})
			if got := head.header.Get(checksumHeader(a)); got != want {
				t.Errorf("%s: head answers %q, want %s", key, got, want)
			}
			silent := s.plain(t, "HEAD", "/"+s.bucket+"/"+key, "", nil)
			if got := silent.header.Get(checksumHeader(a)); got != "" {
				t.Errorf("%s: head answers %q though nobody asked", key, got)
			}
			if got, _ := s.get(t, key, func(in *s3.GetObjectInput) { in.ChecksumMode = types.ChecksumModeEnabled }); got != content {
				t.Errorf("%s: another content", key) // the SDK verifies the checksum
			}
		}
	}
	attributes, err := s.GetObjectAttributes(t.Context(), &s3.GetObjectAttributesInput{
		Bucket: &s.bucket, Key: new("CRC329"), ObjectAttributes: []types.ObjectAttributes{"ETag", "Checksum", "ObjectSize", "StorageClass"},
	})
	if err != nil || aws.ToInt64(attributes.ObjectSize) != 9 || attributes.Checksum == nil ||
		aws.ToString(attributes.Checksum.ChecksumCRC32) != sum("CRC32", text(9, 1)) || aws.ToString(attributes.ETag) == "" {
		t.Errorf("attributes %+v, %v", attributes, err)
	}
}

// testWrongBodies: nothing is stored of a body that is not what was declared.
func testWrongBodies(t *testing.T, s *suite) {
	t.Helper()
	content := text(30_000, 1)
	digest := md5.Sum([]byte("another")) // Content-MD5
	for _, tt := range []struct {
		name   string
		header map[string]string
		code   string
	}{
		{"another CRC32", map[string]string{checksumHeader("CRC32"): sum("CRC32", "another")}, "BadDigest"},
		{"another CRC64NVME", map[string]string{checksumHeader("CRC64NVME"): sum("CRC64NVME", "another")}, "BadDigest"},
		{"another SHA256", map[string]string{checksumHeader("SHA256"): sum("SHA256", "another")}, "BadDigest"},
		{"no value of a checksum", map[string]string{checksumHeader("CRC32"): "AAAA"}, "InvalidRequest"},
		{"two checksums", map[string]string{
			checksumHeader("CRC32"): sum("CRC32", content), checksumHeader("SHA1"): sum("SHA1", content),
		}, "InvalidRequest"},
		{"another MD5", map[string]string{"Content-MD5": base64.StdEncoding.EncodeToString(digest[:])}, "BadDigest"},
		{"no MD5", map[string]string{"Content-MD5": "AAAA"}, "InvalidDigest"},
		{"another SHA-256 of the payload", map[string]string{"X-Amz-Content-Sha256": sigv4.HashPayload([]byte("another"))}, "XAmzContentSHA256Mismatch"},
	} {
		got := s.plain(t, "PUT", "/"+s.bucket+"/k", content, tt.header)
		if got.status != http.StatusBadRequest || !strings.Contains(got.body, "<Code>"+tt.code+"</Code>") {
			t.Errorf("%s: status %d, %s, want %s", tt.name, got.status, got.body, tt.code)
		}
	}
	if got := s.plain(t, "HEAD", "/"+s.bucket+"/k", "", nil); got.status != http.StatusNotFound {
		t.Errorf("something was stored: status %d", got.status)
	}
}

// chunked frames a content as aws-chunked, with trailers.
func chunked(content string, chunk int, trailers ...string) string {
	var b strings.Builder
	for len(content) > 0 {
		n := min(chunk, len(content))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, content[:n])
		content = content[n:]
	}
	b.WriteString("0\r\n")
	for _, trailer := range trailers {
		b.WriteString(trailer + "\r\n")
	}
	return b.String() + "\r\n"
}

// testChunkedBodies puts bodies as clients send them over TLS: unsigned chunks with a checksum behind them.
func testChunkedBodies(t *testing.T, s *suite) {
	t.Helper()
	content := text(100_000, 3)
	send := func(body string, algorithm types.ChecksumAlgorithm, length int) answer {
		return s.plain(t, "PUT", "/"+s.bucket+"/k", body, map[string]string{
			"X-Amz-Content-Sha256": sigv4.StreamingUnsignedTrailer, "Content-Encoding": "x-packed,aws-chunked", "X-Amz-Trailer": checksumHeader(algorithm),
			"X-Amz-Decoded-Content-Length": fmt.Sprint(length), "X-Amz-Sdk-Checksum-Algorithm": string(algorithm),
		})
	}
	trailer := func(a types.ChecksumAlgorithm, value string) string { return checksumHeader(a) + ":" + value }
	for a := range sums {
		for _, tt := range []struct {
			name, body, code string
		}{
			{"another checksum", chunked(content, 8192, trailer(a, sum(a, "another"))), "BadDigest"},
			{"a checksum that is none", chunked(content, 8192, trailer(a, "x")), "InvalidRequest"},
			{"cut off", chunked(content, 8192, trailer(a, sum(a, content)))[:50_000], "IncompleteBody"},
			{"shorter than declared", chunked(content[:99_999], 8192, trailer(a, sum(a, content[:99_999]))), "IncompleteBody"},
		} {
			got := send(tt.body, a, len(content))
			if got.status != http.StatusBadRequest || !strings.Contains(got.body, "<Code>"+tt.code+"</Code>") {
				t.Errorf("%s, %s: status %d, %s, want %s", a, tt.name, got.status, got.body, tt.code)
			}
		}
		if got := s.plain(t, "HEAD", "/"+s.bucket+"/k", "", nil); got.status != http.StatusNotFound {
			t.Fatalf("%s: something was stored of a wrong body: status %d", a, got.status)
		}
		if got := send(chunked(content, 65536, trailer(a, sum(a, content))), a, len(content)); got.status != http.StatusOK {
			t.Errorf("%s: %+v", a, got)
		}
		got := s.plain(t, "GET", "/"+s.bucket+"/k", "", map[string]string{"X-Amz-Checksum-Mode": "ENABLED"})
		if got.body != content || got.header.Get("Content-Encoding") != "x-packed" {
			t.Errorf("%s: stored %d bytes, coding %q, checksum %q", a, len(got.body), got.header.Get("Content-Encoding"), got.header.Get(checksumHeader(a)))
		}
		s.plain(t, "DELETE", "/"+s.bucket+"/k", "", nil)
	}
}
