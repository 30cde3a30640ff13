package farm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
	openjd "github.com/farmhand-render/farmhand/openjd/job"
)

// Why says why a job, one of its steps or one of its tasks is where it is (docs/own-api.md). It is an operation of our own.
type Why struct {
	JobID   string             `json:"jobId"`
	StepID  string             `json:"stepId,omitempty"` // when one step or task was asked about
	TaskID  string             `json:"taskId,omitempty"`
	Status  string             `json:"status"` // "" for a job that could not be created
	Reasons []scheduler.Reason `json:"reasons"`
	Steps   []WhyStep          `json:"steps,omitempty"` // of a job
}

// WhyStep explains a step of a job.
type WhyStep struct {
	StepID              string             `json:"stepId"`
	Name                string             `json:"name"`
	Status              string             `json:"status"`
	TaskRunStatusCounts map[string]int32   `json:"taskRunStatusCounts"`
	Reasons             []scheduler.Reason `json:"reasons"`
}

// WhyInput names the job; a step or task of it when only that is asked about.
type WhyInput struct{ FarmID, QueueID, JobID, StepID, TaskID string }

// WhyJob answers from the scheduler's own data while the job is not over. Who may read the job may ask. Errors: AccessDeniedException,
// ThrottlingException, ResourceNotFoundException, ValidationException (a task id that cannot be).
func (s *Service) WhyJob(ctx context.Context, in WhyInput) (*Why, error) {
	get := &deadline.GetJobInput{FarmId: in.FarmID, QueueId: in.QueueID, JobId: in.JobID}
	if err := s.Authorize(ctx, operation("GetJob"), get); err != nil {
		return nil, err
	}
	j, err := s.job(ctx, in.FarmID, in.QueueID, in.JobID)
	if err != nil {
		return nil, err
	}
	question := scheduler.Why{JobID: in.JobID, StepID: in.StepID, TaskIndex: -1}
	if in.TaskID != "" {
		stepID, index, ok := parseTaskID(in.TaskID)
		if !ok || in.StepID != "" && in.StepID != stepID {
			return nil, invalid("taskId", "must be the id of a task of the step")
		}
		question.StepID, question.TaskIndex = stepID, index
	}
	out := &Why{JobID: in.JobID, StepID: question.StepID, TaskID: in.TaskID}
	result, err := s.commit(ctx, in.FarmID, question)
	if missing, ok := errors.AsType[*deadline.ResourceNotFoundException](err); ok && missing.ResourceId == in.JobID {
		return out, s.whyOver(ctx, j, question, out)
	}
	if err != nil {
		return nil, err
	}
	e := result.Explanation
	out.Status, out.Reasons = e.Status.String(), e.Reasons
	for i := range e.Steps {
		step := &e.Steps[i]
		out.Steps = append(out.Steps, WhyStep{
			StepID: step.StepID, Name: step.Name, Status: step.Status.String(),
			TaskRunStatusCounts: taskCounts(&step.Counts), Reasons: step.Reasons,
		})
	}
	return out, nil
}

func operation(name string) *deadline.Operation {
	for _, op := range deadline.Operations {
		if op.Name == name {
			return op
		}
	}
	return &deadline.Operation{Name: name}
}

// whyOver explains a job that is over, which the scheduler does not hold.
func (s *Service) whyOver(ctx context.Context, j *row.Job, question scheduler.Why, out *Why) error {
	out.Status, out.Reasons = j.TaskStatus.String(), []scheduler.Reason{over(j.TaskStatus)}
	if j.Lifecycle == status.LifecycleCreateFailed || j.Lifecycle == status.LifecycleArchived {
		out.Reasons = []scheduler.Reason{{Code: scheduler.WhyOver, Message: "the job is " + j.Lifecycle.String()}}
	}
	if question.StepID != "" {
		_, step, err := s.step(ctx, j.FarmID, j.QueueID, j.JobID, question.StepID)
		if err != nil {
			return err
		}
		out.Status, out.Reasons, err = s.whyStepOver(ctx, step)
		if err != nil || question.TaskIndex < 0 {
			return err
		}
		task, err := s.GetTask(ctx, &deadline.GetTaskInput{
			FarmId: j.FarmID, QueueId: j.QueueID, JobId: j.JobID, StepId: step.StepID, TaskId: out.TaskID,
		})
		if err != nil {
			return err
		}
		if out.Status != string(task.RunStatus) {
			out.Status = string(task.RunStatus)
			out.Reasons = []scheduler.Reason{{Code: scheduler.WhyOver, Message: "it ended: " + out.Status}}
		}
		return nil
	}
	steps, err := s.store.Steps(ctx, j.JobID, 0, maxStepsRead)
	if err != nil {
		return fmt.Errorf("read the steps of %s: %w", j.JobID, err)
	}
	for i := range steps {
		text, reasons, err := s.whyStepOver(ctx, &steps[i])
		if err != nil {
			return err
		}
		out.Steps = append(out.Steps, WhyStep{
			StepID: steps[i].StepID, Name: steps[i].Name, Status: text,
			TaskRunStatusCounts: taskCounts(&steps[i].Counts), Reasons: reasons,
		})
		if steps[i].TaskStatus == status.TaskNotCompatible {
			out.Reasons = append(reasons[:len(reasons)-1:len(reasons)-1], out.Reasons...) // it is said once that it ended
		}
	}
	return nil
}

const maxStepsRead = 100_000

func over(s status.Task) scheduler.Reason {
	return scheduler.Reason{Code: scheduler.WhyOver, Message: "it ended: " + s.String()}
}

// whyStepOver explains a step that is over; which requirement it failed by when no fleet can run it.
func (s *Service) whyStepOver(ctx context.Context, step *row.Step) (string, []scheduler.Reason, error) {
	reasons := []scheduler.Reason{}
	if step.TaskStatus == status.TaskNotCompatible {
		mismatches, err := s.mismatches(ctx, step)
		if err != nil {
			return "", nil, err
		}
		reasons = mismatches
	}
	return step.TaskStatus.String(), append(reasons, over(step.TaskStatus)), nil
}

// mismatches names for each fleet of the step's queue, as it is now, the requirement that it does not meet.
func (s *Service) mismatches(ctx context.Context, step *row.Step) ([]scheduler.Reason, error) {
	j, err := s.store.Job(ctx, step.JobID)
	if err != nil {
		return nil, fmt.Errorf("read job %s: %w", step.JobID, err)
	}
	docs, err := s.store.StepDocuments(ctx, step.JobID)
	if err != nil {
		return nil, fmt.Errorf("read the steps of %s: %w", step.JobID, err)
	}
	var requirements openjd.HostRequirements
	for i := range docs {
		if docs[i].StepID == step.StepID && len(docs[i].Requirements) > 0 {
			if err := json.Unmarshal(docs[i].Requirements, &requirements); err != nil {
				return nil, fmt.Errorf("decode the requirements of %s: %w", step.StepID, err)
			}
		}
	}
	associations, err := s.associations(ctx, j.FarmID, j.QueueID, "")
	if err != nil {
		return nil, err
	}
	var reasons []scheduler.Reason
	for i := range associations {
		f, err := s.fleet(ctx, j.FarmID, associations[i].FleetID)
		if err != nil {
			return nil, err
		}
		message := scheduler.Mismatch(f.Doc.Scheduling, &requirements)
		if message == "" {
			message = "it fits now; requeue the job"
		}
		reasons = append(reasons, scheduler.Reason{Code: scheduler.WhyMismatch, FleetID: f.ID, Message: message})
	}
	return reasons, nil
}
