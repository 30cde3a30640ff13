package farm

import (
	"slices"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/search"
	openjd "github.com/farmhand-render/farmhand/openjd/job"
)

// taskFilter is a filter of tasks, taken apart by what its parts look at. What looks at the job or the step is decided once for each of
// them. What looks at the id of a task or at its parameters is decided by its index, and on the values of a parameter. The rest looks
// at rows; untouched tasks of a step are alike in these.
type taskFilter struct {
	part    taskPart
	of      []*taskFilter                                       // of groups
	where   search.Condition                                    // of jobPart, stepPart, statusPart, rowPart
	resolve func(*row.Step, *openjd.ParameterSpace) *taskFilter // of indexPart
	steps   search.Condition                                    // holds for the steps that may have such a task: of indexPart
	indexes *taskIndexes                                        // of resolvedPart
}

type taskPart uint8

const (
	everyTask taskPart = iota
	noTask
	allParts // groups
	anyPart
	jobPart
	stepPart
	statusPart // a rowPart that looks at the run status
	rowPart
	indexPart
	resolvedPart // an indexPart of a known step
)

// partOf says what a column tells of.
func partOf(column search.Column) taskPart {
	switch column {
	case search.TaskID:
		return indexPart
	case search.ID:
		return stepPart
	case search.JobID, search.QueueID, search.JobCreatedAt:
		return jobPart
	case search.Status:
		return statusPart
	default:
		return rowPart
	}
}

// newTaskFilter takes a filter apart that was checked.
func newTaskFilter(group *deadline.SearchGroupedFilterExpressions) (*taskFilter, error) {
	if group == nil {
		return &taskFilter{}, nil
	}
	part := allParts
	if group.Operator == deadline.LogicalOperatorOr {
		part = anyPart
	}
	of := make([]*taskFilter, len(group.Filters))
	for i := range group.Filters {
		var err error
		if of[i], err = newTaskPart(&group.Filters[i]); err != nil {
			return nil, err
		}
	}
	return joinedTasks(part, of), nil
}

func newTaskPart(e *deadline.SearchFilterExpression) (*taskFilter, error) {
	switch {
	case e.GroupFilter != nil:
		return newTaskFilter(e.GroupFilter)
	case e.SearchTermFilter != nil:
		return &taskFilter{part: indexPart, resolve: termTasks(e.SearchTermFilter), steps: termSteps(e.SearchTermFilter)}, nil
	case e.ParameterFilter != nil:
		return &taskFilter{part: indexPart, resolve: parameterTasks(e.ParameterFilter), steps: parameterSteps(e.ParameterFilter)}, nil
	}
	where, err := taskSearch.leaf(e, "", 1)
	if err != nil {
		return nil, err
	}
	of := &where // a comparison of times may be two of them
	for of.Group != search.Comparison {
		of = &of.Of[0]
	}
	part := partOf(of.Column)
	if part == indexPart {
		return &taskFilter{part: part, resolve: identifiedTasks(of), steps: identifiedSteps(of)}, nil
	}
	return &taskFilter{part: part, where: where}, nil
}

// joinedTasks is a group, without what makes no difference in it.
func joinedTasks(part taskPart, of []*taskFilter) *taskFilter {
	neutral, decisive := everyTask, noTask
	if part == anyPart {
		neutral, decisive = noTask, everyTask
	}
	joined := &taskFilter{part: part}
	for _, f := range of {
		switch f.part {
		case neutral:
		case decisive:
			return f
		default:
			joined.of = append(joined.of, f)
		}
	}
	switch len(joined.of) {
	case 0:
		return &taskFilter{part: neutral}
	case 1:
		return joined.of[0]
	default:
		return joined
	}
}

func verdict(yes bool) *taskFilter {
	if yes {
		return &taskFilter{part: everyTask}
	}
	return &taskFilter{part: noTask}
}

// decided is the filter with what decide makes of its parts.
func (f *taskFilter) decided(decide func(*taskFilter) *taskFilter) *taskFilter {
	if f.part != allParts && f.part != anyPart {
		return decide(f)
	}
	of := make([]*taskFilter, len(f.of))
	for i := range f.of {
		of[i] = f.of[i].decided(decide)
	}
	return joinedTasks(f.part, of)
}

// knowing is the filter where a task is known as far as some parts look at it.
func (f *taskFilter) knowing(x *foundTask, parts ...taskPart) *taskFilter {
	return f.decided(func(f *taskFilter) *taskFilter {
		if slices.Contains(parts, f.part) {
			return verdict(f.matches(x))
		}
		return f
	})
}

// statuses are those that what is found may have, not nil. only says that nothing else is asked for.
func (f *taskFilter) statuses() (all []status.Task, only bool) {
	all, only = []status.Task{}, true
	for one := status.TaskNone + 1; int(one) < status.NumTask; one++ {
		with := f.knowing(&foundTask{Task: row.Task{Status: one}}, statusPart)
		only = only && with.part <= noTask
		if with.part != noTask {
			all = append(all, one)
		}
	}
	return all, only
}

// at is the filter for the tasks of a step.
func (f *taskFilter) at(j *row.Job, step *row.Step, space *openjd.ParameterSpace) *taskFilter {
	f = f.knowing(&foundTask{job: j, step: step}, jobPart, stepPart)
	return f.decided(func(f *taskFilter) *taskFilter {
		if f.part == indexPart {
			return f.resolve(step, space)
		}
		return f
	})
}

// matches reports whether the filter of a step finds a task.
func (f *taskFilter) matches(x *foundTask) bool {
	switch f.part {
	case everyTask, noTask:
		return f.part == everyTask
	case allParts:
		return !slices.ContainsFunc(f.of, func(of *taskFilter) bool { return !of.matches(x) })
	case anyPart:
		return slices.ContainsFunc(f.of, func(of *taskFilter) bool { return of.matches(x) })
	case resolvedPart:
		index, ok := f.indexes.next(x.TaskIndex)
		return ok && index == x.TaskIndex
	default:
		return f.where.Meets(x.text, x.number)
	}
}

// looksAtRows reports whether tasks with the same id and parameters may differ.
func (f *taskFilter) looksAtRows() bool {
	for _, of := range f.of {
		if of.looksAtRows() {
			return true
		}
	}
	return f.part == rowPart || f.part == statusPart
}

// onlyRows reports whether nothing but rows is looked at.
func (f *taskFilter) onlyRows() bool {
	if f.part == allParts || f.part == anyPart {
		return !slices.ContainsFunc(f.of, func(of *taskFilter) bool { return !of.onlyRows() })
	}
	return f.part == rowPart || f.part == statusPart
}

// condition is what the store can tell of the filter of a step: it holds for all that matches. exact: and for nothing else.
func (f *taskFilter) condition() (c store.TaskCondition, exact bool) {
	switch f.part {
	case everyTask:
		return c, true
	case noTask:
		return store.TaskCondition{Group: search.Or}, true
	case rowPart, statusPart:
		return store.TaskCondition{Row: &f.where}, true
	case resolvedPart:
		where := f.indexes.where()
		if where == nil {
			return c, false
		}
		return store.TaskCondition{Index: where}, true
	}
	exact = true
	if f.part == anyPart {
		c.Group = search.Or
	}
	for _, of := range f.of {
		part, same := of.condition()
		c.Of, exact = append(c.Of, part), exact && same
	}
	return c, exact
}

// next gives the first index, from a given one on, that the filter of a step finds when it does not look at rows, and whether there is
// one below to.
func (f *taskFilter) next(from, to int64) (index int64, ok bool) {
	if from >= to {
		return 0, false
	}
	switch f.part {
	case everyTask:
		return from, true
	case resolvedPart:
		index, ok = f.indexes.next(from)
		return index, ok && index < to
	case anyPart:
		index = to
		for _, of := range f.of {
			if i, found := of.next(from, index); found {
				index = i
			}
		}
		return index, index < to
	case allParts: // they are moved forward in turn until they agree
		for index, agreed := from, 0; ; {
			for _, of := range f.of {
				i, found := of.next(index, to)
				switch {
				case !found:
					return 0, false
				case i == index:
					agreed++
				default:
					index, agreed = i, 1
				}
				if agreed >= len(f.of) {
					return index, true
				}
			}
		}
	default:
		return 0, false
	}
}
