package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/farmhand-render/farmhand/internal/diskfile"
	"github.com/farmhand-render/farmhand/internal/store"
)

// engine implements [store.Engine].
type engine struct {
	writer  *pool // of one connection
	readers *pool
	lock    *diskfile.Lock
}

var _ store.Engine = (*engine)(nil)

// Query implements [store.Querier].
func (e *engine) Query(ctx context.Context, sql string, args []any, scan func(store.Scanner) error) error {
	return e.readers.with(ctx, func(c *conn) error { return c.Query(ctx, sql, args, scan) })
}

// View implements [store.Engine].
func (e *engine) View(ctx context.Context, f func(store.Querier) error) error {
	return e.readers.with(ctx, func(c *conn) error {
		return c.transaction(ctx, "BEGIN", func() error { return f(c) })
	})
}

// Update implements [store.Engine].
func (e *engine) Update(ctx context.Context, f func(store.Tx) error) error {
	return e.writer.with(ctx, func(c *conn) error {
		return c.transaction(ctx, "BEGIN IMMEDIATE", func() error { return f(c) })
	})
}

// Close waits for running work, then closes the database: its write-ahead log is copied
// into the file and removed. Later calls get [store.ErrClosed].
func (e *engine) Close() error {
	err := errors.Join(e.readers.close(), e.writer.close())
	if err != nil {
		err = fmt.Errorf("close database: %w", err)
	}
	return errors.Join(err, e.lock.Release())
}
