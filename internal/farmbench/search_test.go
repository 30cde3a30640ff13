package farmbench

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/testfarm"
)

// BenchmarkSearchJobs measures a page of 100 jobs among 1,000,000 of one queue, for searches as monitors make them.
func BenchmarkSearchJobs(b *testing.B) { onEachStore(b, searchJobs) }

func searchJobs(b *testing.B, database []string) {
	b.Helper()
	n := scaled(b, million)
	f := manyJobs(b, n, database)
	for _, search := range jobSearches(n) {
		b.Run(search.name, func(b *testing.B) {
			in := &deadline.SearchJobsInput{
				FarmId: f.FarmID, QueueIds: []string{f.QueueID}, SortExpressions: search.sorts, FilterExpressions: search.filters,
			}
			measureSearch(b, func() (int32, error) {
				out, err := f.Admin.SearchJobs(b.Context(), in)
				if err != nil {
					return 0, err
				}
				return out.TotalResults, nil
			})
		})
	}
}

// jobSearch is a search for jobs as a monitor makes it.
type jobSearch struct {
	name    string
	filters *deadline.SearchGroupedFilterExpressions
	sorts   []deadline.SearchSortExpression
}

// jobSearches are searches for some of n jobs: by one thing, by several, by terms.
func jobSearches(n int) []jobSearch {
	const equal = deadline.ComparisonOperatorEqual
	status := func(name string) deadline.SearchFilterExpression { return textFilter("TASK_RUN_STATUS", equal, name) }
	user, failed := textFilter("CREATED_BY", equal, "user 7"), status("FAILED")
	endedLately, createdLately := lately("ENDED_AT", n), lately("CREATED_AT", n)
	frames := deadline.SearchFilterExpression{ParameterFilter: &deadline.ParameterFilterExpression{Name: "Frames", Operator: equal, Value: "1-77"}}
	priority := textFilter("PRIORITY", equal, "50")
	return []jobSearch{
		{"newest", nil, sortedBy("CREATED_AT", deadline.SortOrderDescending)},
		{"by-priority", nil, sortedBy("PRIORITY", deadline.SortOrderDescending)},
		{"failed", allOf(failed), nil},
		{"not-archived", allOf(textFilter("LIFECYCLE_STATUS", deadline.ComparisonOperatorNotEqual, "ARCHIVED")), nil},
		{"name", allOf(textFilter("NAME", equal, "shot 4711")), nil},
		{"ended-since", allOf(endedLately), nil},
		{"parameter", allOf(frames), nil},

		{"user+failed", allOf(user, failed), nil},
		{"user+succeeded", allOf(user, status("SUCCEEDED")), nil},
		{"user+ended-since", allOf(user, endedLately), nil},
		{"failed+created-since", allOf(failed, createdLately), nil},
		{"succeeded+ended-since", allOf(status("SUCCEEDED"), endedLately), nil},
		{"name+succeeded", allOf(textFilter("NAME", equal, "shot 4711"), status("SUCCEEDED")), nil},
		{"priority+failed", allOf(priority, failed), nil},
		{"priority+succeeded", allOf(priority, status("SUCCEEDED")), nil},
		{"priority+user", allOf(priority, user), nil},
		{"priority+user-by-name", allOf(priority, user), sortedBy("NAME", deadline.SortOrderAscending)},
		{"parameter+succeeded", allOf(frames, status("SUCCEEDED")), nil},
		{"user+(failed|canceled)", allOf(user, anyOf(failed, status("CANCELED"))), nil},
		{"(user&failed)|(priority&canceled)", group(deadline.LogicalOperatorOr, deadline.SearchFilterExpression{GroupFilter: allOf(user, failed)},
			deadline.SearchFilterExpression{GroupFilter: allOf(priority, status("CANCELED"))}), nil},

		{"term-all-have", allOf(term("shot", "")), nil},
		{"term-1%-have", allOf(term("1-77", deadline.SearchTermMatchingTypeContains)), nil},
		{"term-2-characters", allOf(term("fx", "")), nil},
		{"term-rare", allOf(term("hot 4711", deadline.SearchTermMatchingTypeContains)), nil},
		{"term-rare-fuzzy", allOf(term("fx_4711 zulu", "")), nil},
		{"term-part-of-id", allOf(term("deadbe", deadline.SearchTermMatchingTypeContains)), nil},
		{"term-nobody-has", allOf(term("Matt\u00e9 painting", deadline.SearchTermMatchingTypeContains)), nil},
		{"term-rare+succeeded", allOf(term("hot 4711", deadline.SearchTermMatchingTypeContains), status("SUCCEEDED")), nil},
		{"term-all-have+failed", allOf(term("shot", ""), failed), nil},
		{"term-all-have+succeeded", allOf(term("shot", ""), status("SUCCEEDED")), nil},
	}
}

func group(operator deadline.LogicalOperator, filters ...deadline.SearchFilterExpression) *deadline.SearchGroupedFilterExpressions {
	return &deadline.SearchGroupedFilterExpressions{Operator: operator, Filters: filters}
}

func allOf(filters ...deadline.SearchFilterExpression) *deadline.SearchGroupedFilterExpressions {
	return group(deadline.LogicalOperatorAnd, filters...)
}

func anyOf(filters ...deadline.SearchFilterExpression) deadline.SearchFilterExpression {
	return deadline.SearchFilterExpression{GroupFilter: group(deadline.LogicalOperatorOr, filters...)}
}

func textFilter(name string, operator deadline.ComparisonOperator, value string) deadline.SearchFilterExpression {
	return deadline.SearchFilterExpression{StringFilter: &deadline.StringFilterExpression{Name: name, Operator: operator, Value: value}}
}

// lately asks for what happened to the last thousandth of n jobs.
func lately(name string, n int) deadline.SearchFilterExpression {
	return deadline.SearchFilterExpression{DateTimeFilter: &deadline.DateTimeFilterExpression{
		Name: name, Operator: deadline.ComparisonOperatorGreaterThan, DateTime: time.UnixMicro(firstJob + int64(n-n/1000)*1_000_000),
	}}
}

func term(text string, match deadline.SearchTermMatchingType) deadline.SearchFilterExpression {
	return deadline.SearchFilterExpression{SearchTermFilter: &deadline.SearchTermFilterExpression{SearchTerm: text, MatchType: match}}
}

func sortedBy(name string, order deadline.SortOrder) []deadline.SearchSortExpression {
	return []deadline.SearchSortExpression{{FieldSort: &deadline.FieldSortExpression{Name: name, SortOrder: order}}}
}

// measureSearch runs a search some times, and reports how long it took and how much it found.
func measureSearch(b *testing.B, search func() (total int32, err error)) {
	b.Helper()
	const calls = 30
	for b.Loop() {
		var took []time.Duration
		total := int32(0)
		for n := range calls {
			if n > 2 && took[n-1] > time.Second {
				break // it is slow, and the figure would not become better
			}
			began := time.Now()
			found, err := search()
			if err != nil {
				b.Fatal(err)
			}
			took, total = append(took, time.Since(began)), found
		}
		slices.Sort(took)
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(milliseconds(quantile(took, 0.5)), "p50-ms")
		b.ReportMetric(milliseconds(took[len(took)-1]), "max-ms")
		b.ReportMetric(float64(total), "found")
	}
}

// firstJob is when the first of many jobs was made, in microseconds; the others follow by the second.
const firstJob = int64(1_700_000_000_000_000)

// manyJobs makes a farm with finished jobs.
func manyJobs(b *testing.B, n int, database []string) *testfarm.Farm {
	b.Helper()
	f := testfarm.NewFarm(b, testfarm.Start(b, testfarm.Options{Args: append([]string{"--archive-jobs-after", "0"}, database...)}))
	f.Kill()
	began := time.Now()
	fillStore(b, f, database, func(s store.Store) {
		r := rand.New(rand.NewPCG(1, 2))
		for from := 0; from < n; from += 5000 {
			c := &row.Changes{}
			for i := from; i < min(n, from+5000); i++ {
				addJob(c, f, r, i, n)
			}
			if err := s.Commit(b.Context(), c); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Logf("%d jobs were there after %v", n, time.Since(began).Round(time.Second))
	return f
}

var endings = []status.Task{status.TaskSucceeded, status.TaskSucceeded, status.TaskSucceeded, status.TaskCanceled}

// addJob makes the i-th of n jobs.
func addJob(c *row.Changes, f *testfarm.Farm, r *rand.Rand, i, n int) {
	created := firstJob + int64(i)*1_000_000
	j := row.Job{
		FarmID: f.FarmID, QueueID: f.QueueID, JobID: fmt.Sprintf("job-%016x%016x", r.Uint64(), r.Uint64()), Number: int64(i + 1),
		Name: fmt.Sprint("shot ", r.IntN(n)), Lifecycle: status.LifecycleCreateComplete, TaskStatus: endings[r.IntN(len(endings))],
		Priority: r.Int32N(101), StartedAt: created + 1, EndedAt: created + 2,
		Stamp: row.Stamp{CreatedAt: created, CreatedBy: fmt.Sprint("user ", r.IntN(50))},
	}
	if r.IntN(1000) == 0 {
		j.TaskStatus = status.TaskFailed
	}
	if r.IntN(200) == 0 {
		j.Name += " fx"
	}
	c.Jobs = append(c.Jobs, j)
	c.JobDocuments = append(c.JobDocuments, row.JobDocument{
		JobID: j.JobID, Template: "{}",
		Parameters: fmt.Appendf(nil, `{"Frames":{"string":"1-%d"},"Scene":{"path":"/projects/alpha/seq%d/scene.blend"}}`, r.IntN(1000), r.IntN(100)),
	})
}
