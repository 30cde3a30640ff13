package objectstoretest

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
)

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func testPresigned(t *testing.T, s *suite) {
	t.Helper()
	presign := s3.NewPresignClient(s.Client)
	put, err := presign.PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: &s.bucket, Key: new("k ü"), ContentType: new("text/x")})
	if err != nil {
		t.Fatal(err)
	}
	get, err := presign.PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: &s.bucket, Key: new("k ü")})
	if err != nil {
		t.Fatal(err)
	}
	send := func(method, target, body string, header http.Header) answer {
		r, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, values := range header {
			if name != "Host" && name != "Content-Length" {
				r.Header[name] = values
			}
		}
		return s.do(t, r)
	}
	if got := send("PUT", put.URL, "presigned", put.SignedHeader); got.status != http.StatusOK {
		t.Errorf("put: %+v", got)
	}
	if got := send("GET", get.URL, "", get.SignedHeader); got.status != http.StatusOK || got.body != "presigned" {
		t.Errorf("get: %+v", got)
	}
	if got := send("DELETE", get.URL, "", nil); got.status != http.StatusForbidden || !strings.Contains(got.body, "<Code>SignatureDoesNotMatch</Code>") {
		t.Errorf("another method: %+v", got)
	}
	if got := send("GET", strings.Replace(get.URL, "/k", "/x", 1), "", nil); got.status != http.StatusForbidden {
		t.Errorf("another key: %+v", got)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Endpoint+"/"+s.bucket+"/k", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := sigv4.Presign(r, sigv4.UnsignedPayload, s.Credentials, "s3", s.Region, time.Now().Add(-time.Hour), time.Minute); err != nil {
		t.Fatal(err)
	}
	if got := s.do(t, r); got.status != http.StatusForbidden || !strings.Contains(got.body, "<Code>AccessDenied</Code>") {
		t.Errorf("expired: %+v", got)
	}
}

func testExpectedOwner(t *testing.T, s *suite) {
	t.Helper()
	if s.AccountID == "" {
		t.Skip("the owner of the buckets is not known")
	}
	s.put(t, "k", "x", func(in *s3.PutObjectInput) { in.ExpectedBucketOwner = &s.AccountID })
	_, err := s.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: &s.bucket, Key: new("k"), Body: strings.NewReader("other"), ExpectedBucketOwner: new("999999999999"),
	})
	wantCode(t, "put into another's bucket", err, "AccessDenied")
	_, err = s.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &s.bucket, ExpectedBucketOwner: new("999999999999")})
	wantCode(t, "list of another's bucket", err, "AccessDenied")
	_, err = s.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &s.bucket, Key: new("k"), ExpectedBucketOwner: new("999999999999")})
	wantCode(t, "head in another's bucket", err, "Forbidden")
	if got, _ := s.get(t, "k", func(in *s3.GetObjectInput) { in.ExpectedBucketOwner = &s.AccountID }); got != "x" {
		t.Errorf("a refused write changed the object: %q", got)
	}
}

// testErrorForm compares answers to what cannot be done.
func testErrorForm(t *testing.T, s *suite) {
	t.Helper()
	path := "/" + s.bucket + "/k"
	missing := s.plain(t, "GET", path, "", nil)
	for _, part := range []string{
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message>", "<Key>k</Key>",
		"<RequestId>", "<HostId>",
	} {
		if !strings.Contains(missing.body, part) {
			t.Errorf("no %s in %s", part, missing.body)
		}
	}
	if missing.header.Get("Content-Type") != "application/xml" || missing.header.Get("X-Amz-Request-Id") == "" {
		t.Errorf("headers %v", missing.header)
	}
	for _, tt := range []struct {
		name, method, target string
		status               int
		code                 string
	}{
		{"unknown version", "GET", path + "?versionId=abc", 404, "NoSuchVersion"},
		{"unknown method", "PATCH", path, 405, "MethodNotAllowed"},
		{"no policy", "GET", "/" + s.bucket + "?policy", 404, "NoSuchBucketPolicy"},
		{"no life cycle", "GET", "/" + s.bucket + "?lifecycle", 404, "NoSuchLifecycleConfiguration"},
	} {
		got := s.plain(t, tt.method, tt.target, "", nil)
		if got.status != tt.status && got.status != http.StatusBadRequest || got.status == tt.status && !strings.Contains(got.body, "<Code>"+tt.code+"</Code>") {
			t.Errorf("%s: status %d, %s, want %d %s", tt.name, got.status, got.body, tt.status, tt.code)
		}
	}
	wrong := *s
	wrong.Credentials.SecretAccessKey = "wrong"
	if got := wrong.plain(t, "GET", path, "", nil); got.status != 403 || !strings.Contains(got.body, "<Code>SignatureDoesNotMatch</Code>") {
		t.Errorf("wrong secret: %+v", got)
	}
	wrong.Credentials.AccessKeyID = "AKIANOBODY"
	if got := wrong.plain(t, "GET", path, "", nil); got.status != 403 || !strings.Contains(got.body, "<Code>InvalidAccessKeyId</Code>") {
		t.Errorf("unknown key: %+v", got)
	}
}
