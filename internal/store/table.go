package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/farmhand-render/farmhand/internal/status"
)

// table maps a row type to its table. The order of columns, values and dest is the same.
type table[T any] struct {
	Table
	selectAll string // SELECT of all columns FROM the table, without a condition
	values    func(values []any, r *T) []any
	dest      func(r *T) []any
}

// newTable makes a table of comma-separated columns: first those of the primary key,
// then those that never change, then the others.
func newTable[T any](
	name string, key, fixed int, columns string, values func([]any, *T) []any, dest func(*T) []any,
) *table[T] {
	return &table[T]{
		Table:     Table{Name: name, Columns: strings.Split(columns, ", "), Key: key, Fixed: fixed},
		selectAll: "SELECT " + columns + " FROM " + name,
		values:    values,
		dest:      dest,
	}
}

// seldom says how many of the columns after the fixed ones have indexes and change seldom.
func (t *table[T]) seldom(n int) *table[T] {
	t.Seldom = n
	return t
}

// batch implements [Batch].
type batch[T any] struct {
	table *table[T]
	rows  []T
}

func (b batch[T]) Len() int                         { return len(b.rows) }
func (b batch[T]) Append(values []any, i int) []any { return b.table.values(values, &b.rows[i]) }

func upsert[T any](ctx context.Context, tx Tx, t *table[T], rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	if err := tx.Upsert(ctx, &t.Table, batch[T]{t, rows}); err != nil {
		return fmt.Errorf("write %s rows: %w", t.Name, err)
	}
	return nil
}

// each calls f for every row of a query on all columns of t.
func each[T any](ctx context.Context, q Querier, t *table[T], sql string, f func(T), args ...any) error {
	err := q.Query(ctx, sql, args, func(s Scanner) error {
		var r T
		if err := s.Scan(t.dest(&r)...); err != nil {
			return err
		}
		f(r)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read %s rows: %w", t.Name, err)
	}
	return nil
}

func list[T any](ctx context.Context, q Querier, t *table[T], sql string, args ...any) ([]T, error) {
	var rows []T
	err := each(ctx, q, t, sql, func(r T) { rows = append(rows, r) }, args...)
	return rows, err
}

func one[T any](ctx context.Context, q Querier, t *table[T], sql string, args ...any) (*T, error) {
	var found *T
	if err := each(ctx, q, t, sql, func(r T) { found = &r }, args...); err != nil {
		return nil, err
	}
	if found == nil {
		return nil, fmt.Errorf("%s: %w", t.Name, ErrNotFound)
	}
	return found, nil
}

// number answers a query for a single integer.
func number(ctx context.Context, q Querier, sql string, args ...any) (int64, error) {
	var n int64
	err := q.Query(ctx, sql, args, func(s Scanner) error { return s.Scan(&n) })
	return n, err
}

// texts answers a query for a single column of texts.
func texts(ctx context.Context, q Querier, sql string, args ...any) (all []string, err error) {
	err = q.Query(ctx, sql, args, func(s Scanner) error {
		var text string
		err := s.Scan(&text)
		all = append(all, text)
		return err
	})
	return all, err
}

// document is the value of a JSON text that may be absent.
func document(b []byte) any {
	if b == nil {
		return nil
	}
	return string(b)
}

// parsed scans a text column through a parser.
type parsed[T any] struct {
	dest  *T
	parse func(string) (T, error)
}

// Scan implements [database/sql.Scanner].
func (p parsed[T]) Scan(value any) error {
	var text string
	switch v := value.(type) {
	case string:
		text = v
	case []byte:
		text = string(v)
	default:
		return fmt.Errorf("column of type %T where a text belongs", value)
	}
	v, err := p.parse(text)
	if err != nil {
		return err
	}
	*p.dest = v
	return nil
}

func taskStatus(dest *status.Task) parsed[status.Task] {
	return parsed[status.Task]{dest, status.ParseTask}
}

func lifecycle(dest *status.Lifecycle) parsed[status.Lifecycle] {
	return parsed[status.Lifecycle]{dest, status.ParseLifecycle}
}

func counts(dest *status.Counts) parsed[status.Counts] {
	return parsed[status.Counts]{dest, parseCounts}
}

func yes(dest *bool) parsed[bool] {
	return parsed[bool]{dest, func(text string) (bool, error) { return text != "", nil }}
}

func formatYes(is bool) string {
	if is {
		return "YES"
	}
	return ""
}

// list of values as a JSON text: nil and empty stay different.
func listOf[T any](dest *[]T) parsed[[]T] {
	return parsed[[]T]{dest, func(text string) (v []T, err error) {
		err = json.Unmarshal([]byte(text), &v)
		return v, err
	}}
}

// jsonText encodes a value that always can be: strings, integers, and lists and maps of them.
func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) //nolint:forbidigo // such values always encode
	}
	return string(text)
}

// formatCounts writes task counts as "READY=5 SUCCEEDED=3": only statuses that occur, in
// the order of their declaration, by name so that the text survives changes of the order.
func formatCounts(c *status.Counts) string {
	text := make([]byte, 0, 64)
	for s, n := range c {
		if n == 0 || s == 0 {
			continue
		}
		if len(text) > 0 {
			text = append(text, ' ')
		}
		text = append(text, status.Task(s).String()...)
		text = append(text, '=')
		text = strconv.AppendInt(text, n, 10)
	}
	return string(text)
}

func parseCounts(text string) (c status.Counts, err error) {
	for field := range strings.FieldsSeq(text) {
		name, count, _ := strings.Cut(field, "=")
		s, err := status.ParseTask(name)
		if err != nil {
			return c, err
		}
		n, err := strconv.ParseInt(count, 10, 64)
		if err != nil {
			return c, fmt.Errorf("count of %s tasks: %w", name, err)
		}
		c[s] = n
	}
	return c, nil
}
