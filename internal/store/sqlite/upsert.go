package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"

	"github.com/farmhand-render/farmhand/internal/store"
)

// upsert is the statements that write a row. SQLite writes an index again whenever one of its columns is set, to the same
// value even, so the columns that seldom change are compared first. They are the driver's own statements: what package
// database/sql does around each execution is a quarter of the time that it takes.
type upsert struct {
	often  driver.Stmt // inserts the row, or sets what often changes
	seldom driver.Stmt // sets what seldom changes when it did; nil when there is nothing of the kind
	args   []driver.NamedValue
}

// newUpsert prepares the statements on the driver's connection.
func newUpsert(ctx context.Context, c any, t *store.Table) (u *upsert, err error) {
	preparer, ok := c.(driver.ConnPrepareContext)
	if !ok {
		return nil, fmt.Errorf("the driver's connection is a %T", c)
	}
	u = &upsert{args: make([]driver.NamedValue, 0, len(t.Columns))}
	if u.often, err = preparer.PrepareContext(ctx, oftenText(t)); err != nil || t.Seldom == 0 {
		return u, err
	}
	if u.seldom, err = preparer.PrepareContext(ctx, seldomText(t)); err != nil {
		u.close()
	}
	return u, err
}

func (u *upsert) close() {
	_ = u.often.Close()
	if u.seldom != nil {
		_ = u.seldom.Close()
	}
}

// write writes a row.
func (u *upsert) write(ctx context.Context, t *store.Table, row []any) error {
	if err := u.execute(ctx, u.often, row); err != nil || u.seldom == nil {
		return err
	}
	from := t.Key + t.Fixed
	return u.execute(ctx, u.seldom, row[from:from+t.Seldom], row[:t.Key])
}

func (u *upsert) execute(ctx context.Context, s driver.Stmt, parts ...[]any) error {
	u.args = u.args[:0]
	for _, part := range parts {
		for _, v := range part {
			u.args = append(u.args, driver.NamedValue{Ordinal: len(u.args) + 1, Value: v})
		}
	}
	_, err := s.(driver.StmtExecContext).ExecContext(ctx, u.args)
	return err
}

func oftenText(t *store.Table) string {
	var set []string
	for _, column := range t.Columns[t.Key+t.Fixed+t.Seldom:] {
		set = append(set, column+" = excluded."+column)
	}
	action := "NOTHING"
	if len(set) > 0 {
		action = "UPDATE SET " + strings.Join(set, ", ")
	}
	return "INSERT INTO " + t.Name + " (" + strings.Join(t.Columns, ", ") + ") VALUES (" + numbered(1, len(t.Columns)) +
		") ON CONFLICT (" + strings.Join(t.Columns[:t.Key], ", ") + ") DO " + action
}

func seldomText(t *store.Table) string {
	columns := strings.Join(t.Columns[t.Key+t.Fixed:t.Key+t.Fixed+t.Seldom], ", ")
	values := numbered(1, t.Seldom)
	return "UPDATE " + t.Name + " SET (" + columns + ") = (" + values + ") WHERE (" + strings.Join(t.Columns[:t.Key], ", ") +
		") = (" + numbered(t.Seldom+1, t.Key) + ") AND (" + columns + ") IS NOT (" + values + ")"
}

// numbered is n placeholders in a row.
func numbered(from, n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint("?", from+i)
	}
	return strings.Join(all, ", ")
}
