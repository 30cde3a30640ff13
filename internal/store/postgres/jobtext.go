package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/farmhand-render/farmhand/internal/store"
)

const sqlPutText = `INSERT INTO job_text (job_id, queue_id, created_at, number, content, parameters, parts)
	VALUES ($1, $2, $3, $4, $5, $6, $7)
	ON CONFLICT (job_id) DO UPDATE SET content = excluded.content, parameters = excluded.parameters, parts = excluded.parts`

// PutText implements [store.Tx].
func (t *tx) PutText(ctx context.Context, text *store.JobText) error {
	t.queue(sqlPutText, storable([]any{
		text.JobID, text.QueueID, text.CreatedAt, text.Number, text.Content, text.Parameters, integers(text.Parts),
	})...)
	if t.size += len(text.Content) + len(text.Parameters) + 4*len(text.Parts); t.size < maxQueued {
		return nil
	}
	_, err := t.flush(context.WithoutCancel(ctx))
	return err
}

// integers are the numbers of parts as the column has them.
func integers(parts []uint32) []int32 {
	all := make([]int32, len(parts))
	for i, part := range parts {
		all[i] = int32(part) //nolint:gosec // all 32 bits
	}
	return all
}

// Holding implements [store.Engine]: an inverted index on the numbers.
func (e *engine) Holding(sets [][]uint32, from int) (tables, condition string, args []any) {
	all := make([]string, len(sets))
	for i, set := range sets {
		all[i] = fmt.Sprintf(`job_text.parts @> $%d`, from+i)
		args = append(args, integers(set))
	}
	return `job_text`, `(` + strings.Join(all, ` OR `) + `)`, args
}

// Streams implements [store.Engine].
func (e *engine) Streams() bool { return false }
