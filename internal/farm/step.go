package farm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
	openjd "github.com/farmhand-render/farmhand/openjd/job"
)

// step reads a step of a job, and the job; ResourceNotFoundException when either is not there.
func (s *Service) step(ctx context.Context, farmID, queueID, jobID, stepID string) (*row.Job, *row.Step, error) {
	j, err := s.job(ctx, farmID, queueID, jobID)
	if err != nil {
		return nil, nil, err
	}
	step, err := s.store.StepByID(ctx, stepID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil, notFound(typeStep, stepID)
	case err != nil:
		return nil, nil, fmt.Errorf("read step %s: %w", stepID, err)
	case step.JobID != jobID:
		return nil, nil, notFound(typeStep, stepID)
	}
	return j, step, nil
}

// GetStep describes a step with what it requires of a host and the dimensions of its parameter space.
func (s *Service) GetStep(ctx context.Context, in *deadline.GetStepInput) (*deadline.GetStepOutput, error) {
	_, step, err := s.step(ctx, in.FarmId, in.QueueId, in.JobId, in.StepId)
	if err != nil {
		return nil, err
	}
	shape, err := s.shape(ctx, step.JobID)
	if err != nil {
		return nil, err
	}
	doc, err := s.store.StepDocument(ctx, step.JobID, step.StepIndex)
	if err != nil {
		return nil, fmt.Errorf("read the document of step %s: %w", step.StepID, err)
	}
	resolved, err := s.resolved(ctx, step.JobID, shape, []row.Step{*step})
	if err != nil {
		return nil, err
	}
	required, err := requiredCapabilities(doc.Requirements)
	if err != nil {
		return nil, err
	}
	sum := stepSummary(step, shape, resolved)
	return &deadline.GetStepOutput{
		StepId: sum.StepId, Name: sum.Name, Description: text(step.Description),
		LifecycleStatus: sum.LifecycleStatus, LifecycleStatusMessage: sum.LifecycleStatusMessage,
		TaskRunStatus: sum.TaskRunStatus, TaskRunStatusCounts: sum.TaskRunStatusCounts,
		TaskFailureRetryCount: sum.TaskFailureRetryCount, TargetTaskRunStatus: sum.TargetTaskRunStatus,
		CreatedAt: sum.CreatedAt, CreatedBy: sum.CreatedBy, UpdatedAt: sum.UpdatedAt, UpdatedBy: sum.UpdatedBy,
		StartedAt: sum.StartedAt, EndedAt: sum.EndedAt, DependencyCounts: sum.DependencyCounts,
		RequiredCapabilities: required,
		ParameterSpace:       parameterSpace(shape.step(step.StepIndex).space),
	}, nil
}

// requiredCapabilities shows resolved host requirements; nil when the step requires nothing.
func requiredCapabilities(stored []byte) (*deadline.StepRequiredCapabilities, error) {
	var requirements openjd.HostRequirements
	if err := decodeStored("host requirements", stored, &requirements); err != nil || stored == nil {
		return nil, err
	}
	out := &deadline.StepRequiredCapabilities{
		Amounts:    make([]deadline.StepAmountCapability, 0, len(requirements.Amounts)),
		Attributes: make([]deadline.StepAttributeCapability, 0, len(requirements.Attributes)),
	}
	for _, a := range requirements.Amounts {
		out.Amounts = append(out.Amounts, deadline.StepAmountCapability{Name: a.Name, Min: a.Min, Max: a.Max})
	}
	for _, a := range requirements.Attributes {
		out.Attributes = append(out.Attributes, deadline.StepAttributeCapability{Name: a.Name, AnyOf: a.AnyOf, AllOf: a.AllOf})
	}
	return out, nil
}

// parameterSpace shows the dimensions of a space, without their values; nil for a step with one task.
func parameterSpace(space *openjd.ParameterSpace) *deadline.ParameterSpace {
	dimensions := space.Parameters()
	if len(dimensions) == 0 {
		return nil
	}
	out := &deadline.ParameterSpace{Combination: text(space.Combination())}
	for _, d := range dimensions {
		p := deadline.StepParameter{Name: d.Name, Type: deadline.StepParameterType(d.Type)}
		if c := d.Chunks; c != nil {
			p.Type = deadline.StepParameterTypeChunkInt
			p.Chunks = &deadline.StepParameterChunks{
				DefaultTaskCount: clamp32(c.DefaultTaskCount), TargetRuntimeSeconds: new(clamp32(c.TargetRuntimeSeconds)),
				RangeConstraint: deadline.RangeConstraint(c.RangeConstraint),
			}
		}
		out.Parameters = append(out.Parameters, p)
	}
	return out
}

// ListSteps lists the steps of a job in the order of its template.
func (s *Service) ListSteps(ctx context.Context, in *deadline.ListStepsInput) (*deadline.ListStepsOutput, error) {
	if _, err := s.job(ctx, in.FarmId, in.QueueId, in.JobId); err != nil {
		return nil, err
	}
	shape, err := s.shape(ctx, in.JobId)
	if err != nil {
		return nil, err
	}
	rows, next, err := list(ctx, s, listing[int32, row.Step]{
		operation: "ListSteps", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
		read: func(ctx context.Context, from int32, limit int) ([]row.Step, error) {
			steps, err := s.store.Steps(ctx, in.JobId, from, limit)
			return reading("steps", steps, err)
		},
		cursor: func(step *row.Step) int32 { return step.StepIndex + 1 },
	})
	if err != nil {
		return nil, err
	}
	resolved, err := s.resolved(ctx, in.JobId, shape, rows)
	if err != nil {
		return nil, err
	}
	steps := make([]deadline.StepSummary, len(rows))
	for i := range rows {
		steps[i] = stepSummary(&rows[i], shape, resolved)
	}
	return &deadline.ListStepsOutput{Steps: steps, NextToken: next}, nil
}

func stepSummary(step *row.Step, shape *jobShape, resolved map[int32]bool) deadline.StepSummary {
	return deadline.StepSummary{
		StepId: step.StepID, Name: step.Name,
		LifecycleStatus: deadline.StepLifecycleStatus(step.Lifecycle.String()), LifecycleStatusMessage: text(step.LifecycleMessage),
		TaskRunStatus:         deadline.TaskRunStatus(step.TaskStatus.String()),
		TaskRunStatusCounts:   taskCounts(&step.Counts),
		TaskFailureRetryCount: new(clamp32(step.FailureRetries)),
		TargetTaskRunStatus:   deadline.StepTargetTaskRunStatus(step.Target.String()),
		CreatedAt:             at(step.CreatedAt), CreatedBy: step.CreatedBy,
		UpdatedAt: when(step.UpdatedAt), UpdatedBy: text(step.UpdatedBy),
		StartedAt: when(step.StartedAt), EndedAt: when(step.EndedAt),
		DependencyCounts: dependencyCounts(step, shape, resolved),
	}
}

// dependencyCounts counts the edges of a step. An edge is resolved exactly when the step that is waited for SUCCEEDED, so those to
// the consumers of one step are resolved together.
func dependencyCounts(step *row.Step, shape *jobShape, resolved map[int32]bool) *deadline.DependencyCounts {
	var counts deadline.DependencyCounts
	edges := shape.step(step.StepIndex)
	for _, on := range edges.dependencies {
		if resolved[on] {
			counts.DependenciesResolved++
		} else {
			counts.DependenciesUnresolved++
		}
	}
	if step.TaskStatus == status.TaskSucceeded {
		counts.ConsumersResolved = int32(len(edges.consumers))
	} else {
		counts.ConsumersUnresolved = int32(len(edges.consumers))
	}
	return &counts
}

// resolved tells which of the steps that the given ones wait for SUCCEEDED.
func (s *Service) resolved(ctx context.Context, jobID string, shape *jobShape, waiting []row.Step) (map[int32]bool, error) {
	known := map[int32]bool{}
	for i := range waiting {
		known[waiting[i].StepIndex] = waiting[i].TaskStatus == status.TaskSucceeded
	}
	from, to := int32(len(shape.steps)), int32(-1)
	for i := range waiting {
		for _, on := range shape.step(waiting[i].StepIndex).dependencies {
			if _, have := known[on]; !have {
				from, to = min(from, on), max(to, on)
			}
		}
	}
	if to < from {
		return known, nil
	}
	rows, err := s.store.Steps(ctx, jobID, from, int(to-from)+1)
	if err != nil {
		return nil, fmt.Errorf("read the dependencies of steps: %w", err)
	}
	for i := range rows {
		known[rows[i].StepIndex] = rows[i].TaskStatus == status.TaskSucceeded
	}
	return known, nil
}

// UpdateStep gives all tasks of a step a target. Errors: ResourceNotFoundException, ConflictException (the job is archived, client token).
func (s *Service) UpdateStep(ctx context.Context, in *deadline.UpdateStepInput) (*deadline.UpdateStepOutput, error) {
	target, err := status.ParseTask(string(in.TargetTaskRunStatus))
	if err != nil {
		return nil, invalid("targetTaskRunStatus", err.Error())
	}
	w := write{operation: "UpdateStep", farmID: in.FarmId, clientToken: in.ClientToken, input: in}
	return apply(ctx, s, w, func(time.Time) (*deadline.UpdateStepOutput, scheduler.Command, error) {
		if _, _, err := s.step(ctx, in.FarmId, in.QueueId, in.JobId, in.StepId); err != nil {
			return nil, nil, err
		}
		return &deadline.UpdateStepOutput{}, scheduler.UpdateStep{
			JobID: in.JobId, StepID: in.StepId, Target: target, By: callerOf(ctx).By,
		}, nil
	})
}

// ListStepDependencies lists the steps that a step waits for.
func (s *Service) ListStepDependencies(
	ctx context.Context, in *deadline.ListStepDependenciesInput,
) (*deadline.ListStepDependenciesOutput, error) {
	step, shape, err := s.stepShape(ctx, in.FarmId, in.QueueId, in.JobId, in.StepId)
	if err != nil {
		return nil, err
	}
	rows, next, err := list(ctx, s, listing[int, place[int32]]{
		operation: "ListStepDependencies", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
		read: readSlice(shape.step(step.StepIndex).dependencies), cursor: nextPlace[int32],
	})
	if err != nil {
		return nil, err
	}
	resolved, err := s.resolved(ctx, in.JobId, shape, []row.Step{*step})
	if err != nil {
		return nil, err
	}
	out := &deadline.ListStepDependenciesOutput{Dependencies: make([]deadline.StepDependency, len(rows)), NextToken: next}
	for i, r := range rows {
		out.Dependencies[i] = deadline.StepDependency{StepId: shape.step(r.value).id, Status: resolution(resolved[r.value])}
	}
	return out, nil
}

// ListStepConsumers lists the steps that wait for a step.
func (s *Service) ListStepConsumers(
	ctx context.Context, in *deadline.ListStepConsumersInput,
) (*deadline.ListStepConsumersOutput, error) {
	step, shape, err := s.stepShape(ctx, in.FarmId, in.QueueId, in.JobId, in.StepId)
	if err != nil {
		return nil, err
	}
	rows, next, err := list(ctx, s, listing[int, place[int32]]{
		operation: "ListStepConsumers", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
		read: readSlice(shape.step(step.StepIndex).consumers), cursor: nextPlace[int32],
	})
	if err != nil {
		return nil, err
	}
	edges := resolution(step.TaskStatus == status.TaskSucceeded)
	out := &deadline.ListStepConsumersOutput{Consumers: make([]deadline.StepConsumer, len(rows)), NextToken: next}
	for i, r := range rows {
		out.Consumers[i] = deadline.StepConsumer{StepId: shape.step(r.value).id, Status: edges}
	}
	return out, nil
}

// stepShape reads a step together with the shape of its job.
func (s *Service) stepShape(ctx context.Context, farmID, queueID, jobID, stepID string) (*row.Step, *jobShape, error) {
	_, step, err := s.step(ctx, farmID, queueID, jobID, stepID)
	if err != nil {
		return nil, nil, err
	}
	shape, err := s.shape(ctx, jobID)
	if err != nil {
		return nil, nil, err
	}
	if shape.step(step.StepIndex) == nil {
		return nil, nil, fmt.Errorf("step %s of job %s has no document", stepID, jobID)
	}
	return step, shape, nil
}

func resolution(resolved bool) deadline.DependencyConsumerResolutionStatus {
	if resolved {
		return deadline.DependencyConsumerResolutionStatusResolved
	}
	return deadline.DependencyConsumerResolutionStatusUnresolved
}
