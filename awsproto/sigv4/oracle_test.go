package sigv4_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
)

// The Go SDK's own signer is the oracle of this file: what it signs must be
// accepted, and what we sign must be, to the byte, what it signs.

var (
	noon      = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	longLived = sigv4.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	temporary = sigv4.Credentials{AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "secret/of+session", SessionToken: "token/with+odd=chars"}
)

// lookup knows the two credentials above.
func lookup(_ context.Context, auth sigv4.Authorization) (string, error) {
	for _, c := range []sigv4.Credentials{longLived, temporary} {
		if auth.AccessKeyID == c.AccessKeyID && auth.SessionToken == c.SessionToken {
			return c.SecretAccessKey, nil
		}
	}
	return "", sigv4.ErrUnknownKey
}

func oracle(service string) *v4.Signer {
	return v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
}

func awsCredentials(c sigv4.Credentials) aws.Credentials {
	return aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
}

// request is one request to sign, made anew for every use.
type request struct {
	method, url, body string
	header            http.Header
}

func (q request) make(tb testing.TB, service string) *http.Request {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), q.method, q.url, strings.NewReader(q.body))
	if err != nil {
		tb.Fatal(err)
	}
	for name, values := range q.header {
		for _, v := range values {
			r.Header.Add(name, v)
		}
	}
	if service == "s3" {
		r.Header.Set("X-Amz-Content-Sha256", sigv4.HashPayload([]byte(q.body)))
	}
	return r
}

// received turns a request about to be sent into the one a server sees, by
// really sending it.
func received(tb testing.TB, sent *http.Request, handle func(r *http.Request)) {
	tb.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { handle(r) }))
	defer server.Close()
	// The Host of the signed URL stays; only the connection goes to the server.
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	addr := server.Listener.Addr()
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr.String())
	}
	resp, err := transport.RoundTrip(sent)
	if err != nil {
		tb.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		tb.Fatal(err)
	}
}

var requests = map[string]request{
	"plain get":          {method: "GET", url: "http://farm.example:7890/2023-10-12/farms"},
	"no path":            {method: "GET", url: "http://farm.example"},
	"default port":       {method: "GET", url: "http://farm.example:80/a"},
	"post with a body":   {method: "POST", url: "http://farm.example/2023-10-12/farms", body: `{"displayName":"x"}`, header: http.Header{"Content-Type": {"application/json"}}},
	"query order":        {method: "GET", url: "http://h/?b=2&a=1&a=0&B=3&a-b=4&a%3Ab=5"},
	"empty values":       {method: "GET", url: "http://h/?uploads&a=&b"},
	"plus and space":     {method: "GET", url: "http://h/?k=a+b&l=a%20b&m=a%2Bb"},
	"token characters":   {method: "GET", url: "http://h/x?nextToken=a%2Fb%2Bc%3D~._-"},
	"unicode query":      {method: "GET", url: "http://h/?name=%E6%97%A5%E6%9C%AC"},
	"arn label":          {method: "GET", url: "http://h/2023-10-12/tags/arn%3Aaws%3Adeadline%3Aus-west-2%3A000000000000%3Afarm%2Ffarm-1"},
	"odd path":           {method: "GET", url: "http://h/bucket/a%20b/c+d/%E6%97%A5(1)!'*.exr"},
	"colon path":         {method: "GET", url: "http://h/bucket/a:b@c,d;e=f"},
	"doubled slash":      {method: "GET", url: "http://h/bucket//a///b/"},
	"dot segments":       {method: "GET", url: "http://h/bucket/./a/../b"},
	"doubled spaces":     {method: "GET", url: "http://h/", header: http.Header{"X-Amz-Meta-Note": {"  two  spaces   inside "}}},
	"repeated header":    {method: "GET", url: "http://h/", header: http.Header{"X-Amz-Meta-Note": {"one", " two", "one"}}},
	"client token":       {method: "POST", url: "http://h/", body: "{}", header: http.Header{"X-Amz-Client-Token": {"t"}, "User-Agent": {"agent/1"}}},
	"amz target":         {method: "POST", url: "http://h/", body: "{}", header: http.Header{"X-Amz-Target": {"Logs_20140328.PutLogEvents"}, "Content-Type": {"application/x-amz-json-1.1"}}},
	"range of an object": {method: "GET", url: "http://h/b/k", header: http.Header{"Range": {"bytes=0-9"}}},
}

func forEachRequest(t *testing.T, f func(t *testing.T, q request, service string, creds sigv4.Credentials)) {
	t.Helper()
	for name, q := range requests {
		for _, service := range []string{"deadline", "s3"} {
			for _, creds := range []sigv4.Credentials{longLived, temporary} {
				t.Run(name+"/"+service+"/"+creds.AccessKeyID, func(t *testing.T) {
					t.Parallel()
					f(t, q, service, creds)
				})
			}
		}
	}
}

func TestSignIsTheOracle(t *testing.T) {
	t.Parallel()
	forEachRequest(t, func(t *testing.T, q request, service string, creds sigv4.Credentials) {
		t.Helper()
		want, got := q.make(t, service), q.make(t, service)
		hash := sigv4.HashPayload([]byte(q.body))
		if err := oracle(service).SignHTTP(t.Context(), awsCredentials(creds), want, hash, service, "us-west-2", noon); err != nil {
			t.Fatal(err)
		}
		if err := sigv4.Sign(got, hash, creds, service, "us-west-2", noon); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.Header, got.Header); diff != "" {
			t.Errorf("headers (-oracle +ours):\n%s", diff)
		}
	})
}

func TestVerifyAcceptsTheOracle(t *testing.T) {
	t.Parallel()
	forEachRequest(t, func(t *testing.T, q request, service string, creds sigv4.Credentials) {
		t.Helper()
		sent := q.make(t, service)
		hash := sigv4.HashPayload([]byte(q.body))
		if err := oracle(service).SignHTTP(t.Context(), awsCredentials(creds), sent, hash, service, "us-west-2", noon); err != nil {
			t.Fatal(err)
		}
		received(t, sent, func(r *http.Request) {
			checkAccepted(t, r, q.body, service, creds, sigv4.HeaderForm)
		})
	})
}

func checkAccepted(t *testing.T, r *http.Request, body, service string, creds sigv4.Credentials, form sigv4.Form) {
	t.Helper()
	var v sigv4.Verifier
	auth, err := v.Verify(r, noon.Add(time.Minute), lookup)
	if err != nil {
		t.Errorf("refused: %v", err)
		return
	}
	want := sigv4.Authorization{
		Form: form, AccessKeyID: creds.AccessKeyID, SessionToken: creds.SessionToken,
		Scope: sigv4.Scope{Date: "20261123", Region: "us-west-2", Service: service}, Time: noon,
	}
	got := auth
	got.SignedHeaders, got.Signature, got.PayloadHash, got.Expires = nil, "", "", 0
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("authorization (-want +got):\n%s", diff)
	}
	read, err := io.ReadAll(r.Body)
	if err != nil || string(read) != body {
		t.Errorf("body for the handler is %q, %v, want %q", read, err, body)
	}
}

func TestVerifyAcceptsAPresignedOracle(t *testing.T) {
	t.Parallel()
	forEachRequest(t, func(t *testing.T, q request, service string, creds sigv4.Credentials) {
		t.Helper()
		hash := sigv4.EmptyPayloadHash
		if service == "s3" {
			hash = sigv4.UnsignedPayload
		}
		r := request{method: http.MethodGet, url: q.url}.make(t, "")
		query := r.URL.Query()
		query.Set("X-Amz-Expires", "900")
		r.URL.RawQuery = query.Encode()
		signed, _, err := oracle(service).PresignHTTP(t.Context(), awsCredentials(creds), r, hash, service, "us-west-2", noon)
		if err != nil {
			t.Fatal(err)
		}
		sent := request{method: http.MethodGet, url: signed}.make(t, "")
		received(t, sent, func(r *http.Request) {
			checkAccepted(t, r, "", service, creds, sigv4.QueryForm)
		})
		ours := request{method: http.MethodGet, url: q.url}.make(t, "")
		if err := sigv4.Presign(ours, hash, creds, service, "us-west-2", noon, 900*time.Second); err != nil {
			t.Fatal(err)
		}
		want, err := url.Parse(signed)
		if err != nil {
			t.Fatal(err)
		}
		if got := ours.URL.Query().Get("X-Amz-Signature"); got != want.Query().Get("X-Amz-Signature") {
			t.Errorf("presigned signature of %s\n ours   %s\n oracle %s", q.url, ours.URL, want)
		}
	})
}

// TestRandomRequests: whatever is signed by the oracle is accepted, and is not
// once a byte of its path, query, signed header or body is changed.
func TestRandomRequests(t *testing.T) {
	t.Parallel()
	var v sigv4.Verifier
	rapid.Check(t, func(t *rapid.T) {
		service := rapid.SampledFrom([]string{"deadline", "logs", "s3"}).Draw(t, "service")
		creds := rapid.SampledFrom([]sigv4.Credentials{longLived, temporary}).Draw(t, "credentials")
		body := rapid.String().Draw(t, "body")
		u := &url.URL{Scheme: "http", Host: "farm.example:7890"}
		u.Path = "/" + rapid.StringMatching(`([a-zA-Z0-9 +%:@!~._-]{1,8}/?){0,4}`).Draw(t, "path")
		query := url.Values{}
		for i := range rapid.IntRange(0, 4).Draw(t, "parameters") {
			query.Add(rapid.StringMatching(`[a-zA-Z:+ ~-]{1,4}`).Draw(t, "name"+strconv.Itoa(i)), rapid.String().Draw(t, "value"+strconv.Itoa(i)))
		}
		u.RawQuery = query.Encode()
		r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, u.String(), strings.NewReader(body))
		note := rapid.StringMatching(`[ -~]{0,12}`).Draw(t, "note")
		r.Header.Set("X-Amz-Meta-Note", note)
		hash := sigv4.HashPayload([]byte(body))
		if service == "s3" {
			r.Header.Set("X-Amz-Content-Sha256", hash)
		}
		if err := oracle(service).SignHTTP(context.Background(), awsCredentials(creds), r, hash, service, "us-west-2", noon); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(cloneWithBody(r, body), noon, lookup); err != nil {
			t.Fatalf("refused %s %v: %v", r.URL, r.Header, err)
		}
		changes := map[string]func(c *http.Request) *http.Request{
			"method": func(c *http.Request) *http.Request { c.Method = http.MethodPut; return c },
			"path":   func(c *http.Request) *http.Request { c.URL.Path += "x"; c.URL.RawPath = ""; return c },
			"query":  func(c *http.Request) *http.Request { c.URL.RawQuery += "&x=1"; return c },
			"header": func(c *http.Request) *http.Request { c.Header.Set("X-Amz-Meta-Note", note+"x"); return c },
			"host":   func(c *http.Request) *http.Request { c.Host = "other.example"; return c },
			"body":   func(c *http.Request) *http.Request { return cloneWithBody(c, "x"+body[min(1, len(body)):]+"x") },
		}
		for name, change := range changes {
			c := change(cloneWithBody(r, body))
			_, err := v.Verify(c, noon, lookup)
			if err == nil && service == "s3" { // S3's body is checked while it is read
				_, err = io.ReadAll(c.Body)
			}
			code := sigv4.CodeOf(err)
			if code != sigv4.SignatureDoesNotMatch && code != sigv4.ContentMismatch {
				t.Fatalf("with another %s: %v", name, err)
			}
		}
	})
}

func cloneWithBody(r *http.Request, body string) *http.Request {
	c := r.Clone(r.Context())
	c.Body = io.NopCloser(strings.NewReader(body))
	return c
}

// TestOtherCanonicalForms: clients that normalise the path before signing, as
// botocore and the JavaScript SDK do, are accepted too.
func TestOtherCanonicalForms(t *testing.T) {
	t.Parallel()
	for sent, signed := range map[string]string{
		"/a//b/":          "/a/b/",
		"/a/./b":          "/a/b",
		"/a/../b/c/..":    "/b",
		"/../a":           "/a",
		"/%2F..%2F/x//y/": "/%2F..%2F/x/y/",
	} {
		r := request{method: "GET", url: "http://h" + signed}.make(t, "")
		if err := sigv4.Sign(r, sigv4.EmptyPayloadHash, longLived, "deadline", "us-west-2", noon); err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse("http://h" + sent)
		if err != nil {
			t.Fatal(err)
		}
		r.URL = u
		var v sigv4.Verifier
		if _, err := v.Verify(r, noon, lookup); err != nil {
			t.Errorf("%s signed as %s: %v", sent, signed, err)
		}
		other := *u
		other.Path, other.RawPath = "/c", ""
		r.URL = &other
		if _, err := v.Verify(r, noon, lookup); !errors.As(err, new(*sigv4.Error)) {
			t.Errorf("/c signed as %s: %v", signed, err)
		}
	}
}
