package jobattachments

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/objectstore"
)

var testSettings = Settings{Bucket: "attachments", RootPrefix: "root"}

// testBucket is Farmhand's object store behind HTTP, with faults to order.
type testBucket struct {
	t      testing.TB
	url    string
	client *S3

	mu       sync.Mutex // guards the fields below
	requests []string   // METHOD key?query
	fault    func(w http.ResponseWriter, r *http.Request) (answered bool)
}

func openBucket(t testing.TB) *testBucket {
	t.Helper()
	b := &testBucket{t: t}
	store, err := objectstore.Open(t.Context(), t.TempDir(), objectstore.Options{Relaxed: true, Region: "us-west-2"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- store.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-done, store.Close()); err != nil {
			t.Error(err)
		}
	})
	if err := store.EnsureBucket(t.Context(), testSettings.Bucket); err != nil {
		t.Fatal(err)
	}
	service := objectstore.NewHandler(objectstore.Config{
		Objects: store, Region: "us-west-2", AccountID: "123456789012", Logger: slog.New(slog.DiscardHandler),
	})
	var verifier sigv4.Verifier
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		b.requests = append(b.requests, r.Method+" "+strings.TrimPrefix(r.URL.Path, "/"+testSettings.Bucket+"/")+"?"+r.URL.RawQuery)
		fault := b.fault
		b.mu.Unlock()
		if fault != nil && fault(w, r) {
			return
		}
		secret := func(context.Context, sigv4.Authorization) (string, error) { return "secret", nil }
		if _, err := verifier.Verify(r, time.Now(), secret); err != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		service.ServeHTTP(w, r.WithContext(auth.WithPrincipal(r.Context(), auth.Principal{Kind: auth.Admin, ID: "admin"})))
	}))
	t.Cleanup(web.Close)
	b.url = web.URL
	b.client = b.newClient(func(*S3Config) {})
	return b
}

func (b *testBucket) newClient(change func(*S3Config)) *S3 {
	b.t.Helper()
	c := S3Config{
		Bucket: testSettings.Bucket, Region: "us-west-2", Endpoint: b.url, Backoff: time.Millisecond,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	}
	change(&c)
	client, err := NewS3(c)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(client.cfg.HTTP.CloseIdleConnections)
	return client
}

// inject sets what happens to requests from now on; nil is nothing.
func (b *testBucket) inject(fault func(w http.ResponseWriter, r *http.Request) (answered bool)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fault = fault
}

// sent gives the requests since the last call that begin with one of the prefixes.
func (b *testBucket) sent(prefixes ...string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	matching := slices.DeleteFunc(b.requests, func(r string) bool {
		return len(prefixes) > 0 && !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(r, p) })
	})
	b.requests = nil
	return matching
}

// answer is an error of S3.
func answer(w http.ResponseWriter, status int, code string) bool {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>`+code+`</Code><Message>so it is</Message></Error>`)
	return true
}

// tear answers less than it says.
func tear(w http.ResponseWriter, status int, length string) bool {
	w.Header().Set("Content-Length", length)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "tor")
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}
