package store

import (
	"context"
	"embed"
	"errors"
	"io/fs"
)

// Errors that an [Engine] tells apart, by its own codes. They wrap the engine's error.
var (
	// ErrFull: no space is left, in the file system or by a limit of the database.
	ErrFull = errors.New("the database is full")
	// ErrIO: the medium failed.
	ErrIO = errors.New("the database could not be read or written")
	// ErrBusy: another process held the database for too long.
	ErrBusy = errors.New("the database is busy")
	// ErrConstraint: a row contradicts another one. The core decides so that this never happens.
	ErrConstraint = errors.New("a row contradicts another row")
	// ErrClosed: the store is closed.
	ErrClosed = errors.New("the store is closed")
)

// Engine runs the SQL of this package on one kind of database. The texts are portable:
// placeholders are $1 … $n, types are TEXT, BIGINT, DOUBLE PRECISION, BOOLEAN and BYTEA.
// An engine prepares each text once, so texts must come from a bounded set.
type Engine interface {
	// Query by itself sees one consistent state of the database.
	Querier
	// View runs f on a consistent state of the database that other commits do not change.
	View(ctx context.Context, f func(Querier) error) error
	// Update runs f in the one writing transaction and makes it durable when f returns
	// nil. A transaction that runs is never cancelled: ctx bounds the wait for it.
	Update(ctx context.Context, f func(Tx) error) error
	Close() error
}

// Querier reads.
type Querier interface {
	// Query calls scan for each row. An error of scan ends the query and is returned.
	Query(ctx context.Context, sql string, args []any, scan func(Scanner) error) error
}

// Scanner copies the columns of the current row, as [database/sql.Rows] does.
type Scanner interface{ Scan(dest ...any) error }

// Tx is a writing transaction.
type Tx interface {
	Querier
	// Exec runs a statement and returns how many rows it changed.
	Exec(ctx context.Context, sql string, args ...any) (int64, error)
	// Upsert inserts rows or, where the primary key exists, updates them: see [Table]. It is the one bulk write, and what
	// every engine does in its own way.
	Upsert(ctx context.Context, table *Table, rows Batch) error
}

// Table describes a table to [Tx.Upsert].
type Table struct {
	Name    string
	Columns []string // the primary key first
	Key     int      // number of columns in the primary key
	Fixed   int      // number of columns after the key that never change once inserted
	Seldom  int      // number of columns after those that have indexes and change seldom: an engine may look before it writes
}

// Batch is rows for one table, no primary key twice.
type Batch interface {
	Len() int
	// Append appends the values of row i, in the order of the table's columns.
	Append(values []any, i int) []any
}

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations gives the schema: numbered files for goose, forward only.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) //nolint:forbidigo // the pattern above makes the directory
	}
	return sub
}
