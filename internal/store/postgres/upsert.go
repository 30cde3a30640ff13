package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/farmhand-render/farmhand/internal/store"
)

// upsert is the statement that writes rows of a table, and the types of its columns.
type upsert struct {
	sql   string
	types []string
}

// columnTypes reads the types of all columns of the schema.
func columnTypes(ctx context.Context, c *pgx.Conn) (map[string]map[string]string, error) {
	rows, err := c.Query(ctx, `SELECT table_name::text, column_name::text, data_type::text
		FROM information_schema.columns WHERE table_schema = current_schema()`)
	if err != nil {
		return nil, fmt.Errorf("read the types of columns: %w", typed(err))
	}
	types := map[string]map[string]string{}
	var table, column, kind string
	_, err = pgx.ForEachRow(rows, []any{&table, &column, &kind}, func() error {
		if types[table] == nil {
			types[table] = map[string]string{}
		}
		types[table][column] = kind
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the types of columns: %w", typed(err))
	}
	return types, nil
}

// newUpsert makes the statement. It writes only what may change, so that indexes on the rest are left alone.
func newUpsert(t *store.Table, types map[string]string) (*upsert, error) {
	u := &upsert{}
	arrays := make([]string, 0, len(t.Columns))
	for i, column := range t.Columns {
		kind := types[column]
		if newArray(kind, 0) == nil {
			return nil, fmt.Errorf("column %s of %s has the type %q", column, t.Name, kind)
		}
		u.types = append(u.types, kind)
		arrays = append(arrays, "$"+strconv.Itoa(i+1)+"::"+kind+"[]")
	}
	var set []string
	for _, column := range t.Columns[t.Key+t.Fixed:] {
		set = append(set, column+" = excluded."+column)
	}
	action := "NOTHING"
	if len(set) > 0 {
		action = "UPDATE SET " + strings.Join(set, ", ")
	}
	u.sql = "INSERT INTO " + t.Name + " (" + strings.Join(t.Columns, ", ") + ") SELECT * FROM unnest(" + strings.Join(arrays, ", ") +
		") ON CONFLICT (" + strings.Join(t.Columns[:t.Key], ", ") + ") DO " + action
	return u, nil
}

func (u *upsert) arrays(rows int) arrays {
	all := make(arrays, len(u.types))
	for i, kind := range u.types {
		all[i] = newArray(kind, rows)
	}
	return all
}

// arrays are rows, column by column.
type arrays []array

// add appends a row and gives its size in bytes.
func (a arrays) add(row []any) (size int, err error) {
	for i, value := range row {
		n, err := a[i].add(value)
		if err != nil {
			return size, err
		}
		size += n
	}
	return size, nil
}

func (a arrays) values() []any {
	all := make([]any, len(a))
	for i := range a {
		all[i] = a[i].value()
	}
	return all
}

// array is the values of a column.
type array interface {
	add(value any) (size int, err error)
	value() any
}

// newArray makes an array of a type, nil for one that the store does not use.
func newArray(kind string, rows int) array {
	switch kind {
	case "text":
		return &textArray{make([]*string, 0, rows)}
	case "bigint":
		return newPlain[int64](rows)
	case "double precision":
		return newPlain[float64](rows)
	case "boolean":
		return newPlain[bool](rows)
	case "bytea":
		return newPlain[[]byte](rows)
	default:
		return nil
	}
}

type textArray struct{ all []*string }

func (a *textArray) add(value any) (int, error) {
	if value == nil {
		a.all = append(a.all, nil)
		return 0, nil
	}
	text, ok := value.(string)
	if !ok {
		return 0, fmt.Errorf("a %T where a text belongs", value)
	}
	text = storableText(text)
	a.all = append(a.all, &text)
	return len(text), nil
}

func (a *textArray) value() any { return a.all }

// plain holds values, with nil for an absent one.
type plain[T any] struct {
	all    []T
	absent []*T // all, once one is absent
}

func newPlain[T any](rows int) *plain[T] { return &plain[T]{all: make([]T, 0, rows)} }

func (a *plain[T]) add(value any) (int, error) {
	v, ok := value.(T)
	if !ok && value != nil {
		return 0, fmt.Errorf("a %T where a %T belongs", value, v)
	}
	if value == nil && a.absent == nil {
		a.absent = make([]*T, 0, cap(a.all))
		for i := range a.all {
			a.absent = append(a.absent, &a.all[i])
		}
	}
	switch {
	case value == nil:
		a.absent = append(a.absent, nil)
	case a.absent != nil:
		a.absent = append(a.absent, &v)
	default:
		a.all = append(a.all, v)
	}
	return 8, nil
}

func (a *plain[T]) value() any {
	if a.absent != nil {
		return a.absent
	}
	return a.all
}
