package scheduler

import (
	"fmt"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
	openjd "github.com/farmhand-render/farmhand/openjd/job"
)

// step is a step of a job in memory.
type step struct {
	row   row.Step
	job   *job
	id    string
	space *openjd.ParameterSpace
	class *class // what it asks of a fleet

	environments []string // ids of its step environments, outermost first
	dependencies []*step
	consumers    []*step
	unresolved   int  // dependencies that have not SUCCEEDED
	resolved     bool // counted as SUCCEEDED by its consumers

	cells taskTable
	again indexHeap         // touched tasks that are READY, and some that were
	held  map[int64]*action // the open taskRun of each task that a session holds
	pace  pace              // of its chunks

	offered   bool // counted in the offers of its job
	sweeping  bool // see Core.sweep
	dirty     bool
	unsettled bool
}

func newStep(j *job, r row.Step, doc *row.StepDocument) (*step, error) {
	space, err := parameterSpace(doc)
	if err != nil {
		return nil, err
	}
	s := &step{row: r, job: j, id: r.StepID, space: space, held: map[int64]*action{}}
	for _, name := range doc.Environments {
		s.environments = append(s.environments, "STEP:"+r.StepID+":"+name)
	}
	return s, nil
}

// parameterSpace gives the space of a step's tasks, nil for one task without parameters.
func parameterSpace(doc *row.StepDocument) (*openjd.ParameterSpace, error) {
	if len(doc.Space) == 0 {
		return nil, nil
	}
	var def openjd.SpaceDefinition
	if err := unmarshal(doc.Space, &def); err != nil {
		return nil, fmt.Errorf("parameter space of %s: %w", doc.StepID, err)
	}
	space, err := openjd.NewParameterSpace(def)
	if err != nil {
		return nil, fmt.Errorf("parameter space of %s: %w", doc.StepID, err)
	}
	return space, nil
}

// waiting is the status of a task that nothing but its turn keeps from running: READY, or PENDING before the dependencies are resolved.
func (s *step) waiting() status.Task {
	if s.unresolved > 0 {
		return status.TaskPending
	}
	return status.TaskReady
}

// ready reports whether a session can be given a task of the step.
func (s *step) ready() bool { return s.row.Counts[status.TaskReady] > 0 }

// waits reports whether tasks of the step are READY or PENDING.
func (s *step) waits() bool {
	return s.row.Counts[status.TaskReady]+s.row.Counts[status.TaskPending] > 0
}

// setStepLifecycle moves a step's life cycle.
func (c *Core) setStepLifecycle(s *step, to status.Lifecycle, by cause) {
	if s.row.Lifecycle != to && pass(c, stepMachine, func() string { return s.id }, s.row.Lifecycle, to, by) {
		s.row.Lifecycle = to
		c.dirtyStep(s)
	}
}

// ended keeps endedAt of a step or job as its status goes from one to another (§4.5): it is
// set when work ends and vanishes while there is work again. What is made SUSPENDED has not ended.
func (c *Core) ended(from, to status.Task, endedAt *int64) {
	switch {
	case !to.Ended():
		*endedAt = 0
	case *endedAt == 0 && (from != status.TaskNone || to.Terminal()):
		*endedAt = c.now.Wall
	}
}
