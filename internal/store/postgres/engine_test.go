package postgres

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/storetest"
	"github.com/farmhand-render/farmhand/internal/store/storetest/postgrestest"
)

func openTestEngine(t *testing.T, url string) *engine {
	t.Helper()
	e, err := openEngine(t.Context(), url, Options{Relaxed: true, Readers: 2, TakeOver: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// execute runs a statement over a connection of its own.
func execute(t *testing.T, url, sql string, args ...any) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context()) //nolint:errcheck // a test's connection
	if _, err := c.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// loseWriter ends the connection that writes, as a network or a restart of PostgreSQL would.
func loseWriter(t *testing.T, e *engine, url string) {
	t.Helper()
	w := <-e.writer
	pid := w.conn.PgConn().PID()
	e.writer <- w
	execute(t, url, `SELECT pg_terminate_backend($1::int, 5000)`, int64(pid))
}

// A lost connection fails what runs over it with its own error, and the next commit makes a new one.
func TestLostConnection(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	e := openTestEngine(t, url)
	s := store.New(e)
	loseWriter(t, e, url)
	if err := s.Commit(t.Context(), &row.Changes{Jobs: []row.Job{{JobID: "job-1"}}}); !errors.Is(err, store.ErrIO) {
		t.Errorf("Commit over a lost connection: %v, want ErrIO", err)
	}
	if _, err := s.Job(t.Context(), "job-1"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Job: %v, want ErrNotFound", err)
	}
	if err := s.Commit(t.Context(), &row.Changes{Jobs: []row.Job{{JobID: "job-2"}}}); err != nil {
		t.Errorf("Commit over a new connection: %v", err)
	}
}

// A server that another one replaced while it had no connection never writes again: its memory of the farms is old.
func TestReplacedServerIsFenced(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	old := openTestEngine(t, url)
	loseWriter(t, old, url)
	second := openTestEngine(t, url)
	if err := store.New(second).Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	_ = store.New(old).Check(t.Context()) // learns that the connection is lost
	for range 2 {
		if err := store.New(old).Check(t.Context()); !errors.Is(err, ErrLocked) {
			t.Errorf("Check of the replaced server: %v, want ErrLocked", err)
		}
	}
}

// Texts sort by their bytes, whatever the database's locale says.
func TestCollation(t *testing.T) {
	t.Parallel()
	e := openTestEngine(t, postgrestest.URL(t))
	for what, want := range map[string]string{
		`SELECT string_agg(x, ' ' ORDER BY x) FROM unnest(ARRAY['b', 'B', 'a', '_']::text[]) x`: "_ a b B", // the locale does not
		`SELECT COALESCE(string_agg(table_name || '.' || column_name, ' '), '') FROM information_schema.columns
			WHERE table_schema = current_schema() AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'`: "",
	} {
		var got string
		err := e.Query(t.Context(), what, nil, func(s store.Scanner) error { return s.Scan(&got) })
		if err != nil || got != want {
			t.Errorf("%s\n%q %v, want %q", what, got, err, want)
		}
	}
}

// A text that PostgreSQL cannot keep does not fail the commits of others.
func TestUnstorableText(t *testing.T) {
	t.Parallel()
	s := store.New(openTestEngine(t, postgrestest.URL(t)))
	job := row.Job{JobID: "job-1", Name: "a\x00b", Description: "\xff"}
	if err := s.Commit(t.Context(), &row.Changes{Jobs: []row.Job{job}}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Job(t.Context(), "job-1")
	if err != nil || got.Name != "a\uFFFDb" || got.Description != "\uFFFD" {
		t.Errorf("got %+v %v, want replacement characters", got, err)
	}
	if _, err := s.Job(t.Context(), "\x00"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Job: %v, want ErrNotFound", err)
	}
}

// A transaction that is larger than one message is sent in parts, and is one transaction all the same.
func TestLargeTransaction(t *testing.T) {
	t.Parallel()
	s := store.New(openTestEngine(t, postgrestest.URL(t)))
	c := &row.Changes{Sessions: []row.Session{{SessionID: "same"}, {JobID: "job-1", SessionID: "same"}}}
	for i := range 40 {
		c.JobDocuments = append(c.JobDocuments, row.JobDocument{JobID: fmt.Sprint("job-", i), Template: strings.Repeat("x", 1<<20)})
	}
	if err := s.Commit(t.Context(), c); !errors.Is(err, store.ErrConstraint) {
		t.Fatalf("Commit: %v, want ErrConstraint", err)
	}
	if _, err := s.JobDocument(t.Context(), "job-0"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("JobDocument of the refused commit: %v, want ErrNotFound", err)
	}
	c.Sessions = nil
	if err := s.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for _, want := range c.JobDocuments {
		if got, err := s.JobDocument(t.Context(), want.JobID); err != nil || len(got.Template) != len(want.Template) {
			t.Fatalf("%s: %v", want.JobID, err)
		}
	}
}

// A server that may lose what it confirmed is refused.
func TestUnsuitable(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t) // its server has fsync off
	if _, err := openEngine(t.Context(), url, Options{}); !errors.Is(err, ErrUnsuitable) {
		t.Errorf("open without fsync: %v, want ErrUnsuitable", err)
	}
	if _, err := openEngine(t.Context(), url+"&search_path=none", Options{Relaxed: true}); !errors.Is(err, ErrUnsuitable) {
		t.Errorf("open without a schema: %v, want ErrUnsuitable", err)
	}
	if _, err := openEngine(t.Context(), "postgres://user:secret@[/", Options{}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("bad URL: %v, want an error without the password", err)
	}
}

func TestTyped(t *testing.T) {
	t.Parallel()
	other := errors.New("other")
	for _, tt := range []struct{ err, want error }{
		{&pgconn.PgError{Code: "53100"}, store.ErrFull},
		{&pgconn.PgError{Code: "53300"}, store.ErrBusy},
		{&pgconn.PgError{Code: "23505"}, store.ErrConstraint},
		{&pgconn.PgError{Code: "40001"}, store.ErrBusy},
		{&pgconn.PgError{Code: "55P03"}, store.ErrBusy},
		{&pgconn.PgError{Code: "57P01"}, store.ErrIO},
		{&pgconn.PgError{Code: "58030"}, store.ErrIO},
		{&pgconn.PgError{Code: "XX001"}, store.ErrIO},
		{fmt.Errorf("wrapped: %w", io.ErrUnexpectedEOF), store.ErrIO},
		{pgconn.ErrConnClosed, store.ErrIO},
		{other, other},
	} {
		if got := typed(tt.err); !errors.Is(got, tt.want) {
			t.Errorf("typed(%v) = %v, want %v", tt.err, got, tt.want)
		}
	}
}

// Every query of the store runs on an index: none looks through a table.
func TestQueryPlans(t *testing.T) {
	t.Parallel()
	e := openTestEngine(t, postgrestest.URL(t)+"&enable_seqscan=off")
	for text, args := range storetest.Queries(t, e) {
		var plan []string
		err := e.Query(t.Context(), "EXPLAIN "+text, args, func(s store.Scanner) error {
			var line string
			err := s.Scan(&line)
			plan = append(plan, line)
			return err
		})
		if err != nil {
			t.Errorf("%v\n%s", err, text)
		}
		if all := strings.Join(plan, "\n"); strings.Contains(all, "Seq Scan") {
			t.Errorf("%s\n%s", text, all)
		}
	}
}

// A fault at every write of a commit, and a connection that is lost at each.
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	storetest.RunFaults(t, openTestEngine(t, url), func() { endWriter(t, url) })
}

// A fault at every write of the purge of a deleted queue, and a connection that is lost at each.
func TestPurgeFaultMatrix(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	storetest.RunPurgeFaults(t, openTestEngine(t, url), func() { endWriter(t, url) })
}

// A fault at every write that does sweeps, and a connection that is lost at each.
func TestSweepFaultMatrix(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	storetest.RunSweepFaults(t, openTestEngine(t, url), func() { endWriter(t, url) })
}

// endWriter ends the connection that writes.
func endWriter(t *testing.T, url string) {
	t.Helper()
	execute(t, url, `SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND granted
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
}

// A read does not fail for a connection that died while nobody used it.
func TestReadsAfterConnectionsWereLost(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	e := openTestEngine(t, url)
	one := func(q store.Querier) error {
		return q.Query(t.Context(), `SELECT 1`, nil, func(s store.Scanner) error {
			var n int64
			return s.Scan(&n)
		})
	}
	for name, read := range map[string]func() error{
		"query": func() error { return one(e) },
		"view":  func() error { return e.View(t.Context(), one) },
	} {
		if err := read(); err != nil {
			t.Fatal(err)
		}
		execute(t, url, `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		if err := read(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Searches see what commits wrote.
func TestSearches(t *testing.T) {
	t.Parallel()
	storetest.RunSearches(t, openTestEngine(t, postgrestest.URL(t)))
}
