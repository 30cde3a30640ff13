package farm

import (
	"context"
	"fmt"
	"slices"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/search"
	openjd "github.com/farmhand-render/farmhand/openjd/job"
)

// taskSifter looks for tasks in one step after the other.
type taskSifter struct {
	service  *Service
	spaces   map[string]*openjd.ParameterSpace // those of steps that a walk came to, by their texts
	filter   *taskFilter
	order    []search.Order
	found    *findings[foundTask]
	statuses []status.Task // that what is found may have
	counts   bool          // those that have one are found, and need not be looked at to be counted
}

// newTaskSifter checks a search. Errors: ValidationException.
func (s *Service) newTaskSifter(in *deadline.SearchTasksInput) (*taskSifter, error) {
	if _, err := taskSearch.filter(in.FilterExpressions); err != nil {
		return nil, err
	}
	filter, err := newTaskFilter(in.FilterExpressions)
	if err != nil {
		return nil, err
	}
	order, err := taskSearch.sorting(in.SortExpressions)
	if err != nil {
		return nil, err
	}
	t := &taskSifter{
		service: s, spaces: map[string]*openjd.ParameterSpace{}, filter: filter, order: order,
		found: &findings[foundTask]{window: s.window(in.ItemOffset, in.PageSize), compare: compareTasks(order)},
	}
	var only bool
	t.statuses, only = t.filter.statuses()
	t.counts = only && t.found.compare == nil
	return t, nil
}

// job looks at all tasks of a job that may be meant.
func (t *taskSifter) job(ctx context.Context, j *row.Job) error {
	if t.filter.knowing(&foundTask{job: j}, jobPart).part == noTask {
		return nil
	}
	if done, _ := t.counted(&j.Counts); done {
		return nil
	}
	shape, err := t.service.shape(ctx, j.JobID)
	if err != nil {
		return err
	}
	_, err = t.service.eachStep(ctx, j, func(step *row.Step) (bool, error) {
		x := *step // what is found refers to it
		return t.at(ctx, j, &x, shape.step(x.StepIndex).space).all()
	})
	return err
}

// counted reports whether the counts of a job or a step tell all that is to be known of its tasks, and whether more could be found.
func (t *taskSifter) counted(counts *status.Counts) (done, more bool) {
	n := int64(0)
	for _, one := range t.statuses {
		n += counts[one]
	}
	if n > 0 && (!t.counts || len(t.found.rows) < t.found.keep()) {
		return false, true
	}
	t.found.count(n)
	return true, n == 0 || t.found.wants()
}

// at prepares the look at a step.
func (t *taskSifter) at(ctx context.Context, j *row.Job, step *row.Step, space *openjd.ParameterSpace) *stepSifter {
	return &stepSifter{
		taskSifter: t, ctx: ctx, job: j, step: step, space: space,
		filter: t.filter.at(j, step, space), order: orderAt(t.order, space),
	}
}

// stepSifter looks for the tasks of a step.
type stepSifter struct {
	*taskSifter
	ctx    context.Context //nolint:containedctx // for the one search
	job    *row.Job
	step   *row.Step
	space  *openjd.ParameterSpace
	filter *taskFilter // what the step leaves of it
	order  *stepOrder
	first  []int64 // of those that were found by their index, in an order: those that come first
	sorted int     // how many of them are sorted, and come before all that were left out
	index  bool    // rows are not needed
}

// all looks at all tasks of the step that may be meant.
func (s *stepSifter) all() (more bool, err error) {
	if done, more := s.counted(&s.step.Counts); done {
		return more, nil
	}
	return s.search()
}

func (s *stepSifter) search() (more bool, err error) {
	if s.filter.part == noTask {
		return true, nil
	}
	if s.index = !s.filter.looksAtRows() && !s.order.rows; s.index {
		if more, err = s.untouched(s.filter, 0, s.step.Tasks); err != nil {
			return false, err
		}
	} else if more, err = s.rows(); err != nil {
		return false, err
	}
	s.trim()
	for _, index := range s.first {
		s.found.put(s.one(index))
	}
	return more || s.found.compare != nil, nil
}

// one is a task that was found by its index.
func (s *stepSifter) one(index int64) foundTask {
	return foundTask{Task: untouched(s.step, index), job: s.job, step: s.step, space: s.space, pending: s.index}
}

// touched is a task that was read.
func (s *stepSifter) touched(t *row.Task) foundTask {
	return foundTask{Task: *t, job: s.job, step: s.step, space: s.space}
}

// rows looks at rows, and at the untouched tasks, which are alike: all below the cursor are touched.
func (s *stepSifter) rows() (more bool, err error) {
	rest := verdict(false)
	touched := s.step.Tasks
	if s.step.Counts[s.step.Rest] > 0 && s.step.Cursor < s.step.Tasks {
		x := s.one(s.step.Cursor)
		rest = s.filter.knowing(&x, statusPart, rowPart)
	}
	if rest.part != noTask {
		touched = s.step.Cursor
	}
	where, exact := s.filter.condition()
	search := &store.TaskSearch{
		JobID: s.job.JobID, StepIndex: s.step.StepIndex, To: touched, Where: where, Statuses: s.statuses,
	}
	switch {
	case touched == 0:
		more = true
	case s.found.compare == nil:
		more, err = s.inOrder(search, exact)
	default:
		more, err = true, s.best(search, exact)
	}
	if err != nil || !more || rest.part == noTask {
		return more, err
	}
	return s.mixed(rest)
}

// inOrder looks at touched tasks in the order of their indexes.
func (s *stepSifter) inOrder(search *store.TaskSearch, exact bool) (more bool, err error) {
	for {
		chunk := searchChunk
		if exact {
			if chunk = min(chunk, s.found.keep()-len(s.found.rows)); chunk == 0 { // they need only be counted from now on
				n, err := s.service.store.CountTasks(s.ctx, search, s.found.limit-s.found.total)
				s.found.count(n)
				return s.found.wants(), err
			}
		}
		n, more, err := s.read(search, exact, chunk)
		if err != nil || !more || n < chunk {
			return more, err
		}
	}
}

// read looks at the next touched tasks of a search. n is how many there were.
func (s *stepSifter) read(search *store.TaskSearch, exact bool, limit int) (n int, more bool, err error) {
	tasks, err := s.service.store.FindTasks(s.ctx, search, limit)
	if err != nil {
		return 0, false, fmt.Errorf("search the tasks of step %s: %w", s.step.StepID, err)
	}
	for i := range tasks {
		x := s.touched(&tasks[i])
		search.From = x.TaskIndex + 1
		if (exact || s.filter.matches(&x)) && !s.found.add(x) {
			return len(tasks), false, nil
		}
	}
	return len(tasks), true, nil
}

// best looks for the touched tasks that come first in an order. Where few are found, all are looked at; else the store sorts them, when it
// can.
func (s *stepSifter) best(search *store.TaskSearch, exact bool) error {
	chunk, all := min(searchChunk, s.found.limit), *search
	tasks, err := s.service.store.FindTasks(s.ctx, search, chunk)
	if err != nil {
		return fmt.Errorf("search the tasks of step %s: %w", s.step.StepID, err)
	}
	if len(tasks) == chunk && exact && s.order.exact {
		n, err := s.service.store.CountTasks(s.ctx, search, s.found.limit)
		if err != nil {
			return err
		}
		if n == int64(s.found.limit) {
			return s.bestOfMany(&all)
		}
	}
	for i := range tasks {
		x := s.touched(&tasks[i])
		search.From = x.TaskIndex + 1
		if exact || s.filter.matches(&x) {
			s.found.add(x)
		}
	}
	for n := len(tasks); n == chunk; {
		if n, _, err = s.read(search, exact, chunk); err != nil {
			return err
		}
	}
	return nil
}

// bestOfMany lets the store sort the touched tasks, of which there are more than are counted.
func (s *stepSifter) bestOfMany(search *store.TaskSearch) error {
	s.found.count(int64(s.found.limit))
	search.Order = s.order.store
	tasks, err := s.service.store.FindTasks(s.ctx, search, s.found.keep())
	if err != nil {
		return fmt.Errorf("sort the tasks of step %s: %w", s.step.StepID, err)
	}
	for i := range tasks {
		s.found.put(s.touched(&tasks[i]))
	}
	return nil
}

// mixed looks at the tasks from the cursor on: touched ones, and the untouched ones between them.
func (s *stepSifter) mixed(rest *taskFilter) (more bool, err error) {
	search := &store.TaskSearch{JobID: s.job.JobID, StepIndex: s.step.StepIndex, From: s.step.Cursor}
	for {
		tasks, err := s.service.store.FindTasks(s.ctx, search, searchChunk)
		if err != nil {
			return false, fmt.Errorf("search the tasks of step %s: %w", s.step.StepID, err)
		}
		for i := range tasks {
			x := s.touched(&tasks[i])
			if more, err := s.untouched(rest, search.From, x.TaskIndex); err != nil || !more {
				return false, err
			}
			if s.filter.matches(&x) && !s.found.add(x) {
				return false, nil
			}
			search.From = x.TaskIndex + 1
		}
		if len(tasks) < searchChunk {
			return s.untouched(rest, search.From, s.step.Tasks)
		}
	}
}

// untouched looks at tasks with from <= index < to that only their index tells apart.
func (s *stepSifter) untouched(filter *taskFilter, from, to int64) (more bool, err error) {
	if filter.part == everyTask && s.order.compare == nil {
		for ; from < to && s.take(from); from++ {
			s.found.count(1)
		}
		s.found.count(to - from)
		return s.found.wants(), nil
	}
	n := 0
	for index, ok := filter.next(from, to); ok; index, ok = filter.next(index+1, to) {
		s.take(index)
		s.found.count(1)
		if !s.wants() {
			return s.found.compare != nil, nil // touched ones may come before these
		}
		if n++; n%searchChunk == 0 && s.ctx.Err() != nil {
			return false, context.Cause(s.ctx)
		}
	}
	return true, nil
}

// take keeps a task that was found by its index, when there is room for it.
func (s *stepSifter) take(index int64) (taken bool) {
	keep := s.found.keep()
	switch {
	case s.found.compare == nil:
		if len(s.found.rows) == keep {
			return false
		}
		s.found.put(s.one(index))
		return true
	case s.order.compare == nil && len(s.first) == keep, s.sorted > 0 && s.order.compare(index, s.first[s.sorted-1]) >= 0:
		return false
	}
	if s.first = append(s.first, index); s.order.compare != nil && len(s.first) == 2*keep {
		s.trim()
	}
	return true
}

// wants reports whether another task that is found by its index could change the answer.
func (s *stepSifter) wants() bool {
	if s.found.compare == nil {
		return s.found.wants()
	}
	return s.found.total < s.found.limit || s.order.compare != nil || len(s.first) < s.found.keep()
}

// trim leaves those that come first.
func (s *stepSifter) trim() {
	if s.order.compare != nil {
		slices.SortStableFunc(s.first, s.order.compare)
	}
	if keep := s.found.keep(); len(s.first) >= keep {
		s.first, s.sorted = s.first[:keep], keep
	}
}
