package sigv4_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
)

// signedRequest is a request to deadline with a body and a session token.
func signedRequest(tb testing.TB, service string) *http.Request {
	tb.Helper()
	r := request{
		method: http.MethodPost, url: "http://farm.example:7890/2023-10-12/farms?a=1", body: "{}",
		header: http.Header{"X-Amz-Client-Token": {"token"}},
	}.make(tb, service)
	if err := sigv4.Sign(r, sigv4.HashPayload([]byte("{}")), temporary, service, "us-west-2", noon); err != nil {
		tb.Fatal(err)
	}
	return r
}

func presignedRequest(tb testing.TB) *http.Request {
	tb.Helper()
	r := request{method: http.MethodGet, url: "http://farm.example/bucket/key"}.make(tb, "")
	if err := sigv4.Presign(r, sigv4.UnsignedPayload, temporary, "s3", "us-west-2", noon, time.Hour); err != nil {
		tb.Fatal(err)
	}
	return r
}

func edit(old, replacement string) func(*http.Request) {
	return func(r *http.Request) {
		if header := r.Header["Authorization"]; header != nil {
			header[0] = strings.Replace(header[0], old, replacement, 1)
		}
		r.URL.RawQuery = strings.Replace(r.URL.RawQuery, old, replacement, 1)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	nothing := func(*http.Request) {}
	tests := []struct {
		name   string
		form   sigv4.Form
		change func(*http.Request)
		after  time.Duration // when it arrives
		want   sigv4.Code
	}{
		{"as signed", sigv4.HeaderForm, nothing, 0, ""},
		{"clock 15 minutes behind", sigv4.HeaderForm, nothing, 15 * time.Minute, ""},
		{"clock 15 minutes ahead", sigv4.HeaderForm, nothing, -15 * time.Minute, ""},
		{"clock too far behind", sigv4.HeaderForm, nothing, 15*time.Minute + time.Second, sigv4.RequestTimeTooSkewed},
		{"clock too far ahead", sigv4.HeaderForm, nothing, -15*time.Minute - time.Second, sigv4.RequestTimeTooSkewed},
		{"no signature", sigv4.HeaderForm, func(r *http.Request) { r.Header.Del("Authorization") }, 0, sigv4.MissingAuthenticationToken},
		{"two signatures", sigv4.HeaderForm, func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }, 0, sigv4.IncompleteSignature},
		{"both forms", sigv4.HeaderForm, func(r *http.Request) { r.URL.RawQuery = "X-Amz-Algorithm=AWS4-HMAC-SHA256" }, 0, sigv4.IncompleteSignature},
		{"basic auth", sigv4.HeaderForm, func(r *http.Request) { r.SetBasicAuth("a", "b") }, 0, sigv4.IncompleteSignature},
		{"version 2", sigv4.HeaderForm, func(r *http.Request) { r.Header.Set("Authorization", "AWS AKIA:c2ln") }, 0, sigv4.IncompleteSignature},
		{"another algorithm", sigv4.HeaderForm, edit("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256X "), 0, sigv4.IncompleteSignature},
		{"unknown part", sigv4.HeaderForm, edit("Signature=", "Sig="), 0, sigv4.IncompleteSignature},
		{"repeated part", sigv4.HeaderForm, edit(", Signature=", ", Signature=00, Signature="), 0, sigv4.IncompleteSignature},
		{"no signature part", sigv4.HeaderForm, edit(", Signature=", ""), 0, sigv4.IncompleteSignature},
		{"short credential", sigv4.HeaderForm, edit("/deadline/", "/"), 0, sigv4.IncompleteSignature},
		{"empty region", sigv4.HeaderForm, edit("/us-west-2/", "//"), 0, sigv4.IncompleteSignature},
		{"another terminator", sigv4.HeaderForm, edit("aws4_request", "aws5_request"), 0, sigv4.IncompleteSignature},
		{"another day in the scope", sigv4.HeaderForm, edit("20261123", "20261122"), 0, sigv4.InvalidSignature},
		{"another region", sigv4.HeaderForm, edit("us-west-2", "us-east-1"), 0, sigv4.SignatureDoesNotMatch},
		{"another service", sigv4.HeaderForm, edit("/deadline/", "/logs/"), 0, sigv4.SignatureDoesNotMatch},
		{"unknown key", sigv4.HeaderForm, edit("ASIAEXAMPLE", "ASIANOBODY"), 0, sigv4.UnrecognizedClient},
		{"another token", sigv4.HeaderForm, func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "x") }, 0, sigv4.UnrecognizedClient},
		{"no token", sigv4.HeaderForm, func(r *http.Request) { r.Header.Del("X-Amz-Security-Token") }, 0, sigv4.UnrecognizedClient},
		{"upper-case signature", sigv4.HeaderForm, edit("Signature=", "Signature=A"), 0, sigv4.IncompleteSignature},
		{"unsorted headers", sigv4.HeaderForm, edit("host;x-amz-client-token", "x-amz-client-token;host"), 0, sigv4.IncompleteSignature},
		{"host not signed", sigv4.HeaderForm, edit("host;", ""), 0, sigv4.InvalidSignature},
		{"a signed header is gone", sigv4.HeaderForm, func(r *http.Request) { r.Header.Del("X-Amz-Client-Token") }, 0, sigv4.SignatureDoesNotMatch},
		{"an x-amz header that is not signed", sigv4.HeaderForm, func(r *http.Request) { r.Header.Set("X-Amz-Target", "Other") }, 0, sigv4.InvalidSignature},
		{"another header that is not signed", sigv4.HeaderForm, func(r *http.Request) { r.Header.Set("X-Forwarded-For", "::1") }, 0, ""},
		{"no date", sigv4.HeaderForm, func(r *http.Request) { r.Header.Del("X-Amz-Date") }, 0, sigv4.IncompleteSignature},
		{"malformed date", sigv4.HeaderForm, func(r *http.Request) { r.Header.Set("X-Amz-Date", "yesterday") }, 0, sigv4.IncompleteSignature},
		{"another body", sigv4.HeaderForm, func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("[]")) }, 0, sigv4.SignatureDoesNotMatch},

		{"presigned", sigv4.QueryForm, nothing, 0, ""},
		{"presigned, at its end", sigv4.QueryForm, nothing, time.Hour, ""},
		{"presigned, past its end", sigv4.QueryForm, nothing, time.Hour + time.Second, sigv4.RequestExpired},
		{"presigned, too early", sigv4.QueryForm, nothing, -16 * time.Minute, sigv4.RequestTimeTooSkewed},
		{"presigned, longer", sigv4.QueryForm, edit("Expires=3600", "Expires=7200"), 0, sigv4.SignatureDoesNotMatch},
		{"presigned, too long", sigv4.QueryForm, edit("Expires=3600", "Expires=604801"), 0, sigv4.IncompleteSignature},
		{"presigned, for no time", sigv4.QueryForm, edit("Expires=3600", "Expires=0"), 0, sigv4.IncompleteSignature},
		{"presigned, expiry repeated", sigv4.QueryForm, edit("X-Amz-Expires=3600", "X-Amz-Expires=3600&X-Amz-Expires=9"), 0, sigv4.IncompleteSignature},
		{"presigned, no signature", sigv4.QueryForm, edit("X-Amz-Signature=", "Y="), 0, sigv4.IncompleteSignature},
		{"presigned, malformed query", sigv4.QueryForm, edit("X-Amz-Signature=", "x=%zz&X-Amz-Signature="), 0, sigv4.IncompleteSignature},
		{"presigned, another parameter", sigv4.QueryForm, edit("X-Amz-Signature=", "versionId=1&X-Amz-Signature="), 0, sigv4.SignatureDoesNotMatch},
		{"presigned, an unsigned x-amz header", sigv4.QueryForm, func(r *http.Request) { r.Header.Set("X-Amz-Meta-A", "b") }, 0, sigv4.InvalidSignature},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := signedRequest(t, "deadline")
			if tt.form == sigv4.QueryForm {
				r = presignedRequest(t)
			}
			tt.change(r)
			var v sigv4.Verifier
			_, err := v.Verify(r, noon.Add(tt.after), lookup)
			if got := sigv4.CodeOf(err); got != tt.want || got == "" && err != nil {
				t.Errorf("Verify: %v, want code %q", err, tt.want)
			}
		})
	}
}

func TestDateHeaderStandsIn(t *testing.T) {
	t.Parallel()
	// A signature over Date instead of X-Amz-Date is the older form of the protocol.
	r := signedRequest(t, "deadline")
	r.Header.Del("X-Amz-Date")
	r.Header.Set("Date", noon.Format(http.TimeFormat))
	auth, err := sigv4.Parse(r)
	if err != nil || !auth.Time.Equal(noon) {
		t.Errorf("Parse with a Date header: %v, %v, want %v", auth.Time, err, noon)
	}
}

func TestLookupAnswers(t *testing.T) {
	t.Parallel()
	fault := errors.New("disk on fire")
	expired := &sigv4.Error{Code: sigv4.ExpiredToken, Message: "the token has expired"}
	tests := []struct {
		name   string
		secret string
		err    error
		code   sigv4.Code
		is     error
	}{
		{"secret", temporary.SecretAccessKey, nil, "", nil},
		{"wrong secret", "x", nil, sigv4.SignatureDoesNotMatch, nil},
		{"unknown, wrapped", "", fmt.Errorf("key: %w", sigv4.ErrUnknownKey), sigv4.UnrecognizedClient, nil},
		{"expired, with its secret", temporary.SecretAccessKey, expired, sigv4.ExpiredToken, nil},
		{"expired, without", "", expired, sigv4.ExpiredToken, nil},
		{"fault", "", fault, "", fault},
		{"the stand-in secret opens nothing", "absent", sigv4.ErrUnknownKey, sigv4.UnrecognizedClient, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var v sigv4.Verifier
			_, err := v.Verify(signedRequest(t, "deadline"), noon, func(context.Context, sigv4.Authorization) (string, error) {
				return tt.secret, tt.err
			})
			if sigv4.CodeOf(err) != tt.code || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("Verify: %v, want code %q, cause %v", err, tt.code, tt.is)
			}
		})
	}
}

// TestReplacedSecret: the cache of derived keys does not outlive a secret.
func TestReplacedSecret(t *testing.T) {
	t.Parallel()
	var v sigv4.Verifier
	for _, secret := range []string{temporary.SecretAccessKey, "new", temporary.SecretAccessKey} {
		_, err := v.Verify(signedRequest(t, "deadline"), noon, func(context.Context, sigv4.Authorization) (string, error) {
			return secret, nil
		})
		if accepted := err == nil; accepted != (secret == temporary.SecretAccessKey) {
			t.Errorf("with secret %q: %v", secret, err)
		}
	}
}

func TestBodyBound(t *testing.T) {
	t.Parallel()
	for _, declared := range []bool{true, false} {
		r := signedRequest(t, "deadline")
		body := strings.Repeat("x", 101)
		r.Body = io.NopCloser(strings.NewReader(body))
		r.ContentLength = -1
		if declared {
			r.ContentLength = 101
		}
		v := sigv4.Verifier{MaxBody: 100}
		_, err := v.Verify(r, noon, lookup)
		if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); !ok || tooLarge.Limit != 100 {
			t.Errorf("a body of 101 bytes (declared: %t): %v, want a MaxBytesError of 100", declared, err)
		}
	}
}

func TestBrokenBody(t *testing.T) {
	t.Parallel()
	r := signedRequest(t, "deadline")
	r.Body = io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF))
	var v sigv4.Verifier
	_, err := v.Verify(r, noon, lookup)
	if _, ok := errors.AsType[*sigv4.BodyError](err); !ok || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a body that cannot be read gives %v", err)
	}
}

// TestStreamedBody: the body of an S3 request is checked while it is read.
func TestStreamedBody(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]sigv4.Code{"{}": "", "[]": sigv4.ContentMismatch, "": sigv4.ContentMismatch, "{}x": sigv4.ContentMismatch} {
		r := signedRequest(t, "s3")
		r.Body = io.NopCloser(strings.NewReader(body))
		var v sigv4.Verifier
		if _, err := v.Verify(r, noon, lookup); err != nil {
			t.Fatal(err)
		}
		_, err := io.ReadAll(r.Body)
		if got := sigv4.CodeOf(err); got != want {
			t.Errorf("reading %q: %v, want code %q", body, err, want)
		}
		if err != nil {
			if _, again := r.Body.Read(make([]byte, 1)); !errors.Is(again, err) {
				t.Errorf("reading %q again: %v, want %v", body, again, err)
			}
		}
	}
}

func TestDeclaredPayloads(t *testing.T) {
	t.Parallel()
	for declared, want := range map[string]sigv4.Code{
		sigv4.UnsignedPayload:           "",
		"":                              sigv4.IncompleteSignature,
		"STREAMING-SOMETHING-ELSE":      sigv4.IncompleteSignature,
		strings.Repeat("A", 64):         sigv4.IncompleteSignature,
		sigv4.StreamingPayload:          sigv4.IncompleteSignature, // the decoded length is missing
		sigv4.StreamingPayloadTrailer:   sigv4.IncompleteSignature,
		sigv4.StreamingUnsignedTrailer:  sigv4.IncompleteSignature,
		sigv4.HashPayload([]byte("{}")): "",
	} {
		r := request{method: http.MethodPut, url: "http://h/b/k", body: "{}"}.make(t, "")
		r.Header["X-Amz-Content-Sha256"] = []string{declared}
		hash := declared
		if hash == "" {
			hash = sigv4.UnsignedPayload
		}
		if err := sigv4.Sign(r, hash, longLived, "s3", "us-west-2", noon); err != nil {
			t.Fatal(err)
		}
		if declared == "" {
			r.Header.Del("X-Amz-Content-Sha256")
		}
		var v sigv4.Verifier
		if _, err := v.Verify(r, noon, lookup); sigv4.CodeOf(err) != want {
			t.Errorf("declared %q: %v, want code %q", declared, err, want)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]func(r *http.Request) error{
		"no credentials": func(r *http.Request) error {
			return sigv4.Sign(r, "h", sigv4.Credentials{}, "s3", "r", noon)
		},
		"no hash":    func(r *http.Request) error { return sigv4.Sign(r, "", longLived, "s3", "r", noon) },
		"no service": func(r *http.Request) error { return sigv4.Sign(r, "h", longLived, "", "r", noon) },
		"no region":  func(r *http.Request) error { return sigv4.Sign(r, "h", longLived, "s3", "", noon) },
		"too long": func(r *http.Request) error {
			return sigv4.Presign(r, "h", longLived, "s3", "r", noon, 7*24*time.Hour+time.Second)
		},
		"too short": func(r *http.Request) error { return sigv4.Presign(r, "h", longLived, "s3", "r", noon, 0) },
	}
	for name, sign := range tests {
		r := request{method: http.MethodGet, url: "http://h/"}.make(t, "")
		if err := sign(r); err == nil || r.Header.Get("Authorization") != "" {
			t.Errorf("%s: error %v, Authorization %q", name, err, r.Header.Get("Authorization"))
		}
	}
}

// TestSignAgain: a retry signs the same request once more.
func TestSignAgain(t *testing.T) {
	t.Parallel()
	r := signedRequest(t, "deadline")
	if err := sigv4.Sign(r, sigv4.HashPayload([]byte("{}")), longLived, "deadline", "us-west-2", noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	var v sigv4.Verifier
	auth, err := v.Verify(r, noon.Add(time.Hour), lookup)
	if err != nil || auth.AccessKeyID != longLived.AccessKeyID || auth.SessionToken != "" {
		t.Errorf("signed again: %+v, %v", auth, err)
	}
}

func TestServiceAndIsSigned(t *testing.T) {
	t.Parallel()
	plain := request{method: http.MethodGet, url: "http://h/"}.make(t, "")
	if sigv4.IsSigned(plain) || sigv4.Service(plain) != "" {
		t.Error("an unsigned request counts as signed")
	}
	for want, r := range map[string]*http.Request{"deadline": signedRequest(t, "deadline"), "s3": presignedRequest(t)} {
		if got := sigv4.Service(r); got != want || !sigv4.IsSigned(r) {
			t.Errorf("Service = %q, want %q", got, want)
		}
	}
}

func TestSecretsAreHidden(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	auth, err := sigv4.Parse(signedRequest(t, "deadline"))
	if err != nil {
		t.Fatal(err)
	}
	log.Info("shown", slog.Any("credentials", temporary), slog.Any("authorization", auth))
	fmt.Fprintf(&out, "%v %+v %#v", temporary, temporary, temporary)
	for _, secret := range []string{temporary.SecretAccessKey, temporary.SessionToken, auth.Signature} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q is shown in %s", secret, out.String())
		}
	}
	if !strings.Contains(out.String(), temporary.AccessKeyID) {
		t.Error("the access key id is hidden")
	}
}
