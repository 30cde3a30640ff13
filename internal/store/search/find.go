package search

import (
	"context"
	"math/bits"
	"slices"
)

// view is a queue or fleet as a search sees it: what is added later is not looked at.
type view struct {
	q       *queue
	chunks  []*chunk
	rows    int // in all chunks
	jobs    []*chunk
	idBytes [256]bool
	byAge   bool
	apart   bool // some steps do not lie beside the others of their job
}

// find looks at the chunks of a queue or fleet, those that come first in the result first, until more could change neither the page nor the
// count. It returns what the count is now, of which it is known that it is not above the limit.
func (v *view) find(ctx context.Context, query *Query, x *Index, into *collector, total int) (int, error) {
	root := x.plan(v, query.Kind).condition(&query.Where)
	s := &sorter{
		q: v.q, texts: v.q.texts.snapshot(), value: v.q.values.snapshot(),
		place: func(row int32) *chunk { return v.jobs[row>>chunkBits] },
	}
	inOrder, newestFirst := v.walk(query)
	found := 0
	for n := range v.chunks {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		at := n
		if newestFirst {
			at = len(v.chunks) - 1 - n
		}
		here := v.look(at, root, s, into)
		found += here
		total = min(total+here, query.Limit)
		if (inOrder || into.keep == 0) && total >= query.Limit && found >= into.keep && !v.continues(query.Kind, at) {
			break
		}
	}
	return total, nil
}

func (x *Index) plan(v *view, kind Kind) *plan {
	return &plan{q: v.q, kind: kind, idBytes: v.idBytes, place: func(jobID string) (int32, bool) { return x.place(v.q, jobID) }}
}

// walk tells which end of the chunks is looked at first, and whether what comes first in the result is met first.
func (v *view) walk(query *Query) (inOrder, newestFirst bool) {
	if len(query.Order) == 0 {
		return v.byAge, true
	}
	o := &query.Order[0]
	is := query.Kind == Jobs && len(query.Order) == 1 && o.Column == CreatedAt && o.Parameter == "" && o.First == nil
	return is && v.byAge, o.Descending || o.First != nil
}

// look finds the rows of a chunk.
func (v *view) look(at int, root node, s *sorter, into *collector) (found int) {
	c := v.chunks[at]
	c.mu.RLock()
	defer c.mu.RUnlock()
	live := v.live(at)
	set := root.test(c, &live)
	if into.keep > 0 {
		for word, some := range set {
			for left := some; left != 0; left &= left - 1 {
				into.add(s, c, word*64+bits.TrailingZeros64(left))
			}
		}
	}
	return set.len()
}

// live is the rows of a chunk that are there. The chunk is locked.
func (v *view) live(at int) rowSet {
	live := v.chunks[at].live
	if before := v.rows - at*chunkRows; before < chunkRows {
		live.cut(before)
	}
	return live
}

// continues reports whether the first job of a chunk of steps has steps in the chunk before it, too: these come before those.
func (v *view) continues(kind Kind, at int) bool {
	if kind != Steps || at == 0 {
		return false
	}
	last, first := v.chunks[at-1], v.chunks[at]
	return last.jobAt(chunkRows-1) == first.jobAt(0)
}

func (c *chunk) jobAt(row int) int32 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.shorts(jobRow)[row]
}

// Find gives the ids of a page, and how many there are, up to the limit. Queues and fleets that are not in memory are read first.
func (x *Index) Find(ctx context.Context, query *Query) (ids []string, total int, err error) {
	into := &collector{by: slices.Concat(query.Order, ties(query.Kind, query.Order)), keep: query.Offset + query.Size}
	if query.Size == 0 {
		into.keep = 0
	}
	for _, id := range query.Within {
		v, err := x.view(ctx, query.Kind, id)
		if err != nil {
			return nil, 0, err
		}
		if total, err = v.find(ctx, query, x, into, total); err != nil {
			return nil, 0, err
		}
	}
	into.trim()
	for _, h := range into.hits[min(query.Offset, len(into.hits)):] {
		ids = append(ids, string(h.id))
	}
	return ids, total, nil
}
