package sigv4_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
)

// FuzzParse: nothing that a request says about its signature breaks the parser,
// and what it accepts has every part.
func FuzzParse(f *testing.F) {
	signed := signedRequest(f, "deadline")
	f.Add(signed.Header.Get("Authorization"), "20261123T120000Z", "")
	f.Add("", "", presignedRequest(f).URL.RawQuery)
	f.Add("AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request,SignedHeaders=host,Signature=", "Mon, 23 Nov 2026 12:00:00 GMT", "a=%zz")
	f.Fuzz(func(t *testing.T, header, date, query string) {
		r := &http.Request{Method: http.MethodGet, Host: "h", URL: &url.URL{Path: "/", RawQuery: query}, Header: http.Header{}}
		if header != "" {
			r.Header.Set("Authorization", header)
			r.Header.Set("X-Amz-Date", date)
		}
		auth, err := sigv4.Parse(r)
		if err != nil {
			if sigv4.CodeOf(err) == "" {
				t.Fatalf("an error without a code: %v", err)
			}
			return
		}
		if auth.AccessKeyID == "" || auth.Scope.Region == "" || auth.Scope.Service == "" || len(auth.Signature) != 64 ||
			auth.Time.Format("20060102") != auth.Scope.Date || !sigv4.IsSigned(r) || sigv4.Service(r) != auth.Scope.Service {
			t.Fatalf("accepted with a part missing: %+v", auth)
		}
		var v sigv4.Verifier
		if _, err := v.Verify(r, auth.Time, lookup); err == nil && header != signed.Header.Get("Authorization") && auth.Form == sigv4.HeaderForm {
			t.Fatalf("accepted the forged %q", header)
		}
	})
}

// FuzzChunkedReader: no body breaks the reader, and no signed one comes to its
// end unless it is what was signed.
func FuzzChunkedReader(f *testing.F) {
	for kind, trailers := range kinds {
		_, body := upload{kind, longLived, []string{"hello, ", "world"}, trailers, -1}.send(f)
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for kind, trailers := range kinds {
			r, _ := upload{kind, longLived, []string{"hello, ", "world"}, trailers, -1}.send(t)
			got, err := receive(t, r, strings.NewReader(body))
			switch {
			case err != nil && sigv4.CodeOf(err) == "":
				t.Fatalf("%s: an error without a code: %v", kind, err)
			case len(got) > len("hello, world"):
				t.Fatalf("%s: more than was declared: %q", kind, got)
			case err == nil && kind != sigv4.StreamingUnsignedTrailer && got != "hello, world":
				t.Fatalf("%s: accepted %q", kind, got)
			}
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	const body = `{"updatedSessionActions":{}}`
	r := httptest.NewRequestWithContext(b.Context(), http.MethodPatch,
		"http://farm.example:7890/2023-10-12/farms/farm-1/fleets/fleet-1/workers/worker-1/schedule", strings.NewReader(body))
	if err := sigv4.Sign(r, sigv4.HashPayload([]byte(body)), temporary, "deadline", "us-west-2", noon); err != nil {
		b.Fatal(err)
	}
	var v sigv4.Verifier
	b.ReportAllocs()
	for b.Loop() {
		r.Body = io.NopCloser(strings.NewReader(body))
		if _, err := v.Verify(r, noon, lookup); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	r := request{method: http.MethodGet, url: "http://farm.example/2023-10-12/farms?maxResults=100"}.make(b, "")
	b.ReportAllocs()
	for b.Loop() {
		if err := sigv4.Sign(r, sigv4.EmptyPayloadHash, temporary, "deadline", "us-west-2", noon); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkChunkedReader(b *testing.B) {
	chunks := []string{strings.Repeat("x", 1<<20), strings.Repeat("y", 1<<20)}
	r, body := upload{sigv4.StreamingPayload, longLived, chunks, nil, -1}.send(b)
	header := r.Header.Clone()
	b.SetBytes(2 << 20)
	for b.Loop() {
		r.Header = header.Clone()
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), -1
		var v sigv4.Verifier
		if _, err := v.Verify(r, noon, lookup); err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, r.Body); err != nil || n != 2<<20 {
			b.Fatal(n, err)
		}
	}
}
