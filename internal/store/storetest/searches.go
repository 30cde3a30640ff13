package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/search"
)

// RunSearches checks that what searches look at follows random commits: it is always what a store that reads everything anew has. Some
// searches run while others commit.
func RunSearches(t *testing.T, engine store.Engine) {
	t.Helper()
	s := store.New(engine)
	// Fleets have the same ids as queues.
	h := &searchHistory{r: rand.New(rand.NewPCG(7, 11)), queues: []string{"queue-a", "queue-b"}, steps: map[string]int32{}}
	for round := range 30 {
		var searching sync.WaitGroup
		if round%5 == 0 { // one that may have to read the queue while it changes
			searching.Go(func() {
				if _, _, err := s.FindJobs(t.Context(), &search.Query{Within: h.queues, Size: 10, Limit: 10}); err != nil {
					t.Error(err)
				}
				if _, _, err := s.FindWorkers(t.Context(), &search.Query{Kind: search.Workers, Within: h.queues, Size: 10, Limit: 10}); err != nil {
					t.Error(err)
				}
			})
		}
		for range 5 {
			commit(t, s, h.change())
		}
		searching.Wait()
		fresh := store.New(engine)
		for _, query := range h.searches() {
			got, want := foundBy(t, s, query), foundBy(t, fresh, query)
			if !slices.Equal(got, want) {
				t.Fatalf("round %d: %+v finds\n%v, but there are\n%v", round, query, got, want)
			}
		}
		for _, where := range stepConditions() {
			if got, want := walkedBy(t, s, h.queues, &where), walkedBy(t, fresh, h.queues, &where); !slices.Equal(got, want) {
				t.Fatalf("round %d: a walk by %+v comes to\n%v, but there are\n%v", round, where, got, want)
			}
		}
		if len(h.jobs) > 0 && len(foundBy(t, s, &search.Query{Within: h.queues, Size: 1000, Limit: 1000})) != len(h.jobs)+1 {
			t.Fatalf("round %d: there are %d jobs, and not so many are found", round, len(h.jobs))
		}
		if len(foundBy(t, s, &search.Query{Kind: search.Workers, Within: h.queues, Size: 1000, Limit: 1000})) != len(h.workers)+1 {
			t.Fatalf("round %d: there are %d workers, and not so many are found", round, len(h.workers))
		}
	}
}

// foundBy is the ids that a search finds, and how many.
func foundBy(t *testing.T, s store.Store, query *search.Query) (found []string) {
	t.Helper()
	var total int
	var err error
	switch query.Kind {
	case search.Jobs:
		var jobs []row.Job
		jobs, total, err = s.FindJobs(t.Context(), query)
		for i := range jobs {
			found = append(found, jobs[i].JobID)
		}
	case search.Steps:
		var steps []store.FoundStep
		steps, total, err = s.FindSteps(t.Context(), query)
		for i := range steps {
			found = append(found, steps[i].StepID+" of "+steps[i].Job.JobID)
		}
	case search.Workers:
		var workers []row.Worker
		workers, total, err = s.FindWorkers(t.Context(), query)
		for i := range workers {
			found = append(found, workers[i].WorkerID)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return append(found, fmt.Sprint(total))
}

// walkedBy is what a walk knows of the steps that it comes to.
func walkedBy(t *testing.T, s store.Store, queues []string, where *search.Condition) (steps []string) {
	t.Helper()
	walk, err := s.WalkSteps(t.Context(), queues, where)
	if err != nil {
		t.Fatal(err)
	}
	for {
		some, err := walk.Next(t.Context(), 3)
		if err != nil {
			t.Fatal(err)
		}
		for i := range some {
			steps = append(steps, fmt.Sprintf("%+v", some[i]))
		}
		if len(some) < 3 {
			return steps
		}
	}
}

// searchHistory is what happened to some queues.
type searchHistory struct {
	r      *rand.Rand
	queues []string
	jobs   []row.Job
	steps  map[string]int32 // how many each job has
	number int64

	workers []row.Worker
}

var searchedNames = []string{"Shot 010", "shot 020", "Comp \u00c4", "fx", ""}

// change makes some jobs, changes some with their steps, and deletes some; with workers alike.
func (h *searchHistory) change() *row.Changes {
	c := &row.Changes{}
	for range h.r.IntN(4) {
		h.number++
		j := row.Job{
			FarmID: "farm", QueueID: h.pick(h.queues), JobID: fmt.Sprintf("job-%032x", h.r.Uint64()), Number: h.number,
			Stamp: row.Stamp{CreatedAt: 1000 + h.number/2 - h.r.Int64N(50)/49*20, CreatedBy: h.pick(searchedNames)},
		}
		if h.number%9 == 0 {
			j.JobID = fmt.Sprint("odd ", h.number)
		}
		h.jobs, h.steps[j.JobID] = append(h.jobs, j), h.r.Int32N(4)
		h.put(c, len(h.jobs)-1)
		for index := range h.steps[j.JobID] {
			c.StepDocuments = append(c.StepDocuments, row.StepDocument{
				JobID: j.JobID, StepIndex: index, StepID: stepID(&j, index), Template: []byte(`{}`), Space: h.space(),
			})
		}
		c.JobDocuments = append(c.JobDocuments, row.JobDocument{
			JobID: j.JobID, Parameters: fmt.Appendf(nil, `{"Frames":{"int":"%d"},"Files":{"stringList":["A\u0000b","%s"]}}`, h.r.IntN(5), h.pick(searchedNames)),
		})
	}
	if len(h.jobs) > 0 && len(c.Jobs) == 0 {
		h.put(c, h.r.IntN(len(h.jobs)))
	}
	if h.r.IntN(3) == 0 && len(h.jobs) > 5 && len(c.Jobs) == 0 {
		at := h.r.IntN(len(h.jobs))
		c.DeleteJobs = append(c.DeleteJobs, h.jobs[at].JobID)
		h.jobs = slices.Delete(h.jobs, at, at+1)
	}
	h.changeWorkers(c)
	return c
}

func (h *searchHistory) changeWorkers(c *row.Changes) {
	if h.r.IntN(4) == 0 && len(h.workers) > 5 {
		at := h.r.IntN(len(h.workers))
		c.DeleteWorkers = append(c.DeleteWorkers, h.workers[at].WorkerID)
		h.workers = slices.Delete(h.workers, at, at+1)
	}
	for range h.r.IntN(3) {
		h.workers = append(h.workers, row.Worker{
			FarmID: "farm", FleetID: h.pick(h.queues), WorkerID: fmt.Sprintf("worker-%x", h.r.Uint64()),
			Stamp: row.Stamp{CreatedAt: 1000 + h.r.Int64N(5), CreatedBy: h.pick(searchedNames)},
		})
		h.putWorker(c, len(h.workers)-1)
	}
	if len(c.Workers) == 0 && len(h.workers) > 0 {
		h.putWorker(c, h.r.IntN(len(h.workers)))
	}
}

// putWorker changes a worker, and what it told of its host or not.
func (h *searchHistory) putWorker(c *row.Changes, at int) {
	w := &h.workers[at]
	w.Status, w.UpdatedAt = status.Worker(1+h.r.IntN(8)), h.r.Int64N(3) //nolint:gosec // statuses
	switch h.r.IntN(4) {
	case 0:
		w.HostProperties = fmt.Appendf(nil, `{"hostName":"%s"}`, h.pick(searchedNames))
	case 1:
		w.HostProperties = fmt.Appendf(nil, `{"hostName":"%s","ipAddresses":{"ipV4Addresses":["10.0.0.%d","127.0.0.1"]}}`,
			h.pick(searchedNames), h.r.IntN(4))
	}
	c.Workers = append(c.Workers, *w)
}

// put changes a job and its steps.
func (h *searchHistory) put(c *row.Changes, at int) {
	j := &h.jobs[at]
	j.Name, j.Priority, j.TaskStatus = h.pick(searchedNames), h.r.Int32N(3), status.Task(h.r.IntN(status.NumTask))
	j.EndedAt, j.LifecycleMessage = h.r.Int64N(3)*1000, h.pick(searchedNames)
	c.Jobs = append(c.Jobs, *j)
	for index := range h.steps[j.JobID] {
		x := row.Step{
			JobID: j.JobID, StepIndex: index, StepID: stepID(j, index), Name: h.pick(searchedNames),
			TaskStatus: status.Task(h.r.IntN(status.NumTask)), Stamp: row.Stamp{CreatedAt: j.CreatedAt, CreatedBy: j.CreatedBy},
			Tasks: 5, Earliest: h.r.Int64N(2) * 300, Latest: h.r.Int64N(3) * 500, Targeted: h.r.IntN(2) == 0, FailureRetries: h.r.Int64N(3),
		}
		x.Counts[1+h.r.IntN(status.NumTask-1)] += 2
		x.Counts[1+h.r.IntN(status.NumTask-1)] += 3
		c.Steps = append(c.Steps, x)
	}
	h.r.Shuffle(len(c.Steps), func(a, b int) { c.Steps[a], c.Steps[b] = c.Steps[b], c.Steps[a] })
}

func stepID(j *row.Job, index int32) string { return fmt.Sprint("step-", j.JobID, "-", index) }

// space is a parameter space: none, a short one, or one that is too long to be in memory.
func (h *searchHistory) space() []byte {
	switch n := h.r.IntN(4); n {
	case 0:
		return nil
	case 1:
		return fmt.Appendf(nil, `{"Frame":"%0600d"}`, n)
	default:
		return fmt.Appendf(nil, `{"Frame":"1-%d"}`, n)
	}
}

func (h *searchHistory) pick(of []string) string { return of[h.r.IntN(len(of))] }

// searches are some queries about everything that changes.
func (h *searchHistory) searches() (all []*search.Query) {
	compare := func(column search.Column, operator search.Operator, values ...any) search.Condition {
		return search.Condition{Group: search.Comparison, Column: column, Operator: operator, Values: values}
	}
	for _, kind := range []search.Kind{search.Jobs, search.Steps, search.Workers} {
		for _, where := range []search.Condition{
			{}, compare(search.Name, search.Equal, "fx"), compare(search.Status, search.NotEqual, "READY"), search.Mentions("\u00e4"), search.Mentions("shot 0"),
		} {
			all = append(all, &search.Query{Kind: kind, Within: h.queues, Where: where, Size: 1000, Limit: 1000},
				&search.Query{Kind: kind, Within: h.queues[:1], Where: where, Offset: 2, Size: 7, Limit: 20},
				&search.Query{Kind: kind, Within: h.queues, Where: where, Order: []search.Order{{Column: search.Name}}, Size: 9, Limit: 20})
		}
	}
	for _, where := range stepConditions() {
		all = append(all, &search.Query{Kind: search.Steps, Within: h.queues, Where: where, Size: 1000, Limit: 1000})
	}
	for _, where := range []search.Condition{
		compare(search.Addresses, search.Equal, "10.0.0.2"), compare(search.Addresses, search.NotIn, "10.0.0.1", "10.0.0.3"),
		compare(search.Status, search.Equal, "IDLE"), compare(search.UpdatedAt, search.Less, int64(2)), search.Mentions("0.0.1"),
	} {
		all = append(all, &search.Query{
			Kind: search.Workers, Within: h.queues, Where: where, Order: []search.Order{{Column: search.Addresses}}, Size: 1000, Limit: 1000,
		})
	}
	for _, where := range []search.Condition{
		compare(search.Priority, search.Greater, int64(1)), compare(search.EndedAt, search.Less, int64(1500)),
		search.HasParameter("Frames", search.LessOrEqual, "3.0"), search.HasParameter("Files", search.Equal, "A\x00b,fx"), search.Mentions("a\x00b"),
	} {
		all = append(all, &search.Query{Kind: search.Jobs, Within: h.queues, Where: where, Size: 1000, Limit: 1000})
	}
	return all
}

// stepConditions are conditions that tell which tasks steps have.
func stepConditions() []search.Condition {
	compare := func(column search.Column, operator search.Operator, value int64) search.Condition {
		return search.Condition{Group: search.Comparison, Column: column, Operator: operator, Values: []any{value}}
	}
	return []search.Condition{
		{},
		search.HasTasks([]status.Task{status.TaskFailed, status.TaskReady}), compare(search.Targeted, search.Equal, 1),
		compare(search.Earliest, search.Less, 1000), compare(search.Latest, search.GreaterOrEqual, 600), compare(search.Tasks, search.Greater, 4),
		search.InSpace(func(space string) bool { return space == `{"Frame":"1-3"}` }),
	}
}
