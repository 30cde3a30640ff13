package objectstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"

	_ "modernc.org/sqlite" // the driver

	"github.com/farmhand-render/farmhand/internal/diskfile"
)

// schemaVersion is what PRAGMA user_version says of an index with this schema.
const schemaVersion = 1

const schema = `
CREATE TABLE buckets (name TEXT PRIMARY KEY, created BIGINT NOT NULL) WITHOUT ROWID;
CREATE TABLE objects (
  bucket TEXT NOT NULL, key BLOB NOT NULL, size BIGINT NOT NULL, etag TEXT NOT NULL, modified BIGINT NOT NULL,
  head TEXT NOT NULL, pieces TEXT NOT NULL, content BLOB,
  PRIMARY KEY (bucket, key)) WITHOUT ROWID;
CREATE TABLE uploads (
  id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key BLOB NOT NULL, created BIGINT NOT NULL, initiator TEXT NOT NULL,
  algorithm TEXT NOT NULL, checksum_type TEXT NOT NULL, head TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX uploads_by_key ON uploads (bucket, key, id);
CREATE TABLE parts (
  upload TEXT NOT NULL, number BIGINT NOT NULL, modified BIGINT NOT NULL, etag TEXT NOT NULL, checksum TEXT NOT NULL, piece TEXT NOT NULL,
  PRIMARY KEY (upload, number)) WITHOUT ROWID;
CREATE TABLE files (name TEXT PRIMARY KEY, doomed BOOLEAN NOT NULL) WITHOUT ROWID;
CREATE INDEX files_doomed ON files (name) WHERE doomed;
CREATE TABLE runs (number INTEGER PRIMARY KEY, swept BOOLEAN NOT NULL);
`

// index is the database of a [Store]: one connection writes, some read.
type index struct {
	writer, reader *sql.DB

	waitMu  sync.Mutex // protects waiting
	waiting []*change

	commitMu sync.Mutex // held by who commits
}

// change is a write that waits for its turn.
type change struct {
	dirs  []string // to be synced before the commit
	apply func(*sql.Tx) error
	done  bool // protected by commitMu, as is err
	err   error
}

func openIndex(ctx context.Context, path string, relaxed bool) (_ *index, err error) {
	synchronous := "synchronous(FULL)"
	if relaxed {
		synchronous = "synchronous(NORMAL)"
	}
	x := new(index)
	x.writer, err = sql.Open("sqlite", source(path, "busy_timeout(5000)", "journal_mode(WAL)", synchronous,
		"wal_autocheckpoint(4000)", "journal_size_limit(67108864)", "temp_store(MEMORY)"))
	if err != nil {
		return nil, fmt.Errorf("open the index: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, x.close())
		}
	}()
	x.writer.SetMaxOpenConns(1)
	if err := x.migrate(ctx); err != nil {
		return nil, err
	}
	x.reader, err = sql.Open("sqlite", source(path, "busy_timeout(5000)", "query_only(1)", "temp_store(MEMORY)"))
	if err != nil {
		return nil, fmt.Errorf("open the index: %w", err)
	}
	x.reader.SetMaxOpenConns(8)
	x.reader.SetMaxIdleConns(8)
	return x, nil
}

// source is the data source name of a database file with settings made on each connection.
func source(path string, settings ...string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive letter
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{"_pragma": settings, "_txlock": {"immediate"}}.Encode()}
	return u.String()
}

func (x *index) migrate(ctx context.Context) error {
	var version int
	if err := x.writer.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return fmt.Errorf("read the version of the index: %w", err)
	}
	switch version {
	case schemaVersion:
		return nil
	case 0:
	default:
		return fmt.Errorf("the index has version %d, this program knows %d: it was used by a newer release", version, schemaVersion)
	}
	return x.update(func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, schema+fmt.Sprintf("PRAGMA user_version = %d", schemaVersion))
		return err
	})
}

func (x *index) close() error {
	var err error
	for _, db := range []*sql.DB{x.writer, x.reader} {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	return err
}

// update applies a change and returns when it is on disk. Changes that wait at the same time share one commit; an error of one undoes
// that one only. The directories are synced before.
//
// A change that has begun is not given up when its caller goes away.
func (x *index) update(apply func(*sql.Tx) error, dirs ...string) error {
	c := &change{dirs: dirs, apply: apply}
	x.waitMu.Lock()
	x.waiting = append(x.waiting, c)
	x.waitMu.Unlock()

	x.commitMu.Lock()
	defer x.commitMu.Unlock()
	if !c.done { // by who held the lock before
		x.waitMu.Lock()
		batch := x.waiting
		x.waiting = nil
		x.waitMu.Unlock()
		x.commit(batch)
	}
	return c.err
}

// commit makes a batch of changes durable and gives each its result.
func (x *index) commit(batch []*change) {
	err := x.tryCommit(batch)
	for _, c := range batch {
		c.done = true
		if c.err == nil {
			c.err = err
		}
	}
}

func (x *index) tryCommit(batch []*change) (err error) {
	synced := map[string]bool{}
	for _, c := range batch {
		for _, dir := range c.dirs {
			if synced[dir] {
				continue
			}
			synced[dir] = true
			if err := diskfile.SyncDir(dir); err != nil {
				return fmt.Errorf("sync %s: %w", dir, err)
			}
		}
	}
	ctx := context.Background()
	tx, err := x.writer.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("change the index: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreDone(tx.Rollback()))
		}
	}()
	for _, c := range batch {
		if _, err := tx.ExecContext(ctx, "SAVEPOINT c"); err != nil {
			return fmt.Errorf("change the index: %w", err)
		}
		if c.err = c.apply(tx); c.err != nil {
			if _, err := tx.ExecContext(ctx, "ROLLBACK TO c"); err != nil {
				return fmt.Errorf("undo a change of the index: %w", err)
			}
		}
		if _, err := tx.ExecContext(ctx, "RELEASE c"); err != nil {
			return fmt.Errorf("change the index: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit to the index: %w", err)
	}
	return nil
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}
