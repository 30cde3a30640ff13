package committer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/postgres"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/sqlite"
	"github.com/farmhand-render/farmhand/internal/store/storetest"
	"github.com/farmhand-render/farmhand/internal/store/storetest/postgrestest"
)

// TestFaultAtEveryWrite lets a batch of commands fail at each of its writes, in both stores. Nobody of the batch gets an
// answer unless it is stored; what was acknowledged before stays; repetitions with client tokens act once.
func TestFaultAtEveryWrite(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) (store.Engine, error){
		"SQLite": func(t *testing.T) (store.Engine, error) {
			t.Helper()
			return sqlite.OpenEngine(t.Context(), filepath.Join(t.TempDir(), "farm.db"), sqlite.Options{Relaxed: true})
		},
		"PostgreSQL": func(t *testing.T) (store.Engine, error) {
			t.Helper()
			return postgres.OpenEngine(t.Context(), postgrestest.URL(t), postgres.Options{Relaxed: true})
		},
	} {
		for _, fault := range []storetest.Fault{storetest.Before, storetest.After} {
			t.Run(fmt.Sprint(name, map[storetest.Fault]string{storetest.Before: " before", storetest.After: " after"}[fault]), func(t *testing.T) {
				t.Parallel()
				engine, err := open(t)
				if err != nil {
					t.Fatal(err)
				}
				faultMatrix(t, engine, fault)
			})
		}
	}
}

func faultMatrix(t *testing.T, engine store.Engine, fault storetest.Fault) {
	t.Helper()
	faulty := &storetest.FaultyEngine{Engine: engine}
	s := store.New(faulty)
	c := New(s, Options{Logger: slog.New(slog.DiscardHandler), RetryAfter: time.Microsecond}) // with the real core
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, s.Close()); err != nil {
			t.Error(err)
		}
	})
	put := scheduler.PutResource{Resource: row.Resource{
		Kind: row.KindQueue, ID: "queue-1", FarmID: "farm-1", ParentID: "farm-1", Doc: []byte(`{"scheduling":{}}`),
	}}
	if _, err := c.Do(t.Context(), Request{FarmID: "farm-1", Command: put}); err != nil {
		t.Fatal(err)
	}
	known := map[string]string{} // acknowledged names of jobs
	for n, fired := 1, true; fired; n++ {
		faulty.Arm(n, fault, nil)
		batch := newFaultBatch(n, known)
		answers := batch.send(t, c)
		fired = faulty.Fired()
		for i, err := range answers {
			switch {
			case err == nil:
				batch.acknowledge(i, known)
			case !errors.Is(err, ErrNotCommitted):
				t.Fatalf("fault %d: %v, want ErrNotCommitted", n, err)
			}
		}
		checkNames(t, s, n, known)
		for i, err := range batch.send(t, c) { // those that were answered already are answered again
			if err != nil {
				t.Fatalf("repetition after fault %d: %v", n, err)
			}
			batch.acknowledge(i, known)
		}
		checkNames(t, s, n, known)
		if count, err := s.CountJobs(t.Context(), "queue-1"); err != nil || count != int64(len(known)) {
			t.Fatalf("fault %d: %d jobs %v, want %d", n, count, err, len(known))
		}
		if n > 200 {
			t.Fatal("the fault does not stop to happen")
		}
	}
}

// faultBatch is commands that are sent at once: a few new jobs, and a new name for an old one.
type faultBatch struct {
	requests []Request
	jobs     []string
	names    []string
}

func newFaultBatch(n int, known map[string]string) *faultBatch {
	b := &faultBatch{}
	for i := range 3 {
		id := fmt.Sprintf("job-%d-%d", n, i)
		b.add(id, id, scheduler.CreateJob{
			Job:           row.Job{FarmID: "farm-1", QueueID: "queue-1", JobID: id, Name: id, Target: status.TaskReady, MaxRetries: 1},
			Document:      row.JobDocument{JobID: id, TemplateType: "JSON", Template: "{}"},
			Steps:         []row.Step{{JobID: id, StepID: "step-" + id, Name: "render", Tasks: 1}},
			StepDocuments: []row.StepDocument{{JobID: id, StepID: "step-" + id, Template: []byte(`{}`)}},
		})
	}
	if id := fmt.Sprintf("job-%d-0", n-1); known[id] != "" {
		name := fmt.Sprint("renamed ", n)
		b.add(id, name, scheduler.UpdateJob{JobID: id, Name: &name})
	}
	return b
}

func (b *faultBatch) add(job, name string, command scheduler.Command) {
	b.jobs, b.names = append(b.jobs, job), append(b.names, name)
	token := &Token{Principal: "ada", Operation: fmt.Sprintf("%T", command), Token: name, Response: []byte(`{}`)}
	b.requests = append(b.requests, Request{FarmID: "farm-1", Command: command, Token: token})
}

func (b *faultBatch) send(t *testing.T, c *Committer) []error {
	t.Helper()
	answers := make([]error, len(b.requests))
	var sent sync.WaitGroup
	for i := range b.requests {
		sent.Go(func() { _, answers[i] = c.Do(t.Context(), b.requests[i]) })
	}
	sent.Wait()
	return answers
}

func (b *faultBatch) acknowledge(i int, known map[string]string) { known[b.jobs[i]] = b.names[i] }

// checkNames compares the store with what was acknowledged. A name may be newer than that.
func checkNames(t *testing.T, s store.Store, n int, known map[string]string) {
	t.Helper()
	for id, want := range known {
		j, err := s.Job(t.Context(), id)
		if err != nil {
			t.Fatalf("fault %d: job %s was acknowledged: %v", n, id, err)
		}
		if j.Name != want && j.Name != fmt.Sprint("renamed ", n) {
			t.Fatalf("fault %d: job %s is called %q, want %q", n, id, j.Name, want)
		}
	}
}
