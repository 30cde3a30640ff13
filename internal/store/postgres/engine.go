package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/farmhand-render/farmhand/internal/store"
)

// engine implements [store.Engine].
type engine struct {
	config  *pgx.ConnConfig // of the writer
	readers *pgxpool.Pool   // nil until the database is taken over
	writer  chan *writer    // one, which holds no connection when the last one was lost
	closed  chan struct{}
	once    sync.Once

	term    int64                        // of this server, set once
	columns map[string]map[string]string // data types by table and column, set once
}

var _ store.Engine = (*engine)(nil)

func newEngine(config *pgx.ConnConfig) *engine {
	e := &engine{config: config, writer: make(chan *writer, 1), closed: make(chan struct{})}
	e.writer <- &writer{engine: e, upserts: map[*store.Table]*upsert{}}
	return e
}

func (e *engine) open(ctx context.Context) error {
	select {
	case <-e.closed:
		return store.ErrClosed
	default:
		return ctx.Err()
	}
}

// Query implements [store.Querier].
func (e *engine) Query(ctx context.Context, sql string, args []any, scan func(store.Scanner) error) error {
	return e.read(ctx, func(c *pgx.Conn) (begun bool, err error) {
		err = query(ctx, c, sql, args, func(row store.Scanner) error {
			begun = true
			return scan(row)
		})
		return begun, err
	})
}

// View implements [store.Engine].
func (e *engine) View(ctx context.Context, f func(store.Querier) error) error {
	return e.read(ctx, func(c *pgx.Conn) (begun bool, err error) {
		uncancelled := context.WithoutCancel(ctx)
		if _, err := c.Exec(uncancelled, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"); err != nil {
			return false, typed(err)
		}
		// A connection whose transaction did not end is not given back to the pool.
		defer func() {
			if _, failed := c.Exec(uncancelled, "ROLLBACK"); failed != nil && err == nil {
				err = typed(failed)
			}
		}()
		return true, f(querier{c})
	})
}

// read runs f with a connection of its own. ctx bounds the wait for it. A connection may turn out to be dead, because the database was
// restarted since it was used last: while f tells that it has not begun, another one is tried.
func (e *engine) read(ctx context.Context, f func(*pgx.Conn) (begun bool, err error)) error {
	for tries := int32(0); ; tries++ {
		if err := e.open(ctx); err != nil {
			return err
		}
		c, err := e.readers.Acquire(ctx)
		switch {
		case err != nil && e.open(ctx) != nil:
			return e.open(ctx)
		case err != nil:
			return fmt.Errorf("connect: %w", typed(err))
		}
		begun, err := f(c.Conn())
		dead := c.Conn().IsClosed()
		c.Release() // a dead one leaves the pool
		if begun || !dead || !errors.Is(err, store.ErrIO) || tries == e.readers.Config().MaxConns {
			return err
		}
	}
}

// Update implements [store.Engine].
func (e *engine) Update(ctx context.Context, f func(store.Tx) error) error {
	if err := e.open(ctx); err != nil {
		return err
	}
	select {
	case <-e.closed:
		return store.ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	case w := <-e.writer:
		defer func() { e.writer <- w }()
		return w.update(context.WithoutCancel(ctx), f)
	}
}

// Close waits for running work and closes all connections. Later calls get [store.ErrClosed].
func (e *engine) Close() (err error) {
	e.once.Do(func() {
		close(e.closed)
		if e.readers != nil {
			e.readers.Close()
		}
		w := <-e.writer
		err = w.disconnect(context.Background())
	})
	if err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

// querier reads in a transaction.
type querier struct{ conn *pgx.Conn }

// Query implements [store.Querier].
func (q querier) Query(ctx context.Context, sql string, args []any, scan func(store.Scanner) error) error {
	return query(ctx, q.conn, sql, args, scan)
}

// rowsPerCheck is how many rows are read between two looks at the context.
const rowsPerCheck = 1024

func query(ctx context.Context, c *pgx.Conn, sql string, args []any, scan func(store.Scanner) error) error {
	rows, err := c.Query(context.WithoutCancel(ctx), sql, storable(args)...)
	if err != nil {
		return typed(err)
	}
	defer rows.Close()
	for n := 1; rows.Next(); n++ {
		if err := scan(rows); err != nil {
			return err
		}
		if n%rowsPerCheck == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return typed(rows.Err())
}

var errRolledBack = errors.New("the transaction was rolled back")
