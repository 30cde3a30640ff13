package farm

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store/search"
)

// maxFilterDepth is how deep groups of filters may be nested, the outermost one counted.
const maxFilterDepth = 8

// filter is filter expressions that were checked.
type filter[R any] struct {
	matches func(*R) bool
	where   search.Condition // holds for all that matches
	exact   bool             // and for nothing else
}

// matchAll is the filter of a search without filters.
func matchAll[R any]() *filter[R] {
	return &filter[R]{matches: func(*R) bool { return true }, exact: true}
}

// filter checks filter expressions. Errors: ValidationException with the place of what cannot be.
func (s *searchable[R]) filter(group *deadline.SearchGroupedFilterExpressions) (*filter[R], error) {
	if group == nil {
		return matchAll[R](), nil
	}
	return s.group(group, "filterExpressions", 1)
}

func (s *searchable[R]) group(g *deadline.SearchGroupedFilterExpressions, at string, depth int) (*filter[R], error) {
	if depth > maxFilterDepth {
		return nil, invalid(at, fmt.Sprintf("must not be nested more than %d groups deep", maxFilterDepth))
	}
	all := make([]*filter[R], len(g.Filters))
	for i := range g.Filters {
		var err error
		if all[i], err = s.leaf(&g.Filters[i], fmt.Sprintf("%s.filters[%d]", at, i), depth); err != nil {
			return nil, err
		}
	}
	if g.Operator == deadline.LogicalOperatorOr {
		return anyOf(all), nil
	}
	return allOf(all), nil
}

func allOf[R any](all []*filter[R]) *filter[R] {
	joined := matchAll[R]()
	for _, f := range all {
		joined.where.Of = append(joined.where.Of, f.where)
		joined.exact = joined.exact && f.exact
	}
	joined.matches = func(r *R) bool {
		return !slices.ContainsFunc(all, func(f *filter[R]) bool { return !f.matches(r) })
	}
	return joined
}

func anyOf[R any](all []*filter[R]) *filter[R] {
	joined := matchAll[R]()
	joined.where.Group = search.Or
	for _, f := range all {
		joined.where.Of = append(joined.where.Of, f.where)
		joined.exact = joined.exact && f.exact
	}
	joined.matches = func(r *R) bool {
		return slices.ContainsFunc(all, func(f *filter[R]) bool { return f.matches(r) })
	}
	return joined
}

// leaf checks one member of a group.
func (s *searchable[R]) leaf(e *deadline.SearchFilterExpression, at string, depth int) (*filter[R], error) {
	switch {
	case e.GroupFilter != nil:
		return s.group(e.GroupFilter, at+".groupFilter", depth+1)
	case e.StringFilter != nil:
		f := e.StringFilter
		if isList(f.Operator) {
			return nil, invalid(at+".stringFilter.operator", "must not be one of those for lists")
		}
		return s.stringFilter(f.Name, f.Operator, []string{f.Value}, at+".stringFilter")
	case e.StringListFilter != nil:
		f := e.StringListFilter
		if !isList(f.Operator) {
			return nil, invalid(at+".stringListFilter.operator", "must be ANY_EQUALS or ALL_NOT_EQUALS")
		}
		return s.stringFilter(f.Name, f.Operator, f.Values, at+".stringListFilter")
	case e.DateTimeFilter != nil:
		return s.dateTimeFilter(e.DateTimeFilter, at+".dateTimeFilter")
	case e.ParameterFilter != nil:
		return s.parameterFilter(e.ParameterFilter, at+".parameterFilter")
	case e.SearchTermFilter != nil:
		f := e.SearchTermFilter
		term := newSearchTerm(f.SearchTerm, f.MatchType != deadline.SearchTermMatchingTypeContains)
		return &filter[R]{
			matches: func(r *R) bool { return s.terms(r, term.in) }, where: term.where(), exact: true,
		}, nil
	default:
		return nil, invalid(at, "must be one of the filters that are known")
	}
}

// comparisons are the store's operators, which mean what the API's do.
var comparisons = map[deadline.ComparisonOperator]search.Operator{
	deadline.ComparisonOperatorEqual:              search.Equal,
	deadline.ComparisonOperatorNotEqual:           search.NotEqual,
	deadline.ComparisonOperatorGreaterThan:        search.Greater,
	deadline.ComparisonOperatorGreaterThanEqualTo: search.GreaterOrEqual,
	deadline.ComparisonOperatorLessThan:           search.Less,
	deadline.ComparisonOperatorLessThanEqualTo:    search.LessOrEqual,
	deadline.ComparisonOperatorAnyEquals:          search.In,
	deadline.ComparisonOperatorAllNotEquals:       search.NotIn,
}

// isList reports whether an operator belongs to filters with a list of values.
func isList(o deadline.ComparisonOperator) bool {
	return o == deadline.ComparisonOperatorAnyEquals || o == deadline.ComparisonOperatorAllNotEquals
}

// isEquality reports whether an operator only tells what is equal.
func isEquality(o deadline.ComparisonOperator) bool {
	return isList(o) || o == deadline.ComparisonOperatorEqual || o == deadline.ComparisonOperatorNotEqual
}

// stringFilter compares a text or a number with values, of which there are several for the operators of lists.
func (s *searchable[R]) stringFilter(
	name string, operator deadline.ComparisonOperator, values []string, at string,
) (*filter[R], error) {
	f, ok := s.fields[name]
	switch {
	case !ok:
		return nil, invalid(at+".name", s.unknown(name))
	case f.kind == timeField:
		return nil, invalid(at+".name", name+" is a time: use a dateTimeFilter")
	case f.kind == numberField:
		return f.numbers(operator, values, at)
	case !isEquality(operator):
		return nil, invalid(at+".operator", "must be EQUAL or NOT_EQUAL: "+name+" is a text")
	}
	compare := comparisons[operator]
	negative := compare == search.NotEqual || compare == search.NotIn
	return &filter[R]{
		matches: func(r *R) bool {
			v := f.text(r)
			return v != "" && slices.Contains(values, v) != negative
		},
		where: f.condition(compare, anyTexts(values)), exact: f.column != search.NoColumn,
	}, nil
}

func anyTexts(values []string) []any {
	all := make([]any, len(values))
	for i, v := range values {
		all[i] = v
	}
	return all
}

// condition is a comparison in the store; one that holds for all when the store has no such column.
func (f *searchField[R]) condition(compare search.Operator, values []any) search.Condition {
	if f.column == search.NoColumn {
		return search.Condition{}
	}
	return search.Condition{Group: search.Comparison, Column: f.column, Operator: compare, Values: values}
}

// numbers compares a number with texts that are numbers.
func (f *searchField[R]) numbers(operator deadline.ComparisonOperator, values []string, at string) (*filter[R], error) {
	numbers, args := make([]int64, len(values)), make([]any, len(values))
	for i, v := range values {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return nil, invalid(at, "must have an integer for a value, not "+strconv.Quote(v))
		}
		numbers[i], args[i] = n, n
	}
	compare := comparisons[operator]
	found := &filter[R]{exact: f.column != search.NoColumn, where: f.condition(compare, args)}
	switch compare {
	case search.In, search.NotIn:
		found.matches = func(r *R) bool { return slices.Contains(numbers, f.number(r)) == (compare == search.In) }
	default:
		found.matches = func(r *R) bool { return compare.Holds(cmp.Compare(f.number(r), numbers[0])) }
	}
	return found, nil
}

func (s *searchable[R]) dateTimeFilter(e *deadline.DateTimeFilterExpression, at string) (*filter[R], error) {
	f, ok := s.fields[e.Name]
	switch {
	case !ok:
		return nil, invalid(at+".name", s.unknown(e.Name))
	case f.kind != timeField:
		return nil, invalid(at+".name", e.Name+" is not a time: use a stringFilter")
	case isList(e.Operator):
		return nil, invalid(at+".operator", "must not be one of those for lists")
	}
	// Times are shown in milliseconds, and compared as they are shown: from is the first moment that is shown as the given one or
	// later, to the first that is shown as later.
	moment := e.DateTime.UnixMicro()
	from, to := ceiling(moment, shownMicros), ceiling(moment+1, shownMicros)
	before := func(limit int64) *filter[R] { return f.moments(search.Less, limit) }
	since := func(limit int64) *filter[R] { return f.moments(search.GreaterOrEqual, limit) }
	switch e.Operator {
	case deadline.ComparisonOperatorEqual:
		return allOf([]*filter[R]{since(from), before(to)}), nil
	case deadline.ComparisonOperatorNotEqual:
		return anyOf([]*filter[R]{before(from), since(to)}), nil
	case deadline.ComparisonOperatorGreaterThan:
		return since(to), nil
	case deadline.ComparisonOperatorGreaterThanEqualTo:
		return since(from), nil
	case deadline.ComparisonOperatorLessThan:
		return before(from), nil
	default:
		return before(to), nil
	}
}

// shownMicros is the resolution of times in answers.
const shownMicros = 1000

// ceiling is the first multiple of step that is not before v.
func ceiling(v, step int64) int64 {
	down := v / step * step
	if down < v {
		down += step
	}
	return down
}

// moments compares a time with a moment; a row without one never matches.
func (f *searchField[R]) moments(compare search.Operator, moment int64) *filter[R] {
	return &filter[R]{
		matches: func(r *R) bool {
			v := f.number(r)
			return v != 0 && compare.Holds(cmp.Compare(v, moment))
		},
		where: f.condition(compare, []any{moment}), exact: f.column != search.NoColumn,
	}
}

func (s *searchable[R]) parameterFilter(e *deadline.ParameterFilterExpression, at string) (*filter[R], error) {
	switch {
	case !s.hasParameters:
		return nil, invalid(at, "does not apply: what is searched has no parameters")
	case isList(e.Operator):
		return nil, invalid(at+".operator", "must not be one of those for lists")
	}
	holds := parameterHolds(e)
	return &filter[R]{
		matches: func(r *R) bool {
			v, number, present := s.parameter(r, e.Name)
			return present && holds(v, number)
		},
		where: search.HasParameter(e.Name, comparisons[e.Operator], e.Value), exact: true,
	}, nil
}

// parameterHolds tells whether a parameter has a value that is looked for.
func parameterHolds(e *deadline.ParameterFilterExpression) func(value string, number bool) bool {
	compare := comparisons[e.Operator]
	return func(v string, number bool) bool { return search.HoldsForParameter(compare, v, number, e.Value) }
}

// unknown says which fields there are.
func (s *searchable[R]) unknown(name string) string {
	return fmt.Sprintf("%q is no field of what is searched; there are %s",
		name, strings.Join(slices.Sorted(maps.Keys(s.fields)), ", "))
}
