package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/farmhand-render/farmhand/internal/store"
)

// pool lends connections. A slot holds nil until a connection is needed, and again after
// one had to be thrown away.
type pool struct {
	db     *sql.DB
	slots  chan *conn
	closed chan struct{}
	once   sync.Once
}

func newPool(db *sql.DB, size int) *pool {
	db.SetMaxIdleConns(-1) // what a slot lets go is closed, not kept
	p := &pool{db: db, slots: make(chan *conn, size), closed: make(chan struct{})}
	for range size {
		p.slots <- nil
	}
	return p
}

// with runs f with a connection of its own. ctx bounds the wait for it.
func (p *pool) with(ctx context.Context, f func(*conn) error) (err error) {
	c, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if c.broken {
			c.discard()
			c = nil
		}
		p.slots <- c
	}()
	return f(c)
}

func (p *pool) acquire(ctx context.Context) (*conn, error) {
	select {
	case <-p.closed:
		return nil, store.ErrClosed
	default:
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-p.closed:
		return nil, store.ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case c := <-p.slots:
		if c != nil {
			return c, nil
		}
		c, err := newConn(ctx, p.db)
		if err != nil {
			p.slots <- nil
			return nil, fmt.Errorf("connect: %w", typed(err))
		}
		return c, nil
	}
}

// close waits until all connections are back and closes them.
func (p *pool) close() error {
	var err error
	p.once.Do(func() {
		close(p.closed)
		for range cap(p.slots) {
			if c := <-p.slots; c != nil {
				c.discard()
			}
		}
		err = p.db.Close()
	})
	return err
}

// conn is a connection with its prepared statements. One goroutine uses it at a time.
type conn struct {
	sql        *sql.Conn
	statements map[string]*sql.Stmt // by portable text
	upserts    map[*store.Table]*upsert
	broken     bool // met an error after which it must not be used again
}

func newConn(ctx context.Context, db *sql.DB) (*conn, error) {
	c, err := db.Conn(context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	return &conn{sql: c, statements: map[string]*sql.Stmt{}, upserts: map[*store.Table]*upsert{}}, nil
}

// discard closes the connection. Whatever was not committed is gone; there is nothing to
// do about an error.
func (c *conn) discard() {
	for _, s := range c.statements {
		_ = s.Close()
	}
	for _, u := range c.upserts {
		u.close()
	}
	_ = c.sql.Close()
}

// failed notes and types an error of SQLite.
func (c *conn) failed(err error) error {
	err = typed(err)
	if errors.Is(err, store.ErrIO) || errors.Is(err, store.ErrFull) {
		c.broken = true
	}
	return err
}

// transaction runs f between begin and COMMIT. The texts are statements like others, rather
// than [sql.Tx], which would roll back by itself when a context ends, in the middle of a write.
func (c *conn) transaction(ctx context.Context, begin string, f func() error) (err error) {
	if _, err := c.Exec(ctx, begin); err != nil {
		return err
	}
	open := true
	defer func() {
		if !open {
			return
		}
		// After an error of the medium SQLite may have rolled back already: then this one is refused.
		if _, failed := c.Exec(ctx, "ROLLBACK"); failed != nil {
			c.broken = true
		}
	}()
	if err := f(); err != nil {
		return err
	}
	if _, err := c.Exec(ctx, "COMMIT"); err != nil {
		return err
	}
	open = false
	return nil
}

// Exec implements [store.Tx].
func (c *conn) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	ctx = context.WithoutCancel(ctx)
	s, err := c.statement(ctx, text) //nolint:sqlclosecheck // kept for the connection's life
	if err != nil {
		return 0, err
	}
	result, err := s.ExecContext(ctx, args...)
	if err != nil {
		return 0, c.failed(err)
	}
	return result.RowsAffected()
}

// rowsPerCheck is how many rows are read between two looks at the context.
const rowsPerCheck = 1024

// Query implements [store.Querier].
func (c *conn) Query(ctx context.Context, text string, args []any, scan func(store.Scanner) error) (err error) {
	s, err := c.statement(context.WithoutCancel(ctx), text) //nolint:sqlclosecheck // kept for the connection's life
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(context.WithoutCancel(ctx), args...)
	if err != nil {
		return c.failed(err)
	}
	defer func() {
		if closed := rows.Close(); err == nil && closed != nil {
			err = c.failed(closed)
		}
	}()
	for n := 1; rows.Next(); n++ {
		if err := scan(rows); err != nil {
			return err
		}
		if n%rowsPerCheck == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	if err := rows.Err(); err != nil {
		return c.failed(err)
	}
	return nil
}

// Upsert implements [store.Tx]: prepared statements for each row, which is faster here than any statement for many rows.
func (c *conn) Upsert(ctx context.Context, table *store.Table, rows store.Batch) error {
	ctx = context.WithoutCancel(ctx)
	err := c.sql.Raw(func(driver any) (err error) {
		u := c.upserts[table]
		if u == nil {
			if u, err = newUpsert(ctx, driver, table); err != nil {
				return err
			}
			c.upserts[table] = u
		}
		values := make([]any, 0, len(table.Columns))
		for i := range rows.Len() {
			values = rows.Append(values[:0], i)
			if err := u.write(ctx, table, values); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return c.failed(err)
	}
	return nil
}

// maxStatements bounds the statements that a connection keeps prepared: searches have texts of many shapes.
const maxStatements = 500

func (c *conn) statement(ctx context.Context, text string) (*sql.Stmt, error) {
	if s := c.statements[text]; s != nil {
		return s, nil
	}
	for old, s := range c.statements {
		if len(c.statements) < maxStatements {
			break
		}
		_ = s.Close() // any one; it is not running
		delete(c.statements, old)
	}
	s, err := c.sql.PrepareContext(ctx, placeholders(text))
	if err != nil {
		return nil, c.failed(err)
	}
	c.statements[text] = s
	return s, nil
}

// placeholders turns $n into ?n, which SQLite numbers too. The store's texts have no $ elsewhere.
func placeholders(text string) string { return strings.ReplaceAll(text, "$", "?") }
