package farm

import (
	"cmp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/search"
	openjd "github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// taskIndexes are tasks of a step that are known by their index: those whose parameter has one of some values, or whose id is one that
// is looked for.
type taskIndexes struct {
	axis   *openjd.Axis // nil: positions are the indexes themselves
	length int64        // how many positions there are
	ranges [][2]int64   // positions, ascending: from the first to, and without, the second. Nil:
	is     func(position int64) bool

	from, found int64 // what next gave last
	more        bool
}

// decidedAtOnce is how many values of a parameter are decided before tasks are looked for; where there are more, each is decided when
// it is come to.
const decidedAtOnce = 1 << 16

// positions is a part that finds the positions for which is holds.
func positions(axis *openjd.Axis, length int64, is func(position int64) bool) *taskFilter {
	if length > decidedAtOnce {
		return &taskFilter{part: resolvedPart, indexes: &taskIndexes{axis: axis, length: length, is: is, from: -1}}
	}
	ranges := [][2]int64{}
	for position := range length {
		switch last := len(ranges) - 1; {
		case !is(position):
		case last >= 0 && ranges[last][1] == position:
			ranges[last][1]++
		default:
			ranges = append(ranges, [2]int64{position, position + 1})
		}
	}
	return ranged(axis, length, ranges)
}

// ranged is a part that finds positions in ranges.
func ranged(axis *openjd.Axis, length int64, ranges [][2]int64) *taskFilter {
	ranges = slices.DeleteFunc(ranges, func(r [2]int64) bool { return r[0] >= r[1] })
	switch {
	case len(ranges) == 0:
		return verdict(false)
	case len(ranges) == 1 && ranges[0] == [2]int64{0, length}:
		return verdict(true)
	}
	return &taskFilter{part: resolvedPart, indexes: &taskIndexes{axis: axis, length: length, ranges: ranges}}
}

// maxStoreRanges is how many ranges the store is asked to look at for each task.
const maxStoreRanges = 32

// where is the same for the store, nil when it cannot tell.
func (x *taskIndexes) where() *store.TaskIndexes {
	if x.ranges == nil || len(x.ranges) > maxStoreRanges {
		return nil
	}
	where := &store.TaskIndexes{Stride: 1, Length: x.length, Ranges: x.ranges}
	if x.axis != nil {
		where.Stride = x.axis.Stride()
	}
	return where
}

// next gives the first index from a given one on.
func (x *taskIndexes) next(from int64) (index int64, ok bool) {
	if x.ranges == nil && x.from >= 0 && x.from <= from && (!x.more || from <= x.found) {
		return x.found, x.more // or what is decided one by one would be decided again for each task that others find
	}
	if x.axis == nil {
		index, ok = x.position(from)
	} else {
		index, ok = x.axis.Next(from, x.position)
	}
	x.from, x.found, x.more = from, index, ok
	return index, ok
}

// position gives the first position from a given one on.
func (x *taskIndexes) position(from int64) (position int64, ok bool) {
	if x.ranges == nil {
		for ; from < x.length; from++ {
			if x.is(from) {
				return from, true
			}
		}
		return 0, false
	}
	k := sort.Search(len(x.ranges), func(k int) bool { return x.ranges[k][1] > from })
	if k == len(x.ranges) {
		return 0, false
	}
	return max(from, x.ranges[k][0]), true
}

// identifiedTasks finds the tasks that have, or do not have, one of some ids.
func identifiedTasks(c *search.Condition) func(*row.Step, *openjd.ParameterSpace) *taskFilter {
	negative := c.Operator == search.NotEqual || c.Operator == search.NotIn
	return func(step *row.Step, _ *openjd.ParameterSpace) *taskFilter {
		var indexes []int64
		for _, value := range c.Values {
			id, _ := value.(string)
			if stepID, index, ok := parseTaskID(id); ok && stepID == step.StepID && index < step.Tasks {
				indexes = append(indexes, index)
			}
		}
		slices.Sort(indexes)
		var ranges [][2]int64
		next := int64(0)
		for _, index := range slices.Compact(indexes) {
			if negative {
				ranges, next = append(ranges, [2]int64{next, index}), index+1
			} else {
				ranges = append(ranges, [2]int64{index, index + 1})
			}
		}
		if negative {
			ranges = append(ranges, [2]int64{next, step.Tasks})
		}
		return ranged(nil, step.Tasks, ranges)
	}
}

func isNumber(t template.TaskParameterType) bool {
	return t == template.IntTaskParameter || t == template.FloatTaskParameter
}

// parameterTasks finds the tasks that have a parameter with a value that is looked for.
func parameterTasks(e *deadline.ParameterFilterExpression) func(*row.Step, *openjd.ParameterSpace) *taskFilter {
	holds := parameterHolds(e)
	_, err := strconv.ParseFloat(e.Value, 64)
	numeric := err == nil
	return func(_ *row.Step, space *openjd.ParameterSpace) *taskFilter {
		axis, ok := space.Axis(e.Name)
		if !ok {
			return verdict(false)
		}
		number := isNumber(axis.Type())
		if number && numeric && axis.Ascending() {
			return ascendingTasks(&axis, e)
		}
		return positions(&axis, axis.Len(), func(position int64) bool { return holds(axis.Value(position), number) })
	}
}

// ascendingTasks finds the tasks whose number compares with another one: where values ascend, those that are equal to it lie together.
func ascendingTasks(axis *openjd.Axis, e *deadline.ParameterFilterExpression) *taskFilter {
	before := func(order int) int64 {
		return int64(sort.Search(int(axis.Len()), func(position int) bool {
			return search.CompareParameters(axis.Value(int64(position)), true, e.Value, true) >= order
		}))
	}
	least, equal, after := int64(0), before(0), before(1)
	compare, all := comparisons[e.Operator], [][2]int64(nil)
	for _, r := range []struct {
		order int
		of    [2]int64
	}{{-1, [2]int64{least, equal}}, {0, [2]int64{equal, after}}, {1, [2]int64{after, axis.Len()}}} {
		switch last := len(all) - 1; {
		case !compare.Holds(r.order):
		case last >= 0 && all[last][1] == r.of[0]:
			all[last][1] = r.of[1]
		default:
			all = append(all, r.of)
		}
	}
	return ranged(axis, axis.Len(), all)
}

// termTasks finds the tasks with a text in their id or in the value of a parameter.
func termTasks(e *deadline.SearchTermFilterExpression) func(*row.Step, *openjd.ParameterSpace) *taskFilter {
	term := newSearchTerm(e)
	return func(step *row.Step, space *openjd.ParameterSpace) *taskFilter {
		of := []*taskFilter{term.inIDs(step)}
		for i := range space.Parameters() {
			if axis, ok := space.Axis(space.Parameters()[i].Name); ok {
				of = append(of, term.inAxis(&axis))
			}
		}
		return joinedTasks(anyPart, of)
	}
}

// inAxis finds the tasks with the term in the value of a parameter.
func (s searchTerm) inAxis(axis *openjd.Axis) *taskFilter {
	return positions(axis, axis.Len(), func(position int64) bool { return s.in(axis.Value(position)) })
}

// inIDs finds the tasks of a step with the term in their id. They have the beginning in common; the rest are digits.
func (s searchTerm) inIDs(step *row.Step) *taskFilter {
	common := strings.TrimSuffix(taskID(step.StepID, 0), "0")
	if s.in(common) {
		return verdict(true)
	}
	endsInDigit := func(part string) bool { return part != "" && part[len(part)-1] >= '0' && part[len(part)-1] <= '9' }
	if !slices.ContainsFunc(s.parts, endsInDigit) {
		return verdict(false)
	}
	return positions(nil, step.Tasks, func(index int64) bool { return s.in(common + strconv.FormatInt(index, 10)) })
}

// taskRank orders the tasks of a step that are known by their index.
type taskRank struct {
	compare func(a, b int64) int
	where   *store.TaskRank // the same for the store; nil when it cannot
}

// rankedIDs orders tasks by their ids, which are texts.
func rankedIDs() *taskRank {
	return &taskRank{compare: func(a, b int64) int { return cmp.Compare(strconv.FormatInt(a, 10), strconv.FormatInt(b, 10)) }}
}

// maxStoreRanks is how many values of a parameter the store is told the order of.
const maxStoreRanks = 64

// rankedParameter orders tasks by a parameter.
func rankedParameter(axis openjd.Axis) *taskRank {
	number := isNumber(axis.Type())
	where := &store.TaskRank{Stride: axis.Stride(), Length: axis.Len()}
	if number && axis.Ascending() {
		return &taskRank{compare: func(a, b int64) int { return cmp.Compare(axis.Position(a), axis.Position(b)) }, where: where}
	}
	compare := func(a, b int64) int { return search.CompareParameters(axis.Value(a), number, axis.Value(b), number) }
	if axis.Len() > decidedAtOnce {
		return &taskRank{compare: func(a, b int64) int { return compare(axis.Position(a), axis.Position(b)) }}
	}
	order := make([]int64, axis.Len())
	for i := range order {
		order[i] = int64(i)
	}
	slices.SortFunc(order, compare)
	ranks := make([]int, len(order))
	for i := 1; i < len(order); i++ {
		ranks[order[i]] = ranks[order[i-1]] + btoi(compare(order[i-1], order[i]) != 0)
	}
	if where.Ranks = ranks; len(ranks) > maxStoreRanks {
		where = nil
	}
	return &taskRank{compare: func(a, b int64) int { return ranks[axis.Position(a)] - ranks[axis.Position(b)] }, where: where}
}
