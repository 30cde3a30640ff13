package committer

import (
	"context"
	"errors"
	"testing"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// slowReads is a store that has read a job and does not give it until it is told to.
type slowReads struct {
	store.Store
	read chan struct{}
	give chan struct{}
}

func (s *slowReads) JobSnapshot(ctx context.Context, jobID string) (*row.JobSnapshot, error) {
	snapshot, err := s.Store.JobSnapshot(ctx, jobID)
	s.read <- struct{}{}
	<-s.give
	return snapshot, err
}

// finishedJob starts a committer of which job-1 is finished, and an update of it that waits for what is read.
func finishedJob(t *testing.T) (s *slowReads, c *Committer, stop func(), updated chan error) {
	t.Helper()
	s = &slowReads{Store: openStore(t), read: make(chan struct{}, 100), give: make(chan struct{})}
	c, stop = start(t, s, Options{})
	do(t, c, create("job-1"))
	do(t, c, create("job-2"))
	do(t, c, scheduler.UpdateJob{JobID: "job-1", Target: status.TaskSucceeded})
	updated = make(chan error, 2)
	go func() { updated <- update(t.Context(), c, "job-1") }()
	<-s.read
	return s, c, stop, updated
}

func update(ctx context.Context, c *Committer, id string) error {
	_, err := c.Do(ctx, Request{FarmID: "farm-1", Command: scheduler.UpdateJob{JobID: id}})
	return err
}

// While a finished job is read other commands are answered; those that are about it come after, also when the service stops meanwhile.
func TestLoadsKeepNobodyWaiting(t *testing.T) {
	t.Parallel()
	s, c, stop, updated := finishedJob(t)
	do(t, c, scheduler.UpdateJob{JobID: "job-2"})
	go func() { updated <- update(t.Context(), c, "job-1") }()
	f, err := c.farm("farm-1")
	if err != nil {
		t.Fatal(err)
	}
	for f.postponed.Load() < 2 {
		do(t, c, scheduler.UpdateJob{JobID: "job-2"})
	}
	stopped := make(chan struct{})
	go func() {
		stop()
		close(stopped)
	}()
	close(s.give)
	for range 2 {
		if err := <-updated; err != nil {
			t.Error(err)
		}
	}
	<-stopped
	if got := storedCount(t, s, "job-1"); got != 3 {
		t.Errorf("job-1 was updated %d times, want 3", got)
	}
}

// A job that is deleted while it is read does not come back.
func TestDeletedWhileLoaded(t *testing.T) {
	t.Parallel()
	s, c, _, updated := finishedJob(t)
	do(t, c, scheduler.DeleteJobs{JobIDs: []string{"job-1"}})
	close(s.give)
	if _, ok := errors.AsType[*scheduler.NotFoundError](<-updated); !ok {
		t.Error("the update was not refused")
	}
	if _, err := s.Job(t.Context(), "job-1"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the job: %v, want ErrNotFound", err)
	}
}
