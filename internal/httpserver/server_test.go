package httpserver_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/awsproto/sigv4"
	"github.com/farmhand-render/farmhand/internal/auth"
	"github.com/farmhand-render/farmhand/internal/httpserver"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func get(t *testing.T, client *http.Client, url string) (string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// TestServeDrains: at the end a request in flight is answered, and no new one is taken.
func TestServeDrains(t *testing.T) {
	t.Parallel()
	l := listen(t)
	entered, release := make(chan struct{}), make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- httpserver.Serve(ctx, l, httpserver.Options{
			Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				close(entered)
				<-release
				io.WriteString(w, "answered") //nolint:errcheck // the test reads it
			}),
			Logger: slog.New(slog.DiscardHandler),
		})
	}()
	type answer struct {
		body string
		err  error
	}
	answers := make(chan answer, 1)
	url := "http://" + l.Addr().String()
	go func() {
		body, err := get(t, http.DefaultClient, url)
		answers <- answer{body, err}
	}()
	<-entered
	stop()
	for { // the listener closes before the request in flight is answered
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			break
		}
		conn.Close() //nolint:errcheck // not used
	}
	close(release)
	if a := <-answers; a.err != nil || a.body != "answered" {
		t.Errorf("the request in flight got %q, %v", a.body, a.err)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// TestServeCutsOff: a request that does not end is cut off when the drain is over.
func TestServeCutsOff(t *testing.T) {
	t.Parallel()
	l := listen(t)
	entered := make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- httpserver.Serve(ctx, l, httpserver.Options{
			Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				close(entered)
				<-r.Context().Done()
			}),
			Logger: slog.New(slog.DiscardHandler), DrainTimeout: time.Millisecond,
		})
	}()
	failed := make(chan error, 1)
	go func() {
		_, err := get(t, http.DefaultClient, "http://"+l.Addr().String())
		failed <- err
	}()
	<-entered
	stop()
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if err := <-failed; err == nil {
		t.Error("the request that did not end was answered")
	}
}

func TestServeReportsABrokenListener(t *testing.T) {
	t.Parallel()
	l := listen(t)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	err := httpserver.Serve(t.Context(), l, httpserver.Options{Handler: http.NotFoundHandler(), Logger: slog.New(slog.DiscardHandler)})
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve on a closed listener: %v", err)
	}
}

// certificate makes a key and a certificate for 127.0.0.1 that signs itself.
func certificate(t *testing.T) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "farm"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, text := range map[string][]byte{certFile: cert, keyFile: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	return certFile, keyFile, roots
}

func TestServeTLS(t *testing.T) {
	t.Parallel()
	certFile, keyFile, roots := certificate(t)
	l := listen(t)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- httpserver.Serve(ctx, l, httpserver.Options{
			Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "secure") }), //nolint:errcheck // the test reads it
			Logger:  slog.New(slog.DiscardHandler), CertFile: certFile, KeyFile: keyFile,
		})
	}()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	if body, err := get(t, &http.Client{Transport: transport}, "https://"+l.Addr().String()); err != nil || body != "secure" {
		t.Errorf("over TLS: %q, %v", body, err)
	}
	old := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS11, MaxVersion: tls.VersionTLS11}
	if conn, err := (&tls.Dialer{Config: old}).DialContext(t.Context(), "tcp", l.Addr().String()); err == nil {
		conn.Close() //nolint:errcheck // it should not exist
		t.Error("TLS 1.1 was accepted")
	}
	transport.CloseIdleConnections()
	stop()
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestLargeHeadersAreRefused(t *testing.T) {
	t.Parallel()
	l := listen(t)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- httpserver.Serve(ctx, l, httpserver.Options{Handler: http.NotFoundHandler(), Logger: slog.New(slog.DiscardHandler)})
	}()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	go io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\nX-Large: "+strings.Repeat("x", 1<<20)) //nolint:errcheck // the server hangs up
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("headers of a megabyte: %v, %v", resp, err)
	}
	if resp != nil {
		resp.Body.Close() //nolint:errcheck // not read
	}
	conn.Close() //nolint:errcheck // done
	stop()
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestFaultsAreTheService(t *testing.T) {
	t.Parallel()
	p := open(t)
	if err := os.WriteFile(p.keyFile, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, header, body := p.do(t, "POST", "/2023-10-12/farms", "{}", "deadline", p.creds, time.Now())
	if status != 500 || header.Get("X-Amzn-Errortype") != "InternalServerErrorException" {
		t.Errorf("with a damaged key file: %d %v %q", status, header, body)
	}
	if !strings.Contains(body, header.Get("X-Amzn-Requestid")) || strings.Contains(body, "keys.json") {
		t.Errorf("the fault is told as %q", body)
	}
}

func TestUnsignedRequestsInTheFormOfTheirService(t *testing.T) {
	t.Parallel()
	p := open(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.URL+"/", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", "Logs_20140328.GetLogEvents")
	resp, err := p.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusForbidden || !bytes.Contains(body, []byte(`"__type":"MissingAuthenticationTokenException"`)) {
		t.Errorf("got %d %s, %v", resp.StatusCode, body, err)
	}
}

func TestCallerIdentity(t *testing.T) {
	t.Parallel()
	p := open(t)
	const form = "Action=GetCallerIdentity&Version=2011-06-15"
	send := func(body string, creds sigv4.Credentials) (int, string, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.URL+"/", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		if err := sigv4.Sign(r, sigv4.HashPayload([]byte(body)), creds, "sts", "us-west-2", time.Now()); err != nil {
			t.Fatal(err)
		}
		resp, err := p.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close() //nolint:errcheck // read to its end
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text), resp.Header.Get("X-Amzn-Requestid")
	}
	status, text, id := send(form, p.creds)
	var answer struct {
		XMLName xml.Name                              `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetCallerIdentityResponse"`
		Result  struct{ Arn, UserId, Account string } `xml:"GetCallerIdentityResult"`
		ID      string                                `xml:"ResponseMetadata>RequestId"`
	}
	if err := xml.Unmarshal([]byte(text), &answer); err != nil || status != 200 {
		t.Fatalf("%d %s: %v", status, text, err)
	}
	if r := answer.Result; r.Arn != "arn:admin" || r.UserId != p.creds.AccessKeyID || r.Account != "123456789012" || answer.ID != id {
		t.Errorf("answered %+v", answer)
	}
	// Every kind of credentials is told who it is, in the bytes that AWS sends.
	for _, kind := range []auth.Kind{
		auth.Admin, auth.User, auth.Service, auth.WorkerHost, auth.FleetRoleWorker, auth.FleetRoleRead, auth.QueueRoleWorker, auth.QueueRoleUser, auth.QueueRoleRead,
	} {
		who := auth.Principal{Kind: kind, ID: "an-id", ARN: "arn:aws:iam::123456789012:user/somebody", FarmID: "farm-1"}
		want := "an-id"
		if strings.Contains(string(kind), "role") {
			who.ARN = "arn:aws:sts::123456789012:assumed-role/farmhand-queue/a-session"
			want = "AROAIYEXXMADCOVSRB6AX:a-session"
		}
		issued, err := p.sessions.Issue(who, time.Now(), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		status, text, id := send(form, issued.Credentials)
		exact := `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>` + who.ARN +
			`</Arn><UserId>` + want + `</UserId><Account>123456789012</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>` + id +
			`</RequestId></ResponseMetadata></GetCallerIdentityResponse>`
		if status != http.StatusOK || text != exact {
			t.Errorf("%s: %d\n%s\nwant\n%s", kind, status, text, exact)
		}
	}
	expired, err := p.sessions.Issue(auth.Principal{Kind: auth.Admin}, time.Now().Add(-2*time.Hour), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	wrong := p.creds
	wrong.SecretAccessKey = "wrong"
	unknown := sigv4.Credentials{AccessKeyID: "AKIANO", SecretAccessKey: "x"}
	for _, tt := range []struct {
		body   string
		creds  sigv4.Credentials
		status int
		code   string
	}{
		{form, wrong, 403, "SignatureDoesNotMatch"},
		{form, unknown, 403, "InvalidClientTokenId"},
		{form, expired.Credentials, 403, "ExpiredToken"},
		{"Action=AssumeRole", p.creds, 400, "InvalidAction"},
	} {
		if status, text, _ := send(tt.body, tt.creds); status != tt.status || !strings.Contains(text, "<Code>"+tt.code+"</Code>") {
			t.Errorf("%s: %d %s, want %d %s", tt.body, status, text, tt.status, tt.code)
		}
	}
}
