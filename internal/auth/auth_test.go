package auth_test

import (
	"bytes"
	"fmt"
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

	"github.com/google/go-cmp/cmp"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
	"github.com/farmhand-render/farmhand/internal/auth"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// installation is the credentials of one data directory.
type installation struct {
	dir      string
	keys     *auth.AccessKeys
	sessions *auth.Sessions
	*auth.Authenticator
}

func open(t *testing.T, dir string) installation {
	t.Helper()
	secret, err := auth.LoadSecret(filepath.Join(dir, "secret"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := auth.OpenAccessKeys(filepath.Join(dir, "access-keys.json"), secret)
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := auth.NewSessions(secret)
	if err != nil {
		t.Fatal(err)
	}
	return installation{dir, keys, sessions, auth.NewAuthenticator(keys, sessions, 1<<20)}
}

func signed(t *testing.T, creds sigv4.Credentials, at time.Time) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://farm.example/2023-10-12/farms", strings.NewReader("{}"))
	if err := sigv4.Sign(r, sigv4.HashPayload([]byte("{}")), creds, "deadline", "us-west-2", at); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAccessKeysSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := open(t, dir)
	want := auth.Principal{Kind: auth.Admin, ARN: "arn:aws:iam::000000000000:user/admin"}
	creds, err := first.keys.Create("admin", want, noon)
	if err != nil {
		t.Fatal(err)
	}
	want.ID = creds.AccessKeyID
	again := open(t, dir)
	got, err := again.Authenticate(signed(t, creds, noon), noon)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("principal (-want +got):\n%s", diff)
	}
	if deleted, err := again.keys.Delete(creds.AccessKeyID); err != nil || !deleted {
		t.Fatalf("delete: %v, %v", deleted, err)
	}
	_, err = open(t, dir).Authenticate(signed(t, creds, noon), noon)
	if code := sigv4.CodeOf(err); code != sigv4.UnrecognizedClient {
		t.Errorf("a deleted key gives %v", err)
	}
}

func TestSessionCredentials(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := open(t, dir)
	want := auth.Principal{Kind: auth.FleetRoleWorker, ID: "worker-1", FarmID: "farm-1", FleetID: "fleet-1", WorkerID: "worker-1"}
	issued, err := in.sessions.Issue(want, noon, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	other := open(t, t.TempDir())
	foreign, err := other.sessions.Issue(want, noon, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	swapped := issued.Credentials
	swapped.AccessKeyID = foreign.AccessKeyID
	wrong := issued.Credentials
	wrong.SecretAccessKey += "x"
	tests := []struct {
		name  string
		creds sigv4.Credentials
		at    time.Time
		want  sigv4.Code
	}{
		{"fresh", issued.Credentials, noon, ""},
		{"a second before the end", issued.Credentials, noon.Add(time.Hour - time.Second), ""},
		{"at the end", issued.Credentials, noon.Add(time.Hour), sigv4.ExpiredToken},
		{"of another installation", foreign.Credentials, noon, sigv4.UnrecognizedClient},
		{"another's access key id", swapped, noon, sigv4.UnrecognizedClient},
		{"wrong secret", wrong, noon, sigv4.SignatureDoesNotMatch},
		{"long-lived key unknown", sigv4.Credentials{AccessKeyID: "AKIANOBODY", SecretAccessKey: "x"}, noon, sigv4.UnrecognizedClient},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// A restarted service recognises them: nothing has to be kept in memory. One that remembers the token says the same.
			remembering := open(t, dir)
			if _, err := remembering.Authenticate(signed(t, issued.Credentials, noon), noon); err != nil {
				t.Fatal(err)
			}
			for _, service := range []installation{open(t, dir), remembering} {
				got, err := service.Authenticate(signed(t, tt.creds, tt.at), tt.at)
				if code := sigv4.CodeOf(err); code != tt.want {
					t.Fatalf("error %v, want code %q", err, tt.want)
				}
				if tt.want == "" {
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("principal (-want +got):\n%s", diff)
					}
				}
			}
		})
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	in := open(t, t.TempDir())
	creds, err := in.keys.Create("admin", auth.Principal{Kind: auth.Admin}, noon)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"secret", "access-keys.json"} {
		info, err := os.Stat(filepath.Join(in.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o", name, mode)
		}
	}
	file, err := os.ReadFile(filepath.Join(in.dir, "access-keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(file, []byte(creds.SecretAccessKey)) {
		t.Error("the file holds a secret in the clear")
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("credentials", slog.Any("credentials", creds))
	if text := log.String() + fmt.Sprintf("%v %+v", creds, creds); strings.Contains(text, creds.SecretAccessKey) {
		t.Errorf("a secret was printed: %s", text)
	}
}

func TestLoadSecretRefusesWhatOthersCanRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	if _, err := auth.LoadSecret(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.LoadSecret(path); err == nil {
		t.Error("a secret that others can read was taken")
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.LoadSecret(path); err == nil {
		t.Error("a damaged secret was taken")
	}
}

// TestProcessesShareTheKeys: a key made or deleted by one process counts for the others at once, and none is lost when several make
// keys at the same time.
func TestProcessesShareTheKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := open(t, dir)
	commandLine := open(t, dir)
	made, err := commandLine.keys.Create("later", auth.Principal{Kind: auth.Admin}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Authenticate(signed(t, made, noon), noon); err != nil {
		t.Errorf("a key made by another process: %v", err)
	}
	if _, err := commandLine.keys.Delete(made.AccessKeyID); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Authenticate(signed(t, made, noon), noon); sigv4.CodeOf(err) != sigv4.UnrecognizedClient {
		t.Errorf("a key deleted by another process: %v", err)
	}

	const makers, each = 4, 5
	var wg sync.WaitGroup
	for range makers {
		keys := open(t, dir).keys
		wg.Go(func() {
			for range each {
				if _, err := keys.Create("many", auth.Principal{Kind: auth.Service}, noon); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if all, err := open(t, dir).keys.List(); err != nil || len(all) != makers*each {
		t.Errorf("%d keys, want %d; error %v", len(all), makers*each, err)
	}
}

// TestFirstStartsAgree: processes that start at the same moment on an empty directory get the same secret.
func TestFirstStartsAgree(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data", "secret")
	const starts = 8
	derived := make([][]byte, starts)
	var wg sync.WaitGroup
	for i := range starts {
		wg.Go(func() {
			secret, err := auth.LoadSecret(path)
			if err != nil {
				t.Error(err)
				return
			}
			if derived[i], err = secret.Derive("test"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, d := range derived[1:] {
		if !bytes.Equal(d, derived[0]) {
			t.Fatal("two secrets")
		}
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestDamagedKeyFileIsAFault(t *testing.T) {
	t.Parallel()
	in := open(t, t.TempDir())
	creds, err := in.keys.Create("admin", auth.Principal{Kind: auth.Admin}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(in.dir, "access-keys.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Authenticate(signed(t, creds, noon), noon); err == nil || sigv4.CodeOf(err) != "" {
		t.Errorf("with a damaged file: %v, want a fault that is not the caller's", err)
	}
	if _, err := in.keys.Create("more", auth.Principal{}, noon); err == nil {
		t.Error("a damaged file was overwritten")
	}
}

// FuzzSessionToken: no token but an issued one is taken, and none breaks the service.
func FuzzSessionToken(f *testing.F) {
	sessions, err := auth.NewSessions(auth.NewSecret())
	if err != nil {
		f.Fatal(err)
	}
	issued, err := sessions.Issue(auth.Principal{Kind: auth.FleetRoleWorker}, noon, time.Hour)
	if err != nil {
		f.Fatal(err)
	}
	keys, err := auth.OpenAccessKeys(filepath.Join(f.TempDir(), "keys"), auth.NewSecret())
	if err != nil {
		f.Fatal(err)
	}
	authenticator := auth.NewAuthenticator(keys, sessions, 1<<10)
	f.Add(issued.SessionToken, issued.AccessKeyID)
	f.Add("AAAA", "ASIAX")
	f.Fuzz(func(t *testing.T, token, id string) {
		if token == "" || id == "" || strings.ContainsAny(id, "/, \t") || token == issued.SessionToken && id == issued.AccessKeyID {
			return
		}
		creds := sigv4.Credentials{AccessKeyID: id, SecretAccessKey: issued.SecretAccessKey, SessionToken: token}
		if who, err := authenticator.Authenticate(signed(t, creds, noon), noon); sigv4.CodeOf(err) == "" {
			t.Fatalf("token %q of %q gives %+v, %v", token, id, who, err)
		}
	})
}

func BenchmarkAuthenticate(b *testing.B) {
	dir := b.TempDir()
	secret := auth.NewSecret()
	keys, err := auth.OpenAccessKeys(filepath.Join(dir, "keys"), secret)
	if err != nil {
		b.Fatal(err)
	}
	sessions, err := auth.NewSessions(secret)
	if err != nil {
		b.Fatal(err)
	}
	longLived, err := keys.Create("admin", auth.Principal{Kind: auth.Admin}, noon)
	if err != nil {
		b.Fatal(err)
	}
	issued, err := sessions.Issue(auth.Principal{Kind: auth.FleetRoleWorker, FarmID: "farm-1", FleetID: "fleet-1", WorkerID: "worker-1"}, noon, time.Hour)
	if err != nil {
		b.Fatal(err)
	}
	authenticator := auth.NewAuthenticator(keys, sessions, 1<<20)
	for name, creds := range map[string]sigv4.Credentials{"access key": longLived, "session": issued.Credentials} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "http://farm.example/2023-10-12/farms", strings.NewReader("{}"))
			if err := sigv4.Sign(r, sigv4.HashPayload([]byte("{}")), creds, "deadline", "us-west-2", noon); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				r.Body = io.NopCloser(strings.NewReader("{}"))
				if _, err := authenticator.Authenticate(r, noon); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
