package store

import (
	"slices"
	"strconv"
	"strings"
)

// searchText makes the text of a search, with its arguments. Which index serves it is said in the text itself, for both
// engines alike: a column in an expression (name || ”, priority + 0) has none. So the plan depends on what was counted, and
// not on what an engine guesses.
type searchText struct {
	args []any
	lead *Condition // the one comparison of Where that may use an index; nil: none
	with *Condition // another one that the same index has, see companion; nil: none
	// sort says that the order may use an index.
	sort bool
}

// plan decides how a page is found. Of few jobs all are read by the best index of the condition, and sorted. Of many some are
// met soon in the order of the result, so that is walked.
func (s *JobSearch) plan(few bool) *searchText {
	b := &searchText{lead: lead(&s.Where), sort: true}
	byAge := len(s.Order) == 0 || len(s.Order) == 1 && s.Order[0].Column == JobCreatedAt
	both := byAge && b.lead != nil && b.lead.Operator == Equal // its index has the order, too
	switch {
	case both:
	case few && b.lead != nil:
		b.sort = false
	default:
		b.lead = nil
	}
	b.with = companion(&s.Where, b.lead)
	return b
}

// companion is the comparison that goes with the one that leads: creators have an index of their jobs by status.
func companion(c, lead *Condition) *Condition {
	if lead == nil || lead.Column != JobCreatedBy || lead.Operator != Equal || c.Group != And {
		return nil
	}
	for i := range c.Of {
		if other := &c.Of[i]; other.Group == Comparison && other.Column == JobStatus && other.Operator == Equal {
			return other
		}
	}
	return nil
}

// lead is the comparison that holds for the fewest jobs, as far as its column tells. nil when none has an index.
func lead(c *Condition) *Condition {
	switch c.Group {
	case And:
		var best *Condition
		for i := range c.Of {
			if l := lead(&c.Of[i]); l != nil && (best == nil || l.rank() < best.rank()) {
				best = l
			}
		}
		return best
	case Comparison:
		if c.rank() < unindexed {
			return c
		}
	}
	return nil
}

// wider is how much worse a range is than a value.
const wider = 5

func (c *Condition) rank() int {
	rank := jobColumns[c.Column].rank
	switch c.Operator {
	case Equal, In:
		return rank
	case Greater, GreaterOrEqual, Less, LessOrEqual:
		return min(unindexed, rank+wider)
	default:
		return unindexed
	}
}

// page is the statement for some jobs in order. Each queue gives its own first ones, by its index, and the first of those
// are the page.
func (b *searchText) page(s *JobSearch, offset, limit int) string {
	order := b.order(s.Order)
	end := ` LIMIT ` + b.arg(int64(limit)) + ` OFFSET ` + b.arg(int64(offset))
	if s.Where.LooksIntoTexts() {
		// Texts are looked through in an index that has them, and what is found is read then.
		inner := *b
		inner.sort = true
		text := jobs.selectAll + ` WHERE job_id IN (SELECT job_id FROM job WHERE ` + inner.where(s.QueueIDs, &s.Where) +
			inner.order(s.Order) + ` LIMIT ` + inner.arg(int64(offset+limit)) + `)` + order + end
		b.args = inner.args
		return text
	}
	if len(s.QueueIDs) == 1 {
		return jobs.selectAll + ` WHERE ` + b.where(s.QueueIDs, &s.Where) + order + end
	}
	condition := b.condition(&s.Where)
	first := b.arg(int64(offset + limit))
	parts := make([]string, len(s.QueueIDs))
	for i, id := range s.QueueIDs {
		parts[i] = `SELECT * FROM (` + jobs.selectAll + ` WHERE queue_id = ` + b.arg(id) + ` AND ` + condition +
			order + ` LIMIT ` + first + `) AS part`
	}
	b.sort = true // of what the queues gave, only names can be sorted by
	return `SELECT * FROM (` + strings.Join(parts, ` UNION ALL `) + `) AS found` + b.order(s.Order) + end
}

// where is the condition of all queues.
func (b *searchText) where(queueIDs []string, c *Condition) string {
	from := len(b.args) + 1
	for _, id := range queueIDs {
		b.args = append(b.args, id)
	}
	if len(queueIDs) == 1 {
		return `queue_id = $` + strconv.Itoa(from) + ` AND ` + b.condition(c)
	}
	return `queue_id IN (` + b.list(from, len(queueIDs)) + `) AND ` + b.condition(c)
}

// arg adds an argument and gives its placeholder.
func (b *searchText) arg(value any) string {
	b.args = append(b.args, value)
	return "$" + strconv.Itoa(len(b.args))
}

// list is n placeholders in a row.
func (b *searchText) list(from, n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = "$" + strconv.Itoa(from+i)
	}
	return strings.Join(all, ", ")
}

func (b *searchText) condition(c *Condition) string {
	if c.Group == Comparison {
		return b.comparison(c)
	}
	if len(c.Of) == 0 {
		return `1 = 1`
	}
	joint := ` AND `
	if c.Group == Or {
		joint = ` OR `
	}
	parts := make([]string, len(c.Of))
	for i := range c.Of {
		parts[i] = b.condition(&c.Of[i])
	}
	return `(` + strings.Join(parts, joint) + `)`
}

// The operators of [JobSearch.split], which concern the order and so use its index.
const (
	present Operator = "IS THERE"
	absent  Operator = "IS NOT THERE"

	contains Operator = "CONTAINS" // in lower case
)

func (b *searchText) comparison(c *Condition) string {
	column, about := string(c.Column), jobColumns[c.Column]
	switch c.Operator {
	case present:
		return column + ` > ` + about.zero()
	case absent:
		return column + ` = ` + about.zero()
	case contains: // without a word that both engines have for it
		if c.Column != jobText {
			column = `lower(` + column + `)`
		}
		return `replace(` + column + `, ` + b.arg(c.Values[0]) + `, '') <> ` + column
	}
	if c != b.lead && c != b.with && c.Column != jobText {
		column = hidden(column, about)
	}
	from := len(b.args) + 1
	b.args = append(b.args, c.Values...)
	text := column + ` ` + string(c.Operator) + ` $` + strconv.Itoa(from)
	if c.Operator == In || c.Operator == NotIn {
		text = column + ` ` + string(c.Operator) + ` (` + b.list(from, len(c.Values)) + `)`
	}
	if about.absent {
		text = `(` + text + ` AND ` + hidden(string(c.Column), about) + ` <> ` + about.zero() + `)`
	}
	return text
}

// hidden is a column that no index serves.
func hidden(column string, about jobColumn) string {
	if about.number {
		return `(` + column + ` + 0)`
	}
	return `(` + column + ` || '')`
}

func (c jobColumn) zero() string {
	if c.number {
		return `0`
	}
	return `''`
}

// order is the ORDER BY of a search.
func (b *searchText) order(by []Order) string {
	descending := len(by) == 0 || by[len(by)-1].Descending || by[len(by)-1].First != nil
	var parts []string
	for _, o := range by {
		about := jobColumns[o.Column]
		column := string(o.Column)
		switch {
		case o.First != nil:
			parts = append(parts, `CASE WHEN `+column+` = `+b.arg(o.First)+` THEN 0 ELSE 1 END`)
			continue
		case about.absent && !o.Descending && !o.present:
			parts = append(parts, `CASE WHEN `+column+` = `+about.zero()+` THEN 1 ELSE 0 END`)
		}
		parts = append(parts, b.key(o.Column, o.Descending))
	}
	if !slices.ContainsFunc(by, func(o Order) bool { return o.Column == JobCreatedAt }) {
		parts = append(parts, b.key(JobCreatedAt, descending))
	}
	return ` ORDER BY ` + strings.Join(append(parts, b.key(jobNumber, descending)), `, `)
}

func (b *searchText) key(c JobColumn, descending bool) string {
	column := string(c)
	if !b.sort {
		column = hidden(column, jobColumns[c])
	}
	if descending {
		return column + ` DESC`
	}
	return column
}

// split gives two searches whose results, one after the other, are that of a search which begins with some jobs: each can be
// read in the order of an index.
func (s *JobSearch) split() (first, rest JobSearch, split bool) {
	if len(s.Order) == 0 {
		return first, rest, false
	}
	o := s.Order[0]
	about := jobColumns[o.Column]
	first, rest = *s, *s
	switch {
	case o.First != nil:
		first.Order, rest.Order = s.Order[1:], s.Order[1:]
		first.Where = both(s.Where, Condition{Group: Comparison, Column: o.Column, Operator: Equal, Values: []any{o.First}})
		rest.Where = both(s.Where, Condition{Group: Comparison, Column: o.Column, Operator: NotEqual, Values: []any{o.First}})
	case about.absent && !o.Descending && !o.present:
		o.present = true
		first.Order = append([]Order{o}, s.Order[1:]...)
		first.Where = both(s.Where, Condition{Group: Comparison, Column: o.Column, Operator: present})
		rest.Order = s.Order[1:]
		if len(rest.Order) == 0 {
			rest.Order = []Order{{Column: JobCreatedAt}}
		}
		rest.Where = both(s.Where, Condition{Group: Comparison, Column: o.Column, Operator: absent})
	default:
		return first, rest, false
	}
	return first, rest, true
}

func both(a, b Condition) Condition { return Condition{Group: And, Of: []Condition{a, b}} }
