package httpserver_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/httpserver"
)

type port struct {
	*httptest.Server
	creds    sigv4.Credentials
	sessions *auth.Sessions
	keyFile  string
	broken   error // what the readiness check answers
}

func open(t *testing.T) *port {
	t.Helper()
	dir := t.TempDir()
	secret := auth.NewSecret()
	keyFile := filepath.Join(dir, "keys.json")
	keys, err := auth.OpenAccessKeys(keyFile, secret)
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := auth.NewSessions(secret)
	if err != nil {
		t.Fatal(err)
	}
	p := &port{keyFile: keyFile, sessions: sessions}
	p.creds, err = keys.Create("admin", auth.Principal{Kind: auth.Admin, ARN: "arn:admin"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			panic("broken")
		}
		body, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, auth.FromContext(r.Context()).ARN+" "+httpserver.RequestID(r.Context())+" "+string(body))
	})
	p.Server = httptest.NewServer(httpserver.New(httpserver.Config{
		Authenticator: auth.NewAuthenticator(keys, sessions, 1000),
		Services: map[string]httpserver.Service{
			"deadline": {Handler: echo, Refuse: httpserver.DeadlineRefusal},
			"logs":     {Handler: echo, Refuse: httpserver.LogsRefusal},
			"sts":      httpserver.STS("123456789012"),
		},
		Checks: []httpserver.Check{{Name: "store", Check: func(context.Context) error { return p.broken }}},
		Logger: slog.New(slog.DiscardHandler),
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *port) do(t *testing.T, method, path, body, service string, creds sigv4.Credentials, at time.Time) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, p.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if service != "" {
		if err := sigv4.Sign(r, sigv4.HashPayload([]byte(body)), creds, service, "us-west-2", at); err != nil {
			t.Fatal(err)
		}
	}
	resp, err := p.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // it is read to its end
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(answer)
}

func TestDispatch(t *testing.T) {
	t.Parallel()
	p := open(t)
	now := time.Now()
	wrong := p.creds
	wrong.SecretAccessKey = "wrong"
	tests := []struct {
		name                        string
		method, path, body, service string
		creds                       sigv4.Credentials
		at                          time.Time
		status                      int
		errorType, contains         string
	}{
		{"signed", "POST", "/2023-10-12/farms", "{}", "deadline", p.creds, now, 200, "", "arn:admin "},
		{"signed for logs", "POST", "/", "{}", "logs", p.creds, now, 200, "", "arn:admin "},
		{"for a service that is not here", "POST", "/", "", "kms", p.creds, now, 403, "InvalidSignatureException", ""},
		{"unsigned", "GET", "/2023-10-12/farms", "", "", p.creds, now, 403, "MissingAuthenticationTokenException", ""},
		{"wrong secret", "POST", "/2023-10-12/farms", "{}", "deadline", wrong, now, 403, "InvalidSignatureException", "message"},
		{"unknown key", "POST", "/", "", "deadline", sigv4.Credentials{AccessKeyID: "AKIANO", SecretAccessKey: "x"}, now, 403, "UnrecognizedClientException", ""},
		{"old", "POST", "/", "", "deadline", p.creds, now.Add(-time.Hour), 403, "InvalidSignatureException", "clock"},
		{"logs in their own form", "POST", "/", "", "logs", wrong, now, 403, "", `"__type":"InvalidSignatureException"`},
		{"too large", "POST", "/", strings.Repeat("x", 2000), "deadline", p.creds, now, 413, "RequestEntityTooLargeException", ""},
		{"health", "GET", "/healthz", "", "", p.creds, now, 200, "", "ok"},
		{"telemetry", "POST", "/2023-10-12/telemetry", "{}", "", p.creds, now, 200, "", "{}"},
		{"panic", "POST", "/panic", "", "deadline", p.creds, now, 500, "InternalServerErrorException", "its log has request"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			status, header, body := p.do(t, tt.method, tt.path, tt.body, tt.service, tt.creds, tt.at)
			if status != tt.status || header.Get("X-Amzn-Errortype") != tt.errorType || !strings.Contains(body, tt.contains) {
				t.Errorf("got %d %q %q", status, header.Get("X-Amzn-Errortype"), body)
			}
			if header.Get("X-Amzn-Requestid") == "" {
				t.Error("no request id")
			}
		})
	}
}

func TestReadinessTellsTheTruth(t *testing.T) {
	t.Parallel()
	p := open(t)
	if status, _, body := p.do(t, "GET", "/readyz", "", "", p.creds, time.Now()); status != 200 || body != "store: ok\n" {
		t.Errorf("ready: %d %q", status, body)
	}
	p.broken = errors.New("disk full")
	if status, _, body := p.do(t, "GET", "/readyz", "", "", p.creds, time.Now()); status != 503 || body != "store: disk full\n" {
		t.Errorf("not ready: %d %q", status, body)
	}
}
