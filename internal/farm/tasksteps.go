package farm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/search"
)

// Searches for tasks of whole queues look at the steps that may have such a task. What follows tells which: a condition on steps holds
// for each step that has a task for which the filter does, and for as few others as is known.

var everyStep search.Condition

// stepsOf is the condition of a filter on steps.
func (s *Service) stepsOf(ctx context.Context, f *taskFilter) (search.Condition, error) {
	switch f.part {
	case everyTask:
		return everyStep, nil
	case allParts, anyPart:
		c := search.Condition{}
		if f.part == anyPart {
			c.Group = search.Or
		}
		for _, of := range f.of {
			part, err := s.stepsOf(ctx, of)
			if err != nil {
				return c, err
			}
			c.Of = append(c.Of, part)
		}
		return c, nil
	case indexPart:
		return f.steps, nil
	default:
		return s.stepsWith(ctx, &f.where)
	}
}

// stepsWith is the condition of one on columns of tasks.
func (s *Service) stepsWith(ctx context.Context, c *search.Condition) (search.Condition, error) {
	if c.Group != search.Comparison {
		of := search.Condition{Group: c.Group}
		for i := range c.Of {
			part, err := s.stepsWith(ctx, &c.Of[i])
			if err != nil {
				return of, err
			}
			of.Of = append(of.Of, part)
		}
		return of, nil
	}
	switch c.Column {
	case search.ID, search.JobID, search.QueueID, search.JobCreatedAt:
		return *c, nil
	case search.Status:
		return search.HasTasks(c.Statuses()), nil
	case search.Target, search.UpdatedBy:
		return comparison(search.Targeted, search.Equal, int64(1)), nil
	case search.LatestActionID:
		return s.stepsOfActions(ctx, c)
	case search.FailureRetries:
		return retriedSteps(c), nil
	case search.StartedAt, search.EndedAt, search.UpdatedAt:
		if c.Operator == search.Less {
			return comparison(search.Earliest, c.Operator, c.Values...), nil
		}
		return comparison(search.Latest, c.Operator, c.Values...), nil
	default:
		return everyStep, nil
	}
}

// stepsOfActions are those of the jobs that some session actions belong to.
func (s *Service) stepsOfActions(ctx context.Context, c *search.Condition) (search.Condition, error) {
	if c.Operator == search.NotEqual || c.Operator == search.NotIn {
		return everyStep, nil
	}
	jobs := comparison(search.JobID, search.In)
	for _, value := range c.Values {
		id, _ := value.(string)
		sessionID, _, ok := parseSessionActionID(id)
		if !ok {
			continue
		}
		session, err := s.store.SessionByID(ctx, sessionID)
		switch {
		case err == nil:
			jobs.Values = append(jobs.Values, session.JobID)
		case !errors.Is(err, store.ErrNotFound):
			return jobs, fmt.Errorf("read session %s: %w", sessionID, err)
		}
	}
	return jobs, nil
}

// retriedSteps are those whose tasks together were retried as often as one of them must have been.
func retriedSteps(c *search.Condition) search.Condition {
	least, _ := c.Values[0].(int64)
	switch c.Operator {
	case search.Equal, search.GreaterOrEqual:
	case search.Greater:
		return comparison(search.FailureRetries, search.Greater, least)
	case search.In:
		for _, value := range c.Values {
			n, _ := value.(int64)
			least = min(least, n)
		}
	default:
		return everyStep
	}
	return comparison(search.FailureRetries, search.GreaterOrEqual, least)
}

// identifiedSteps are those of the tasks that have, or do not have, one of some ids.
func identifiedSteps(c *search.Condition) search.Condition {
	if c.Operator == search.NotEqual || c.Operator == search.NotIn {
		return everyStep
	}
	steps := comparison(search.ID, search.In)
	for _, value := range c.Values {
		id, _ := value.(string)
		if stepID, _, ok := parseTaskID(id); ok {
			steps.Values = append(steps.Values, stepID)
		}
	}
	return steps
}

// parameterSteps are those with a value of a parameter that is looked for.
func parameterSteps(e *deadline.ParameterFilterExpression) search.Condition {
	resolve := parameterTasks(e)
	name, _ := json.Marshal(e.Name) //nolint:errchkjson // a text always can be
	return search.InSpace(func(text string) bool {
		if !strings.Contains(text, string(name)) {
			return false
		}
		space, err := storedSpace([]byte(text))
		return err != nil || resolve(nil, space).part != noTask // what cannot be read is an error when it is come to
	})
}

// termSteps are those with a text in a value of a parameter, or maybe in the id of a task.
func termSteps(e *deadline.SearchTermFilterExpression) search.Condition {
	term := newSearchTerm(e)
	steps := search.Condition{Group: search.Or}
	for _, part := range term.parts {
		steps.Of = append(steps.Of, stepsWithID(part)...)
	}
	steps.Of = append(steps.Of, search.InSpace(func(text string) bool {
		space, err := storedSpace([]byte(text))
		if err != nil {
			return true
		}
		for i := range space.Parameters() {
			if axis, ok := space.Axis(space.Parameters()[i].Name); ok && term.inAxis(&axis).part != noTask {
				return true
			}
		}
		return false
	}))
	return steps
}

// stepsWithID are the steps that may have a task with a part of a term in its id, which is "task-", the digits of the step's id, "-", and
// the index. Any of the conditions may hold.
func stepsWithID(part string) (of []search.Condition) {
	if strings.Contains(prefixTask, part) {
		return []search.Condition{everyStep}
	}
	if digits := strings.TrimSuffix(inDigits(part), "-"); digits != "" {
		of = append(of, search.InID(digits))
	}
	before := strings.TrimRight(part, "0123456789")
	index, err := strconv.ParseInt(part[len(before):], 10, 64)
	if err != nil { // it does not end with an index, or with one that no task has
		return of
	}
	enough := comparison(search.Tasks, search.Greater, index)
	switch digits, found := strings.CutSuffix(before, "-"); {
	case before == "": // digits within the index, or its end
		return append(of, enough)
	case !found:
		return of
	case inDigits(digits) == "":
		return append(of, enough)
	default:
		return append(of, search.Condition{Of: []search.Condition{enough, search.InID(inDigits(digits))}})
	}
}

// inDigits leaves what of a text must be in the digits of the step's id, when the text begins within "task-".
func inDigits(text string) string {
	if end := strings.Index(text, "-") + 1; strings.HasSuffix(prefixTask, text[:end]) {
		return text[end:]
	}
	return text
}
