package objectstore_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/httpserver"
	"github.com/farmhand-render/farmhand/internal/objectstore"
	"github.com/farmhand-render/farmhand/internal/objectstore/objectstoretest"
)

const (
	region  = "us-west-2"
	account = "123456789012"
)

// port is the S3 service on a port of its own, with its keys.
type port struct {
	*httptest.Server
	objectstoretest.Target
	sessions *auth.Sessions
}

// serve serves objects as the installation does.
func serve(t *testing.T, objects objectstore.Objects) *port {
	t.Helper()
	return serveBy(t, objects, httptest.NewServer)
}

func serveBy(t *testing.T, objects objectstore.Objects, listen func(http.Handler) *httptest.Server) *port {
	t.Helper()
	secret := auth.NewSecret()
	keys, err := auth.OpenAccessKeys(filepath.Join(t.TempDir(), "keys.json"), secret)
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := auth.NewSessions(secret)
	if err != nil {
		t.Fatal(err)
	}
	credentials, err := keys.Create("admin", auth.Principal{Kind: auth.Admin, ARN: "arn:aws:iam::123456789012:user/admin"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	server := listen(httpserver.New(httpserver.Config{
		Authenticator: auth.NewAuthenticator(keys, sessions, 1<<20),
		Services: map[string]httpserver.Service{"s3": {
			Handler: objectstore.NewHandler(objectstore.Config{
				Objects: objects, Region: region, AccountID: account, Hosts: []string{"farm.test"}, Logger: logger,
			}),
			Refuse: objectstore.Refuse,
		}},
		Logger: logger,
	}))
	t.Cleanup(server.Close)
	return &port{server, objectstoretest.Target{
		Endpoint: server.URL, Region: region, Credentials: credentials, AccountID: account, HTTP: server.Client(),
	}, sessions}
}

func open(t *testing.T, dir string, o objectstore.Options) *objectstore.Store {
	t.Helper()
	o.Region = region
	s, err := objectstore.Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// opened opens a store that is closed when the test ends.
func opened(t *testing.T) *objectstore.Store {
	t.Helper()
	s := open(t, t.TempDir(), objectstore.Options{Relaxed: true})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestConformance runs over TLS, where AWS's clients send bodies in chunks with their checksums behind; TestRemoteConformance without,
// where they sign the hashes of bodies.
func TestConformance(t *testing.T) {
	t.Parallel()
	objectstoretest.Run(t, serveBy(t, opened(t), httptest.NewTLSServer).Target)
}

// TestRemoteConformance: another service seen through ours is as good as ours.
func TestRemoteConformance(t *testing.T) {
	t.Parallel()
	behind := serve(t, opened(t))
	remote, err := objectstore.NewRemote(objectstore.RemoteOptions{
		Endpoint: behind.Endpoint, Region: region,
		Credentials: func(context.Context) (sigv4.Credentials, error) { return behind.Credentials, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	objectstoretest.Run(t, serve(t, remote).Target)
}

// TestOtherConformance tests the S3 service that the environment names (see [objectstoretest.FromEnvironment]).
func TestOtherConformance(t *testing.T) {
	t.Parallel()
	target, ok := objectstoretest.FromEnvironment()
	if !ok {
		t.Skip("FARMHAND_TEST_S3_ENDPOINT names no service")
	}
	target.HTTP = http.DefaultClient
	objectstoretest.Run(t, target)
}
