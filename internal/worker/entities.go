package worker

import (
	"context"
	"fmt"
	"slices"

	"github.com/farmhand-render/farmhand/deadline"
)

// maxIdentifiers is how many entities one request may ask for.
const maxIdentifiers = 10

// jobKey names an entity of a session's job.
type jobKey struct {
	kind entityKind
	id   string // of the step or environment
}

type entityKind string

const (
	jobEntity         entityKind = "the job"
	attachmentsEntity entityKind = "job attachments"
	stepEntity        entityKind = "step"
	environmentEntity entityKind = "environment"
)

func (k jobKey) String() string {
	if k.id == "" {
		return string(k.kind)
	}
	return string(k.kind) + " " + k.id
}

// entities asks for what a session needs of its job, once for each, and for what the queued actions will need in the same request.
type entities struct {
	s       *jobSession
	found   map[jobKey]*deadline.JobEntity
	current *deadline.AssignedSessionActionDefinition // of the action that runs; nil before the first
}

func newEntities(s *jobSession) *entities {
	return &entities{s: s, found: map[jobKey]*deadline.JobEntity{}}
}

// get returns an entity. An error that the service answers for it is permanent for this action; a later one may ask again.
func (e *entities) get(ctx context.Context, key jobKey) (*deadline.JobEntity, error) {
	if found := e.found[key]; found != nil {
		return found, nil
	}
	failed, err := e.fetch(ctx, e.wanted(key))
	if err == nil && e.found[key] == nil && failed[key].Code == deadline.JobEntityErrorCodeMaxPayloadSizeExceeded {
		failed, err = e.fetch(ctx, []jobKey{key}) // too much for one answer: ask for it alone
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the details of %s: %w", key, err)
	}
	if found := e.found[key]; found != nil {
		return found, nil
	}
	if failure, ok := failed[key]; ok {
		return nil, fmt.Errorf("details of %s: %s: %s", key, failure.Code, failure.Message)
	}
	return nil, fmt.Errorf("the service answered no details of %s", key)
}

// wanted is the key and what the queued actions need, as much as fits one request.
func (e *entities) wanted(key jobKey) []jobKey {
	keys := []jobKey{key}
	add := func(d *deadline.AssignedSessionActionDefinition) {
		next, ok := keyOf(d)
		if ok && e.found[next] == nil && len(keys) < maxIdentifiers && !slices.Contains(keys, next) {
			keys = append(keys, next)
		}
	}
	if e.current != nil {
		add(e.current)
	}
	e.s.mu.Lock()
	defer e.s.mu.Unlock()
	for i := range e.s.queue {
		add(&e.s.queue[i].Definition)
	}
	return keys
}

func keyOf(d *deadline.AssignedSessionActionDefinition) (jobKey, bool) {
	switch {
	case d.TaskRun != nil:
		return jobKey{stepEntity, d.TaskRun.StepId}, true
	case d.EnvEnter != nil:
		return jobKey{environmentEntity, d.EnvEnter.EnvironmentId}, true
	}
	return jobKey{}, false
}

// entityFailure is why the service does not answer an entity.
type entityFailure struct {
	Code    deadline.JobEntityErrorCode
	Message string
}

// fetch asks for entities and keeps what is answered.
func (e *entities) fetch(ctx context.Context, keys []jobKey) (map[jobKey]entityFailure, error) {
	a := e.s.a
	in := &deadline.BatchGetJobEntityInput{FarmId: a.id.FarmID, FleetId: a.id.FleetID, WorkerId: a.id.WorkerID}
	for _, key := range keys {
		in.Identifiers = append(in.Identifiers, identifier(e.s.jobID, key))
	}
	out, err := call(ctx, a, "BatchGetJobEntity", func(ctx context.Context) (*deadline.BatchGetJobEntityOutput, error) {
		return a.api.BatchGetJobEntity(ctx, in)
	})
	if err != nil {
		return nil, err
	}
	for i := range out.Entities {
		if key, ok := entityKey(&out.Entities[i]); ok {
			e.found[key] = &out.Entities[i]
		}
	}
	failed := map[jobKey]entityFailure{}
	for _, each := range out.Errors {
		if key, failure, ok := failureOf(&each); ok {
			failed[key] = failure
		}
	}
	return failed, nil
}

func identifier(jobID string, key jobKey) (u deadline.JobEntityIdentifiersUnion) {
	switch key.kind {
	case jobEntity:
		u.JobDetails = &deadline.JobDetailsIdentifiers{JobId: jobID}
	case attachmentsEntity:
		u.JobAttachmentDetails = &deadline.JobAttachmentDetailsIdentifiers{JobId: jobID}
	case stepEntity:
		u.StepDetails = &deadline.StepDetailsIdentifiers{JobId: jobID, StepId: key.id}
	case environmentEntity:
		u.EnvironmentDetails = &deadline.EnvironmentDetailsIdentifiers{JobId: jobID, EnvironmentId: key.id}
	}
	return u
}

func entityKey(e *deadline.JobEntity) (jobKey, bool) {
	switch {
	case e.JobDetails != nil:
		return jobKey{kind: jobEntity}, true
	case e.JobAttachmentDetails != nil:
		return jobKey{kind: attachmentsEntity}, true
	case e.StepDetails != nil:
		return jobKey{stepEntity, e.StepDetails.StepId}, true
	case e.EnvironmentDetails != nil:
		return jobKey{environmentEntity, e.EnvironmentDetails.EnvironmentId}, true
	}
	return jobKey{}, false
}

func failureOf(e *deadline.GetJobEntityError) (jobKey, entityFailure, bool) {
	switch {
	case e.JobDetails != nil:
		return jobKey{kind: jobEntity}, entityFailure{e.JobDetails.Code, e.JobDetails.Message}, true
	case e.JobAttachmentDetails != nil:
		return jobKey{kind: attachmentsEntity}, entityFailure{e.JobAttachmentDetails.Code, e.JobAttachmentDetails.Message}, true
	case e.StepDetails != nil:
		return jobKey{stepEntity, e.StepDetails.StepId}, entityFailure{e.StepDetails.Code, e.StepDetails.Message}, true
	case e.EnvironmentDetails != nil:
		return jobKey{environmentEntity, e.EnvironmentDetails.EnvironmentId}, entityFailure{e.EnvironmentDetails.Code, e.EnvironmentDetails.Message}, true
	}
	return jobKey{}, entityFailure{}, false
}
