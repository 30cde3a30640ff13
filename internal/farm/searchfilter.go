package farm

import (
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

// filter checks filter expressions and gives them as a condition. Errors: ValidationException with the place of what cannot be.
func (s *searchable) filter(group *deadline.SearchGroupedFilterExpressions) (search.Condition, error) {
	if group == nil {
		return search.Condition{}, nil
	}
	return s.group(group, "filterExpressions", 1)
}

func (s *searchable) group(g *deadline.SearchGroupedFilterExpressions, at string, depth int) (search.Condition, error) {
	if depth > maxFilterDepth {
		return search.Condition{}, invalid(at, fmt.Sprintf("must not be nested more than %d groups deep", maxFilterDepth))
	}
	joined := search.Condition{}
	if g.Operator == deadline.LogicalOperatorOr {
		joined.Group = search.Or
	}
	for i := range g.Filters {
		part, err := s.leaf(&g.Filters[i], fmt.Sprintf("%s.filters[%d]", at, i), depth)
		if err != nil {
			return joined, err
		}
		joined.Of = append(joined.Of, part)
	}
	return joined, nil
}

// leaf checks one member of a group.
func (s *searchable) leaf(e *deadline.SearchFilterExpression, at string, depth int) (search.Condition, error) {
	switch {
	case e.GroupFilter != nil:
		return s.group(e.GroupFilter, at+".groupFilter", depth+1)
	case e.StringFilter != nil:
		f := e.StringFilter
		if isList(f.Operator) {
			return search.Condition{}, invalid(at+".stringFilter.operator", "must not be one of those for lists")
		}
		return s.stringFilter(f.Name, f.Operator, []string{f.Value}, at+".stringFilter")
	case e.StringListFilter != nil:
		f := e.StringListFilter
		if !isList(f.Operator) {
			return search.Condition{}, invalid(at+".stringListFilter.operator", "must be ANY_EQUALS or ALL_NOT_EQUALS")
		}
		return s.stringFilter(f.Name, f.Operator, f.Values, at+".stringListFilter")
	case e.DateTimeFilter != nil:
		return s.dateTimeFilter(e.DateTimeFilter, at+".dateTimeFilter")
	case e.ParameterFilter != nil:
		return s.parameterFilter(e.ParameterFilter, at+".parameterFilter")
	case e.SearchTermFilter != nil:
		return search.Mentions(newSearchTerm(e.SearchTermFilter).parts...), nil
	default:
		return search.Condition{}, invalid(at, "must be one of the filters that are known")
	}
}

// comparison compares a column.
func comparison(column search.Column, operator search.Operator, values ...any) search.Condition {
	return search.Condition{Group: search.Comparison, Column: column, Operator: operator, Values: values}
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
func (s *searchable) stringFilter(
	name string, operator deadline.ComparisonOperator, texts []string, at string,
) (search.Condition, error) {
	column, ok := s.fields[name]
	switch {
	case !ok:
		return search.Condition{}, invalid(at+".name", s.unknown(name))
	case column.IsTime():
		return search.Condition{}, invalid(at+".name", name+" is a time: use a dateTimeFilter")
	case column.IsText() && !isEquality(operator):
		return search.Condition{}, invalid(at+".operator", "must be EQUAL or NOT_EQUAL: "+name+" is a text")
	}
	values := make([]any, len(texts))
	for i, text := range texts {
		if values[i] = text; column.IsText() {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return search.Condition{}, invalid(at, "must have an integer for a value, not "+strconv.Quote(text))
		}
		values[i] = n
	}
	return comparison(column, comparisons[operator], values...), nil
}

func (s *searchable) dateTimeFilter(e *deadline.DateTimeFilterExpression, at string) (search.Condition, error) {
	column, ok := s.fields[e.Name]
	switch {
	case !ok:
		return search.Condition{}, invalid(at+".name", s.unknown(e.Name))
	case !column.IsTime():
		return search.Condition{}, invalid(at+".name", e.Name+" is not a time: use a stringFilter")
	case isList(e.Operator):
		return search.Condition{}, invalid(at+".operator", "must not be one of those for lists")
	}
	// Times are shown in milliseconds, and compared as they are shown: from is the first moment that is shown as the given one or
	// later, to the first that is shown as later.
	moment := e.DateTime.UnixMicro()
	from, to := ceiling(moment, shownMicros), ceiling(moment+1, shownMicros)
	before := func(limit int64) search.Condition { return comparison(column, search.Less, limit) }
	since := func(limit int64) search.Condition { return comparison(column, search.GreaterOrEqual, limit) }
	switch e.Operator {
	case deadline.ComparisonOperatorEqual:
		return search.Condition{Of: []search.Condition{since(from), before(to)}}, nil
	case deadline.ComparisonOperatorNotEqual:
		return search.Condition{Group: search.Or, Of: []search.Condition{before(from), since(to)}}, nil
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

func (s *searchable) parameterFilter(e *deadline.ParameterFilterExpression, at string) (search.Condition, error) {
	switch {
	case !s.hasParameters:
		return search.Condition{}, invalid(at, "does not apply: what is searched has no parameters")
	case isList(e.Operator):
		return search.Condition{}, invalid(at+".operator", "must not be one of those for lists")
	}
	return search.HasParameter(e.Name, comparisons[e.Operator], e.Value), nil
}

// parameterHolds tells whether a parameter has a value that is looked for.
func parameterHolds(e *deadline.ParameterFilterExpression) func(value string, number bool) bool {
	compare := comparisons[e.Operator]
	return func(v string, number bool) bool { return search.HoldsForParameter(compare, v, number, e.Value) }
}

// unknown says which fields there are.
func (s *searchable) unknown(name string) string {
	return fmt.Sprintf("%q is no field of what is searched; there are %s",
		name, strings.Join(slices.Sorted(maps.Keys(s.fields)), ", "))
}
