package farmbench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/sqlite"
	"github.com/farmhand-render/farmhand/internal/testfarm"
)

// sessionsOfAYear is how many sessions ended in the year that [BenchmarkStatistics] adds up.
const sessionsOfAYear = 200_000

// BenchmarkStatistics measures an aggregation over a year of sessions by day and user, and by month and job.
func BenchmarkStatistics(b *testing.B) {
	f := testfarm.NewFarm(b, testfarm.Start(b, testfarm.Options{}))
	f.Stop()
	end := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	if err := fillYear(b.Context(), filepath.Join(f.DataDir, "farmhand.db"), f, end); err != nil {
		b.Fatal(err)
	}
	f.Restart(b.Context())
	for _, by := range []deadline.UsageGroupByField{deadline.UsageGroupByFieldUserId, deadline.UsageGroupByFieldJobId} {
		period := deadline.PeriodDaily
		if by == deadline.UsageGroupByFieldJobId {
			period = deadline.PeriodMonthly
		}
		b.Run(fmt.Sprintf("sessions=%d/by=%s", sessionsOfAYear, by), func(b *testing.B) {
			for b.Loop() {
				began := time.Now()
				aggregate(b, f, &deadline.StartSessionsStatisticsAggregationInput{
					FarmId: f.FarmID, ResourceIds: deadline.SessionsStatisticsResources{QueueIds: []string{f.QueueID}},
					StartTime: end.AddDate(-1, 0, 0), EndTime: end, Period: period,
					GroupBy: []deadline.UsageGroupByField{by}, Statistics: []deadline.UsageStatistic{deadline.UsageStatisticSum},
				})
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(milliseconds(time.Since(began)), "ms")
			}
		})
	}
}

func fillYear(ctx context.Context, path string, f *testfarm.Farm, end time.Time) error {
	db, err := sqlite.Open(ctx, path, sqlite.Options{Relaxed: true})
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // a fault shows in what follows
	r := rand.New(rand.NewPCG(1, 2))
	for done := 0; done < sessionsOfAYear; {
		c := &row.Changes{}
		for range 10_000 {
			ended := end.Add(-time.Duration(r.IntN(365*24*60)) * time.Minute).UnixMicro()
			c.Usages = append(c.Usages, row.Usage{
				FarmID: f.FarmID, Period: ended / row.UsagePeriod * row.UsagePeriod, QueueID: f.QueueID, FleetID: f.FleetID,
				JobID: fmt.Sprintf("job-%032x", done/50), JobName: "a job", UserID: fmt.Sprintf("user-%d", r.IntN(20)),
				Type: row.UsageCompute, Runtime: r.Int64N(1e9), Cost: r.Int64N(1e9),
			})
			done++
		}
		if err := db.Commit(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// aggregate asks for statistics, waits for them and reads all of their pages.
func aggregate(b *testing.B, f *testfarm.Farm, in *deadline.StartSessionsStatisticsAggregationInput) {
	b.Helper()
	started, err := f.Admin.StartSessionsStatisticsAggregation(b.Context(), in)
	if err != nil {
		b.Fatal(err)
	}
	get := &deadline.GetSessionsStatisticsAggregationInput{FarmId: in.FarmId, AggregationId: started.AggregationId}
	for {
		out, err := f.Admin.GetSessionsStatisticsAggregation(b.Context(), get)
		switch {
		case err != nil:
			b.Fatal(err)
		case out.Status == deadline.SessionsStatisticsAggregationStatusInProgress:
		case out.Status != deadline.SessionsStatisticsAggregationStatusCompleted:
			b.Fatal(out.Status)
		default:
			return
		}
	}
}
