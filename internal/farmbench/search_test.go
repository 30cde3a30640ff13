package farmbench

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/postgres"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/sqlite"
	"github.com/farmhand-render/farmhand/internal/testfarm"
)

// BenchmarkSearchJobs measures a page of 100 jobs among 1,000,000 of one queue, for searches as monitors make them.
func BenchmarkSearchJobs(b *testing.B) { onEachStore(b, searchJobs) }

func searchJobs(b *testing.B, database []string) {
	b.Helper()
	const calls = 30
	f := manyJobs(b, scaled(b, million), database)
	text := func(name string, operator deadline.ComparisonOperator, value string) deadline.SearchFilterExpression {
		return deadline.SearchFilterExpression{StringFilter: &deadline.StringFilterExpression{Name: name, Operator: operator, Value: value}}
	}
	since := deadline.SearchFilterExpression{DateTimeFilter: &deadline.DateTimeFilterExpression{
		Name: "ENDED_AT", Operator: deadline.ComparisonOperatorGreaterThan, DateTime: time.UnixMicro(firstJob + 999_000*1_000_000),
	}}
	by := func(name string, order deadline.SortOrder) []deadline.SearchSortExpression {
		return []deadline.SearchSortExpression{{FieldSort: &deadline.FieldSortExpression{Name: name, SortOrder: order}}}
	}
	equal := deadline.ComparisonOperatorEqual
	for _, search := range []struct {
		name    string
		filters []deadline.SearchFilterExpression
		sorts   []deadline.SearchSortExpression
	}{
		{"newest", nil, by("CREATED_AT", deadline.SortOrderDescending)},
		{"failed", []deadline.SearchFilterExpression{text("TASK_RUN_STATUS", equal, "FAILED")}, nil},
		{"not-archived", []deadline.SearchFilterExpression{text("LIFECYCLE_STATUS", deadline.ComparisonOperatorNotEqual, "ARCHIVED")}, nil},
		{"name", []deadline.SearchFilterExpression{text("NAME", equal, "shot 4711")}, nil},
		{"user-and-status", []deadline.SearchFilterExpression{text("CREATED_BY", equal, "user 7"), text("TASK_RUN_STATUS", equal, "FAILED")}, nil},
		{"ended-since", []deadline.SearchFilterExpression{since}, nil},
		{"by-priority", nil, by("PRIORITY", deadline.SortOrderDescending)},
		{"common-term", []deadline.SearchFilterExpression{{SearchTermFilter: &deadline.SearchTermFilterExpression{SearchTerm: "shot"}}}, nil},
		{"rare-term", []deadline.SearchFilterExpression{{SearchTermFilter: &deadline.SearchTermFilterExpression{
			SearchTerm: "hot 4711", MatchType: deadline.SearchTermMatchingTypeContains,
		}}}, nil},
	} {
		b.Run(search.name, func(b *testing.B) {
			in := &deadline.SearchJobsInput{FarmId: f.FarmID, QueueIds: []string{f.QueueID}, SortExpressions: search.sorts}
			if search.filters != nil {
				in.FilterExpressions = &deadline.SearchGroupedFilterExpressions{Operator: deadline.LogicalOperatorAnd, Filters: search.filters}
			}
			for b.Loop() {
				var took []time.Duration
				total := int32(0)
				for n := range calls {
					if n > 2 && took[n-1] > time.Second {
						break // it is slow, and the figure would not become better
					}
					began := time.Now()
					out, err := f.Admin.SearchJobs(b.Context(), in)
					if err != nil {
						b.Fatal(err)
					}
					took, total = append(took, time.Since(began)), out.TotalResults
				}
				slices.Sort(took)
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(milliseconds(quantile(took, 0.5)), "p50-ms")
				b.ReportMetric(milliseconds(took[len(took)-1]), "max-ms")
				b.ReportMetric(float64(total), "found")
			}
		})
	}
}

// firstJob is when the first of many jobs was made, in microseconds; the others follow by the second.
const firstJob = int64(1_700_000_000_000_000)

// manyJobs makes a farm, puts finished jobs into its store while the server is down, and starts it again.
func manyJobs(b *testing.B, n int, database []string) *testfarm.Farm {
	b.Helper()
	f := testfarm.NewFarm(b, testfarm.Start(b, testfarm.Options{Args: append([]string{"--archive-jobs-after", "0"}, database...)}))
	f.Kill()
	var s store.Store
	var err error
	if database == nil {
		s, err = sqlite.Open(b.Context(), filepath.Join(f.DataDir, "farmhand.db"), sqlite.Options{Relaxed: true})
	} else {
		s, err = postgres.Open(b.Context(), database[1], postgres.Options{Relaxed: true})
	}
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	statuses := []status.Task{status.TaskSucceeded, status.TaskSucceeded, status.TaskSucceeded, status.TaskCanceled}
	for from := 0; from < n; from += 5000 {
		c := &row.Changes{}
		for i := from; i < min(n, from+5000); i++ {
			created := firstJob + int64(i)*1_000_000
			j := row.Job{
				FarmID: f.FarmID, QueueID: f.QueueID, JobID: fmt.Sprintf("job-%016x%016x", r.Uint64(), r.Uint64()), Number: int64(i + 1),
				Name: fmt.Sprint("shot ", r.IntN(n)), Lifecycle: status.LifecycleCreateComplete, TaskStatus: statuses[r.IntN(len(statuses))],
				Priority: r.Int32N(101), StartedAt: created + 1, EndedAt: created + 2,
				Stamp: row.Stamp{CreatedAt: created, CreatedBy: fmt.Sprint("user ", r.IntN(50))},
			}
			if r.IntN(1000) == 0 {
				j.TaskStatus = status.TaskFailed
			}
			c.Jobs = append(c.Jobs, j)
			c.JobDocuments = append(c.JobDocuments, row.JobDocument{
				JobID: j.JobID, Template: "{}", Parameters: fmt.Appendf(nil, `{"Frames":{"string":"1-%d"}}`, r.IntN(1000)),
			})
		}
		if err := s.Commit(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	f.Restart(b.Context())
	return f
}
