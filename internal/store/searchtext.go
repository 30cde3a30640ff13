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
	args  []any
	lead  *Condition // the one comparison that may use an index; nil: none
	given *Condition // holds for all jobs that are looked at; nil: none
	age   bool       // comparisons of the age may use an index, too
	sort  bool       // the order may use an index
}

// arg adds an argument and gives its placeholder.
func (b *searchText) arg(value any) string {
	b.args = append(b.args, value)
	return "$" + strconv.Itoa(len(b.args))
}

// list adds arguments and gives their placeholders.
func (b *searchText) list(values []any) string {
	from := len(b.args) + 1
	b.args = append(b.args, values...)
	return placeholders(from, len(values))
}

// placeholders is n placeholders in a row.
func placeholders(from, n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = "$" + strconv.Itoa(from+i)
	}
	return strings.Join(all, ", ")
}

// queues is the condition that rows of a table are of some queues.
func (b *searchText) queues(table string, ids []string) string {
	values := make([]any, len(ids))
	for i, id := range ids {
		values[i] = id
	}
	if len(ids) == 1 {
		return table + `.queue_id = ` + b.list(values)
	}
	return table + `.queue_id IN (` + b.list(values) + `)`
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
)

func (b *searchText) comparison(c *Condition) string {
	column, about := string(c.Column), columns[c.Column]
	switch {
	case c == b.given && c != b.lead:
		return `1 = 1`
	case c.isText():
		return b.somewhere(c)
	case c.Operator == present:
		return column + ` > ` + about.zero()
	case c.Operator == absent:
		return column + ` = ` + about.zero()
	}
	if visible := c == b.lead || b.age && c.Column == JobCreatedAt; !visible {
		column = hidden(column, about)
	}
	text := column + ` ` + string(c.Operator) + ` `
	if c.Operator == In || c.Operator == NotIn {
		text += `(` + b.list(c.Values) + `)`
	} else {
		text += b.list(c.Values)
	}
	if about.absent {
		text = `(` + text + ` AND ` + hidden(string(c.Column), about) + ` <> ` + about.zero() + `)`
	}
	return text
}

// somewhere is the condition that a job has what is looked for. Most often it is in the name, which is nearer. The lower case of an
// engine is that of ASCII, so what is found in it is in the text, too.
func (b *searchText) somewhere(c *Condition) string {
	text := `EXISTS (SELECT 1 FROM job_text WHERE job_text.job_id = job.job_id AND ` + b.inText(c) + `)`
	if c.Operator == mentions {
		text = `(` + b.like(`lower(name)`, c.Values[0]) + ` OR ` + text + `)`
	}
	return text
}

// like is the condition that a text in lower case has another one somewhere.
func (b *searchText) like(column string, value any) string {
	text, _ := value.(string)
	return column + ` LIKE ` + b.arg("%"+likeEscapes.Replace(text)+"%") + ` ESCAPE '\'`
}

var likeEscapes = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// inText is the condition that a row of job_text has what is looked for.
func (b *searchText) inText(c *Condition) string {
	parts := make([]string, len(c.Values))
	for i, value := range c.Values {
		if c.Operator == mentions {
			parts[i] = b.like(`job_text.content`, value)
		} else { // LIKE has no regard to case in SQLite
			parts[i] = `replace(job_text.parameters, ` + b.arg(value) + `, '') <> job_text.parameters`
		}
	}
	return `(` + strings.Join(parts, ` OR `) + `)`
}

// hidden is a column that no index serves.
func hidden(column string, about column) string {
	if about.number {
		return `(` + column + ` + 0)`
	}
	return `(` + column + ` || '')`
}

func (c column) zero() string {
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
		about := columns[o.Column]
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

func (b *searchText) key(c Column, descending bool) string {
	column := string(c)
	if !b.sort {
		column = hidden(column, columns[c])
	}
	if descending {
		return column + ` DESC`
	}
	return column
}

// byAge reports whether a search's order is that of the jobs' age, and its direction.
func (s *JobSearch) byAge() (is, descending bool) {
	if len(s.Order) == 0 {
		return true, true
	}
	o := s.Order[0]
	return len(s.Order) == 1 && o.Column == JobCreatedAt && o.First == nil, o.Descending
}

// split gives two searches whose results, one after the other, are that of a search which begins with some jobs: each can be
// read in the order of an index.
func (s *JobSearch) split() (first, rest JobSearch, split bool) {
	if len(s.Order) == 0 {
		return first, rest, false
	}
	o := s.Order[0]
	about := columns[o.Column]
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
