package sqlite

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/farmhand-render/farmhand/internal/store"
)

const (
	sqlDropText = `DELETE FROM job_text WHERE job_id = $1` // its parts go with it, by a trigger
	sqlPutText  = `INSERT INTO job_text (job_id, queue_id, created_at, number, content, parameters) VALUES ($1, $2, $3, $4, $5, $6)`
	sqlPutParts = `INSERT INTO job_part (rowid, parts) VALUES (last_insert_rowid(), $1)`
)

// PutText implements [store.Tx].
func (c *conn) PutText(ctx context.Context, t *store.JobText) error {
	if _, err := c.Exec(ctx, sqlDropText, t.JobID); err != nil {
		return err
	}
	if _, err := c.Exec(ctx, sqlPutText, t.JobID, t.QueueID, t.CreatedAt, t.Number, t.Content, t.Parameters); err != nil {
		return err
	}
	_, err := c.Exec(ctx, sqlPutParts, words(t.Parts, " "))
	return err
}

// words are numbers as the full-text index knows them.
func words(parts []uint32, between string) string {
	text := make([]byte, 0, 8*len(parts))
	for i, part := range parts {
		if i > 0 {
			text = append(text, between...)
		}
		text = strconv.AppendUint(text, uint64(part), 36)
	}
	return string(text)
}

// Holding implements [store.Engine]: the full-text index of SQLite, whose words are the parts.
func (e *engine) Holding(sets [][]uint32, from int) (tables, condition string, args []any) {
	all := make([]string, len(sets))
	for i, set := range sets {
		all[i] = "(" + words(set, " AND ") + ")"
	}
	return `job_part CROSS JOIN job_text ON job_text.text_id = job_part.rowid`, // the order in which they are read
		fmt.Sprintf(`job_part MATCH $%d`, from), []any{strings.Join(all, " OR ")}
}

// Streams implements [store.Engine].
func (e *engine) Streams() bool { return true }
