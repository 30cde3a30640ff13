package farm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// job reads a job of a queue. It is ResourceNotFoundException when it does not exist there: of the farm or the queue when one of
// those does not exist, else of the job.
func (s *Service) job(ctx context.Context, farmID, queueID, jobID string) (*row.Job, error) {
	j, err := s.store.Job(ctx, jobID)
	switch {
	case err == nil && j.FarmID == farmID && j.QueueID == queueID:
		return j, nil
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return nil, fmt.Errorf("read job %s: %w", jobID, err)
	}
	if _, err := s.farm(ctx, farmID); err != nil {
		return nil, err
	}
	if _, err := s.queue(ctx, farmID, queueID); err != nil {
		return nil, err
	}
	return nil, notFound(typeJob, jobID)
}

// jobDocument reads what never changes of a job.
func (s *Service) jobDocument(ctx context.Context, jobID string) (*row.JobDocument, error) {
	doc, err := s.store.JobDocument(ctx, jobID)
	if err != nil {
		return nil, fmt.Errorf("read the document of job %s: %w", jobID, err)
	}
	return doc, nil
}

// decodeStored reads a stored JSON text; nil text leaves the target as it is.
func decodeStored(what string, text []byte, target any) error {
	if text == nil {
		return nil
	}
	if err := json.Unmarshal(text, target); err != nil {
		return fmt.Errorf("decode the stored %s: %w", what, err)
	}
	return nil
}

// taskCounts gives the number of tasks for each of the twelve run statuses, zeros included: clients index the map.
func taskCounts(c *status.Counts) map[string]int32 {
	counts := make(map[string]int32, status.NumTask-1)
	for t := status.TaskNone + 1; int(t) < status.NumTask; t++ {
		counts[t.String()] = clamp32(c[t])
	}
	return counts
}

// clamp32 fits a count into the API's integers.
func clamp32(n int64) int32 { return int32(min(max(n, 0), math.MaxInt32)) }

// maxWorkerCount is the member maxWorkerCount, absent when it was never set.
func maxWorkerCount(j *row.Job) *int32 {
	if j.MaxWorkers == 0 {
		return nil
	}
	return &j.MaxWorkers
}

// GetJob describes a job with its effective parameters.
func (s *Service) GetJob(ctx context.Context, in *deadline.GetJobInput) (*deadline.GetJobOutput, error) {
	j, err := s.job(ctx, in.FarmId, in.QueueId, in.JobId)
	if err != nil {
		return nil, err
	}
	doc, err := s.jobDocument(ctx, j.JobID)
	if err != nil {
		return nil, err
	}
	out := &deadline.GetJobOutput{
		JobId: j.JobID, Name: j.Name, Description: text(j.Description),
		LifecycleStatus:        deadline.JobLifecycleStatus(j.Lifecycle.String()),
		LifecycleStatusMessage: j.LifecycleMessage,
		Priority:               j.Priority,
		CreatedAt:              at(j.CreatedAt), CreatedBy: j.CreatedBy, UpdatedAt: when(j.UpdatedAt), UpdatedBy: text(j.UpdatedBy),
		StartedAt: when(j.StartedAt), EndedAt: when(j.EndedAt),
		TaskRunStatus:         deadline.TaskRunStatus(j.TaskStatus.String()),
		TargetTaskRunStatus:   deadline.JobTargetTaskRunStatus(j.Target.String()),
		TaskRunStatusCounts:   taskCounts(&j.Counts),
		TaskFailureRetryCount: new(clamp32(j.FailureRetries)),
		StorageProfileId:      text(j.StorageProfileID),
		MaxFailedTasksCount:   &j.MaxFailedTasks, MaxRetriesPerTask: &j.MaxRetries, MaxWorkerCount: maxWorkerCount(j),
		SourceJobId: text(j.SourceJobID),
	}
	if err := decodeStored("parameters", doc.Parameters, &out.Parameters); err != nil {
		return nil, err
	}
	return out, decodeStored("attachments", doc.Attachments, &out.Attachments)
}

// ListJobs lists the jobs of a queue, newest first, those of one member only when asked. Who submits a job is its first member.
func (s *Service) ListJobs(ctx context.Context, in *deadline.ListJobsInput) (*deadline.ListJobsOutput, error) {
	if _, err := s.queueOf(ctx, in.FarmId, in.QueueId); err != nil {
		return nil, err
	}
	visible, err := s.jobsOfMember(ctx, in)
	if err != nil {
		return nil, err
	}
	rows, next, err := list(ctx, s, listing[int64, listedJob]{
		operation: "ListJobs", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
		read: func(ctx context.Context, before int64, limit int) ([]listedJob, error) {
			jobs, err := s.store.Jobs(ctx, in.QueueId, before, limit)
			if err != nil {
				return nil, fmt.Errorf("read jobs: %w", err)
			}
			listed := make([]listedJob, len(jobs))
			for i := range jobs {
				listed[i].Job = jobs[i]
				if listed[i].visible, err = visible(ctx, &jobs[i]); err != nil {
					return nil, err
				}
			}
			return listed, nil
		},
		cursor: func(j *listedJob) int64 { return j.Number },
		keep:   keepIf(in.PrincipalId != nil, func(j *listedJob) bool { return j.visible }),
	})
	if err != nil {
		return nil, err
	}
	jobs := make([]deadline.JobSummary, len(rows))
	for i := range rows {
		jobs[i] = jobSummary(&rows[i].Job)
	}
	return &deadline.ListJobsOutput{Jobs: jobs, NextToken: next}, nil
}

// listedJob is a job of a queue, and whether the list is to have it.
type listedJob struct {
	row.Job
	visible bool
}

// jobsOfMember tells which jobs of a queue the principal of the request is a member of: all when none is asked for, and when it is a
// member of the queue or the farm. Jobs are many, so each is looked up when its page is read.
func (s *Service) jobsOfMember(ctx context.Context, in *deadline.ListJobsInput) (func(context.Context, *row.Job) (bool, error), error) {
	all := func(context.Context, *row.Job) (bool, error) { return true, nil }
	if in.PrincipalId == nil {
		return all, nil
	}
	g, err := s.grantsOf(*in.PrincipalId)
	if err != nil {
		return nil, err
	}
	if above, err := g.any(ctx, in.FarmId, in.QueueId); err != nil || above {
		return all, err
	}
	return func(ctx context.Context, j *row.Job) (bool, error) { return g.any(ctx, j.JobID) }, nil
}

func jobSummary(j *row.Job) deadline.JobSummary {
	return deadline.JobSummary{
		JobId: j.JobID, Name: j.Name,
		LifecycleStatus:        deadline.JobLifecycleStatus(j.Lifecycle.String()),
		LifecycleStatusMessage: j.LifecycleMessage,
		Priority:               j.Priority,
		CreatedAt:              at(j.CreatedAt), CreatedBy: j.CreatedBy, UpdatedAt: when(j.UpdatedAt), UpdatedBy: text(j.UpdatedBy),
		StartedAt: when(j.StartedAt), EndedAt: when(j.EndedAt),
		TaskRunStatus:         deadline.TaskRunStatus(j.TaskStatus.String()),
		TargetTaskRunStatus:   deadline.JobTargetTaskRunStatus(j.Target.String()),
		TaskRunStatusCounts:   taskCounts(&j.Counts),
		TaskFailureRetryCount: new(clamp32(j.FailureRetries)),
		MaxFailedTasksCount:   &j.MaxFailedTasks, MaxRetriesPerTask: &j.MaxRetries, MaxWorkerCount: maxWorkerCount(j),
		SourceJobId: text(j.SourceJobID),
	}
}

// queueOf reads a queue; when it is not there and the farm is not either, the ResourceNotFoundException is the farm's.
func (s *Service) queueOf(ctx context.Context, farmID, queueID string) (*resource[queueDocument], error) {
	q, err := s.queue(ctx, farmID, queueID)
	if _, ok := errors.AsType[*deadline.ResourceNotFoundException](err); ok {
		if _, farmErr := s.farm(ctx, farmID); farmErr != nil {
			return nil, farmErr
		}
	}
	return q, err
}

// reading says which rows were being read when that failed.
func reading[R any](what string, rows R, err error) (R, error) {
	if err != nil {
		return rows, fmt.Errorf("read %s: %w", what, err)
	}
	return rows, nil
}

// UpdateJob changes a job. The target moves all of its tasks that the target concerns; ARCHIVED is final. Errors:
// ResourceNotFoundException, ConflictException (the job's status does not allow it, client token), ValidationException.
func (s *Service) UpdateJob(ctx context.Context, in *deadline.UpdateJobInput) (*deadline.UpdateJobOutput, error) {
	return s.updateJob(ctx, write{operation: "UpdateJob", farmID: in.FarmId, clientToken: in.ClientToken, input: in}, in)
}

// updateJob is UpdateJob as the write w, which may be one item of a batch.
func (s *Service) updateJob(ctx context.Context, w write, in *deadline.UpdateJobInput) (*deadline.UpdateJobOutput, error) {
	if err := checkMaxWorkerCount(in.MaxWorkerCount); err != nil {
		return nil, err
	}
	target, err := status.ParseTask(string(in.TargetTaskRunStatus))
	if err != nil {
		return nil, invalid("targetTaskRunStatus", err.Error())
	}
	return apply(ctx, s, w, func(time.Time) (*deadline.UpdateJobOutput, scheduler.Command, error) {
		if _, err := s.job(ctx, in.FarmId, in.QueueId, in.JobId); err != nil {
			return nil, nil, err
		}
		return &deadline.UpdateJobOutput{}, scheduler.UpdateJob{
			JobID: in.JobId, By: callerOf(ctx).By, Target: target,
			Archive:  in.LifecycleStatus == deadline.UpdateJobLifecycleStatusArchived,
			Priority: in.Priority, MaxFailedTasks: in.MaxFailedTasksCount, MaxRetries: in.MaxRetriesPerTask,
			MaxWorkers: in.MaxWorkerCount, Name: in.Name, Description: in.Description,
		}, nil
	})
}

// checkMaxWorkerCount refuses 0, which the model lets through: -1 is no limit.
func checkMaxWorkerCount(n *int32) error {
	if n != nil && *n == 0 {
		return invalid("maxWorkerCount", "must be -1, for no limit, or at least 1")
	}
	return nil
}

// ListJobParameterDefinitions lists the job parameters: those of the job's template as they were written, then those that only queue
// environments define, as they were when the job was created.
func (s *Service) ListJobParameterDefinitions(
	ctx context.Context, in *deadline.ListJobParameterDefinitionsInput,
) (*deadline.ListJobParameterDefinitionsOutput, error) {
	j, err := s.job(ctx, in.FarmId, in.QueueId, in.JobId)
	if err != nil {
		return nil, err
	}
	doc, err := s.jobDocument(ctx, j.JobID)
	if err != nil {
		return nil, err
	}
	var definitions []json.RawMessage
	if err := decodeStored("parameter definitions", doc.ParameterDefinitions, &definitions); err != nil {
		return nil, err
	}
	rows, next, err := list(ctx, s, listing[int, place[json.RawMessage]]{
		operation: "ListJobParameterDefinitions", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
		read: readSlice(definitions), cursor: nextPlace[json.RawMessage],
	})
	if err != nil {
		return nil, err
	}
	out := &deadline.ListJobParameterDefinitionsOutput{JobParameterDefinitions: []deadline.Document{}, NextToken: next}
	for _, r := range rows {
		out.JobParameterDefinitions = append(out.JobParameterDefinitions, deadline.Document(r.value))
	}
	return out, nil
}

// place is an element of a list that never changes, with the index after it, which is its cursor.
type place[T any] struct {
	next  int
	value T
}

func nextPlace[T any](p *place[T]) int { return p.next }

// readSlice reads pages of a list that never changes; the cursor is the index of the next element.
func readSlice[T any](all []T) func(context.Context, int, int) ([]place[T], error) {
	return func(_ context.Context, from, limit int) ([]place[T], error) {
		if from < 0 || from > len(all) {
			return nil, nil
		}
		end := min(len(all), from+limit)
		page := make([]place[T], 0, end-from)
		for i := from; i < end; i++ {
			page = append(page, place[T]{next: i + 1, value: all[i]})
		}
		return page, nil
	}
}
