package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Options change how a server is started. The zero value is fast and forgets nothing but in a power cut.
type Options struct {
	// Durable waits for the disk at each commit, as a server that matters does.
	Durable bool
	// Settings are further settings of the server, such as "max_connections=20".
	Settings []string
}

// Cluster is a PostgreSQL server on a directory of its own, reached over a socket in it.
type Cluster struct {
	options   Options
	shared    bool   // removes its directory when it ends
	bin       string // directory of the server's programs
	dir       string
	stdin     io.Closer // the server ends when it is closed
	done      chan error
	log       *os.File
	databases atomic.Int64
}

// Start starts a server, which ends with the test.
func Start(tb testing.TB, o Options) *Cluster {
	tb.Helper()
	c, err := newCluster(o)
	if err != nil {
		unavailable(tb, err)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			text, _ := os.ReadFile(filepath.Join(c.dir, "log"))
			tb.Logf("log of PostgreSQL:\n%s", text)
		}
		if err := c.remove(); err != nil {
			tb.Error(err)
		}
	})
	if err := c.start(); err != nil {
		tb.Fatal(err)
	}
	return c
}

// errMissing says that the host has no PostgreSQL.
var errMissing = errors.New("no PostgreSQL server (initdb, postgres) in PATH or /usr/lib/postgresql: `tools/postgres` installs it")

// unavailable ends a test that cannot have a server.
func unavailable(tb testing.TB, err error) {
	tb.Helper()
	if errors.Is(err, errMissing) && os.Getenv("CI") != "true" && os.Getenv("FARMHAND_POSTGRES") != "required" {
		tb.Skip(err)
	}
	tb.Fatal(err)
}

// binaries finds the newest server of the host.
func binaries() (dir string, err error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is well formed
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	path, err := exec.LookPath("initdb")
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return "", errMissing
	}
	return filepath.Dir(path), nil
}

// newCluster makes the directory of a server. Its locale is not "C", so that tests see what the store makes of others.
func newCluster(o Options) (c *Cluster, err error) {
	c = &Cluster{options: o}
	if c.bin, err = binaries(); err != nil {
		return nil, err
	}
	if c.dir, err = os.MkdirTemp("", "farmhand-postgres-"); err != nil {
		return nil, err
	}
	if err := giveAway(c.dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.dir))
	}
	args := []string{
		"-D", c.data(), "-U", user, "-A", "trust", "-E", "UTF8", "--no-sync", "--no-instructions",
		"--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US",
	}
	if text, err := c.command("initdb", args...).CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w\n%s", err, text), os.RemoveAll(c.dir))
	}
	return c, nil
}

// user is the superuser of the servers.
const user = "farmhand"

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// command runs a program of the server as the user that owns its directory.
func (c *Cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, name), args...) //nolint:noctx // ended by other means
	cmd.Dir = c.dir
	asOwner(cmd)
	return cmd
}

// watch runs a server until its own standard input ends, which it does when the test program is gone. QUIT ends the server
// without any shutdown: the next start recovers. The first argument is a directory to remove then, or nothing.
const watch = `gone=$1; shift; exec 3<&0; "$@" </dev/null 3<&- & server=$!
{ cat <&3 >/dev/null; kill -QUIT $server; } & wait $server; [ -z "$gone" ] || rm -rf "$gone"`

// start starts the server on its directory and waits until it answers.
func (c *Cluster) start() (err error) {
	if c.log, err = os.OpenFile(filepath.Join(c.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	settings := []string{
		"listen_addresses=", "unix_socket_directories=" + c.dir, "max_connections=200", "shared_buffers=64MB",
		"log_min_messages=warning", "fsync=off", "full_page_writes=off",
	}
	if c.options.Durable {
		settings = append(settings, "fsync=on", "full_page_writes=on")
	}
	gone := ""
	if c.shared {
		gone = c.dir
	}
	args := []string{"-c", watch, "sh", gone, filepath.Join(c.bin, "postgres"), "-D", c.data()}
	for _, s := range append(settings, c.options.Settings...) {
		args = append(args, "-c", s)
	}
	cmd := exec.Command("/bin/sh", args...) //nolint:noctx // ended by other means
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.dir, c.log, c.log
	asOwner(cmd)
	if c.stdin, err = cmd.StdinPipe(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	c.done = make(chan error, 1)
	go func() { c.done <- cmd.Wait() }()
	return c.wait()
}

// wait waits until the server answers.
func (c *Cluster) wait() error {
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for range 3000 {
		if c.execute("SELECT 1") == nil {
			return nil
		}
		select {
		case err := <-c.done:
			c.done <- err
			text, _ := os.ReadFile(filepath.Join(c.dir, "log"))
			return fmt.Errorf("PostgreSQL ended by itself: %w\n%s", err, text)
		case <-pause.C:
		}
	}
	return errors.New("PostgreSQL does not answer")
}

// execute runs a statement as the superuser.
func (c *Cluster) execute(sql string) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, c.URL("postgres"))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

// Kill ends the server at once, as a crash of its process does: nothing is shut down, nothing is written any more.
func (c *Cluster) Kill(tb testing.TB) {
	tb.Helper()
	if err := c.stop(); err != nil {
		tb.Fatal(err)
	}
}

// Restart starts a server that was killed; it recovers by itself.
func (c *Cluster) Restart(tb testing.TB) {
	tb.Helper()
	if err := c.start(); err != nil {
		tb.Fatal(err)
	}
}

func (c *Cluster) stop() error {
	if c.stdin == nil {
		return nil
	}
	err := c.stdin.Close()
	_ = <-c.done //nolint:staticcheck // that it was told to end
	c.stdin = nil
	return errors.Join(err, c.log.Close())
}

func (c *Cluster) remove() error { return errors.Join(c.stop(), os.RemoveAll(c.dir)) }

// URL is the URL of a database of the server.
func (c *Cluster) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(user), Path: "/" + database, RawQuery: url.Values{"host": {c.dir}}.Encode()}
	return u.String()
}

// Database makes an empty database and gives its URL.
func (c *Cluster) Database(tb testing.TB) string {
	tb.Helper()
	name := fmt.Sprint("test", c.databases.Add(1))
	if err := c.execute("CREATE DATABASE " + name); err != nil {
		tb.Fatal(err)
	}
	return c.URL(name)
}
