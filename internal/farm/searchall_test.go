package farm

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

var stampTimes = []string{"CREATED_AT", "STARTED_AT", "ENDED_AT", "UPDATED_AT"}

// Random searches of each kind find, count and sort what a naive evaluation does, on both stores.
func TestSearches(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, db store.Store) {
		t.Helper()
		f := openSearchFarm(t, db, 60)
		// One after the other: they change how much the service finds at most.
		t.Run("jobs", f.testJobs)
		f.changeJobs()
		t.Run("changed jobs", f.testJobs)
		t.Run("steps", f.testSteps)
		t.Run("tasks", f.testTasks)
		t.Run("workers", f.testWorkers)
		f.changeWorkers()
		t.Run("changed workers", f.testWorkers)
	})
}

// changeJobs gives some jobs other names, archives some, and deletes some.
func (f *searchFarm) changeJobs() {
	f.t.Helper()
	ctx := f.t.Context()
	for i := range f.rows.Jobs {
		j := &f.rows.Jobs[i]
		in := &deadline.UpdateJobInput{FarmId: f.farmID, QueueId: j.QueueID, JobId: j.JobID}
		switch {
		case j.Lifecycle == status.LifecycleArchived || !j.TaskStatus.Ended():
			continue
		case i%7 == 0:
			if err := f.store.Commit(ctx, &row.Changes{DeleteJobs: []string{j.JobID}}); err != nil {
				f.t.Fatal(err)
			}
			continue
		case i%3 == 0:
			in.LifecycleStatus = deadline.UpdateJobLifecycleStatusArchived
		default:
			in.Name = new(pick(f.random, append(searchNames, "Renamed \u00df")...))
		}
		if _, err := f.UpdateJob(ctx, in); err != nil {
			f.t.Fatal(err)
		}
		// Answers show milliseconds: what the naive evaluation takes for the same moment must be the same.
		changed := must(f.store.Job(ctx, j.JobID))(f.t)
		changed.UpdatedAt -= changed.UpdatedAt % shownMicros
		if err := f.store.Commit(ctx, &row.Changes{Jobs: []row.Job{*changed}}); err != nil {
			f.t.Fatal(err)
		}
	}
}

// changeWorkers adds and deletes some workers, and gives others another status or another host.
func (f *searchFarm) changeWorkers() {
	f.t.Helper()
	c := &row.Changes{}
	before := len(f.rows.Workers)
	for n := range 10 {
		f.addWorker(1000 + n)
	}
	kept := slices.Clone(f.rows.Workers[before:])
	for i, w := range f.rows.Workers[:before] {
		switch i % 5 {
		case 0:
			c.DeleteWorkers = append(c.DeleteWorkers, w.WorkerID)
			continue
		case 1, 2:
			w.HostProperties = f.host()
		case 3:
			w.Status = pick(f.random, status.WorkerStopping, status.WorkerNotResponding)
		}
		w.UpdatedAt, w.UpdatedBy = f.time(), pick(f.random, searchPeople...)
		kept = append(kept, w)
	}
	f.rows.Workers, c.Workers = kept, kept
	if err := f.store.Commit(f.t.Context(), c); err != nil {
		f.t.Fatal(err)
	}
}

func (f *searchFarm) testJobs(t *testing.T) {
	checkSearch(t, f, f.queues, &searchFields{
		texts: []string{
			"JOB_ID", "QUEUE_ID", "NAME", "LIFECYCLE_STATUS", "LIFECYCLE_STATUS_MESSAGE", "TASK_RUN_STATUS",
			"TARGET_TASK_RUN_STATUS", "CREATED_BY", "UPDATED_BY", "SOURCE_JOB_ID",
		},
		numbers:    []string{"PRIORITY", "MAX_FAILED_TASKS_COUNT", "MAX_RETRIES_PER_TASK", "MAX_WORKER_COUNT", "TASK_FAILURE_RETRY_COUNT"},
		times:      stampTimes,
		values:     append([]string{"FAILED", "READY", "ARCHIVED", "done", f.rows.Jobs[0].JobID, f.queues[0]}, append(searchNames, searchPeople...)...),
		parameters: true, users: true,
	}, func(j *deadline.JobSearchSummary) string { return *j.JobId }, func(j *deadline.JobSearchSummary) string { return *j.QueueId },
		func(q query, offset int32) ([]deadline.JobSearchSummary, *int32, int32, error) {
			out, err := f.SearchJobs(t.Context(), &deadline.SearchJobsInput{
				FarmId: f.farmID, QueueIds: q.over, FilterExpressions: q.filters, SortExpressions: q.sorts, ItemOffset: offset, PageSize: &q.size,
			})
			if err != nil {
				return nil, nil, 0, err
			}
			return out.Jobs, out.NextItemOffset, out.TotalResults, nil
		})
}

func (f *searchFarm) testSteps(t *testing.T) {
	checkSearch(t, f, f.queues, &searchFields{
		texts: []string{
			"STEP_ID", "JOB_ID", "QUEUE_ID", "NAME", "LIFECYCLE_STATUS", "LIFECYCLE_STATUS_MESSAGE", "TASK_RUN_STATUS",
			"TARGET_TASK_RUN_STATUS", "CREATED_BY", "UPDATED_BY",
		},
		numbers: []string{"TASK_FAILURE_RETRY_COUNT"}, times: stampTimes,
		values: append([]string{"FAILED", "READY", "done", f.rows.Steps[0].StepID, f.rows.Jobs[0].JobID}, append(searchNames, searchPeople...)...),
	}, func(x *deadline.StepSearchSummary) string { return *x.StepId }, func(x *deadline.StepSearchSummary) string { return *x.QueueId },
		func(q query, offset int32) ([]deadline.StepSearchSummary, *int32, int32, error) {
			out, err := f.SearchSteps(t.Context(), &deadline.SearchStepsInput{
				FarmId: f.farmID, QueueIds: q.over, FilterExpressions: q.filters, SortExpressions: q.sorts, ItemOffset: offset, PageSize: &q.size,
			})
			if err != nil {
				return nil, nil, 0, err
			}
			return out.Steps, out.NextItemOffset, out.TotalResults, nil
		})
}

func (f *searchFarm) taskIDs() (all []string) {
	for i := range f.rows.Steps {
		for index := range f.rows.Steps[i].Tasks {
			all = append(all, taskID(f.rows.Steps[i].StepID, index))
		}
	}
	return all
}

func (f *searchFarm) taskFields() *searchFields {
	return &searchFields{
		texts: []string{
			"TASK_ID", "STEP_ID", "JOB_ID", "QUEUE_ID", "RUN_STATUS", "TARGET_RUN_STATUS", "UPDATED_BY", "LATEST_SESSION_ACTION_ID",
		},
		numbers: []string{"FAILURE_RETRY_COUNT"}, times: []string{"STARTED_AT", "ENDED_AT", "UPDATED_AT"},
		values: []string{
			"FAILED", "READY", "ada", f.rows.Steps[0].StepID, f.rows.Jobs[0].JobID, taskID(f.rows.Steps[1].StepID, 0), searchAction, noAction,
		},
		statuses: []string{"RUN_STATUS", "TARGET_RUN_STATUS"}, parameters: true, ids: f.taskIDs(),
	}
}

func idOfTask(x *deadline.TaskSearchSummary) string    { return *x.TaskId }
func queueOfTask(x *deadline.TaskSearchSummary) string { return *x.QueueId }

func (f *searchFarm) searchTasks(q query, offset int32) ([]deadline.TaskSearchSummary, *int32, int32, error) {
	out, err := f.SearchTasks(f.t.Context(), &deadline.SearchTasksInput{
		FarmId: f.farmID, QueueIds: q.over, FilterExpressions: q.filters, SortExpressions: q.sorts, ItemOffset: offset, PageSize: &q.size,
	})
	if err != nil {
		return nil, nil, 0, err
	}
	return out.Tasks, out.NextItemOffset, out.TotalResults, nil
}

func (f *searchFarm) testTasks(t *testing.T) {
	checkSearch(t, f, f.queues, f.taskFields(), idOfTask, queueOfTask, f.searchTasks)
}

// Tasks of queues are found by one filter of each kind, and by two, when there are more than a page and they need only be counted.
func TestSearchTasksOfQueues(t *testing.T) {
	t.Parallel()
	f := openSearchFarm(t, openStore(t), 60)
	fields := f.taskFields()
	check := newSearchCheck(t, f, f.queues, fields, idOfTask, queueOfTask, f.searchTasks)
	rapid.Check(t, func(t *rapid.T) {
		f.service.maxFound = rapid.SampledFrom([]int{200, maxFound}).Draw(t, "limit")
		filters := drawFilters(t, fields, 3)
		filters.Filters = filters.Filters[:min(2, len(filters.Filters))]
		check.check(t, query{filters: filters, size: 30, over: f.queues})
	})
	for _, one := range statusFilters() {
		check.check(t, query{filters: one, size: 30, over: f.queues})
	}
}

// statusFilters are all filters that look at one status.
func statusFilters() (all []*deadline.SearchGroupedFilterExpressions) {
	for _, name := range []string{"RUN_STATUS", "TARGET_RUN_STATUS"} {
		for _, value := range []string{"READY", "FAILED", "SUCCEEDED", "RUNNING"} {
			for _, operator := range []deadline.ComparisonOperator{deadline.ComparisonOperatorEqual, deadline.ComparisonOperatorNotEqual} {
				all = append(all, &deadline.SearchGroupedFilterExpressions{
					Operator: deadline.LogicalOperatorAnd, Filters: []deadline.SearchFilterExpression{{StringFilter: &deadline.StringFilterExpression{
						Name: name, Operator: operator, Value: value,
					}}},
				})
			}
		}
	}
	return all
}

func (f *searchFarm) testWorkers(t *testing.T) {
	f.service.maxFound = maxFound
	all := must(f.SearchWorkers(t.Context(), &deadline.SearchWorkersInput{FarmId: f.farmID, FleetIds: f.fleets}))(t)
	if int(all.TotalResults) != len(f.rows.Workers) {
		t.Fatalf("%d workers are found, there are %d", all.TotalResults, len(f.rows.Workers))
	}
	checkSearch(t, f, f.fleets, &searchFields{
		texts: []string{"WORKER_ID", "FLEET_ID", "STATUS", "HOST_NAME", "IP_ADDRESSES", "EC2_INSTANCE_ARN", "EC2_INSTANCE_TYPE", "CREATED_BY", "UPDATED_BY"},
		times: []string{"CREATED_AT", "UPDATED_AT"},
		values: append([]string{"IDLE", "STOPPING", "10.0.0.2", "127.0.0.1", "0:0:0:0:0:0:0:1", f.rows.Workers[0].WorkerID, f.fleets[0]},
			append(searchHosts, searchPeople...)...),
	}, func(w *deadline.WorkerSearchSummary) string { return *w.WorkerId }, func(w *deadline.WorkerSearchSummary) string { return *w.FleetId },
		func(q query, offset int32) ([]deadline.WorkerSearchSummary, *int32, int32, error) {
			out, err := f.SearchWorkers(t.Context(), &deadline.SearchWorkersInput{
				FarmId: f.farmID, FleetIds: q.over, FilterExpressions: q.filters, SortExpressions: q.sorts, ItemOffset: offset, PageSize: &q.size,
			})
			if err != nil {
				return nil, nil, 0, err
			}
			return out.Workers, out.NextItemOffset, out.TotalResults, nil
		})
}

// A search without filters gives every row, shown as its own operation shows it; the newest first.
func TestSearchShowsAll(t *testing.T) {
	t.Parallel()
	f := openSearchFarm(t, openStore(t), 30)
	ctx := t.Context()
	jobs := must(f.SearchJobs(ctx, &deadline.SearchJobsInput{FarmId: f.farmID, QueueIds: f.queues}))(t)
	if len(jobs.Jobs) != len(f.rows.Jobs) || int(jobs.TotalResults) != len(f.rows.Jobs) || jobs.NextItemOffset != nil {
		t.Fatalf("%d jobs of %d, want %d", len(jobs.Jobs), jobs.TotalResults, len(f.rows.Jobs))
	}
	for i, j := range jobs.Jobs {
		if i > 0 && j.CreatedAt.After(*jobs.Jobs[i-1].CreatedAt) {
			t.Errorf("job %d is newer than the one before", i)
		}
		got := must(f.GetJob(ctx, &deadline.GetJobInput{FarmId: f.farmID, QueueId: *j.QueueId, JobId: *j.JobId}))(t)
		if got.Name != *j.Name || got.TaskRunStatus != j.TaskRunStatus || got.Priority != *j.Priority || len(got.Parameters) != len(j.JobParameters) ||
			value(got.SourceJobId) != value(j.SourceJobId) || !got.CreatedAt.Equal(*j.CreatedAt) || got.TargetTaskRunStatus != j.TargetTaskRunStatus {
			t.Errorf("search shows %+v, GetJob %+v", j, got)
		}
	}
	var tasks int64
	for i := range f.rows.Steps {
		tasks += f.rows.Steps[i].Tasks
	}
	found := must(f.SearchTasks(ctx, &deadline.SearchTasksInput{FarmId: f.farmID, QueueIds: f.queues}))(t)
	if int64(found.TotalResults) != tasks {
		t.Errorf("%d tasks, want %d", found.TotalResults, tasks)
	}
	for _, x := range found.Tasks {
		got := must(f.GetTask(ctx, &deadline.GetTaskInput{FarmId: f.farmID, QueueId: *x.QueueId, JobId: *x.JobId, StepId: *x.StepId, TaskId: *x.TaskId}))(t)
		if got.RunStatus != x.RunStatus || got.TargetRunStatus != x.TargetRunStatus || len(got.Parameters) != len(x.Parameters) {
			t.Errorf("search shows %+v, GetTask %+v", x, got)
		}
	}
	steps := must(f.SearchSteps(ctx, &deadline.SearchStepsInput{FarmId: f.farmID, QueueIds: f.queues, JobId: jobs.Jobs[0].JobId}))(t)
	listed := must(f.ListSteps(ctx, &deadline.ListStepsInput{FarmId: f.farmID, QueueId: *jobs.Jobs[0].QueueId, JobId: *jobs.Jobs[0].JobId}))(t)
	if len(steps.Steps) != len(listed.Steps) || int(steps.TotalResults) != len(listed.Steps) {
		t.Errorf("%d steps of one job, want %d", len(steps.Steps), len(listed.Steps))
	}
	workers := must(f.SearchWorkers(ctx, &deadline.SearchWorkersInput{FarmId: f.farmID, FleetIds: f.fleets}))(t)
	if len(workers.Workers) != len(f.rows.Workers) {
		t.Errorf("%d workers, want %d", len(workers.Workers), len(f.rows.Workers))
	}
}

// What a search cannot mean is refused, with its place.
func TestSearchRefusals(t *testing.T) {
	t.Parallel()
	f := openSearchFarm(t, openStore(t), 4)
	search := func(change func(*deadline.SearchJobsInput)) error {
		in := &deadline.SearchJobsInput{FarmId: f.farmID, QueueIds: f.queues[:1]}
		change(in)
		_, err := f.SearchJobs(t.Context(), in)
		return err
	}
	filter := func(e deadline.SearchFilterExpression) func(*deadline.SearchJobsInput) {
		return func(in *deadline.SearchJobsInput) {
			in.FilterExpressions = &deadline.SearchGroupedFilterExpressions{
				Operator: deadline.LogicalOperatorAnd, Filters: []deadline.SearchFilterExpression{e},
			}
		}
	}
	text := func(name string, operator deadline.ComparisonOperator, value string) deadline.SearchFilterExpression {
		return deadline.SearchFilterExpression{StringFilter: &deadline.StringFilterExpression{Name: name, Operator: operator, Value: value}}
	}
	deep := text("NAME", deadline.ComparisonOperatorEqual, "x")
	for range maxFilterDepth {
		deep = deadline.SearchFilterExpression{GroupFilter: &deadline.SearchGroupedFilterExpressions{
			Operator: deadline.LogicalOperatorOr, Filters: []deadline.SearchFilterExpression{deep},
		}}
	}
	date := deadline.SearchFilterExpression{DateTimeFilter: &deadline.DateTimeFilterExpression{
		Name: "NAME", Operator: deadline.ComparisonOperatorEqual, DateTime: f.now,
	}}
	sort := func(e deadline.SearchSortExpression) func(*deadline.SearchJobsInput) {
		return func(in *deadline.SearchJobsInput) { in.SortExpressions = []deadline.SearchSortExpression{e} }
	}
	for field, change := range map[string]func(*deadline.SearchJobsInput){
		"filterExpressions.filters[0].stringFilter.name":                                                              filter(text("FRAMES", deadline.ComparisonOperatorEqual, "x")),
		"filterExpressions.filters[0].stringFilter.operator":                                                          filter(text("NAME", deadline.ComparisonOperatorLessThan, "x")),
		"filterExpressions.filters[0].stringFilter":                                                                   filter(text("PRIORITY", deadline.ComparisonOperatorEqual, "high")),
		"filterExpressions.filters[0].dateTimeFilter.name":                                                            filter(date),
		"filterExpressions.filters[0]" + strings.Repeat(".groupFilter.filters[0]", maxFilterDepth-1) + ".groupFilter": filter(deep),
		"sortExpressions[0].fieldSort.name": sort(deadline.SearchSortExpression{
			FieldSort: &deadline.FieldSortExpression{Name: "name", SortOrder: deadline.SortOrderAscending},
		}),
	} {
		failsOn(t, search(change), field)
	}
	failsOn(t, search(filter(text("CREATED_AT", deadline.ComparisonOperatorEqual, "x"))), "filterExpressions.filters[0].stringFilter.name")
	failsOn(t, search(filter(text("NAME", deadline.ComparisonOperatorAnyEquals, "x"))), "filterExpressions.filters[0].stringFilter.operator")
	absent := newID(prefixQueue)
	failsMissing(t, search(func(in *deadline.SearchJobsInput) { in.QueueIds = []string{absent} }), typeQueue, absent)
}

// A job that is searched in must be in one of the queues.
func TestSearchOfOtherJob(t *testing.T) {
	t.Parallel()
	f := openSearchFarm(t, openStore(t), 20)
	job := &f.rows.Jobs[0]
	others := slices.DeleteFunc(slices.Clone(f.queues), func(id string) bool { return id == job.QueueID })
	_, err := f.SearchTasks(t.Context(), &deadline.SearchTasksInput{FarmId: f.farmID, QueueIds: others, JobId: &job.JobID})
	failsMissing(t, err, typeJob, job.JobID)
}

// A search for tasks that cannot be looks at no step.
func TestSearchForNothing(t *testing.T) {
	t.Parallel()
	f := openSearchFarm(t, openStore(t), 20)
	is := func(name, value string) deadline.SearchFilterExpression {
		return deadline.SearchFilterExpression{StringFilter: &deadline.StringFilterExpression{
			Name: name, Operator: deadline.ComparisonOperatorEqual, Value: value,
		}}
	}
	in := &deadline.SearchTasksInput{
		FarmId: f.farmID, QueueIds: f.queues, FilterExpressions: &deadline.SearchGroupedFilterExpressions{
			Operator: deadline.LogicalOperatorAnd,
			Filters:  []deadline.SearchFilterExpression{is("RUN_STATUS", "FAILED"), is("RUN_STATUS", "READY")},
		},
	}
	if sifter := must(f.service.newTaskSifter(in))(t); len(sifter.statuses) > 0 {
		t.Errorf("tasks that are %v are looked for", sifter.statuses)
	}
	if out := must(f.SearchTasks(t.Context(), in))(t); out.TotalResults != 0 || out.NextItemOffset != nil {
		t.Errorf("%d are found", out.TotalResults)
	}
}

// Searches that the store cannot answer by itself go through all jobs in parts, and stop when they know enough.
func TestSearchInParts(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, db store.Store) {
		t.Helper()
		f := openSearchFarm(t, db, 1)
		f.service.maxFound = 50 // so that a few more jobs than one part has are many
		c := &row.Changes{}
		for n := range int64(2*searchChunk + 100) {
			j := row.Job{
				FarmID: f.farmID, QueueID: f.queues[0], JobID: fmt.Sprintf("job-%032x", n), Number: 100 + n, Name: "many",
				Stamp: row.Stamp{CreatedAt: 1_600_000_000_000_000 + n/3, CreatedBy: "x"}, Lifecycle: status.LifecycleCreateComplete,
			}
			if n == 0 || n == 700 {
				j.Name = "a needle"
			}
			c.Jobs, c.JobDocuments = append(c.Jobs, j), append(c.JobDocuments, row.JobDocument{JobID: j.JobID})
		}
		if err := db.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		for term, want := range map[string][]string{
			"NEEDLE": {c.Jobs[700].JobID, c.Jobs[0].JobID},
			"many":   {c.Jobs[len(c.Jobs)-1].JobID, c.Jobs[len(c.Jobs)-2].JobID},
		} {
			out := must(f.SearchJobs(t.Context(), &deadline.SearchJobsInput{
				FarmId: f.farmID, QueueIds: f.queues[:1], PageSize: new(int32(2)),
				FilterExpressions: &deadline.SearchGroupedFilterExpressions{
					Operator: deadline.LogicalOperatorAnd, Filters: []deadline.SearchFilterExpression{
						{SearchTermFilter: &deadline.SearchTermFilterExpression{SearchTerm: term}},
					},
				},
			}))(t)
			var got []string
			for _, j := range out.Jobs {
				got = append(got, *j.JobId)
			}
			total := map[string]int32{"NEEDLE": 2, "many": 50}[term]
			if !slices.Equal(got, want) || out.TotalResults != total {
				t.Errorf("%s: %v of %d, want %v of %d", term, got, out.TotalResults, want, total)
			}
		}
	})
}
