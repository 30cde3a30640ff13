package farm

import (
	"cmp"

	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/search"
	openjd "github.com/farmhand-render/farmhand/openjd/job"
)

// compareTasks compares tasks by some orders; nil when there are none. Tasks that are equal come in the order of their jobs, newest first,
// of their steps, and of their parameter space.
func compareTasks(by []search.Order) func(a, b *foundTask) int {
	if len(by) == 0 {
		return nil
	}
	return func(a, b *foundTask) int {
		for i := range by {
			if order := compareTask(&by[i], a, b); order != 0 {
				return order
			}
		}
		return cmp.Or(compareAges(b.job, a.job), cmp.Compare(a.StepIndex, b.StepIndex), cmp.Compare(a.TaskIndex, b.TaskIndex))
	}
}

// compareTask compares tasks by one order. What lacks the value comes last.
func compareTask(by *search.Order, a, b *foundTask) int {
	var order int
	var noA, noB bool
	switch {
	case by.Parameter != "":
		x, xNumber, hasX := a.parameter(by.Parameter)
		y, yNumber, hasY := b.parameter(by.Parameter)
		order, noA, noB = search.CompareParameters(x, xNumber, y, yNumber), !hasX, !hasY
	case by.Column.IsText():
		x, y := a.text(by.Column), b.text(by.Column)
		order, noA, noB = cmp.Compare(x, y), x == "", y == ""
	default:
		x, y := a.number(by.Column), b.number(by.Column)
		order, noA, noB = cmp.Compare(x, y), by.Column.IsTime() && x == 0, by.Column.IsTime() && y == 0
	}
	switch {
	case noA || noB:
		return btoi(noA) - btoi(noB)
	case by.Descending:
		return -order
	default:
		return order
	}
}

// stepOrder is what an order means for the tasks of one step, which are alike in some of the keys.
type stepOrder struct {
	rows    bool                 // it looks at rows
	store   []store.TaskOrder    // the same for the store
	exact   bool                 // when the store can sort so
	compare func(a, b int64) int // of untouched tasks, by their indexes; nil when they are alike
}

func orderAt(by []search.Order, space *openjd.ParameterSpace) *stepOrder {
	o := &stepOrder{exact: true}
	for i := range by {
		switch key := &by[i]; {
		case key.Parameter != "":
			if axis, ok := space.Axis(key.Parameter); ok {
				o.by(rankedParameter(axis), key.Descending)
			}
		case partOf(key.Column) == indexPart:
			o.by(rankedIDs(), key.Descending)
		case partOf(key.Column) == statusPart || partOf(key.Column) == rowPart:
			o.rows = true
			o.store = append(o.store, store.TaskOrder{Column: key.Column, Descending: key.Descending})
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
