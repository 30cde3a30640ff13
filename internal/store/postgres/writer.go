package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/farmhand-render/farmhand/internal/store"
)

// lockKey is the advisory lock of the server that writes to a database: "farmhand" in ASCII.
const lockKey = 0x6661726d68616e64

// writer is the one place that writes. One goroutine uses it at a time.
type writer struct {
	engine  *engine
	conn    *pgx.Conn // holds the lock; nil when there is none
	upserts map[*store.Table]*upsert
}

// takeOver makes the engine's server the one that writes to the database.
func (e *engine) takeOver(ctx context.Context, relaxed bool) error {
	w := <-e.writer
	defer func() { e.writer <- w }()
	err := w.connect(ctx)
	if err == nil {
		err = suitable(ctx, w.conn, relaxed)
	}
	if err == nil {
		err = migrateSchema(ctx, e.config)
	}
	if err == nil {
		e.columns, err = columnTypes(ctx, w.conn)
	}
	if err == nil {
		err = typed(w.conn.QueryRow(ctx, `INSERT INTO writer (writer_id, term) VALUES (1, 1)
			ON CONFLICT (writer_id) DO UPDATE SET term = writer.term + 1 RETURNING term`).Scan(&e.term))
	}
	return err
}

// connect makes a connection that holds the lock.
func (w *writer) connect(ctx context.Context) error {
	c, err := pgx.ConnectConfig(ctx, w.engine.config)
	if err != nil {
		return fmt.Errorf("connect: %w", typed(err))
	}
	if _, err := c.Exec(ctx, `SELECT pg_advisory_lock($1)`, int64(lockKey)); err != nil {
		if err = typed(err); errors.Is(err, store.ErrBusy) {
			err = fmt.Errorf("%w: %w", ErrLocked, err)
		}
		return errors.Join(err, c.Close(ctx))
	}
	w.conn = c
	return nil
}

// reconnect is connect after the first time: the database must still belong to this server.
func (w *writer) reconnect(ctx context.Context) error {
	if err := w.connect(ctx); err != nil {
		return err
	}
	var term int64
	err := typed(w.conn.QueryRow(ctx, `SELECT term FROM writer WHERE writer_id = 1`).Scan(&term))
	if err == nil && term != w.engine.term {
		err = fmt.Errorf("%w: it was taken over while the connection was lost, restart this server", ErrLocked)
	}
	if err != nil {
		return errors.Join(err, w.disconnect(ctx))
	}
	return nil
}

// disconnect lets go of the lock. Whatever was not committed is gone.
func (w *writer) disconnect(ctx context.Context) error {
	if w.conn == nil {
		return nil
	}
	err := w.conn.Close(ctx)
	w.conn = nil
	return err
}

func (w *writer) update(ctx context.Context, f func(store.Tx) error) error {
	if w.conn != nil && w.conn.IsClosed() {
		w.conn = nil
	}
	if w.conn == nil {
		if err := w.reconnect(ctx); err != nil {
			return err
		}
	}
	tx := &tx{querier: querier{w.conn}, writer: w}
	tx.queue("BEGIN")
	err := f(tx)
	if err == nil {
		err = tx.commit(ctx)
	}
	if err != nil {
		w.rollBack(ctx)
	}
	return err
}

// rollBack makes the connection ready for the next transaction, or lets it go.
func (w *writer) rollBack(ctx context.Context) {
	if !w.conn.IsClosed() && w.conn.PgConn().TxStatus() != 'I' {
		if _, err := w.conn.Exec(ctx, "ROLLBACK"); err == nil {
			return
		}
	}
	if w.conn.IsClosed() || w.conn.PgConn().TxStatus() != 'I' {
		_ = w.disconnect(ctx) // it failed before
	}
}

// tx implements [store.Tx]. Statements whose outcome nobody waits for are sent with the next one that somebody does.
type tx struct {
	querier
	writer *writer
	queued pgx.Batch
	size   int // bytes of texts in queued
}

func (t *tx) queue(sql string, args ...any) { t.queued.Queue(sql, args...) }

// flush sends what is queued and gives the outcome of the last statement.
func (t *tx) flush(ctx context.Context) (last pgconn.CommandTag, err error) {
	n := t.queued.Len()
	if n == 0 {
		return last, nil
	}
	batch := t.queued
	t.queued, t.size = pgx.Batch{}, 0
	results := t.conn.SendBatch(ctx, &batch)
	for range n {
		if last, err = results.Exec(); err != nil {
			break
		}
	}
	if closed := results.Close(); err == nil {
		err = closed
	}
	return last, typed(err)
}

// commit sends all that is queued with the COMMIT.
func (t *tx) commit(ctx context.Context) error {
	t.queue("COMMIT")
	outcome, err := t.flush(ctx)
	if err == nil && outcome.String() != "COMMIT" {
		return errRolledBack
	}
	return err
}

// Query implements [store.Querier].
func (t *tx) Query(ctx context.Context, sql string, args []any, scan func(store.Scanner) error) error {
	if _, err := t.flush(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	return t.querier.Query(ctx, sql, args, scan)
}

// Exec implements [store.Tx].
func (t *tx) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	t.queue(sql, storable(args)...)
	outcome, err := t.flush(context.WithoutCancel(ctx))
	return outcome.RowsAffected(), err
}

// maxQueued is the size in bytes from which a transaction is sent in parts. A parameter must stay below 1 GiB.
const maxQueued = 16 << 20

// Upsert implements [store.Tx]: one statement for many rows, from one array for each column.
func (t *tx) Upsert(ctx context.Context, table *store.Table, rows store.Batch) error {
	u := t.writer.upserts[table]
	if u == nil {
		var err error
		if u, err = newUpsert(table, t.writer.engine.columns[table.Name]); err != nil {
			return err
		}
		t.writer.upserts[table] = u
	}
	values := make([]any, 0, len(table.Columns))
	arrays, n := u.arrays(rows.Len()), 0
	for i := range rows.Len() {
		values = rows.Append(values[:0], i)
		size, err := arrays.add(values)
		if err != nil {
			return fmt.Errorf("%s: %w", table.Name, err)
		}
		n++
		if t.size += size; t.size < maxQueued {
			continue
		}
		t.queue(u.sql, arrays.values()...)
		if _, err := t.flush(context.WithoutCancel(ctx)); err != nil {
			return err
		}
		arrays, n = u.arrays(rows.Len()-i-1), 0
	}
	if n > 0 {
		t.queue(u.sql, arrays.values()...)
	}
	return nil
}
