package testfarm

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/farmhand-render/farmhand/deadline/client"
)

// Server is a server on a data directory, in a process of its own.
type Server struct {
	// DataDir is the server's data directory.
	DataDir string
	// Endpoint is where it serves: "http://127.0.0.1:7890". It stays the same over restarts.
	Endpoint string

	tb      testing.TB
	command string
	args    []string
	listen  string
	profile string
	logPath string
	key     aws.CredentialsProvider
	region  string

	process *os.Process   // nil while it is down
	ended   chan struct{} // closed when the process is gone
	spent   time.Duration // by the process that ended last; set before ended is closed
	stdin   io.Closer     // the process ends when it is closed
}

// Options change how a server is started. The zero value is as a user would start it.
type Options struct {
	// DataDir defaults to a new directory.
	DataDir string
	// Command is the command that serves: "server" when empty, or "dev".
	Command string
	// Args are further arguments of the command.
	Args []string
	// Profile is where the server writes a profile of its processor time when it is stopped with [Server.Stop]; "" for none.
	Profile string
}

// Start starts a server and waits until it is ready. The test's end kills it; its log is shown when the test failed.
func Start(tb testing.TB, o Options) *Server {
	tb.Helper()
	if o.DataDir == "" {
		o.DataDir = tb.TempDir()
	}
	s := &Server{
		tb: tb, DataDir: o.DataDir, command: cmp.Or(o.Command, "server"), args: o.Args, profile: o.Profile,
		listen: "127.0.0.1:0", logPath: filepath.Join(tb.TempDir(), "server.log"),
	}
	tb.Cleanup(func() {
		s.Kill()
		if text, err := os.ReadFile(s.logPath); err == nil && tb.Failed() {
			tb.Logf("the server's log ends with:\n%s", tail(text, 8<<10))
		}
	})
	s.Restart(tb.Context())
	return s
}

func tail(text []byte, n int) []byte { return text[max(0, len(text)-n):] }

// Restart starts the server, which must be down, and waits until it is ready: all farms are loaded.
func (s *Server) Restart(ctx context.Context) {
	s.tb.Helper()
	if err := s.restart(ctx); err != nil {
		s.tb.Fatalf("start the server: %v", err)
	}
}

func (s *Server) restart(ctx context.Context) error {
	if err := os.Remove(s.endpointPath()); err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := s.launch(); err != nil {
		return err
	}
	ready := s.readEndpoint
	for range 2 {
		if err := await(ctx, s.ended, ready); err != nil {
			return err
		}
		ready = func() bool { return s.ready(ctx) }
	}
	s.listen = strings.TrimPrefix(s.Endpoint, "http://")
	return nil
}

// launch starts the process.
func (s *Server) launch() error {
	log, err := os.OpenFile(s.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the process has its own
	args := append([]string{s.command, "--data-dir", s.DataDir, "--listen", s.listen}, s.args...)
	p := exec.Command(os.Args[0], args...) //nolint:noctx // it ends with its standard input
	p.Env = append(os.Environ(), commandVar+"=1", profileVar+"="+s.profile)
	p.Stdout, p.Stderr = log, log
	if s.stdin, err = p.StdinPipe(); err != nil {
		return err
	}
	if err := p.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = p.Wait() // how a killed process ended is no news
		s.spent = p.ProcessState.UserTime() + p.ProcessState.SystemTime()
		close(ended)
	}()
	s.process, s.ended = p.Process, ended
	return nil
}

// pollEvery is how often a starting server is looked at. Nothing tells that a file appeared on every system.
const pollEvery = 2 * time.Millisecond

// await waits until done, at most a minute.
func await(ctx context.Context, ended <-chan struct{}, done func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, fmt.Errorf("it is not ready after a minute"))
	defer cancel()
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for !done() {
		select {
		case <-ticker.C:
		case <-ended:
			return fmt.Errorf("its process ended")
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (s *Server) endpointPath() string { return filepath.Join(s.DataDir, "endpoint.json") }

// readEndpoint reads what the server tells of itself; it reports false while that is not there.
func (s *Server) readEndpoint() bool {
	var e struct{ Endpoint, Region, AccessKeyID, SecretAccessKey string }
	text, err := os.ReadFile(s.endpointPath())
	if err != nil || json.Unmarshal(text, &e) != nil {
		return false
	}
	s.Endpoint, s.region = e.Endpoint, e.Region
	s.key = credentials.NewStaticCredentialsProvider(e.AccessKeyID, e.SecretAccessKey, "")
	return true
}

func (s *Server) ready(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint+"/readyz", http.NoBody)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close() //nolint:errcheck // only the status counts
	return resp.StatusCode == http.StatusOK
}

// Kill kills the server with SIGKILL and waits until it is gone. A server that is down stays down.
func (s *Server) Kill() { s.end(os.Kill) }

// Stop ends the server in good order; where there is no such signal, it kills it.
func (s *Server) Stop() { s.end(syscall.SIGTERM) }

// ProcessorTime is what the server's last process used in all its life. The server must be down.
func (s *Server) ProcessorTime() time.Duration { return s.spent }

func (s *Server) end(signal os.Signal) {
	if s.process == nil {
		return
	}
	if s.process.Signal(signal) != nil {
		_ = s.process.Kill() // it may have ended by itself
	}
	<-s.ended
	_ = s.stdin.Close() // nobody reads it any more
	s.process = nil
}

// Client is a client of the administrator. It repeats nothing unless an option says so.
func (s *Server) Client(options ...func(*client.Options)) *client.Client {
	return s.client(s.key, options)
}

// Patient makes a client repeat a request until it is answered.
func Patient(o *client.Options) {
	o.Retry = client.Retry{MaxAttempts: 1 << 20, BaseDelay: 2 * time.Millisecond, MaxDelay: 20 * time.Millisecond}
}

func (s *Server) client(as aws.CredentialsProvider, options []func(*client.Options)) *client.Client {
	config := aws.Config{Region: s.region, BaseEndpoint: &s.Endpoint, Credentials: as, RetryMaxAttempts: 1}
	own := func(o *client.Options) { o.HTTP = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}} }
	return client.New(config, append([]func(*client.Options){own}, options...)...)
}
