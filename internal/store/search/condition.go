package search

import (
	"cmp"
	"slices"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// Query asks for jobs, for steps, or for workers.
type Query struct {
	Kind   Kind
	Within []string // ids of queues, of fleets for workers; none twice
	Where  Condition
	// Order sorts what is found. What is equal comes by age: jobs and workers in the direction of the last order, newest first without
	// one; steps with the newest job first, those of a job in the order of its template.
	Order []Order

	Offset, Size int
	Limit        int // where counting may stop
}

// Kind is what a query looks for.
type Kind uint8

// The kinds.
const (
	Jobs Kind = iota
	Steps
	Workers
)

// within is where what is of a kind belongs.
func (k Kind) within(id string) row.ResourceKey {
	if k == Workers {
		return row.ResourceKey{Kind: row.KindFleet, ID: id}
	}
	return row.ResourceKey{Kind: row.KindQueue, ID: id}
}

// Condition is a comparison, or a group of conditions. The zero value holds for everything. What lacks a value ("" or no time) meets no
// comparison with it.
type Condition struct {
	Group Group
	Of    []Condition // of a group; And of none holds

	Column   Column
	Operator Operator
	// Values are texts or integers (times in microseconds) as the column has them: one, or several for In and NotIn. Of [Mentions]
	// and [HasParameter] there is no column.
	Values []any

	name  string            // of the parameter
	meets func(string) bool // of [InSpace]
}

// Group says how the conditions of a group are joined.
type Group uint8

// The groups.
const (
	And Group = iota
	Or
	Comparison // no group
)

// Operator compares a column with a value.
type Operator uint8

// The operators. Texts are equal or not, or in a list or not.
const (
	Equal Operator = iota
	NotEqual
	Greater
	GreaterOrEqual
	Less
	LessOrEqual
	In
	NotIn

	mentions
	inID
	parameter
	hasTasks
	inSpace
)

// Holds tells what a comparison makes of an order, negative for less.
func (o Operator) Holds(order int) bool {
	switch o {
	case Equal, In:
		return order == 0
	case NotEqual, NotIn:
		return order != 0
	case Greater:
		return order > 0
	case GreaterOrEqual:
		return order >= 0
	case Less:
		return order < 0
	default:
		return order <= 0
	}
}

// Mentions holds where one of some texts in lower case is part of one of the searched texts: of a job its name, its id, its creator and
// the values of its parameters, of a step its name and its id, of a worker its id, the name of its host and the addresses.
func Mentions(texts ...string) Condition {
	c := Condition{Group: Comparison, Operator: mentions}
	for _, text := range texts {
		c.Values = append(c.Values, text)
	}
	return c
}

// InID holds where a text is part of the id.
func InID(text string) Condition {
	return Condition{Group: Comparison, Operator: inID, Values: []any{text}}
}

// HasParameter holds for the jobs that have a parameter whose value compares with another one. Numbers are compared as numbers when the
// value is one; any other value is unlike a number, and neither before nor after it.
func HasParameter(name string, operator Operator, value string) Condition {
	return Condition{Group: Comparison, Operator: parameter, name: name, Column: Column(operator), Values: []any{value}}
}

// HasTasks holds for the steps that have a task of some statuses.
func HasTasks(statuses []status.Task) Condition {
	mask := int64(0)
	for _, one := range statuses {
		mask |= 1 << one
	}
	return Condition{Group: Comparison, Operator: hasTasks, Values: []any{mask}}
}

// InSpace holds for the steps with a parameter space, as their documents have it ("" where there is none), that meets a test, and for
// those whose space is too long to be in memory. Each space is tested once.
func InSpace(meets func(space string) bool) Condition {
	return Condition{Group: Comparison, Operator: inSpace, meets: meets}
}

// Meets reports whether a row meets a condition that compares nothing but columns, given what it has in these: "" or no time where it
// lacks the value.
func (c *Condition) Meets(text func(Column) string, number func(Column) int64) bool {
	meets := func(of Condition) bool { return of.Meets(text, number) }
	switch {
	case c.Group == Or:
		return slices.ContainsFunc(c.Of, meets)
	case c.Group == And:
		return !slices.ContainsFunc(c.Of, func(of Condition) bool { return !meets(of) })
	case c.Column.IsText():
		has := text(c.Column)
		return has != "" && slices.Contains(c.Values, any(has)) != c.negative()
	}
	has := number(c.Column)
	switch {
	case has == 0 && c.Column.IsTime():
		return false
	case c.Operator == In || c.Operator == NotIn:
		return slices.Contains(c.Values, any(has)) != c.negative()
	default:
		other, _ := c.Values[0].(int64)
		return c.Operator.Holds(cmp.Compare(has, other))
	}
}

// Admits reports whether a row that has a text in a column may meet a condition, whatever it has in others.
func (c *Condition) Admits(column Column, text string) bool {
	admits := func(of Condition) bool { return of.Admits(column, text) }
	switch {
	case c.Group == Or:
		return slices.ContainsFunc(c.Of, admits)
	case c.Group == And:
		return !slices.ContainsFunc(c.Of, func(of Condition) bool { return !admits(of) })
	case c.Operator >= mentions || c.Column != column:
		return true
	}
	is := slices.Contains(c.Values, any(text))
	return is == (c.Operator == Equal || c.Operator == In)
}

// Statuses are those that a row may have which meets a condition, in its column [Status].
func (c *Condition) Statuses() (all []status.Task) {
	for one := range status.Task(status.NumTask) {
		if c.Admits(Status, one.String()) {
			all = append(all, one)
		}
	}
	return all
}

// Order sorts by a column, or by a parameter. What lacks the value comes last.
type Order struct {
	Column     Column
	Parameter  string // not "": there is no column
	Descending bool
	First      any // not nil: what has this value in the column comes first, and nothing else is sorted by the column
}

// Column is a column of jobs, steps or workers. Those of jobs alone are not to be asked of steps, and so on.
type Column uint8

// The columns: of jobs ID is the job's, of steps the step's, of workers the worker's.
const (
	_ Column = iota // a condition that is empty, an order by a parameter

	ID
	QueueID
	JobID          // of steps
	TaskID         // of tasks, which are not in memory
	LatestActionID // of tasks
	Addresses      // of workers those of their host: it has any of them, and is sorted by the first

	Name // of workers their host's
	Lifecycle
	LifecycleMessage
	Status
	Target
	CreatedBy
	UpdatedBy
	SourceJobID // of jobs
	InstanceARN // of workers, as InstanceType
	InstanceType

	Priority // of jobs, as MaxWorkers
	MaxFailedTasks
	MaxRetries
	MaxWorkers // -1: there is no limit
	FailureRetries
	Targeted // of steps: 1 when a task may have a target, or somebody who updated it

	jobRow // of steps: where their job is
	stepIndex
	taskStatuses // of steps: those that their tasks have, by bit
	space        // of steps: its number, -1 when it is too long
	firstStep    // of jobs: where their steps are, -1 when they have none

	CreatedAt
	StartedAt
	EndedAt
	UpdatedAt
	JobCreatedAt // of steps
	Earliest     // of steps: no time of a task is before it
	Latest

	Tasks  // of steps: how many
	number // of the job

	numColumns
)

// FleetID is of workers what QueueID is of jobs.
const FleetID = QueueID

// The columns by how they are kept.
const (
	firstShort = Name
	firstLong  = CreatedAt
	numShort   = firstLong - firstShort
	numLong    = numColumns - firstLong
)

// IsText reports whether a column has texts.
func (c Column) IsText() bool { return c <= InstanceType }

// IsTime reports whether a column has times.
func (c Column) IsTime() bool { return c >= CreatedAt && c <= Latest }
