package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/farmhand-render/farmhand/internal/store/row"
)

// FindJobs implements [Reader].
//
// First the ways to the jobs are measured. When one leads to few, all those are read and sorted. Else some are met soon in the order
// of the result, so that is walked, and the count stops at its limit.
func (d *DB) FindJobs(ctx context.Context, s *JobSearch, offset, size, limit int) (found []row.Job, total int, err error) {
	ids, total, err := d.find(ctx, s, offset, size, limit, limit)
	if err == nil {
		found, err = d.jobsByID(ctx, ids)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("find jobs: %w", err)
	}
	return found, total, nil
}

// find is FindJobs for their ids. few is how many it is cheaper not to read.
func (d *DB) find(ctx context.Context, s *JobSearch, offset, size, limit, few int) (ids []string, total int, err error) {
	best, err := d.best(ctx, s, few)
	if err != nil {
		return nil, 0, err
	}
	byAge, _ := s.byAge()
	// The jobs of one value lie by age, so that there is nothing to sort.
	sorted := byAge && wide(best.lead()) != nil && best.count >= few
	if best != nil && !best.more && best.cost(&s.Where) <= reading*few && !sorted {
		ids, err := d.all(ctx, s, best, max(few, offset+size))
		if err != nil || len(ids) < few || !byAge || !best.onlyTexts() {
			return page(ids, offset, size), min(len(ids), limit), err
		}
		best.count = few // and more, in no order
	}
	if total = limit; !best.total() || best.count < limit {
		if total, err = d.countAll(ctx, s, best, limit); err != nil {
			return nil, 0, err
		}
	}
	if size == 0 || total < limit && offset >= total {
		return nil, total, nil
	}
	if total < limit && !byAge && !best.onlyTexts() {
		ids, err := d.all(ctx, s, best.sorting(), limit)
		return page(ids, offset, size), total, err
	}
	ids, err = d.walk(ctx, s, best, offset, size, few)
	return ids, total, err
}

func page(ids []string, offset, size int) []string {
	return ids[min(offset, len(ids)):min(offset+size, len(ids))]
}

// sorting is a way that countAll walked; nil for that by age.
func (s *seek) sorting() *seek {
	if wide(s.lead()) != nil {
		return s
	}
	return nil
}

// all gives the ids of all jobs of a search in order, up to a limit. A way leads to them; nil is to look at all jobs. When the order is
// that of the age and only texts lead to them, those that are over the limit are any ones.
func (d *DB) all(ctx context.Context, s *JobSearch, way *seek, limit int) ([]string, error) {
	b := &searchText{lead: way.lead(), given: way.only()}
	if is, descending := s.byAge(); is && way.onlyTexts() {
		text := `SELECT job_id FROM (SELECT job_text.job_id, job_text.created_at, job_text.number ` + d.holding(b, s.QueueIDs, way) +
			` LIMIT ` + b.arg(int64(limit)) + `) AS found ORDER BY `
		if descending {
			return d.ids(ctx, b, text+`created_at DESC, number DESC`)
		}
		return d.ids(ctx, b, text+`created_at, number`)
	}
	text := `SELECT job_id FROM job WHERE `
	if way == nil || b.lead != nil {
		b.age = b.lead == nil || b.lead.Operator == Equal
		text += b.queues("job", s.QueueIDs)
		if b.lead != nil && !way.inIndex(&s.Where) && !way.whole {
			text += ` AND (sessions + 0) >= 0` // rows are needed: an index that spares them is no better
		}
	} else {
		text += d.in(b, s, way)
	}
	text += ` AND ` + b.condition(&s.Where) + b.order(s.Order)
	return d.ids(ctx, b, text+` LIMIT `+b.arg(int64(limit)))
}

// in is the condition that a way leads to a job.
func (d *DB) in(b *searchText, s *JobSearch, way *seek) string {
	var parts []string
	for _, c := range way.columns {
		of := &searchText{args: b.args, lead: c}
		parts = append(parts, `SELECT job_id FROM job WHERE `+of.queues("job", s.QueueIDs)+` AND `+of.condition(c))
		b.args = of.args
	}
	if len(way.texts) > 0 {
		parts = append(parts, `SELECT job_text.job_id `+d.holding(b, s.QueueIDs, way))
	}
	return `job_id IN (` + strings.Join(parts, ` UNION ALL `) + `)`
}

// countAll counts the jobs of a search up to a limit: those of one creator or status, or all, newest first.
func (d *DB) countAll(ctx context.Context, s *JobSearch, best *seek, limit int) (n int, err error) {
	if best.onlyTexts() {
		return d.countWalkedTexts(ctx, s, best, limit)
	}
	for _, id := range s.QueueIDs {
		b := &searchText{lead: wide(best.lead()), age: true, sort: true}
		found, err := d.count(ctx, b, `SELECT 1 FROM job WHERE `+b.queues("job", []string{id})+` AND `+b.condition(&s.Where)+
			b.order(nil), limit-n)
		if n += found; err != nil || n >= limit {
			return n, err
		}
	}
	return n, nil
}

func (d *DB) countWalkedTexts(ctx context.Context, s *JobSearch, best *seek, limit int) (n int, err error) {
	for _, id := range s.QueueIDs {
		b := &searchText{}
		found, err := d.count(ctx, b, `SELECT 1 FROM job_text WHERE `+b.queues("job_text", []string{id})+` AND `+b.anyText(best.texts)+
			` ORDER BY created_at DESC, number DESC`, limit-n)
		if n += found; err != nil || n >= limit {
			return n, err
		}
	}
	return n, nil
}

func (b *searchText) anyText(texts []*Condition) string {
	found := make([]string, len(texts))
	for i, c := range texts {
		found[i] = b.inText(c)
	}
	return `(` + strings.Join(found, ` OR `) + `)`
}

// walk gives the ids of a page of many jobs: it meets them in order.
func (d *DB) walk(ctx context.Context, s *JobSearch, best *seek, offset, size, few int) ([]string, error) {
	first, rest, split := s.split()
	if split {
		ids, n, err := d.find(ctx, &first, offset, size, offset+size, few)
		if err != nil || len(ids) == size {
			return ids, err
		}
		more, _, err := d.find(ctx, &rest, max(0, offset-n), size-len(ids), max(0, offset-n)+size-len(ids), few)
		return append(ids, more...), err
	}
	b := &searchText{sort: true}
	byAge, descending := s.byAge()
	if byAge {
		b.lead, b.age = wide(best.lead()), true
	}
	part := func(columns, queueID string) string {
		if byAge && best.onlyTexts() {
			order := ` ORDER BY created_at, number`
			if descending {
				order = ` ORDER BY created_at DESC, number DESC`
			}
			return `SELECT ` + columns + ` FROM job_text WHERE ` + b.queues("job_text", []string{queueID}) + ` AND ` +
				b.anyText(best.texts) + order
		}
		return `SELECT ` + columns + ` FROM job WHERE ` + b.queues("job", []string{queueID}) + ` AND ` +
			b.condition(&s.Where) + b.order(s.Order)
	}
	if len(s.QueueIDs) == 1 {
		return d.ids(ctx, b, part(`job_id`, s.QueueIDs[0])+` LIMIT `+b.arg(int64(size))+` OFFSET `+b.arg(int64(offset)))
	}
	// Each queue gives its own first ones, and the first of those are the page.
	last := b.arg(int64(offset + size))
	parts := make([]string, len(s.QueueIDs))
	for i, id := range s.QueueIDs {
		parts[i] = `SELECT * FROM (` + part(keys(s.Order), id) + ` LIMIT ` + last + `) AS part`
	}
	return d.ids(ctx, b, `SELECT job_id FROM (`+strings.Join(parts, ` UNION ALL `)+`) AS found`+b.order(s.Order)+
		` LIMIT `+b.arg(int64(size))+` OFFSET `+b.arg(int64(offset)))
}

// keys are the columns that an order needs.
func keys(by []Order) string {
	columns := []string{`job_id`, `created_at`, `number`}
	for _, o := range by {
		column := string(o.Column)
		if o.Column == JobMaxWorkers {
			column = `max_workers` // of which the order makes what it needs
		}
		if !slices.Contains(columns, column) {
			columns = append(columns, column)
		}
	}
	return strings.Join(columns, `, `)
}

// ids runs a query for ids.
func (d *DB) ids(ctx context.Context, b *searchText, text string) (ids []string, err error) {
	err = d.engine.Query(ctx, text, b.args, func(s Scanner) error {
		var id string
		err := s.Scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}
