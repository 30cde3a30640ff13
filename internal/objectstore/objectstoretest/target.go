package objectstoretest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
)

// Target is an S3 service to be tested.
type Target struct {
	Endpoint    string
	Region      string
	Credentials sigv4.Credentials
	// HTTP reaches the service; nil takes the usual client.
	HTTP *http.Client
	// AccountID is the owner of the buckets; "" leaves out what needs it.
	AccountID string
}

// FromEnvironment gives the service that the environment names: FARMHAND_TEST_S3_ENDPOINT with _REGION, _ACCESS_KEY_ID,
// _SECRET_ACCESS_KEY and _ACCOUNT_ID. ok is false when it names none.
func FromEnvironment() (t Target, ok bool) {
	get := func(name string) string { return os.Getenv("FARMHAND_TEST_S3_" + name) }
	t = Target{
		Endpoint: get("ENDPOINT"), Region: get("REGION"), AccountID: get("ACCOUNT_ID"),
		Credentials: sigv4.Credentials{AccessKeyID: get("ACCESS_KEY_ID"), SecretAccessKey: get("SECRET_ACCESS_KEY")},
	}
	if t.Region == "" {
		t.Region = "us-east-1"
	}
	return t, t.Endpoint != ""
}

// Client gives AWS's client of the service.
func (t Target) Client(options ...func(*s3.Options)) *s3.Client {
	config := aws.Config{
		Region: t.Region, BaseEndpoint: &t.Endpoint,
		Credentials: credentials.NewStaticCredentialsProvider(t.Credentials.AccessKeyID, t.Credentials.SecretAccessKey, t.Credentials.SessionToken),
	}
	if t.HTTP != nil {
		config.HTTPClient = t.HTTP
	}
	return s3.NewFromConfig(config, append([]func(*s3.Options){func(o *s3.Options) {
		o.UsePathStyle = true
		o.RetryMaxAttempts = 1
	}}, options...)...)
}

// suite is a bucket of a target for one test.
type suite struct {
	Target
	*s3.Client
	bucket string
}

func newSuite(t *testing.T, target Target) *suite {
	t.Helper()
	s := &suite{Target: target, Client: target.Client(), bucket: "farmhand-test-" + strings.ToLower(rand.Text()[:12])}
	if _, err := s.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &s.bucket}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.empty(context.WithoutCancel(t.Context()), t) })
	return s
}

// empty deletes the bucket with what is in it.
func (s *suite) empty(ctx context.Context, t *testing.T) {
	t.Helper()
	pages := s3.NewListObjectsV2Paginator(s.Client, &s3.ListObjectsV2Input{Bucket: &s.bucket, EncodingType: types.EncodingTypeUrl})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Error(err)
			return
		}
		for _, key := range unescapeAll(t, keysOf(page.Contents)) {
			if _, err := s.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &key}); err != nil {
				t.Error(err)
			}
		}
	}
	uploads, err := s.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &s.bucket})
	if err != nil {
		t.Error(err)
		return
	}
	for _, u := range uploads.Uploads {
		if _, err := s.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: u.Key, UploadId: u.UploadId}); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &s.bucket}); err != nil {
		t.Error(err)
	}
}

func (s *suite) put(t *testing.T, key, content string, change ...func(*s3.PutObjectInput)) *s3.PutObjectOutput {
	t.Helper()
	in := &s3.PutObjectInput{Bucket: &s.bucket, Key: &key, Body: strings.NewReader(content)}
	for _, c := range change {
		c(in)
	}
	out, err := s.PutObject(t.Context(), in)
	if err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
	return out
}

func (s *suite) get(t *testing.T, key string, change ...func(*s3.GetObjectInput)) (string, *s3.GetObjectOutput) {
	t.Helper()
	in := &s3.GetObjectInput{Bucket: &s.bucket, Key: &key}
	for _, c := range change {
		c(in)
	}
	out, err := s.GetObject(t.Context(), in)
	if err != nil {
		t.Fatalf("get %q: %v", key, err)
	}
	defer out.Body.Close() //nolint:errcheck // it is read to its end
	content, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatalf("get %q: %v", key, err)
	}
	return string(content), out
}

// wantCode wants a call to fail with an error code of S3.
func wantCode(t *testing.T, what string, err error, codes ...string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Errorf("%s: error %v, want %v", what, err, codes)
		return
	}
	for _, code := range codes {
		if api.ErrorCode() == code {
			return
		}
	}
	t.Errorf("%s: code %q (%s), want %v", what, api.ErrorCode(), api.ErrorMessage(), codes)
}

// answer is what a plain request was answered.
type answer struct {
	status int
	header http.Header
	body   string
}

// plain makes a signed request that no SDK would make. target is path and query.
func (s *suite) plain(t *testing.T, method, target, body string, header map[string]string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.Endpoint+target, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	hash := sigv4.HashPayload([]byte(body))
	if declared := r.Header.Get("X-Amz-Content-Sha256"); declared != "" {
		hash = declared
	}
	if err := sigv4.Sign(r, hash, s.Credentials, "s3", s.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	return s.do(t, r)
}

func (s *suite) do(t *testing.T, r *http.Request) answer {
	t.Helper()
	client := s.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // it is read to its end
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

func escaped(key string) string { return strings.ReplaceAll(url.QueryEscape(key), "+", "%20") }

func etagOf(out *s3.PutObjectOutput) string { return aws.ToString(out.ETag) }

func keysOf(objects []types.Object) []string {
	keys := make([]string, 0, len(objects))
	for _, o := range objects {
		keys = append(keys, aws.ToString(o.Key))
	}
	return keys
}
