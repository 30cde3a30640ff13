package farm

import (
	"context"
	"fmt"
	"sync"

	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// jobRoom knows how many jobs farms may still get. A count tells how many can be made before the next one is needed: what is deleted
// meanwhile only makes more room. So a farm far from its quota is counted once, and one that is full each time.
type jobRoom struct {
	mu    sync.Mutex // protects farms, and is held while a farm is counted
	ended sync.Cond  // a job that was being made is made, or is not
	farms map[string]*farmRoom
}

// farmRoom is the room of one farm.
type farmRoom struct {
	room   int64 // places that are certainly free
	making int64 // places that were taken for jobs that are not yet made
}

func newJobRoom() *jobRoom {
	r := &jobRoom{farms: map[string]*farmRoom{}}
	r.ended.L = &r.mu
	return r
}

// takeJob takes the place of one more job in a farm; ServiceQuotaExceededException when there is none. Who took one says with made what
// became of it; made is never nil.
func (s *Service) takeJob(ctx context.Context, farmID string) (made func(bool), err error) {
	made = func(bool) {}
	if s.quotas.JobsPerFarm == 0 {
		return made, nil
	}
	r := s.jobRoom
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.farms[farmID]
	if f == nil {
		f = new(farmRoom)
		r.farms[farmID] = f
	}
	for f.room <= 0 {
		count, err := s.countJobs(ctx, farmID)
		if err != nil {
			return made, err
		}
		if err := s.quotas.jobs().admit(count, farmID); err != nil {
			return made, err
		}
		// What is being made may be counted already, or not.
		if f.room = s.quotas.JobsPerFarm - count - f.making; f.room <= 0 {
			r.ended.Wait()
		}
	}
	f.room--
	f.making++
	return func(made bool) {
		r.mu.Lock()
		defer r.mu.Unlock()
		f.making--
		f.room += count(!made)
		r.ended.Broadcast()
	}, nil
}

// count is 1 for yes.
func count(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

// countJobs counts the jobs of a farm in every status.
func (s *Service) countJobs(ctx context.Context, farmID string) (total int64, err error) {
	for cursor := (store.ResourceCursor{}); ; {
		queues, err := s.store.Resources(ctx, row.KindQueue, farmID, cursor, 100)
		if err != nil {
			return 0, fmt.Errorf("count the jobs of farm %s: %w", farmID, err)
		}
		for i := range queues {
			count, err := s.store.CountJobs(ctx, queues[i].ID)
			if err != nil {
				return 0, fmt.Errorf("count the jobs of queue %s: %w", queues[i].ID, err)
			}
			total += count
			cursor = store.ResourceCursor{CreatedAt: queues[i].CreatedAt, ID: queues[i].ID}
		}
		if len(queues) == 0 {
			return total, nil
		}
	}
}
