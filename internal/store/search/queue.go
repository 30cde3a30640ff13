package search

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// queue is the jobs and steps of a queue, or the workers of a fleet.
type queue struct {
	row.ResourceKey

	texts       *dictionary
	spaces      *dictionary // parameter spaces of steps
	values      *values
	jobs, steps table
	places      map[key]int32     // of the jobs that are there
	apart       map[stepKey]int32 // the steps that are not beside the first one of their job
	workers     table
	hosts       map[string]host // by worker: of those that are there
	replaced    int             // texts that rows no longer have
	words       words
}

func newQueue(is row.ResourceKey) *queue {
	q := &queue{
		ResourceKey: is, texts: newDictionary(), spaces: newDictionary(), values: &values{places: map[value]int32{}},
		places: map[key]int32{}, apart: map[stepKey]int32{}, hosts: map[string]host{},
		jobs: table{byAge: true, age: CreatedAt, columns: []Column{
			Name, Lifecycle, LifecycleMessage, Status, Target, CreatedBy, UpdatedBy, SourceJobID, Priority, MaxFailedTasks, MaxRetries,
			MaxWorkers, FailureRetries, firstStep, CreatedAt, StartedAt, EndedAt, UpdatedAt, number,
		}},
		steps: table{byAge: true, age: JobCreatedAt, columns: []Column{
			Name, Lifecycle, LifecycleMessage, Status, Target, CreatedBy, UpdatedBy, FailureRetries, Targeted, jobRow, stepIndex,
			taskStatuses, space, CreatedAt, StartedAt, EndedAt, UpdatedAt, JobCreatedAt, Earliest, Latest, Tasks, number,
		}},
		// Workers of one age are sorted by their ids, in which order they do not lie.
		workers: table{age: CreatedAt, columns: []Column{
			Name, Status, CreatedBy, UpdatedBy, InstanceARN, InstanceType, CreatedAt, UpdatedAt,
		}},
	}
	q.spaces.asIs = true
	for one := range status.Task(status.NumTask) {
		q.words.statuses[one] = q.texts.number(one.String())
	}
	return q
}

// words are the numbers of texts that every row has.
type words struct{ statuses [status.NumTask]int32 }

// key is a job's id: the number that it is, or a sum of another one.
type key [16]byte

func keyOf(jobID string) (k key) {
	if digits, is := strings.CutPrefix(jobID, "job-"); is && len(digits) == hex.EncodedLen(len(k)) {
		if _, err := hex.Decode(k[:], []byte(digits)); err == nil && hex.EncodeToString(k[:]) == digits {
			return k
		}
	}
	sum := sha256.Sum256([]byte(jobID))
	return key(sum[:])
}

// putJob adds a job or gives it other values. Nil parameters are those that it has.
func (q *queue) putJob(j *row.Job, parameters []byte) {
	r := &record{id: j.JobID, parameters: q.parameters(parameters)}
	r.setShort(Name, q.texts.number(j.Name))
	r.setShort(Lifecycle, q.texts.number(j.Lifecycle.String()))
	r.setShort(LifecycleMessage, q.texts.number(j.LifecycleMessage))
	r.setShort(Status, q.words.statuses[j.TaskStatus])
	r.setShort(Target, q.words.statuses[j.Target])
	r.setShort(CreatedBy, q.texts.number(j.CreatedBy))
	r.setShort(UpdatedBy, q.texts.number(j.UpdatedBy))
	r.setShort(SourceJobID, q.texts.number(j.SourceJobID))
	r.setShort(Priority, j.Priority)
	r.setShort(MaxFailedTasks, j.MaxFailedTasks)
	r.setShort(MaxRetries, j.MaxRetries)
	r.setShort(MaxWorkers, j.MaxWorkers)
	if j.MaxWorkers == 0 {
		r.setShort(MaxWorkers, -1)
	}
	r.setShort(FailureRetries, clamp(j.FailureRetries))
	r.setShort(firstStep, -1)
	r.setLong(CreatedAt, j.CreatedAt)
	r.setLong(StartedAt, j.StartedAt)
	r.setLong(EndedAt, j.EndedAt)
	r.setLong(UpdatedAt, j.UpdatedAt)
	r.setLong(number, j.Number)
	id := keyOf(j.JobID)
	place, is := q.places[id]
	if !is {
		q.places[id] = q.jobs.add(r)
		return
	}
	c, at := q.jobs.chunkOf(place)
	r.setShort(firstStep, c.shorts(firstStep)[at])
	if c.shorts(Name)[at] != r.short[Name-firstShort] || c.shorts(LifecycleMessage)[at] != r.short[LifecycleMessage-firstShort] {
		q.replaced++
	}
	q.jobs.update(place, r)
}

// maxSpace is the longest parameter space that is kept in memory: most jobs share few short ones.
const maxSpace = 1 << 9

// putStep adds a step of a job that is there, or gives it other values. Its parameter space never changes: that of a step that is there
// is not looked at.
func (q *queue) putStep(x *row.Step, document []byte) {
	place, is := q.places[keyOf(x.JobID)]
	if !is {
		return // a step of a job of another queue, or one that is gone
	}
	c, at := q.jobs.chunkOf(place)
	r := &record{id: x.StepID}
	r.setShort(Name, q.texts.number(x.Name))
	r.setShort(Lifecycle, q.texts.number(x.Lifecycle.String()))
	r.setShort(LifecycleMessage, q.texts.number(x.LifecycleMessage))
	r.setShort(Status, q.words.statuses[x.TaskStatus])
	r.setShort(Target, q.words.statuses[x.Target])
	r.setShort(CreatedBy, q.texts.number(x.CreatedBy))
	r.setShort(UpdatedBy, q.texts.number(x.UpdatedBy))
	r.setShort(FailureRetries, clamp(x.FailureRetries))
	r.setShort(Targeted, int32(btoi(x.Targeted)))
	r.setShort(jobRow, place)
	r.setShort(stepIndex, x.StepIndex)
	r.setShort(taskStatuses, statusesOf(&x.Counts))
	r.setLong(CreatedAt, x.CreatedAt)
	r.setLong(StartedAt, x.StartedAt)
	r.setLong(EndedAt, x.EndedAt)
	r.setLong(UpdatedAt, x.UpdatedAt)
	r.setLong(JobCreatedAt, c.longs(CreatedAt)[at])
	r.setLong(Earliest, x.Earliest)
	r.setLong(Latest, x.Latest)
	r.setLong(Tasks, x.Tasks)
	r.setLong(number, c.longs(number)[at])
	first := c.shorts(firstStep)[at]
	step, is := q.stepOf(place, first, x.StepIndex)
	if is {
		of, at := q.steps.chunkOf(step)
		r.setShort(space, of.shorts(space)[at])
		q.steps.update(step, r)
		return
	}
	r.setShort(space, -1)
	if len(document) <= maxSpace {
		r.setShort(space, q.spaces.number(string(document)))
	}
	if first < 0 && x.StepIndex == 0 {
		first = q.steps.add(r)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.shorts(firstStep)[at] = first
		return
	}
	if step = q.steps.add(r); first < 0 || step != first+x.StepIndex {
		q.apart[stepKey{place, x.StepIndex}] = step
	}
}

// statusesOf is the statuses that tasks have, by bit.
func statusesOf(counts *status.Counts) (mask int32) {
	for one, n := range counts {
		if n > 0 {
			mask |= 1 << one
		}
	}
	return mask
}

// stepKey is a step by where its job is, and its index.
type stepKey struct{ job, index int32 }

// stepOf gives the place of a step.
func (q *queue) stepOf(job, first, index int32) (step int32, is bool) {
	if step = first + index; first >= 0 && int(step) < q.steps.rows && q.isStepOf(step, job) {
		return step, true
	}
	step, is = q.apart[stepKey{job, index}]
	return step, is
}

func (q *queue) isStepOf(step, job int32) bool {
	c, at := q.steps.chunkOf(step)
	return c.shorts(jobRow)[at] == job
}

// removeJob takes a job away, with its steps.
func (q *queue) removeJob(id key) {
	place, is := q.places[id]
	if !is {
		return
	}
	delete(q.places, id)
	c, at := q.jobs.chunkOf(place)
	q.jobs.remove(place)
	for step := c.shorts(firstStep)[at]; step >= 0 && int(step) < q.steps.rows && q.isStepOf(step, place); step++ {
		q.steps.remove(step)
	}
	for key, step := range q.apart {
		if key.job == place {
			q.steps.remove(step)
			delete(q.apart, key)
		}
	}
}

// worn reports whether more is gone than is there, so that reading all again is worth its memory.
func (q *queue) worn() bool {
	const few = 10_000
	return q.jobs.gone+q.workers.gone+q.replaced > few+len(q.places)+len(q.hosts)
}
