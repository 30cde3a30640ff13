package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/farmhand-render/farmhand/internal/store"
)

// upsert is the statements that write a row. SQLite writes an index again whenever one of its columns is set, to the same
// value even, so the columns that seldom change are compared first.
type upsert struct {
	often  *sql.Stmt // inserts the row, or sets what often changes
	seldom *sql.Stmt // sets what seldom changes when it did; nil when there is nothing of the kind
}

func (c *conn) newUpsert(ctx context.Context, t *store.Table) (*upsert, error) {
	often, err := c.sql.PrepareContext(ctx, oftenText(t))
	if err != nil || t.Seldom == 0 {
		return &upsert{often: often}, err
	}
	u := &upsert{often: often}
	if u.seldom, err = c.sql.PrepareContext(ctx, seldomText(t)); err != nil {
		u.close()
		return nil, err
	}
	return u, nil
}

func (u *upsert) close() {
	_ = u.often.Close()
	if u.seldom != nil {
		_ = u.seldom.Close()
	}
}

// write writes a row. It may use the capacity of row.
func (u *upsert) write(ctx context.Context, t *store.Table, row []any) error {
	if _, err := u.often.ExecContext(ctx, row...); err != nil || u.seldom == nil {
		return err
	}
	from := t.Key + t.Fixed
	args := append(row, row[from:from+t.Seldom]...)
	args = append(args, row[:t.Key]...)
	_, err := u.seldom.ExecContext(ctx, args[len(row):]...)
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
