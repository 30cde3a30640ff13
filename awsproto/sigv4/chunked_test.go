package sigv4_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
)

// The example of chunked upload in the S3 API reference: 65 KiB of "a" in two
// chunks.
const (
	publishedSeed  = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
	publishedFirst = "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"
	publishedNext  = "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"
	publishedLast  = "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"
)

func publishedRequest(t *testing.T, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "https://s3.amazonaws.com/examplebucket/chunkObject.txt", strings.NewReader(body))
	for name, value := range map[string]string{
		"X-Amz-Date": "20130524T000000Z", "X-Amz-Storage-Class": "REDUCED_REDUNDANCY",
		"X-Amz-Content-Sha256": sigv4.StreamingPayload, "Content-Encoding": "aws-chunked",
		"X-Amz-Decoded-Content-Length": "66560",
		"Authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, " +
			"SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class, " +
			"Signature=" + publishedSeed,
	} {
		r.Header.Set(name, value)
	}
	r.ContentLength = 66824
	return r
}

func TestPublishedChunkedUpload(t *testing.T) {
	t.Parallel()
	body := "10000;chunk-signature=" + publishedFirst + "\r\n" + strings.Repeat("a", 65536) + "\r\n" +
		"400;chunk-signature=" + publishedNext + "\r\n" + strings.Repeat("a", 1024) + "\r\n" +
		"0;chunk-signature=" + publishedLast + "\r\n\r\n"
	r := publishedRequest(t, body)
	var v sigv4.Verifier
	if _, err := v.Verify(r, time.Date(2013, 5, 24, 0, 5, 0, 0, time.UTC), lookup); err != nil {
		t.Fatal(err)
	}
	if r.ContentLength != 66560 || r.Header.Get("Content-Encoding") != "" {
		t.Errorf("the handler sees length %d and encoding %q", r.ContentLength, r.Header.Get("Content-Encoding"))
	}
	got, err := io.ReadAll(iotest.OneByteReader(r.Body))
	if err != nil || string(got) != strings.Repeat("a", 66560) {
		t.Errorf("decoded %d bytes, %v", len(got), err)
	}
}

// upload makes chunked bodies as a client does.
type upload struct {
	kind     string // the declared payload
	creds    sigv4.Credentials
	chunks   []string // without the last, empty one
	trailers []string // "name:value", in order
	decoded  int      // declared length of the whole, < 0: the right one
}

// send gives the request and its body.
func (u upload) send(tb testing.TB) (*http.Request, string) {
	tb.Helper()
	r := request{method: http.MethodPut, url: "http://h/bucket/key"}.make(tb, "")
	length := u.decoded
	if length < 0 {
		length = len(strings.Join(u.chunks, ""))
	}
	r.Header.Set("X-Amz-Decoded-Content-Length", strconv.Itoa(length))
	r.Header.Set("Content-Encoding", "gzip, aws-chunked")
	for _, line := range u.trailers {
		name, _, _ := strings.Cut(line, ":")
		r.Header.Add("X-Amz-Trailer", name)
	}
	if err := sigv4.Sign(r, u.kind, u.creds, "s3", "us-west-2", noon); err != nil {
		tb.Fatal(err)
	}
	auth, err := sigv4.Parse(r)
	if err != nil {
		tb.Fatal(err)
	}
	return r, u.body(auth)
}

func (u upload) body(auth sigv4.Authorization) string {
	signed := u.kind != sigv4.StreamingUnsignedTrailer
	key := []byte("AWS4" + u.creds.SecretAccessKey)
	for _, part := range []string{auth.Scope.Date, auth.Scope.Region, auth.Scope.Service, "aws4_request"} {
		key = mac(key, part)
	}
	prev := auth.Signature
	link := func(kind, hashes string) string {
		prev = hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256-"+kind+"\n20261123T120000Z\n"+auth.Scope.String()+"\n"+prev+"\n"+hashes))
		return prev
	}
	var b strings.Builder
	for _, chunk := range append(append([]string(nil), u.chunks...), "") {
		fmt.Fprintf(&b, "%x", len(chunk))
		if signed {
			b.WriteString(";chunk-signature=" + link("PAYLOAD", sigv4.EmptyPayloadHash+"\n"+sigv4.HashPayload([]byte(chunk))))
		}
		b.WriteString("\r\n")
		if chunk != "" {
			b.WriteString(chunk + "\r\n")
		}
	}
	canonical := ""
	for _, line := range u.trailers {
		b.WriteString(line + "\r\n")
		canonical += line + "\n"
	}
	if u.kind == sigv4.StreamingPayloadTrailer {
		b.WriteString("x-amz-trailer-signature:" + link("TRAILER", sigv4.HashPayload([]byte(canonical))) + "\r\n")
	}
	return b.String() + "\r\n"
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// receive verifies the request and reads the body.
func receive(tb testing.TB, r *http.Request, body io.Reader) (string, error) {
	tb.Helper()
	r.Body, r.ContentLength = io.NopCloser(body), -1
	var v sigv4.Verifier
	if _, err := v.Verify(r, noon, lookup); err != nil {
		tb.Fatalf("Verify: %v", err)
	}
	got, err := io.ReadAll(r.Body)
	return string(got), err
}

var kinds = map[string][]string{
	sigv4.StreamingPayload:         nil,
	sigv4.StreamingPayloadTrailer:  {"x-amz-checksum-crc32c:sOO8/Q=="},
	sigv4.StreamingUnsignedTrailer: {"x-amz-checksum-crc32:AAAAAA==", "x-amz-other:1"},
}

func TestChunkedKinds(t *testing.T) {
	t.Parallel()
	for kind, trailers := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				chunks := rapid.SliceOfN(rapid.StringN(1, 40, 3000), 0, 5).Draw(rt, "chunks")
				r, body := upload{kind, temporary, chunks, trailers, -1}.send(t)
				var source io.Reader = strings.NewReader(body)
				if rapid.Bool().Draw(rt, "byte by byte") {
					source = iotest.OneByteReader(source)
				}
				got, err := receive(t, r, source)
				if want := strings.Join(chunks, ""); err != nil || got != want {
					rt.Fatalf("decoded %q, %v, want %q", got, err, want)
				}
				want := http.Header{}
				for _, line := range trailers {
					name, value, _ := strings.Cut(line, ":")
					want.Set(name, value)
				}
				if diff := cmp.Diff(want, r.Trailer); diff != "" {
					rt.Fatalf("trailers (-want +got):\n%s", diff)
				}
				if got := r.Header.Get("Content-Encoding"); got != "gzip" {
					rt.Fatalf("Content-Encoding is %q, want gzip", got)
				}
			})
		})
	}
}

// TestAlteredChunks: no altered, shortened or lengthened body with signed
// chunks comes to its end.
func TestAlteredChunks(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{sigv4.StreamingPayload, sigv4.StreamingPayloadTrailer} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			u := upload{kind, longLived, []string{"hello, ", "world"}, kinds[kind], -1}
			_, body := u.send(t)
			for i := range len(body) - 4 { // the line ends at the end carry nothing
				for name, altered := range map[string]string{
					"cut":     body[:i],
					"changed": body[:i] + string(body[i]^1) + body[i+1:],
					"dropped": body[:i] + body[i+1:],
				} {
					r, _ := u.send(t)
					got, err := receive(t, r, strings.NewReader(altered))
					if harmless(body, altered) {
						continue
					}
					if sigv4.CodeOf(err) == "" {
						t.Fatalf("byte %d %s: read %q, %v, want an error", i, name, got, err)
					}
				}
			}
			r, _ := u.send(t)
			if _, err := receive(t, r, strings.NewReader(body+"x")); sigv4.CodeOf(err) != sigv4.IncompleteBody {
				t.Errorf("lengthened: %v, want %s", err, sigv4.IncompleteBody)
			}
		})
	}
}

// harmless: the reader takes a line feed alone as a line end, so a body without
// its carriage returns says the same.
func harmless(body, altered string) bool {
	return strings.ReplaceAll(altered, "\r", "") == strings.ReplaceAll(body, "\r", "")
}

func TestMalformedChunks(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 5000)
	many := strings.Repeat("x-amz-checksum-crc32:a\r\n", 40)
	tests := []struct {
		name, body string
		decoded    int
		want       sigv4.Code
	}{
		{"right", "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:AA==\r\n\r\n", 3, ""},
		{"right without the last line end", "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:AA==\r\n", 3, ""},
		{"empty", "", 0, sigv4.IncompleteBody},
		{"no size", "\r\nabc\r\n", 3, sigv4.IncompleteBody},
		{"negative size", "-3\r\nabc\r\n", 3, sigv4.IncompleteBody},
		{"signed size", "+3\r\nabc\r\n", 3, sigv4.IncompleteBody},
		{"huge size", "ffffffffffffffffffff\r\nabc", 3, sigv4.IncompleteBody},
		{"more than declared", "4\r\nabcd\r\n0\r\nx-amz-checksum-crc32:AA==\r\n\r\n", 3, sigv4.IncompleteBody},
		{"less than declared", "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:AA==\r\n\r\n", 4, sigv4.IncompleteBody},
		{"longer than its size", "2\r\nabc\r\n0\r\nx-amz-checksum-crc32:AA==\r\n\r\n", 2, sigv4.IncompleteBody},
		{"cut in the data", "3\r\nab", 3, sigv4.IncompleteBody},
		{"cut after the data", "3\r\nabc\r\n", 3, sigv4.IncompleteBody},
		{"endless line", long, 3, sigv4.IncompleteBody},
		{"no trailer", "3\r\nabc\r\n0\r\n\r\n", 3, sigv4.IncompleteBody},
		{"malformed trailer", "0\r\nnonsense\r\n\r\n", 0, sigv4.IncompleteBody},
		{"undeclared trailer", "0\r\nx-amz-checksum-sha1:AA==\r\n\r\n", 0, sigv4.IncompleteBody},
		{"repeated trailer", "0\r\n" + many + "\r\n", 0, sigv4.IncompleteBody},
		{"goes on", "0\r\nx-amz-checksum-crc32:AA==\r\n\r\nmore", 0, sigv4.IncompleteBody},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, _ := upload{sigv4.StreamingUnsignedTrailer, longLived, nil, []string{"x-amz-checksum-crc32:AA=="}, tt.decoded}.send(t)
			got, err := receive(t, r, strings.NewReader(tt.body))
			if sigv4.CodeOf(err) != tt.want {
				t.Errorf("read %q, %v, want code %q", got, err, tt.want)
			}
		})
	}
}

func TestSourceFailure(t *testing.T) {
	t.Parallel()
	r, body := upload{sigv4.StreamingPayload, longLived, []string{"hello"}, nil, -1}.send(t)
	_, err := receive(t, r, io.MultiReader(strings.NewReader(body[:len(body)/2]), iotest.ErrReader(context.Canceled)))
	if err != context.Canceled { //nolint:errorlint // it must come through unchanged
		t.Errorf("a failing source gives %v", err)
	}
}
