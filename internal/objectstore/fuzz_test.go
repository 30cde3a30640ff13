package objectstore_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/farmhand-render/farmhand/internal/objectstore"
)

// FuzzDocuments: no document breaks the decoder, and what it takes is bounded.
func FuzzDocuments(f *testing.F) {
	for _, seed := range []string{
		"", "<", "<CompleteMultipartUpload/>", "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"x\"</ETag></Part></CompleteMultipartUpload>",
		`<!DOCTYPE x [<!ENTITY a "b">]><CompleteMultipartUpload>&a;</CompleteMultipartUpload>`, strings.Repeat("<a>", 1000),
		"<CompleteMultipartUpload><Part><PartNumber>99999999999999999999</PartNumber></Part></CompleteMultipartUpload>",
		"<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Part><ETag>&#34;x&#34;</ETag></Part></CompleteMultipartUpload>",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		parts, err := objectstore.ParseCompletion(text)
		if err != nil && objectstore.CodeOf(err) != "MalformedXML" {
			t.Errorf("error %v", err)
		}
		if parts*len("<Part>") > len(text) {
			t.Errorf("%d parts in %d bytes", parts, len(text))
		}
	})
}

// FuzzRange: a range that is taken lies in the object.
func FuzzRange(f *testing.F) {
	for _, seed := range []string{"bytes=0-1", "bytes=-5", "bytes=5-", "bytes=9-1", "bytes=0-18446744073709551615", "bytes=-9223372036854775808", "x"} {
		f.Add(seed, int64(10))
	}
	f.Fuzz(func(t *testing.T, header string, size int64) {
		if size < 0 {
			return
		}
		from, n, ok := objectstore.ParseRange(header, size)
		if ok && n > 0 && (from < 0 || from+n > size || from+n < from) {
			t.Errorf("%q of %d bytes: %d bytes from %d", header, size, n, from)
		}
	})
}

// FuzzAddress: no host, path or query breaks the addressing, and no key is taken for something in another bucket.
func FuzzAddress(f *testing.F) {
	for _, seed := range [][3]string{
		{"127.0.0.1", "/bucket/key", ""},
		{"bucket.localhost", "/key", "uploads"},
		{"[::1]:80", "//x//", "partNumber=1&uploadId=u"},
		{"..s3..", "/../..", "delete"},
		{"", "/%", "list-type=2"},
		{".localhost", "/", "acl&acl"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	h := objectstore.NewHandler(objectstore.Config{Objects: new(objectstore.Remote), Hosts: []string{"farm.test"}})
	f.Fuzz(func(t *testing.T, host, path, query string) {
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPost} {
			r := httptest.NewRequestWithContext(t.Context(), method, "/", nil)
			r.Host, r.URL.Path, r.URL.RawQuery = host, path, query
			bucket, key, operation := objectstore.Address(h, r)
			if strings.Contains(bucket, "/") {
				t.Errorf("bucket %q", bucket)
			}
			if joined := bucket + "/" + key; key != "" && !strings.HasSuffix(joined, strings.TrimPrefix(path, "/")) {
				t.Errorf("%s%s is key %q of bucket %q", host, path, key, bucket)
			}
			if operation == "ListBuckets" && bucket != "" {
				t.Errorf("%s%s lists all buckets as %q", host, path, bucket)
			}
		}
	})
}
