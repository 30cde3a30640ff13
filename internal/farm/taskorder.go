package farm

import (
	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/search"
	openjd "github.com/farmhand-render/farmhand/openjd/job"
)

// taskKey is what a search sorts tasks by.
type taskKey struct {
	part       taskPart
	column     search.Column // of what looks at rows
	parameter  string        // "": the id, of what looks at the index
	descending bool
}

func newTaskKeys(sorts []deadline.SearchSortExpression) []taskKey {
	keys := make([]taskKey, len(sorts))
	for i := range sorts {
		e := &sorts[i]
		keys[i].descending = orderOf(e) == deadline.SortOrderDescending
		if e.ParameterSort != nil {
			keys[i].part, keys[i].parameter = indexPart, e.ParameterSort.Name
			continue
		}
		keys[i].part, keys[i].column = partOf(e.FieldSort.Name), taskSearch.fields[e.FieldSort.Name].column
	}
	return keys
}

// stepOrder is what an order means for the tasks of one step, which are alike in some of the keys.
type stepOrder struct {
	rows    bool                 // it looks at rows
	store   []store.TaskOrder    // the same for the store
	exact   bool                 // when the store can sort so
	compare func(a, b int64) int // of untouched tasks, by their indexes; nil when they are alike
}

func orderAt(keys []taskKey, space *openjd.ParameterSpace) *stepOrder {
	o := &stepOrder{exact: true}
	for _, key := range keys {
		switch key.part {
		case statusPart, rowPart:
			o.rows = true
			o.store = append(o.store, store.TaskOrder{Column: key.column, Descending: key.descending})
		case indexPart:
			if key.parameter == "" {
				o.by(rankedIDs(), key.descending)
			} else if axis, ok := space.Axis(key.parameter); ok {
				o.by(rankedParameter(axis), key.descending)
			}
		}
	}
	return o
}

// by adds a key that is known by the index.
func (o *stepOrder) by(rank *taskRank, descending bool) {
	o.store = append(o.store, store.TaskOrder{Index: rank.where, Descending: descending})
	o.exact = o.exact && rank.where != nil
	before := o.compare
	o.compare = func(a, b int64) int {
		if before != nil {
			if order := before(a, b); order != 0 {
				return order
			}
		}
		if descending {
			a, b = b, a
		}
		return rank.compare(a, b)
	}
}
