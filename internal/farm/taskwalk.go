package farm

import (
	"context"
	"fmt"
	"slices"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/search"
	openjd "github.com/farmhand-render/farmhand/openjd/job"
)

// queues looks at all tasks of some queues that may be meant, newest jobs first. Steps are told in memory; their rows are read where
// they are shown, or where tasks of one step differ in what is looked at.
func (t *taskSifter) queues(ctx context.Context, ids []string) error {
	if len(t.statuses) == 0 {
		return nil
	}
	steps, err := t.service.stepsOf(ctx, t.filter)
	if err != nil {
		return err
	}
	where := search.Condition{Of: []search.Condition{search.HasTasks(t.statuses), steps}}
	walk, err := t.service.store.WalkSteps(ctx, ids, &where)
	if err != nil {
		return fmt.Errorf("search the steps of queues: %w", err)
	}
	for size := t.found.keep(); ; size = walkChunk {
		steps, err := walk.Next(ctx, size)
		if err != nil {
			return err
		}
		if more, err := t.some(ctx, steps); err != nil || !more || len(steps) < size {
			return err
		}
	}
}

// walkChunk is how many steps are looked at together, once the page is found.
const walkChunk = 2000

// smallStep is the most tasks that a step has whose touched tasks are read together with those of others.
const smallStep = 64

// walked is a step that a walk came to, with what was read of it.
type walked struct {
	*search.Step

	counted bool // its tasks are only counted, by what is in memory
	small   bool // all its touched tasks are read
	touched []row.Task
	row     *store.FoundStep // nil: it is not needed
}

// allTouched reports whether nothing but the tasks that were read is to be known of a step.
func (w *walked) allTouched() bool { return w.small && int64(len(w.touched)) == w.Tasks }

// some looks at the tasks of steps that a walk came to.
func (t *taskSifter) some(ctx context.Context, of []search.Step) (more bool, err error) {
	full := t.found.compare == nil && len(t.found.rows) >= t.found.keep() // the rest is only counted
	steps := t.planned(of, full)
	if full && t.filter.onlyRows() {
		if steps, err = t.countRows(ctx, steps); err != nil {
			return false, err
		}
	}
	if steps, err = t.read(ctx, steps, full); err != nil {
		return false, err
	}
	for i := range steps {
		if more, err := t.look(ctx, &steps[i]); err != nil || !more {
			return false, err
		}
	}
	return t.found.wants(), nil
}

// planned tells how steps are to be looked at.
func (t *taskSifter) planned(of []search.Step, full bool) []walked {
	steps := make([]walked, len(of))
	for i := range steps {
		s := &steps[i]
		s.Step = &of[i]
		s.counted = full && !t.among(s.Step).looksAtRows()
		byCounts := full && t.counts // which its row has
		s.small = !s.counted && !byCounts && s.Tasks <= smallStep
	}
	return steps
}

// countRows counts the tasks of small steps that are meant, when all of them are touched, and leaves these steps out.
func (t *taskSifter) countRows(ctx context.Context, steps []walked) ([]walked, error) {
	var ids []string
	tasks := int64(0)
	for i := range steps {
		if steps[i].small {
			ids, tasks = append(ids, steps[i].StepID), tasks+steps[i].Tasks
		}
	}
	where, _ := t.filter.condition()
	touched, met, err := t.service.store.CountTasksOf(ctx, ids, &where)
	if err != nil {
		return nil, fmt.Errorf("count tasks: %w", err)
	}
	if touched == tasks {
		t.found.count(met)
		steps = slices.DeleteFunc(steps, func(s walked) bool { return s.small })
	}
	return steps, nil
}

// read reads what is needed of steps, and leaves out those that were deleted meanwhile.
func (t *taskSifter) read(ctx context.Context, steps []walked, full bool) ([]walked, error) {
	var small, whole []string
	for i := range steps {
		if steps[i].small {
			small = append(small, steps[i].StepID)
		}
	}
	touched, err := t.service.store.TasksOf(ctx, small)
	if err != nil {
		return nil, fmt.Errorf("search tasks: %w", err)
	}
	for i := range steps {
		steps[i].touched = touched[steps[i].StepID]
	}
	if !full {
		if steps, err = t.withMatches(ctx, steps); err != nil {
			return nil, err
		}
	}
	needsRow := func(s *walked) bool { return !full || !s.counted && !s.allTouched() }
	for i := range steps {
		if needsRow(&steps[i]) {
			whole = append(whole, steps[i].StepID)
		}
	}
	rows, err := t.service.store.StepsByID(ctx, whole)
	if err != nil {
		return nil, fmt.Errorf("search steps: %w", err)
	}
	for i, next := 0, 0; i < len(steps) && next < len(rows); i++ {
		if steps[i].StepID == rows[next].StepID {
			steps[i].row = &rows[next]
			next++
		}
	}
	return slices.DeleteFunc(steps, func(s walked) bool { return needsRow(&s) && s.row == nil }), nil
}

// withMatches leaves out the steps all of whose tasks were read, where none of them is meant: their own rows are not needed.
func (t *taskSifter) withMatches(ctx context.Context, steps []walked) (left []walked, err error) {
	for i := range steps {
		s := &steps[i]
		if s.allTouched() {
			of, err := t.stepOf(ctx, s)
			if err != nil {
				return nil, err
			}
			meant := func(x row.Task) bool { found := of.touched(&x); return of.filter.matches(&found) }
			if !slices.ContainsFunc(s.touched, meant) {
				continue
			}
		}
		left = append(left, *s)
	}
	return left, nil
}

// stepOf prepares the look at a step by what is known of it.
func (t *taskSifter) stepOf(ctx context.Context, w *walked) (*stepSifter, error) {
	space, err := t.space(ctx, w.Step)
	if err != nil {
		return nil, err
	}
	j, step := w.known()
	if w.row != nil {
		j, step = w.row.Job, &w.row.Step
	}
	return t.at(ctx, j, step, space), nil
}

// look looks at the tasks of one step.
func (t *taskSifter) look(ctx context.Context, w *walked) (more bool, err error) {
	s, err := t.stepOf(ctx, w)
	if err != nil {
		return false, err
	}
	switch {
	case w.counted:
		s.filter = s.filter.amongStatuses(w.Statuses)
		return s.search()
	case w.small:
		return s.each(w.touched)
	default:
		return s.all()
	}
}

// known is what is in memory of the job and the step.
func (w *walked) known() (*row.Job, *row.Step) {
	j := &row.Job{JobID: w.JobID, QueueID: w.QueueID, Number: w.JobNumber, Stamp: row.Stamp{CreatedAt: w.JobCreatedAt}}
	return j, &row.Step{JobID: w.JobID, StepIndex: w.StepIndex, StepID: w.StepID, Tasks: w.Tasks, Cursor: w.Tasks}
}

// among is the filter for the tasks of a step as far as it is known without a look at them.
func (t *taskSifter) among(s *search.Step) *taskFilter {
	j, step := (&walked{Step: s}).known()
	return t.filter.knowing(&foundTask{job: j, step: step}, jobPart, stepPart).amongStatuses(s.Statuses)
}

// amongStatuses is the filter for tasks that have one of some statuses.
func (f *taskFilter) amongStatuses(statuses []status.Task) *taskFilter {
	return f.decided(func(f *taskFilter) *taskFilter {
		if f.part != statusPart {
			return f
		}
		met := 0
		for _, one := range statuses {
			met += btoi(f.matches(&foundTask{Task: row.Task{Status: one}}))
		}
		if met > 0 && met < len(statuses) {
			return f
		}
		return verdict(met > 0)
	})
}

// space is the parameter space of a step. Many steps share one.
func (t *taskSifter) space(ctx context.Context, s *search.Step) (*openjd.ParameterSpace, error) {
	if s.SpaceUnknown {
		shape, err := t.service.shape(ctx, s.JobID)
		if err != nil {
			return nil, err
		}
		return shape.step(s.StepIndex).space, nil
	}
	if space, is := t.spaces[s.Space]; is {
		return space, nil
	}
	var stored []byte
	if s.Space != "" {
		stored = []byte(s.Space)
	}
	space, err := storedSpace(stored)
	if err != nil {
		return nil, fmt.Errorf("step %s: %w", s.StepID, err)
	}
	t.spaces[s.Space] = space
	return space, nil
}

// each looks at all tasks of a step whose touched ones were read.
func (s *stepSifter) each(touched []row.Task) (more bool, err error) {
	for index := range s.step.Tasks {
		x := s.one(index)
		if len(touched) > 0 && touched[0].TaskIndex == index {
			x, touched = s.touched(&touched[0]), touched[1:]
		}
		if s.filter.matches(&x) && !s.found.add(x) {
			return false, nil
		}
	}
	return true, nil
}
