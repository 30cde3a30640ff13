package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/farmhand-render/farmhand/internal/diskfile"
	"github.com/farmhand-render/farmhand/internal/store"
)

// Options configure [Open]. The zero value is right for farms whose work matters.
type Options struct {
	// Readers is the number of connections that read. Default: two per CPU, at least four.
	Readers int
	// Relaxed does not wait for the disk at each commit: a power cut, though no crash of the
	// process, may lose the last commits. For farms that can be thrown away.
	Relaxed bool
}

// Store is a [store.Store] in an SQLite file.
type Store struct{ *store.DB }

var _ store.Store = (*Store)(nil)

// ErrLocked says that another process has the database open.
var ErrLocked = errors.New("another server is using this data")

// ErrNetworkFileSystem refuses a network file system: SQLite's write-ahead mode needs shared memory and locks that
// those do not have.
var ErrNetworkFileSystem = errors.New("the database must be on a disk of this host, not on a network file system")

// Open opens the database in the file path, makes it when there is none, and brings its
// schema up to date. The directory must exist. It refuses with [ErrLocked] when another
// process has the database open, and with [ErrNetworkFileSystem].
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	e, err := OpenEngine(ctx, path, o)
	if err != nil {
		return nil, err
	}
	return &Store{store.New(e)}, nil
}

// OpenEngine is Open for a store of the caller's own making.
func OpenEngine(ctx context.Context, path string, o Options) (store.Engine, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := checkLocal(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	held, err := diskfile.TryAcquire(path + ".lock")
	if errors.Is(err, diskfile.ErrHeld) {
		err = ErrLocked
	}
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	e, err := openEngine(ctx, path, o)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", path, err), held.Release())
	}
	e.lock = held
	return e, nil
}

func openEngine(ctx context.Context, path string, o Options) (_ *engine, err error) {
	if o.Readers <= 0 {
		o.Readers = max(4, 2*runtime.GOMAXPROCS(0))
	}
	writeDB, err := sql.Open("sqlite", source(path, writerSettings(o)))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, writeDB.Close())
		}
	}()
	if err := requireWAL(ctx, writeDB); err != nil {
		return nil, err
	}
	if err := migrateSchema(ctx, writeDB); err != nil {
		return nil, err
	}
	readDB, err := sql.Open("sqlite", source(path, readerSettings))
	if err != nil {
		return nil, err
	}
	return &engine{writer: newPool(writeDB, 1), readers: newPool(readDB, o.Readers)}, nil
}

// writerSettings: the write-ahead log is copied into the database every 16 MiB, which writes
// a page that changed many times once; the cache holds the active jobs of a large farm.
func writerSettings(o Options) []string {
	synchronous := "synchronous(FULL)"
	if o.Relaxed {
		synchronous = "synchronous(NORMAL)"
	}
	return []string{
		"busy_timeout(5000)", "journal_mode(WAL)", synchronous, "foreign_keys(1)", "cache_size(-65536)",
		"wal_autocheckpoint(4000)", "journal_size_limit(67108864)", "temp_store(MEMORY)",
	}
}

var readerSettings = []string{"busy_timeout(5000)", "query_only(1)", "cache_size(-8192)", "temp_store(MEMORY)"}

// source is the data source name of a database file with settings made on each connection.
func source(path string, settings []string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive letter
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{"_pragma": settings}.Encode()}
	return u.String()
}

// requireWAL makes sure that the database really is in write-ahead mode: SQLite stays in
// another one, without an error, where it cannot have shared memory.
func requireWAL(ctx context.Context, db *sql.DB) error {
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return fmt.Errorf("read journal mode: %w", typed(err))
	}
	if mode != "wal" {
		return fmt.Errorf("journal mode is %q instead of wal: %w", mode, ErrNetworkFileSystem)
	}
	return nil
}
