package farm

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// searchedQueues checks the queues of a search and gives each once; ResourceNotFoundException when one is not there.
func (s *Service) searchedQueues(ctx context.Context, farmID string, queueIDs []string) ([]string, error) {
	ids := slices.Compact(slices.Sorted(slices.Values(queueIDs)))
	for _, id := range ids {
		if _, err := s.queueOf(ctx, farmID, id); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// searchedJob reads the job that a search is narrowed to; it is in one of the queues.
func (s *Service) searchedJob(ctx context.Context, farmID string, queueIDs []string, jobID string) (*row.Job, error) {
	for _, queue := range queueIDs {
		j, err := s.job(ctx, farmID, queue, jobID)
		if _, absent := errors.AsType[*deadline.ResourceNotFoundException](err); !absent {
			return j, err
		}
	}
	return nil, notFound(typeJob, jobID)
}

// searchedJobs calls f with each job that steps or tasks are searched in, newest first in each queue, until f says that it has
// enough. Jobs may be left out that have no task of some statuses; nil: none are, empty: all.
func (s *Service) searchedJobs(
	ctx context.Context, farmID string, queueIDs []string, jobID *string, statuses []status.Task,
	f func(context.Context, *row.Job) (more bool, err error),
) error {
	ids, err := s.searchedQueues(ctx, farmID, queueIDs)
	if err != nil {
		return err
	}
	if jobID != nil {
		j, err := s.searchedJob(ctx, farmID, ids, *jobID)
		if err != nil {
			return err
		}
		_, err = f(ctx, j)
		return err
	}
	if statuses != nil && len(statuses) == 0 {
		return nil
	}
	for _, id := range ids {
		for before := int64(0); ; {
			jobs, err := s.store.JobsWithTasks(ctx, id, statuses, before, searchChunk)
			if err != nil {
				return fmt.Errorf("search the jobs of queue %s: %w", id, err)
			}
			for i := range jobs {
				if more, err := f(ctx, &jobs[i]); err != nil || !more {
					return err
				}
			}
			if len(jobs) < searchChunk {
				break
			}
			before = jobs[len(jobs)-1].Number
		}
	}
	return nil
}

// searchChunk is how many rows are read at once.
const searchChunk = 500
