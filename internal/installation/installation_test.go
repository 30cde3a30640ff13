package installation_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/farm"
	"github.com/farmhand-render/farmhand/internal/installation"
)

// port is an installation that runs and answers on a port.
type port struct {
	*installation.Installation
	url  string
	logs *log
	stop func() // ends what runs; the store stays open
}

// log is safe for concurrent use.
type log struct {
	mu   sync.Mutex // protects text
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func start(t *testing.T, c installation.Config) *port {
	t.Helper()
	p := &port{logs: new(log)}
	c.Logger = slog.New(slog.NewTextHandler(p.logs, nil))
	c.Relaxed = true
	in, err := installation.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	p.Installation = in
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- in.Run(ctx) }()
	server := httptest.NewServer(in.Handler())
	p.url = server.URL
	p.stop = sync.OnceFunc(func() {
		server.Close()
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(func() {
		p.stop()
		in.Close() //nolint:errcheck // a test may have closed it
	})
	return p
}

// as gives a client with a new access key.
func (p *port) as(t *testing.T, who auth.Principal) *client.Client {
	t.Helper()
	key, err := p.Keys().Create("key", who, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return p.with(key.AccessKeyID, key.SecretAccessKey, "")
}

func (p *port) with(id, secret, token string) *client.Client {
	return client.New(aws.Config{
		Region: "us-west-2", BaseEndpoint: &p.url, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, token),
	})
}

func (p *port) get(t *testing.T, path string) (status int, header http.Header, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // the body has been read
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(text)
}

func admin(in *installation.Installation) auth.Principal {
	return auth.Principal{Kind: auth.Admin, ARN: in.AdminARN("admin")}
}

// What was acknowledged, and who may ask for it, is still there after a restart.
func TestRestart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	first := start(t, installation.Config{DataDir: dir})
	key, err := first.Keys().Create("admin", admin(first.Installation), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	made, err := first.with(key.AccessKeyID, key.SecretAccessKey, "").CreateFarm(t.Context(), &deadline.CreateFarmInput{DisplayName: "Studio"})
	if err != nil {
		t.Fatal(err)
	}
	first.stop()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := start(t, installation.Config{DataDir: dir})
	got, err := second.with(key.AccessKeyID, key.SecretAccessKey, "").GetFarm(t.Context(), &deadline.GetFarmInput{FarmId: made.FarmId})
	if err != nil || got.DisplayName != "Studio" || got.CreatedBy != "arn:aws:iam::000000000000:user/admin" {
		t.Errorf("got %+v, %v", got, err)
	}
	info, err := os.Stat(filepath.Join(dir, "secret"))
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the secret's mode is %v, %v", info.Mode(), err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "access-keys.json"))
	if err != nil || strings.Contains(string(text), key.SecretAccessKey) {
		t.Errorf("the file of the access keys shows a secret (%v)", err)
	}
}

func TestCallersAreHeldToWhatTheyMay(t *testing.T) {
	t.Parallel()
	p := start(t, installation.Config{DataDir: t.TempDir()})
	root := p.as(t, admin(p.Installation))
	made, err := root.CreateFarm(t.Context(), &deadline.CreateFarmInput{DisplayName: "Studio"})
	if err != nil {
		t.Fatal(err)
	}
	other, err := root.CreateFarm(t.Context(), &deadline.CreateFarmInput{DisplayName: "Other"})
	if err != nil {
		t.Fatal(err)
	}
	get := func(c *client.Client, id string) error {
		_, err := c.GetFarm(t.Context(), &deadline.GetFarmInput{FarmId: id})
		return err
	}
	host := p.as(t, auth.Principal{Kind: auth.WorkerHost, ARN: "arn:host"})
	service := p.as(t, auth.Principal{Kind: auth.Service, ARN: "arn:service", Farms: []string{made.FarmId}})
	reader := p.as(t, auth.Principal{Kind: auth.Service, ARN: "arn:reader", Operations: []string{"ListFarms"}})
	tests := []struct {
		name   string
		err    error
		denied bool
	}{
		{"the administrator", get(root, made.FarmId), false},
		{"a worker host", get(host, made.FarmId), true},
		{"a service in its farm", get(service, made.FarmId), false},
		{"a service in another farm", get(service, other.FarmId), true},
		{"a service with another operation", get(reader, made.FarmId), true},
	}
	for _, tt := range tests {
		_, denied := errors.AsType[*deadline.AccessDeniedException](tt.err)
		if denied != tt.denied || !denied && tt.err != nil {
			t.Errorf("%s: %v", tt.name, tt.err)
		}
	}
	for name, c := range map[string]*client.Client{
		"an unknown key":          p.with("AKIANOBODY", "secret", ""),
		"a made-up session token": p.with("ASIANOBODY", "secret", "token"),
	} {
		answered, ok := errors.AsType[*client.APIError](get(c, made.FarmId))
		if !ok || answered.HTTPStatusCode() != http.StatusForbidden {
			t.Errorf("%s: %v", name, get(c, made.FarmId))
		}
	}
	if status, _, body := p.get(t, "/2023-10-12/farms"); status != http.StatusForbidden || !strings.Contains(body, "not signed") {
		t.Errorf("unsigned: %d %s", status, body)
	}
}

// A store that fails stops acknowledging, and says so: in health, in the log, and to callers without any detail.
func TestFailingStore(t *testing.T) {
	t.Parallel()
	p := start(t, installation.Config{DataDir: t.TempDir()})
	c := p.as(t, admin(p.Installation))
	if _, err := c.CreateFarm(t.Context(), &deadline.CreateFarmInput{DisplayName: "Studio"}); err != nil {
		t.Fatal(err)
	}
	if status, _, body := p.get(t, "/readyz"); status != http.StatusOK || body != "store: ok\nobjects: ok\ncommitter: ok\n" {
		t.Fatalf("ready: %d %q", status, body)
	}
	if err := p.Close(); err != nil { // from here on every access to the store fails
		t.Fatal(err)
	}
	_, err := c.CreateFarm(t.Context(), &deadline.CreateFarmInput{DisplayName: "Lost"})
	fault, ok := errors.AsType[*deadline.InternalServerErrorException](err)
	if !ok || strings.Contains(fault.Message, "store") {
		t.Errorf("CreateFarm: %v", err)
	}
	status, _, body := p.get(t, "/readyz")
	if status != http.StatusServiceUnavailable || !strings.Contains(body, "store: ") || strings.Contains(body, "store: ok") {
		t.Errorf("ready: %d %q", status, body)
	}
	if status, _, _ := p.get(t, "/healthz"); status != http.StatusOK {
		t.Errorf("the process lives, but /healthz says %d", status)
	}
	text := p.logs.String()
	for _, want := range []string{"level=ERROR", "operation=CreateFarm", "request_id=", "closed"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log does not say %s:\n%s", want, text)
		}
	}
}

func TestRatesAndQuotasAreSettings(t *testing.T) {
	t.Parallel()
	quotas := farm.DefaultQuotas()
	quotas.Farms = 1
	rates := farm.Rates{Write: farm.RateLimit{PerSecond: 0.001, Burst: 3}}
	p := start(t, installation.Config{DataDir: t.TempDir(), Quotas: &quotas, Rates: &rates})
	c := p.as(t, admin(p.Installation))
	create := func() error {
		_, err := c.CreateFarm(t.Context(), &deadline.CreateFarmInput{DisplayName: "Farm"})
		return err
	}
	if err := create(); err != nil {
		t.Fatal(err)
	}
	err := create()
	if _, ok := errors.AsType[*deadline.ServiceQuotaExceededException](err); !ok {
		t.Errorf("the second farm: %v", err)
	}
	err = create()
	for range 3 {
		err = errors.Join(err, create())
	}
	if _, ok := errors.AsType[*deadline.ThrottlingException](err); !ok {
		t.Errorf("after the burst: %v", err)
	}
	if _, err := c.ListFarms(t.Context(), &deadline.ListFarmsInput{}); err != nil {
		t.Errorf("a call of another class: %v", err)
	}
}

func TestIndexPage(t *testing.T) {
	t.Parallel()
	p := start(t, installation.Config{DataDir: t.TempDir(), Region: "eu-north-1"})
	status, header, body := p.get(t, "/")
	if status != http.StatusOK || header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(body, "<dd>eu-north-1</dd>") || !strings.Contains(body, " UTC</time>") {
		t.Errorf("%d %v\n%s", status, header, body)
	}
	if strings.Contains(body, "AKIA") {
		t.Error("the page shows an access key")
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	damaged := t.TempDir()
	if err := os.WriteFile(filepath.Join(damaged, "secret"), []byte("no secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	taken := t.TempDir()
	start(t, installation.Config{DataDir: taken})
	for name, dir := range map[string]string{"a file": file, "a damaged secret": damaged, "a directory in use": taken} {
		in, err := installation.Open(t.Context(), installation.Config{DataDir: dir, Logger: slog.New(slog.DiscardHandler)})
		if err == nil {
			in.Close() //nolint:errcheck // the test has failed already
			t.Errorf("%s was opened", name)
		}
	}
}
