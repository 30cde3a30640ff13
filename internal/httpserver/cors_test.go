package httpserver_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
)

type answer struct {
	status int
	header http.Header
}

// TestOtherOrigins: a browser may send the API's requests from a page of any origin, and the page reads answers and refusals.
func TestOtherOrigins(t *testing.T) {
	t.Parallel()
	p := open(t)
	call := func(method, path string, signed bool, headers ...string) answer {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, p.URL+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		if signed {
			if err := sigv4.Sign(r, sigv4.HashPayload(nil), p.creds, "deadline", "us-west-2", time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		resp, err := p.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
		return answer{resp.StatusCode, resp.Header}
	}
	origin := []string{"Origin", "https://monitor.example"}
	asked := call(http.MethodOptions, "/2023-10-12/farms", false, append(origin, "Access-Control-Request-Method", "POST")...)
	allowed := asked.header.Get("Access-Control-Allow-Headers")
	for _, name := range []string{"authorization", "x-amz-security-token", "x-amz-date", "x-amz-client-token", "content-type"} {
		if !strings.Contains(allowed, name) {
			t.Errorf("the header %s is not allowed: %s", name, allowed)
		}
	}
	if asked.status != http.StatusNoContent || asked.header.Get("Access-Control-Allow-Origin") != "*" ||
		!strings.Contains(asked.header.Get("Access-Control-Allow-Methods"), "PATCH") || asked.header.Get("Access-Control-Max-Age") != "600" {
		t.Errorf("preflight: %d %v", asked.status, asked.header)
	}
	for name, tt := range map[string]struct {
		signed bool
		status int
	}{"answer": {true, http.StatusOK}, "refusal": {false, http.StatusForbidden}} {
		got := call(http.MethodGet, "/2023-10-12/farms", tt.signed, origin...)
		if got.status != tt.status || got.header.Get("Access-Control-Allow-Origin") != "*" ||
			!strings.Contains(got.header.Get("Access-Control-Expose-Headers"), "x-amzn-errortype") {
			t.Errorf("%s: %d %v", name, got.status, got.header)
		}
	}
	for name, got := range map[string]answer{
		"without an origin": call(http.MethodGet, "/2023-10-12/farms", true),
		"not the API":       call(http.MethodGet, "/healthz", false, origin...),
	} {
		if h := got.header.Get("Access-Control-Allow-Origin"); h != "" {
			t.Errorf("%s: allows the origin %s", name, h)
		}
	}
	if got := call(http.MethodOptions, "/bucket/key", false, origin...); got.status != http.StatusForbidden {
		t.Errorf("a preflight of another service: %d", got.status)
	}
}
