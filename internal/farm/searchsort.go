package farm

import (
	"fmt"
	"slices"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store/search"
)

// sorting is sort expressions that were checked.
type sorting[R any] struct {
	compare func(a, b *R) int
	by      []search.Order
}

// sorting checks sort expressions; nil when there are none. tie orders rows that are equal to them, descending when the last
// expression is. Errors: ValidationException with the place of what cannot be.
func (s *searchable[R]) sorting(expressions []deadline.SearchSortExpression, tie func(a, b *R, descending bool) int) (*sorting[R], error) {
	if len(expressions) == 0 {
		return nil, nil //nolint:nilnil // there is no order to keep to
	}
	joined := &sorting[R]{}
	var compare []func(a, b *R) int
	descending := true
	for i := range expressions {
		one, err := s.sort(&expressions[i], fmt.Sprintf("sortExpressions[%d]", i))
		if err != nil {
			return nil, err
		}
		compare = append(compare, one.compare)
		joined.by = append(joined.by, one.by...)
		descending = expressions[i].UserJobsFirst != nil || orderOf(&expressions[i]) == deadline.SortOrderDescending
	}
	joined.compare = func(a, b *R) int {
		for _, by := range compare {
			if order := by(a, b); order != 0 {
				return order
			}
		}
		return tie(a, b, descending)
	}
	return joined, nil
}

func orderOf(e *deadline.SearchSortExpression) deadline.SortOrder {
	switch {
	case e.FieldSort != nil:
		return e.FieldSort.SortOrder
	case e.ParameterSort != nil:
		return e.ParameterSort.SortOrder
	default:
		return ""
	}
}

func (s *searchable[R]) sort(e *deadline.SearchSortExpression, at string) (*sorting[R], error) {
	descending := orderOf(e) == deadline.SortOrderDescending
	switch {
	case e.FieldSort != nil:
		f, ok := s.fields[e.FieldSort.Name]
		if !ok {
			return nil, invalid(at+".fieldSort.name", s.unknown(e.FieldSort.Name))
		}
		return &sorting[R]{
			compare: func(a, b *R) int { return f.compare(a, b, descending) },
			by:      []search.Order{{Column: f.column, Descending: descending}},
		}, nil
	case e.ParameterSort != nil:
		if !s.hasParameters {
			return nil, invalid(at+".parameterSort", "does not apply: what is searched has no parameters")
		}
		name := e.ParameterSort.Name
		return &sorting[R]{
			compare: func(a, b *R) int { return s.compareParameter(a, b, name, descending) },
			by:      []search.Order{{Parameter: name, Descending: descending}},
		}, nil
	case e.UserJobsFirst != nil:
		if !s.hasUsers {
			return nil, invalid(at+".userJobsFirst", "does not apply: only jobs are sorted by their user")
		}
		return &sorting[R]{by: []search.Order{{Column: search.CreatedBy, First: e.UserJobsFirst.UserIdentityId}}}, nil
	default:
		return nil, invalid(at, "must be one of the sort expressions that are known")
	}
}

// compareParameter orders two rows by a parameter, rows that lack it last.
func (s *searchable[R]) compareParameter(a, b *R, name string, descending bool) int {
	x, xNumber, hasX := s.parameter(a, name)
	y, yNumber, hasY := s.parameter(b, name)
	order := search.CompareParameters(x, y, xNumber && yNumber)
	switch {
	case !hasX || !hasY:
		return btoi(!hasX) - btoi(!hasY)
	case descending:
		return -order
	default:
		return order
	}
}

// maxFound is the greatest count that a search tells, and the greatest offset that it takes.
const maxFound = 10_000

// findings collect what a search finds, as far as its page needs it.
type findings[R any] struct {
	limit   int               // the greatest count and offset
	compare func(a, b *R) int // nil: in the order in which it is found
	before  int               // rows that were found and not read: the page begins behind them
	offset  int
	size    int
	total   int  // as far as maxFound
	rows    []R  // the first offset + size + 1 of all, in any order
	trimmed bool // the first of rows, as many as have to be kept, are sorted, and come before all that were left out
}

// query asks for the rows of a page and one more, in an order that may be nil.
func (f *findings[R]) query(kind search.Kind, within []string, where search.Condition, order *sorting[R]) *search.Query {
	q := &search.Query{Kind: kind, Within: within, Where: where, Offset: f.offset, Size: f.size + 1, Limit: f.limit}
	if order != nil {
		q.Order = order.by
	}
	return q
}

// of gives the findings of a query.
func (f *findings[R]) of(rows []R, total int) *findings[R] {
	f.rows, f.total, f.before, f.offset = rows, total, f.offset, 0
	return f
}

func newFindings[R any](limit int, offset int32, size *int32, s *sorting[R]) *findings[R] {
	f := &findings[R]{limit: limit, offset: int(offset), size: defaultMaxResults}
	if size != nil {
		f.size = int(*size)
	}
	if s != nil {
		f.compare = s.compare
	}
	return f
}

// keep is how many rows have to be kept: one more than the page ends with tells whether there is a next one.
func (f *findings[R]) keep() int { return f.offset + f.size + 1 }

// add takes a row. It reports whether another one could still change the answer.
func (f *findings[R]) add(r R) (more bool) {
	f.count(1)
	f.put(r)
	return f.wants()
}

// put takes a row that was counted.
func (f *findings[R]) put(r R) {
	switch {
	case f.compare == nil && len(f.rows) >= f.keep():
		return
	case f.trimmed && f.compare(&r, &f.rows[f.keep()-1]) >= 0: // as many come before it as are kept
		return
	}
	f.rows = append(f.rows, r)
	if f.compare != nil && len(f.rows) >= 2*f.keep()+maxScanned {
		f.trim()
	}
}

// wants reports whether another row, after all others, could change the answer.
func (f *findings[R]) wants() bool {
	return f.total < f.limit || f.compare != nil || len(f.rows) < f.keep()
}

func (f *findings[R]) count(n int64) { f.total = int(min(int64(f.total)+n, int64(f.limit))) }

// trim leaves the first rows, sorted.
func (f *findings[R]) trim() {
	if f.compare != nil {
		slices.SortStableFunc(f.rows, func(a, b R) int { return f.compare(&a, &b) })
	}
	if len(f.rows) > f.keep() {
		clear(f.rows[f.keep():])
		f.rows = f.rows[:f.keep()]
		f.trimmed = f.compare != nil
	}
}

// page gives the rows of the page, the offset of the next one, and the count of all.
func (f *findings[R]) page() (rows []R, next *int32, total int32) {
	f.trim()
	rows = f.rows[min(f.offset, len(f.rows)):]
	if len(rows) > f.size {
		rows = rows[:f.size]
		// What lies behind the greatest offset cannot be asked for.
		if end := f.before + f.offset + f.size; end <= f.limit {
			next = new(int32(end))
		}
	}
	return rows, next, int32(f.total)
}
