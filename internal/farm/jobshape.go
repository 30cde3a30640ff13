package farm

import (
	lru "container/list"
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store/row"
	openjd "github.com/farmhand-render/farmhand/openjd/job"
	"github.com/farmhand-render/farmhand/openjd/template"
)

// jobShape is what the steps of a job are for as long as the job exists: their ids, how they depend on each other, their parameter
// spaces. A list of tasks or session actions needs it on every page, so shapes are cached.
type jobShape struct {
	steps []stepShape // by StepIndex
	bytes int         // memory, roughly
}

// stepShape is one step in a jobShape.
type stepShape struct {
	id           string
	dependencies []int32 // indexes of the steps it waits for
	consumers    []int32 // indexes of the steps that wait for it
	space        *openjd.ParameterSpace
}

// step gives the step with an index; nil when the job has none.
func (j *jobShape) step(index int32) *stepShape {
	if index < 0 || int(index) >= len(j.steps) {
		return nil
	}
	return &j.steps[index]
}

// shape gives the shape of a job.
func (s *Service) shape(ctx context.Context, jobID string) (*jobShape, error) {
	if shape := s.shapes.get(jobID); shape != nil {
		return shape, nil
	}
	docs, err := s.store.StepDocuments(ctx, jobID)
	if err != nil {
		return nil, fmt.Errorf("read the steps of job %s: %w", jobID, err)
	}
	shape, err := newJobShape(docs)
	if err != nil {
		return nil, fmt.Errorf("job %s: %w", jobID, err)
	}
	s.shapes.put(jobID, shape)
	return shape, nil
}

func newJobShape(docs []row.StepDocument) (*jobShape, error) {
	shape := &jobShape{steps: make([]stepShape, len(docs))}
	for i := range docs {
		d := &docs[i]
		if int(d.StepIndex) != i {
			return nil, fmt.Errorf("step %s has index %d, not %d", d.StepID, d.StepIndex, i)
		}
		space, err := storedSpace(d.Space)
		if err != nil {
			return nil, fmt.Errorf("step %s: %w", d.StepID, err)
		}
		step := &shape.steps[i]
		step.id, step.dependencies, step.space = d.StepID, d.Dependencies, space
		for _, on := range d.Dependencies {
			if on < 0 || int(on) >= len(docs) {
				return nil, fmt.Errorf("step %s depends on step %d of %d", d.StepID, on, len(docs))
			}
			shape.steps[on].consumers = append(shape.steps[on].consumers, d.StepIndex)
		}
		// A parsed space takes a small multiple of its text.
		shape.bytes += 256 + 8*len(d.Dependencies) + 4*len(d.Space)
	}
	return shape, nil
}

// storedSpace prepares a stored parameter space; nil, which has one task, when nothing is stored.
func storedSpace(stored []byte) (*openjd.ParameterSpace, error) {
	if stored == nil {
		return nil, nil // a nil space is a space: it has one task, without parameters
	}
	var definition openjd.SpaceDefinition
	if err := json.Unmarshal(stored, &definition); err != nil {
		return nil, fmt.Errorf("decode the stored parameter space: %w", err)
	}
	space, err := openjd.NewParameterSpace(definition)
	if err != nil {
		return nil, fmt.Errorf("prepare the stored parameter space: %w", err)
	}
	return space, nil
}

// taskParameters gives the parameters of a task as the API shows them; an empty map for a task without parameters.
func taskParameters(space *openjd.ParameterSpace, index int64) (map[string]deadline.TaskParameterValue, error) {
	if len(space.Parameters()) == 0 {
		return map[string]deadline.TaskParameterValue{}, nil
	}
	params, err := space.At(index)
	if err != nil {
		return nil, fmt.Errorf("parameters of task %d: %w", index, err)
	}
	return shownParameters(params), nil
}

// chunkParameters gives the parameters with which tasks run together.
func chunkParameters(space *openjd.ParameterSpace, tasks []int64) (map[string]deadline.TaskParameterValue, error) {
	params, err := space.ChunkOf(tasks)
	if err != nil {
		return nil, fmt.Errorf("parameters of a chunk: %w", err)
	}
	return shownParameters(params), nil
}

func shownParameters(params openjd.TaskParameters) map[string]deadline.TaskParameterValue {
	values := make(map[string]deadline.TaskParameterValue, len(params))
	for i := range params {
		values[params[i].Name] = taskParameter(&params[i])
	}
	return values
}

// taskParameter gives one value: numbers are texts in the API, too.
func taskParameter(p *openjd.TaskParameter) deadline.TaskParameterValue {
	switch p.Type {
	case template.IntTaskParameter:
		return deadline.TaskParameterValue{Int: &p.Value}
	case template.FloatTaskParameter:
		return deadline.TaskParameterValue{Float: &p.Value}
	case template.PathTaskParameter:
		return deadline.TaskParameterValue{Path: &p.Value}
	case template.ChunkIntTaskParameter:
		return deadline.TaskParameterValue{ChunkInt: &p.Value}
	default:
		return deadline.TaskParameterValue{String: &p.Value}
	}
}

// shapeBytes bounds the memory of cached shapes.
const shapeBytes = 64 << 20

// shapes caches shapes by job, least recently used first out. A shape never changes and job ids are never used again, so nothing has
// to be invalidated.
type shapes struct {
	mu    sync.Mutex // guards the rest
	byJob map[string]*lru.Element
	order *lru.List // of *cachedShape, most recently used first
	bytes int
}

type cachedShape struct {
	jobID string
	shape *jobShape
}

func newShapes() *shapes { return &shapes{byJob: map[string]*lru.Element{}, order: lru.New()} }

func (c *shapes) get(jobID string) *jobShape {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byJob[jobID]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*cachedShape).shape
}

func (c *shapes) put(jobID string, shape *jobShape) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// A job without steps is not kept: there is nothing to save.
	if c.byJob[jobID] != nil || len(shape.steps) == 0 || shape.bytes > shapeBytes {
		return
	}
	c.byJob[jobID] = c.order.PushFront(&cachedShape{jobID, shape})
	c.bytes += shape.bytes
	for c.bytes > shapeBytes {
		last := c.order.Remove(c.order.Back()).(*cachedShape)
		delete(c.byJob, last.jobID)
		c.bytes -= last.shape.bytes
	}
}
