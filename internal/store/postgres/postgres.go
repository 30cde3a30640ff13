package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"runtime"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/migrate"
)

// Options configure [Open]. The zero value is right for farms whose work matters.
type Options struct {
	// Readers is the most connections that read at a time. Default: four per CPU, at least eight.
	Readers int
	// Relaxed does not wait for the server's disk at each commit: a crash of the database server may lose the last
	// commits. For farms that can be thrown away.
	Relaxed bool
	// TakeOver is how long to wait for another server to let go of the database. Default 5 s.
	TakeOver time.Duration
}

// Store is a [store.Store] in a PostgreSQL database.
type Store struct{ *store.DB }

var _ store.Store = (*Store)(nil)

// Errors of [Open].
var (
	// ErrLocked: another server writes to the database.
	ErrLocked = errors.New("another server is using this database")
	// ErrUnsuitable: the database cannot keep what Farmhand promises. The text says what to change.
	ErrUnsuitable = errors.New("the database is not suitable")
)

// minVersion is the oldest version that works, as server_version_num has it.
const minVersion = 150000

// Open connects to the database of a URL (postgres://user@host/name, with the parameters and environment variables of
// libpq), takes it over and brings its schema up to date. The database must exist. It refuses with [ErrLocked] while
// another server has it, and with [ErrUnsuitable].
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	e, err := OpenEngine(ctx, url, o)
	if err != nil {
		return nil, err
	}
	return &Store{store.New(e)}, nil
}

// OpenEngine is Open for a store of the caller's own making.
func OpenEngine(ctx context.Context, url string, o Options) (store.Engine, error) {
	e, err := openEngine(ctx, url, o)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return e, nil
}

func openEngine(ctx context.Context, url string, o Options) (_ *engine, err error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err // without the password
	}
	if config.MaxConns = int32(o.Readers); o.Readers <= 0 {
		config.MaxConns = int32(max(8, 4*runtime.GOMAXPROCS(0)))
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = 10 * time.Second
	}
	if o.TakeOver <= 0 {
		o.TakeOver = 5 * time.Second
	}
	config.ConnConfig.RuntimeParams["application_name"] = "farmhand"
	e := newEngine(writerConfig(config.ConnConfig, o))
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	if err := e.takeOver(ctx, o.Relaxed); err != nil {
		return nil, err
	}
	maps.Copy(config.ConnConfig.RuntimeParams, map[string]string{
		"default_transaction_read_only": "on",
		// Every query has an index, and ends soon: no guess of how many rows there are is a reason to read a table, to compile, or to
		// join in another order or way than a query says.
		"enable_seqscan": "off", "jit": "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "join_collapse_limit": "1",
	})
	e.readers, err = pgxpool.NewWithConfig(context.WithoutCancel(ctx), config)
	return e, err
}

// writerConfig makes the writing connection end soon when its host is gone, so that another server can take over.
func writerConfig(base *pgx.ConnConfig, o Options) *pgx.ConnConfig {
	c := base.Copy()
	maps.Copy(c.RuntimeParams, map[string]string{
		"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3",
		"synchronous_commit": "on",
		"lock_timeout":       strconv.FormatInt(o.TakeOver.Milliseconds(), 10),
	})
	if o.Relaxed {
		c.RuntimeParams["synchronous_commit"] = "off"
	}
	return c
}

// suitable checks what the server promises.
func suitable(ctx context.Context, c *pgx.Conn, relaxed bool) error {
	var version int
	var encoding, fsync string
	err := c.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),
		current_setting('fsync')`).Scan(&version, &encoding, &fsync)
	switch {
	case err != nil:
		return typed(err)
	case version < minVersion:
		return fmt.Errorf("%w: PostgreSQL has version %d, at least %d is needed", ErrUnsuitable, version/10000, minVersion/10000)
	case encoding != "UTF8":
		return fmt.Errorf("%w: its encoding is %s; make one with ENCODING 'UTF8'", ErrUnsuitable, encoding)
	case fsync != "on" && !relaxed:
		return fmt.Errorf("%w: fsync is off at the server, so that a power cut can destroy it; turn it on, or choose relaxed durability",
			ErrUnsuitable)
	}
	return nil
}

// migrateSchema brings the schema up to date, over a connection of its own.
func migrateSchema(ctx context.Context, config *pgx.ConnConfig) (err error) {
	db := stdlib.OpenDB(*config)
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := requireSchema(ctx, db); err != nil {
		return err
	}
	return typed(migrate.Up(ctx, goose.DialectPostgres, db, rewritten))
}

// requireSchema gives a clear error where the migrations would fail at their first table.
func requireSchema(ctx context.Context, db *sql.DB) error {
	var schema sql.NullString
	if err := db.QueryRowContext(ctx, `SELECT current_schema()`).Scan(&schema); err != nil {
		return typed(err)
	}
	if !schema.Valid {
		return fmt.Errorf("%w: no schema of its search_path exists", ErrUnsuitable)
	}
	return nil
}

// textColumn is the definition of a text column: in a list of columns, or added to a table.
var textColumn = regexp.MustCompile(`(?m)^((?:\s+|ALTER TABLE \w+ ADD COLUMN )\w+\s+TEXT)\b`)

// rewritten makes text columns sort by their bytes.
func rewritten(migration []byte) []byte {
	return textColumn.ReplaceAll(migrate.Only("postgres", migration), []byte(`$1 COLLATE "C"`))
}
