package farm

import (
	"context"
	"errors"
	"slices"

	"github.com/farmhand-render/farmhand/deadline"
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

// searchChunk is how many rows are read at once.
const searchChunk = 500
