package objectstore_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/objectstore"
)

// TestAddress: bucket and key are in the path or, where the host says so, the bucket is in the host.
func TestAddress(t *testing.T) {
	t.Parallel()
	s := opened(t)
	for _, name := range []string{"bucket", "with.dots", "farm"} {
		if err := s.EnsureBucket(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	h := objectstore.NewHandler(objectstore.Config{Objects: s, Region: region, AccountID: account, Hosts: []string{"farm.test"}})
	for _, tt := range []struct{ method, host, target, bucket, key, operation string }{
		{"GET", "127.0.0.1:7890", "/", "", "", "ListBuckets"},
		{"GET", "127.0.0.1:7890", "/bucket", "bucket", "", "ListObjects"},
		{"GET", "127.0.0.1:7890", "/bucket/", "bucket", "", "ListObjects"},
		{"GET", "[::1]:7890", "/bucket/a/b", "bucket", "a/b", "GetObject"},
		{"GET", "localhost:7890", "/bucket/a/b", "bucket", "a/b", "GetObject"},
		{"GET", "bucket.localhost:7890", "/a/b", "bucket", "a/b", "GetObject"},
		{"GET", "farm.test", "/bucket/a", "bucket", "a", "GetObject"},
		{"PUT", "new.farm.test:80", "/", "new", "", "CreateBucket"},
		{"GET", "with.dots.farm.test", "/a", "with.dots", "a", "GetObject"},
		{"GET", "bucket.farm.test", "/bucket/a", "bucket", "bucket/a", "GetObject"},
		{"GET", "bucket.s3.us-west-2.amazonaws.com", "/a", "bucket", "a", "GetObject"},
		{"GET", "with.dots.s3-us-west-2.amazonaws.com", "/a", "with.dots", "a", "GetObject"},
		{"GET", "s3.us-west-2.amazonaws.com", "/bucket/a", "bucket", "a", "GetObject"},
		// A name that nobody told us: the bucket in it counts, unless the path begins with one.
		{"GET", "bucket.render.example", "/a/b", "bucket", "a/b", "GetObject"},
		{"GET", "with.dots.render.example", "/", "with.dots", "", "ListObjects"},
		{"GET", "farm.render.example", "/bucket/a", "bucket", "a", "GetObject"},
		{"GET", "unknown.render.example", "/bucket/a", "bucket", "a", "GetObject"},
		// Keys are what they are.
		{"GET", "127.0.0.1", "/bucket//a//b", "bucket", "/a//b", "GetObject"},
		{"GET", "127.0.0.1", "/bucket/..%2Fx/%25", "bucket", "../x/%", "GetObject"},
		{"HEAD", "127.0.0.1", "/bucket/a?partNumber=1", "bucket", "a", "HeadObject"},
		{"PUT", "127.0.0.1", "/bucket/a?partNumber=1&uploadId=u", "bucket", "a", "UploadPart"},
		{"PUT", "127.0.0.1", "/bucket/a?x-id=PutObject", "bucket", "a", "PutObject"},
		{"PUT", "127.0.0.1", "/bucket/a?acl", "bucket", "a", ""},
		{"POST", "127.0.0.1", "/bucket/a?uploads", "bucket", "a", "CreateMultipartUpload"},
		{"POST", "127.0.0.1", "/bucket?delete", "bucket", "", "DeleteObjects"},
		{"POST", "127.0.0.1", "/bucket?delete&uploads", "bucket", "", ""},
		{"GET", "127.0.0.1", "/bucket?list-type=2&prefix=x", "bucket", "", "ListObjectsV2"},
		{"PATCH", "127.0.0.1", "/bucket/a", "bucket", "a", ""},
	} {
		r := httptest.NewRequestWithContext(t.Context(), tt.method, tt.target, nil)
		r.Host = tt.host
		bucket, key, operation := objectstore.Address(h, r)
		if bucket != tt.bucket || key != tt.key || operation != tt.operation {
			t.Errorf("%s %s%s: %s of %q in %q, want %s of %q in %q", tt.method, tt.host, tt.target, operation, key, bucket, tt.operation, tt.key, tt.bucket)
		}
	}
}

// TestVirtualHostStyle: AWS's client with the bucket in the host name.
func TestVirtualHostStyle(t *testing.T) {
	t.Parallel()
	p := serve(t, opened(t))
	address := strings.TrimPrefix(p.URL, "http://")
	p.Endpoint = "http://farm.test"
	p.HTTP = &http.Client{Transport: &http.Transport{ // whatever the host, it is ours
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}}
	t.Cleanup(p.HTTP.CloseIdleConnections)
	c := p.Target.Client(func(o *s3.Options) { o.UsePathStyle = false })
	name := "in-the-host"
	if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: new("in-the-host/k ü"), Body: strings.NewReader("content")}); err != nil {
		t.Fatal(err)
	}
	// The same object in the path.
	out, err := p.Target.Client().GetObject(t.Context(), &s3.GetObjectInput{Bucket: &name, Key: new("in-the-host/k ü")})
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(out.Body)
	out.Body.Close() //nolint:errcheck // it is read to its end
	if err != nil || string(got) != "content" {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestRoles: each kind of caller tries each kind of access, inside and outside of its prefix, through both services.
func TestRoles(t *testing.T) {
	t.Parallel()
	own := opened(t)
	direct := serve(t, own)
	remote, err := objectstore.NewRemote(objectstore.RemoteOptions{
		Endpoint: direct.Endpoint, Region: region,
		Credentials: func(context.Context) (sigv4.Credentials, error) { return direct.Credentials, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, objects := range map[string]objectstore.Objects{"own": own, "other": remote} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := serve(t, objects)
			queue, other := "queue-"+name, "other-"+name
			for _, b := range []string{queue, other} {
				if err := objects.EnsureBucket(t.Context(), b); err != nil {
					t.Fatal(err)
				}
			}
			role := func(kind auth.Kind) auth.Principal {
				return auth.Principal{Kind: kind, ARN: "arn:role", FarmID: "farm-1", QueueID: "queue-1", Bucket: queue, Prefix: "root"}
			}
			// What each may, in this order: read, write, list, see the bucket, delete, copy from outside, list all buckets.
			for _, tt := range []struct {
				who           auth.Principal
				here, outside string
			}{
				{auth.Principal{Kind: auth.Admin, ARN: "arn:admin"}, "rwlsdcb", "rwlsdcb"},
				{auth.Principal{Kind: auth.Service, ARN: "arn:service"}, "rwlsdcb", "rwlsdcb"},
				{auth.Principal{Kind: auth.Service, ARN: "arn:service", Farms: []string{"farm-1"}}, "", ""},
				{role(auth.QueueRoleUser), "rwls", ""},
				{role(auth.QueueRoleWorker), "rwls", ""},
				{role(auth.QueueRoleRead), "rls", ""},
				{auth.Principal{Kind: auth.QueueRoleUser, ARN: "arn:role", Bucket: queue}, "s", ""},
				{auth.Principal{Kind: auth.QueueRoleUser, ARN: "arn:role"}, "", ""},
				{auth.Principal{Kind: auth.FleetRoleWorker, ARN: "arn:fleet", FarmID: "farm-1"}, "", ""},
				{auth.Principal{Kind: auth.FleetRoleRead, ARN: "arn:fleet", FarmID: "farm-1"}, "", ""},
				{auth.Principal{Kind: auth.WorkerHost, ARN: "arn:host"}, "", ""},
				{auth.Principal{Kind: auth.User, ARN: "arn:user", ID: "u"}, "", ""},
			} {
				issued, err := p.sessions.Issue(tt.who, time.Now(), time.Hour)
				if err != nil {
					t.Fatal(err)
				}
				target := p.Target
				target.Credentials = issued.Credentials
				c := target.Client()
				if got := allowed(t, c, queue, "root/", other); got != tt.here {
					t.Errorf("%s %v: may %q at home, want %q", tt.who.Kind, tt.who.Farms, got, tt.here)
				}
				if got := allowed(t, c, other, "root/", queue); got != tt.outside {
					t.Errorf("%s %v: may %q in another bucket, want %q", tt.who.Kind, tt.who.Farms, got, tt.outside)
				}
				within := strings.ReplaceAll(tt.here, "s", "")
				if tt.outside == "" {
					within = ""
				}
				for _, prefix := range []string{"rootless/", "", "elsewhere/root/", "root/../elsewhere/", "root/./"} {
					if got := strings.ReplaceAll(allowed(t, c, queue, prefix, other), "s", ""); got != within {
						t.Errorf("%s: may %q below %q, want %q", tt.who.Kind, got, prefix, within)
					}
				}
			}
		})
	}
}

// allowed tries what a client may do below a prefix.
func allowed(t *testing.T, c *s3.Client, bucket, prefix, other string) string {
	t.Helper()
	ctx, key := t.Context(), prefix+"k"
	may := ""
	try := func(letter string, err error) {
		var api smithy.APIError
		denied := errors.As(err, &api) && (api.ErrorCode() == "AccessDenied" || api.ErrorCode() == "Forbidden")
		if err == nil || !denied && errors.As(err, &api) && strings.HasPrefix(api.ErrorCode(), "NoSuch") {
			may += letter
		} else if !denied {
			t.Errorf("%s of %s in %s: %v", letter, key, bucket, err)
		}
	}
	out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err == nil {
		out.Body.Close() //nolint:errcheck // nobody reads it
	}
	try("r", err)
	_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("x")})
	try("w", err)
	_, err = c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	try("l", err)
	_, err = c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket})
	try("s", err)
	_, err = c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: new(key + "-deleted")})
	try("d", err)
	_, err = c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &bucket, Key: &key, CopySource: new(other + "/none")})
	try("c", err)
	_, err = c.ListBuckets(ctx, &s3.ListBucketsInput{})
	try("b", err)
	return may
}

// TestExpiredRole: credentials end when they say.
func TestExpiredRole(t *testing.T) {
	t.Parallel()
	p := serve(t, opened(t))
	issued, err := p.sessions.Issue(auth.Principal{Kind: auth.Admin}, time.Now().Add(-time.Hour), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	p.Credentials = issued.Credentials
	_, err = p.Target.Client().ListBuckets(t.Context(), &s3.ListBucketsInput{})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "ExpiredToken" {
		t.Errorf("error %v", err)
	}
}

// TestRemoteAway: a service that cannot be reached is an error that clients try again.
func TestRemoteAway(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	remote, err := objectstore.NewRemote(objectstore.RemoteOptions{
		Endpoint: gone.URL, Region: region,
		Credentials: func(context.Context) (sigv4.Credentials, error) {
			return sigv4.Credentials{AccessKeyID: "AKIA", SecretAccessKey: "secret"}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	p := serve(t, remote)
	_, err = p.Target.Client().PutObject(t.Context(), &s3.PutObjectInput{Bucket: new("bucket"), Key: new("k"), Body: strings.NewReader("x")})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "ServiceUnavailable" {
		t.Errorf("error %v", err)
	}
	if err := remote.Check(t.Context()); objectstore.CodeOf(err) != "ServiceUnavailable" {
		t.Errorf("check: %v", err)
	}
	for _, endpoint := range []string{"", "host:9000", "ftp://host", "http://"} {
		if _, err := objectstore.NewRemote(objectstore.RemoteOptions{Endpoint: endpoint}); err == nil {
			t.Errorf("the endpoint %q was taken", endpoint)
		}
	}
}

// TestRemoteNeverSeesTheEndOfAWrongBody: what is verified behind a body is verified before the other service has all of it.
func TestRemoteNeverSeesTheEndOfAWrongBody(t *testing.T) {
	t.Parallel()
	behind := opened(t)
	if err := behind.EnsureBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	service := serve(t, behind)
	remote, err := objectstore.NewRemote(objectstore.RemoteOptions{
		Endpoint: service.Endpoint, Region: region,
		Credentials: func(context.Context) (sigv4.Credentials, error) { return service.Credentials, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	p := serve(t, remote)
	for _, size := range []int{1, 100, 200_000} {
		text := string(content(1, size))
		body := fmt.Sprintf("%x\r\n%s\r\n0\r\nx-amz-checksum-crc32:%s\r\n\r\n", size, text, base64.StdEncoding.EncodeToString([]byte("oops")))
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, p.Endpoint+"/"+bucket+"/k", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Decoded-Content-Length", fmt.Sprint(size))
		r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
		if err := sigv4.Sign(r, sigv4.StreamingUnsignedTrailer, p.Credentials, "s3", region, time.Now()); err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(resp.Body)
		resp.Body.Close() //nolint:errcheck // it is read to its end
		if err != nil || resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(answer), "<Code>BadDigest</Code>") {
			t.Errorf("%d bytes: %d %s, %v", size, resp.StatusCode, answer, err)
		}
		if _, err := behind.Object(t.Context(), bucket, "k"); objectstore.CodeOf(err) != "NoSuchKey" {
			t.Errorf("%d bytes: the other service stored something: %v", size, err)
		}
	}
}

// TestServiceAccess: the service itself puts and gets objects in either place.
func TestServiceAccess(t *testing.T) {
	t.Parallel()
	own := opened(t)
	p := serve(t, own)
	remote, err := objectstore.NewRemote(objectstore.RemoteOptions{
		Endpoint: p.Endpoint, Region: region,
		Credentials: func(context.Context) (sigv4.Credentials, error) { return p.Credentials, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, objects := range map[string]objectstore.Objects{"own": own, "other": remote} {
		b := "service-" + name
		for range 2 {
			if err := objects.EnsureBucket(t.Context(), b); err != nil {
				t.Fatal(name, err)
			}
		}
		if err := objects.Put(t.Context(), b, "a b/ü", "text/x", []byte("content")); err != nil {
			t.Fatal(name, err)
		}
		if got, err := objects.Get(t.Context(), b, "a b/ü", 100); err != nil || string(got) != "content" {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
		if _, err := objects.Get(t.Context(), b, "a b/ü", 3); err == nil {
			t.Errorf("%s: got more than the limit", name)
		}
		if _, err := objects.Get(t.Context(), b, "none", 100); objectstore.CodeOf(err) != "NoSuchKey" {
			t.Errorf("%s: get of what is not there: %v", name, err)
		}
		if err := objects.Check(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		head, err := p.Target.Client().HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &b, Key: new("a b/ü")})
		if err != nil || aws.ToString(head.ContentType) != "text/x" {
			t.Errorf("%s: head %v, %v", name, head, err)
		}
	}
}
