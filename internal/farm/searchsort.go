package farm

import (
	"fmt"
	"slices"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store/search"
)

// sorting checks sort expressions. Errors: ValidationException with the place of what cannot be.
func (s *searchable) sorting(expressions []deadline.SearchSortExpression) (by []search.Order, err error) {
	for i := range expressions {
		one, err := s.sort(&expressions[i], fmt.Sprintf("sortExpressions[%d]", i))
		if err != nil {
			return nil, err
		}
		by = append(by, one)
	}
	return by, nil
}

func (s *searchable) sort(e *deadline.SearchSortExpression, at string) (search.Order, error) {
	switch {
	case e.FieldSort != nil:
		column, ok := s.fields[e.FieldSort.Name]
		if !ok {
			return search.Order{}, invalid(at+".fieldSort.name", s.unknown(e.FieldSort.Name))
		}
		return search.Order{Column: column, Descending: e.FieldSort.SortOrder == deadline.SortOrderDescending}, nil
	case e.ParameterSort != nil:
		if !s.hasParameters {
			return search.Order{}, invalid(at+".parameterSort", "does not apply: what is searched has no parameters")
		}
		return search.Order{Parameter: e.ParameterSort.Name, Descending: e.ParameterSort.SortOrder == deadline.SortOrderDescending}, nil
	case e.UserJobsFirst != nil:
		if !s.hasUsers {
			return search.Order{}, invalid(at+".userJobsFirst", "does not apply: only jobs are sorted by their user")
		}
		return search.Order{Column: search.CreatedBy, First: e.UserJobsFirst.UserIdentityId}, nil
	default:
		return search.Order{}, invalid(at, "must be one of the sort expressions that are known")
	}
}

// query checks filters and an order, and asks the store for what they find. Where to look is still to be said. Errors:
// ValidationException.
func (s *searchable) query(
	kind search.Kind, filters *deadline.SearchGroupedFilterExpressions, sorts []deadline.SearchSortExpression, w window,
) (*search.Query, error) {
	where, err := s.filter(filters)
	if err != nil {
		return nil, err
	}
	order, err := s.sorting(sorts)
	if err != nil {
		return nil, err
	}
	return &search.Query{Kind: kind, Where: where, Order: order, Offset: w.offset, Size: w.size + 1, Limit: w.limit}, nil
}

// maxFound is the greatest count that a search tells, and the greatest offset that it takes.
const maxFound = 10_000

// window is the part of what is found that a request asks for.
type window struct {
	limit        int // the greatest count and offset
	offset, size int
}

func (s *Service) window(offset int32, size *int32) window {
	w := window{limit: s.maxFound, offset: int(offset), size: defaultMaxResults}
	if size != nil {
		w.size = int(*size)
	}
	return w
}

// next is the offset of the next page, when there is one that can be asked for.
func (w window) next() *int32 {
	if end := w.offset + w.size; end <= w.limit {
		return new(int32(end))
	}
	return nil
}

// pageOf is the page among the rows that a query gave, the offset of the next one, and the count of all.
func pageOf[R any](w window, rows []R, total int) (page []R, next *int32, count int32) {
	if len(rows) > w.size {
		rows, next = rows[:w.size], w.next()
	}
	return rows, next, int32(total) //nolint:gosec // at most the limit
}

// findings collect what a search finds, as far as its page needs it.
type findings[R any] struct {
	window

	compare func(a, b *R) int // nil: in the order in which it is found
	total   int               // as far as the limit
	rows    []R               // the first offset + size + 1 of all, in any order
	trimmed bool              // the first of rows, as many as have to be kept, are sorted, and come before all that were left out
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
	return pageOf(f.window, f.rows[min(f.offset, len(f.rows)):], f.total)
}
