package farmbench

import (
	"fmt"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/testfarm"
)

// A job of 1,000,000 tasks that are over, one of 1,000 failed.
const failedOne = 1000

// BenchmarkSearchTasks measures a page of 100 tasks of one job.
func BenchmarkSearchTasks(b *testing.B) {
	onEachStore(b, func(b *testing.B, database []string) {
		b.Helper()
		n := scaled(b, million)
		f := testfarm.NewFarm(b, testfarm.Start(b, testfarm.Options{Args: append([]string{"--archive-jobs-after", "0"}, database...)}))
		f.Kill()
		job := overJob(f, 0)
		fillStore(b, f, database, func(s store.Store) {
			c := &row.Changes{JobDocuments: []row.JobDocument{{JobID: job.JobID, Template: "{}"}}}
			addStep(c, &job, int64(n))
			c.Jobs = append(c.Jobs, job)
			commit(b, s, c)
			for from := 0; from < n; from += 10_000 {
				c := &row.Changes{}
				for i := from; i < min(n, from+10_000); i++ {
					c.Tasks = append(c.Tasks, overTask(&job, i))
				}
				commit(b, s, c)
			}
		})
		of := func(name, value string) *deadline.SearchGroupedFilterExpressions {
			return allOf(textFilter(name, deadline.ComparisonOperatorEqual, value))
		}
		byFrame := []deadline.SearchSortExpression{{ParameterSort: &deadline.ParameterSortExpression{
			Name: "Frame", SortOrder: deadline.SortOrderDescending,
		}}}
		for _, search := range []struct {
			name    string
			filters *deadline.SearchGroupedFilterExpressions
			sorts   []deadline.SearchSortExpression
		}{
			{"all", nil, nil},
			{"failed", of("RUN_STATUS", "FAILED"), nil},
			{"succeeded", of("RUN_STATUS", "SUCCEEDED"), nil},
			{"running", of("RUN_STATUS", "RUNNING"), nil},
			{"failed-by-end", of("RUN_STATUS", "FAILED"), sortedBy("ENDED_AT", deadline.SortOrderDescending)},
			{"ended-since", allOf(lately("ENDED_AT", n)), nil},
			{"parameter", allOf(deadline.SearchFilterExpression{ParameterFilter: &deadline.ParameterFilterExpression{
				Name: "Frame", Operator: deadline.ComparisonOperatorEqual, Value: fmt.Sprint(n / 2),
			}}), nil},
			{"parameter-and-ended", allOf(deadline.SearchFilterExpression{ParameterFilter: &deadline.ParameterFilterExpression{
				Name: "Frame", Operator: deadline.ComparisonOperatorGreaterThan, Value: fmt.Sprint(n - n/1000),
			}}, lately("ENDED_AT", n)), nil},
			{"term", allOf(term(fmt.Sprint(n-1), deadline.SearchTermMatchingTypeContains)), nil},
			{"by-end", nil, sortedBy("ENDED_AT", deadline.SortOrderDescending)},
			{"by-parameter", nil, byFrame},
			{"succeeded-by-parameter", of("RUN_STATUS", "SUCCEEDED"), byFrame},
		} {
			b.Run(search.name, func(b *testing.B) {
				in := &deadline.SearchTasksInput{
					FarmId: f.FarmID, QueueIds: []string{f.QueueID}, JobId: &job.JobID,
					FilterExpressions: search.filters, SortExpressions: search.sorts,
				}
				measureSearch(b, func() (int32, error) {
					out, err := f.Admin.SearchTasks(b.Context(), in)
					if err != nil {
						return 0, err
					}
					return out.TotalResults, nil
				})
			})
		}
	})
}

// BenchmarkSearchQueue measures pages of 100 steps and tasks of a queue with 1,000,000 jobs, each of one task.
func BenchmarkSearchQueue(b *testing.B) {
	onEachStore(b, func(b *testing.B, database []string) {
		b.Helper()
		n := scaled(b, million)
		f := testfarm.NewFarm(b, testfarm.Start(b, testfarm.Options{Args: append([]string{"--archive-jobs-after", "0"}, database...)}))
		f.Kill()
		fillStore(b, f, database, func(s store.Store) {
			for from := 0; from < n; from += 5000 {
				c := &row.Changes{}
				for i := from; i < min(n, from+5000); i++ {
					job := overJob(f, i)
					addStep(c, &job, 1)
					task := overTask(&job, i)
					task.TaskIndex = 0
					if i%failedOne == 1 {
						task.UpdatedBy, task.UpdatedAt = "user 7", job.EndedAt
					}
					c.Steps[len(c.Steps)-1].Cover(&task)
					c.Tasks = append(c.Tasks, task)
					c.Jobs, c.JobDocuments = append(c.Jobs, job), append(c.JobDocuments, row.JobDocument{JobID: job.JobID, Template: "{}"})
				}
				commit(b, s, c)
			}
		})
		first := overJob(f, 0).JobID
		for _, search := range []struct {
			name   string
			job    *string
			status string
		}{
			{"one-job", &first, ""}, {"all", nil, ""}, {"failed", nil, "FAILED"}, {"succeeded", nil, "SUCCEEDED"},
		} {
			of := func(field string) *deadline.SearchGroupedFilterExpressions {
				if search.status == "" {
					return nil
				}
				return allOf(textFilter(field, deadline.ComparisonOperatorEqual, search.status))
			}
			b.Run("steps/"+search.name, func(b *testing.B) {
				in := &deadline.SearchStepsInput{
					FarmId: f.FarmID, QueueIds: []string{f.QueueID}, JobId: search.job, FilterExpressions: of("TASK_RUN_STATUS"),
				}
				measureSearch(b, func() (int32, error) {
					out, err := f.Admin.SearchSteps(b.Context(), in)
					if err != nil {
						return 0, err
					}
					return out.TotalResults, nil
				})
			})
			b.Run("tasks/"+search.name, func(b *testing.B) { searchTasks(b, f, search.job, of("RUN_STATUS")) })
		}
		for name, filters := range queueTasks(f, n) {
			b.Run("tasks/"+name, func(b *testing.B) { searchTasks(b, f, nil, filters) })
		}
	})
}

// queueTasks are filters of tasks of a queue with n jobs.
func queueTasks(f *testfarm.Farm, n int) map[string]*deadline.SearchGroupedFilterExpressions {
	frame := func(value string) deadline.SearchFilterExpression {
		return deadline.SearchFilterExpression{ParameterFilter: &deadline.ParameterFilterExpression{
			Name: "Frame", Operator: deadline.ComparisonOperatorEqual, Value: value,
		}}
	}
	failed := textFilter("RUN_STATUS", deadline.ComparisonOperatorEqual, "FAILED")
	old := overJob(f, n/3)
	early := deadline.SearchFilterExpression{DateTimeFilter: &deadline.DateTimeFilterExpression{
		Name: "ENDED_AT", Operator: deadline.ComparisonOperatorLessThan, DateTime: time.UnixMicro(firstJob + int64(n/1000)*1_000_000),
	}}
	return map[string]*deadline.SearchGroupedFilterExpressions{
		"ended-since": allOf(lately("ENDED_AT", n)), "ended-before": allOf(early), "started": allOf(deadline.SearchFilterExpression{DateTimeFilter: &deadline.DateTimeFilterExpression{
			Name: "STARTED_AT", Operator: deadline.ComparisonOperatorGreaterThan, DateTime: time.UnixMicro(firstJob),
		}}),
		"failed-ended-since": allOf(failed, lately("ENDED_AT", n)),
		"updated-by":         allOf(textFilter("UPDATED_BY", deadline.ComparisonOperatorEqual, "user 7")),
		"retried": allOf(deadline.SearchFilterExpression{StringFilter: &deadline.StringFilterExpression{
			Name: "FAILURE_RETRY_COUNT", Operator: deadline.ComparisonOperatorGreaterThan, Value: "0",
		}}),
		"target":       allOf(textFilter("TARGET_RUN_STATUS", deadline.ComparisonOperatorEqual, "SUSPENDED")),
		"action":       allOf(textFilter("LATEST_SESSION_ACTION_ID", deadline.ComparisonOperatorEqual, "sessionaction-"+old.JobID[len("job-"):]+"-1")),
		"step":         allOf(textFilter("STEP_ID", deadline.ComparisonOperatorEqual, "step-"+old.JobID[len("job-"):])),
		"frame":        allOf(frame("1")),
		"no-frame":     allOf(frame("2")),
		"term-in-id":   allOf(term(old.JobID[len(old.JobID)-5:], deadline.SearchTermMatchingTypeContains)),
		"term-nowhere": allOf(term("comp", deadline.SearchTermMatchingTypeContains)),
	}
}

// searchTasks measures a page of tasks of one job, or of the queue.
func searchTasks(b *testing.B, f *testfarm.Farm, job *string, filters *deadline.SearchGroupedFilterExpressions) {
	b.Helper()
	in := &deadline.SearchTasksInput{FarmId: f.FarmID, QueueIds: []string{f.QueueID}, JobId: job, FilterExpressions: filters}
	measureSearch(b, func() (int32, error) {
		out, err := f.Admin.SearchTasks(b.Context(), in)
		if err != nil {
			return 0, err
		}
		return out.TotalResults, nil
	})
}

// BenchmarkSearchWorkers measures a page of 100 workers of a fleet with 10,000.
func BenchmarkSearchWorkers(b *testing.B) {
	onEachStore(b, func(b *testing.B, database []string) {
		b.Helper()
		n := scaled(b, 10_000)
		f := testfarm.NewFarm(b, testfarm.Start(b, testfarm.Options{Args: database}))
		f.Kill()
		fillStore(b, f, database, func(s store.Store) {
			c := &row.Changes{}
			for i := range n {
				c.Workers = append(c.Workers, row.Worker{
					FarmID: f.FarmID, FleetID: f.FleetID, WorkerID: fmt.Sprintf("worker-%032x", i), Status: status.WorkerStopped,
					HostProperties: fmt.Appendf(nil, `{"hostName":"render%05d.example.com","ipAddresses":{"ipV4Addresses":["10.%d.%d.%d","127.0.0.1"]}}`,
						i, i>>16, i>>8&255, i&255),
					Stamp: row.Stamp{CreatedAt: firstJob + int64(i), CreatedBy: "user 7"},
				})
			}
			commit(b, s, c)
		})
		const equal, contains = deadline.ComparisonOperatorEqual, deadline.SearchTermMatchingTypeContains
		stopped, running, address := textFilter("STATUS", equal, "STOPPED"), textFilter("STATUS", equal, "RUNNING"), textFilter("IP_ADDRESSES", equal, "10.0.18.52")
		for _, search := range []struct {
			name    string
			filters *deadline.SearchGroupedFilterExpressions
			sorts   []deadline.SearchSortExpression
		}{
			{"newest", nil, nil},
			{"by-host", nil, sortedBy("HOST_NAME", deadline.SortOrderDescending)},
			{"by-address", nil, sortedBy("IP_ADDRESSES", deadline.SortOrderAscending)},
			{"stopped", allOf(stopped), nil},
			{"running", allOf(running), nil},
			{"address", allOf(address), nil},
			{"host-or-(stopped+address)", group(deadline.LogicalOperatorOr, textFilter("HOST_NAME", equal, "render04711.example.com"),
				deadline.SearchFilterExpression{GroupFilter: allOf(stopped, address)}), nil},
			{"term", allOf(term("render0471", contains)), nil},
			{"term-by-host", allOf(term("render", contains)), sortedBy("HOST_NAME", deadline.SortOrderDescending)},
			{"term-nobody-has", allOf(term("houdini", contains)), nil},
			{"term-of-words", allOf(term("0.18.52 render04712 houdini", "")), nil},
		} {
			b.Run(search.name, func(b *testing.B) {
				in := &deadline.SearchWorkersInput{
					FarmId: f.FarmID, FleetIds: []string{f.FleetID}, FilterExpressions: search.filters, SortExpressions: search.sorts,
				}
				measureSearch(b, func() (int32, error) {
					out, err := f.Admin.SearchWorkers(b.Context(), in)
					if err != nil {
						return 0, err
					}
					return out.TotalResults, nil
				})
			})
		}
	})
}

func commit(b *testing.B, s store.Store, c *row.Changes) {
	b.Helper()
	if err := s.Commit(b.Context(), c); err != nil {
		b.Fatal(err)
	}
}

// overJob is the i-th of some finished jobs.
func overJob(f *testfarm.Farm, i int) row.Job {
	created := firstJob + int64(i)*1_000_000
	return row.Job{
		FarmID: f.FarmID, QueueID: f.QueueID, JobID: fmt.Sprintf("job-%032x", i), Number: int64(i + 1), Name: fmt.Sprint("shot ", i),
		Lifecycle: status.LifecycleCreateComplete, TaskStatus: statusOf(i), StartedAt: created + 1, EndedAt: created + 2,
		Stamp: row.Stamp{CreatedAt: created, CreatedBy: "user 7"},
	}
}

func statusOf(i int) status.Task {
	if i%failedOne == 0 {
		return status.TaskFailed
	}
	return status.TaskSucceeded
}

// addStep adds the only step of a job: n tasks that are over, one of failedOne failed.
func addStep(c *row.Changes, job *row.Job, n int64) {
	step := row.Step{
		JobID: job.JobID, StepID: "step-" + job.JobID[len("job-"):], Name: "Render", Lifecycle: status.LifecycleCreateComplete,
		TaskStatus: job.TaskStatus, Tasks: n, Cursor: n, Rest: status.TaskReady, Stamp: job.Stamp,
	}
	step.Counts[status.TaskFailed] = n / failedOne
	if n < failedOne && job.TaskStatus == status.TaskFailed {
		step.Counts[status.TaskFailed] = 1
	}
	step.Counts[status.TaskSucceeded] = n - step.Counts[status.TaskFailed]
	job.Counts = step.Counts
	c.Steps = append(c.Steps, step)
	c.StepDocuments = append(c.StepDocuments, row.StepDocument{
		JobID: job.JobID, StepID: step.StepID, Template: []byte(`{}`),
		Space: fmt.Appendf(nil, `{"parameters":[{"name":"Frame","type":"INT","range":"1-%d"}]}`, n),
	})
}

func overTask(job *row.Job, i int) row.Task {
	ended := firstJob + int64(i)*time.Second.Microseconds()
	return row.Task{JobID: job.JobID, TaskIndex: int64(i), Status: statusOf(i), StartedAt: ended - 1, EndedAt: ended, UpdatedAt: ended}
}
