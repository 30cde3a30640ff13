package farm

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// aggregate asks for statistics and waits for them.
func (f *testFarm) aggregate(in *deadline.StartSessionsStatisticsAggregationInput) []deadline.Statistics {
	f.t.Helper()
	id := must(f.StartSessionsStatisticsAggregation(f.t.Context(), in))(f.t).AggregationId
	f.service.aggregations.working.Wait()
	var rows []deadline.Statistics
	get := &deadline.GetSessionsStatisticsAggregationInput{FarmId: in.FarmId, AggregationId: id, MaxResults: deadline.Ptr[int32](7)}
	for {
		out := must(f.GetSessionsStatisticsAggregation(f.t.Context(), get))(f.t)
		if out.Status != deadline.SessionsStatisticsAggregationStatusCompleted {
			f.t.Fatalf("the aggregation is %s: %s", out.Status, value(out.StatusMessage))
		}
		rows = append(rows, out.Statistics...)
		if out.NextToken == nil {
			return rows
		}
		get.NextToken = out.NextToken
	}
}

// TestStatistics compares aggregations with a naive evaluation of random sessions.
func TestStatistics(t *testing.T) {
	t.Parallel()
	f := openFarm(t)
	rapid.Check(t, func(rt *rapid.T) {
		s := newStatisticsCase(rt, f)
		want, got := s.naive(), f.aggregate(s.request)
		if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateApprox(1e-9, 1e-9), gocmp.Comparer(time.Time.Equal)); diff != "" {
			rt.Fatalf("statistics of %+v (-want +got):\n%s", s.request, diff)
		}
	})
}

// statisticsCase is a farm with sessions that ended over two months, and a question about them.
type statisticsCase struct {
	request  *deadline.StartSessionsStatisticsAggregationInput
	sessions [][]row.Usage // of a worker, then of licences
	zone     *time.Location
}

func newStatisticsCase(rt *rapid.T, f *testFarm) *statisticsCase {
	pick := func(what string, values ...string) string { return rapid.SampledFrom(values).Draw(rt, what) }
	begin := time.Date(2026, 1, 20, 0, 0, 0, 0, time.UTC)
	halfHours := func(what string) time.Time {
		return begin.Add(time.Duration(rapid.IntRange(0, 2*24*60).Draw(rt, what)) * 30 * time.Minute)
	}
	farm := f.newFarm()
	queues := []string{f.newQueue(farm), f.newQueue(farm)}
	fleets := []string{f.newFleet(farm), f.newFleet(farm)}
	jobs := []string{"job-" + noID, newID(prefixJob), newID(prefixJob)}
	s := &statisticsCase{}
	c := &row.Changes{}
	for range rapid.IntRange(0, 40).Draw(rt, "sessions") {
		u := row.Usage{
			FarmID: farm, Period: halfHours("ended").UnixMicro(), QueueID: pick("queue", queues...), FleetID: pick("fleet", fleets...),
			JobID: pick("job", jobs...), UserID: pick("user", "u", "v"), InstanceType: pick("host", "", "big"),
			Type: row.UsageCompute, Runtime: rapid.Int64Range(0, 1e10).Draw(rt, "runtime"), Cost: rapid.Int64Range(0, 1e12).Draw(rt, "cost"),
		}
		u.JobName = "name of " + u.JobID
		session := []row.Usage{u}
		for _, product := range []string{"houdini", "nuke"}[:rapid.IntRange(0, 2).Draw(rt, "licences")] {
			l := u
			l.Type, l.Product = row.UsageLicense, product
			l.Runtime, l.Cost = rapid.Int64Range(0, u.Runtime).Draw(rt, "in use"), rapid.Int64Range(0, 1e12).Draw(rt, "price")
			session = append(session, l)
		}
		for _, use := range session {
			session[0].Total += use.Cost
		}
		s.sessions = append(s.sessions, session)
		c.Usages = append(c.Usages, session...)
	}
	if err := f.store.Commit(context.Background(), c); err != nil {
		rt.Fatal(err)
	}
	from, to := halfHours("from"), halfHours("to")
	if !from.Before(to) {
		from, to = to, from.Add(time.Hour)
	}
	fields := rapid.Permutation(deadline.UsageGroupByField("").Values()).Draw(rt, "fields")
	wanted := rapid.Permutation(deadline.UsageStatistic("").Values()).Draw(rt, "statistics")
	zone := pick("zone", "UTC+00:00", "UTC+05:30", "UTC-08:00")
	s.request = &deadline.StartSessionsStatisticsAggregationInput{
		FarmId: farm, StartTime: from, EndTime: to, Timezone: &zone,
		Period:  rapid.SampledFrom(append(deadline.Period("").Values(), "")).Draw(rt, "period"),
		GroupBy: fields[:rapid.IntRange(1, 2).Draw(rt, "groups")], Statistics: wanted[:rapid.IntRange(1, 4).Draw(rt, "wanted")],
	}
	s.zone = map[string]*time.Location{
		"UTC+00:00": time.UTC, "UTC+05:30": time.FixedZone("", 5*3600+1800), "UTC-08:00": time.FixedZone("", -8*3600),
	}[zone]
	if rapid.Bool().Draw(rt, "of fleets") {
		s.request.ResourceIds.FleetIds = fleets[:rapid.IntRange(1, 2).Draw(rt, "resources")]
	} else {
		s.request.ResourceIds.QueueIds = queues[:rapid.IntRange(1, 2).Draw(rt, "resources")]
	}
	return s
}

// counted is what counts one by one: uses, where they are told apart by their types, else sessions.
func (s *statisticsCase) counted() (list []row.Usage) {
	byType := func(by deadline.UsageGroupByField) bool {
		return by == deadline.UsageGroupByFieldUsageType || by == deadline.UsageGroupByFieldLicenseProduct
	}
	for _, session := range s.sessions {
		if slices.ContainsFunc(s.request.GroupBy, byType) {
			list = append(list, session...)
			continue
		}
		whole := session[0]
		for _, licence := range session[1:] {
			whole.Cost += licence.Cost
		}
		list = append(list, whole)
	}
	return list
}

// naive groups what counts one by one.
func (s *statisticsCase) naive() []deadline.Statistics {
	in := s.request
	groups := map[string][]row.Usage{}
	for _, u := range s.counted() {
		ended := time.UnixMicro(u.Period)
		if ended.Before(in.StartTime) || !ended.Before(in.EndTime) || !slices.Contains(append(in.ResourceIds.QueueIds, in.ResourceIds.FleetIds...), s.resource(u)) {
			continue
		}
		key := s.period(ended).UTC().Format(time.RFC3339)
		for _, by := range in.GroupBy {
			key += fmt.Sprintf(" %q", naiveField(u, by))
		}
		groups[key] = append(groups[key], u)
	}
	var rows []deadline.Statistics
	keys := make([]string, 0, len(groups))
	for key := range groups {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int { return s.order(groups[a][0], groups[b][0]) })
	for _, key := range keys {
		rows = append(rows, s.summary(groups[key]))
	}
	return rows
}

func (s *statisticsCase) order(a, b row.Usage) int {
	c := s.period(time.UnixMicro(a.Period)).Compare(s.period(time.UnixMicro(b.Period)))
	for _, by := range s.request.GroupBy {
		c = cmp.Or(c, cmp.Compare(naiveField(a, by), naiveField(b, by)))
	}
	return c
}

func (s *statisticsCase) resource(u row.Usage) string {
	if len(s.request.ResourceIds.FleetIds) > 0 {
		return u.FleetID
	}
	return u.QueueID
}

// period walks back by half hours to the start of a period.
func (s *statisticsCase) period(t time.Time) time.Time {
	starts := func(t time.Time) bool {
		local := t.In(s.zone)
		midnight := local.Hour() == 0 && local.Minute() == 0
		switch s.request.Period {
		case deadline.PeriodHourly:
			return local.Minute() == 0
		case deadline.PeriodDaily:
			return midnight
		case deadline.PeriodWeekly:
			return midnight && local.Weekday() == time.Monday
		case deadline.PeriodMonthly:
			return midnight && local.Day() == 1
		default:
			return t.Equal(s.request.StartTime)
		}
	}
	for !starts(t) {
		t = t.Add(-30 * time.Minute)
	}
	return t
}

// next walks on to the end of a period.
func (s *statisticsCase) next(t time.Time) time.Time {
	if s.request.Period == "" {
		return s.request.EndTime
	}
	end := t.Add(30 * time.Minute)
	for s.period(end).Equal(t) {
		end = end.Add(30 * time.Minute)
	}
	return end
}

func naiveField(u row.Usage, by deadline.UsageGroupByField) string {
	return map[deadline.UsageGroupByField]string{
		deadline.UsageGroupByFieldQueueId: u.QueueID, deadline.UsageGroupByFieldFleetId: u.FleetID, deadline.UsageGroupByFieldJobId: u.JobID,
		deadline.UsageGroupByFieldUserId: u.UserID, deadline.UsageGroupByFieldUsageType: string(u.Type),
		deadline.UsageGroupByFieldInstanceType: u.InstanceType, deadline.UsageGroupByFieldLicenseProduct: u.Product,
	}[by]
}

func (s *statisticsCase) summary(list []row.Usage) deadline.Statistics {
	start := s.period(time.UnixMicro(list[0].Period))
	end := s.next(start)
	out := deadline.Statistics{Count: int32(len(list)), AggregationStartTime: &start, AggregationEndTime: &end}
	u := list[0]
	for _, by := range s.request.GroupBy {
		v := text(naiveField(u, by))
		switch by {
		case deadline.UsageGroupByFieldQueueId:
			out.QueueId = v
		case deadline.UsageGroupByFieldFleetId:
			out.FleetId = v
		case deadline.UsageGroupByFieldJobId:
			out.JobId, out.JobName = v, &u.JobName
		case deadline.UsageGroupByFieldUserId:
			out.UserId = v
		case deadline.UsageGroupByFieldUsageType:
			out.UsageType = deadline.UsageType(u.Type)
		case deadline.UsageGroupByFieldInstanceType:
			out.InstanceType = v
		case deadline.UsageGroupByFieldLicenseProduct:
			out.LicenseProduct = v
		}
	}
	out.CostInUsd = s.naiveStats(list, func(u row.Usage) float64 { return float64(u.Cost) / 1e9 })
	out.RuntimeInSeconds = s.naiveStats(list, func(u row.Usage) float64 { return float64(u.Runtime) / 1e6 })
	return out
}

func (s *statisticsCase) naiveStats(list []row.Usage, of func(row.Usage) float64) deadline.Stats {
	least, most, sum := math.Inf(1), math.Inf(-1), 0.0
	for _, u := range list {
		least, most, sum = min(least, of(u)), max(most, of(u)), sum+of(u)
	}
	avg := sum / float64(len(list))
	var out deadline.Stats
	for statistic, v := range map[deadline.UsageStatistic]struct {
		where **float64
		value float64
	}{
		deadline.UsageStatisticSum: {&out.Sum, sum}, deadline.UsageStatisticAvg: {&out.Avg, avg},
		deadline.UsageStatisticMin: {&out.Min, least}, deadline.UsageStatisticMax: {&out.Max, most},
	} {
		if slices.Contains(s.request.Statistics, statistic) {
			*v.where = &v.value
		}
	}
	return out
}

func TestStatisticsRefusals(t *testing.T) {
	t.Parallel()
	f, ctx := openFarm(t), t.Context()
	farm := f.newFarm()
	queue := f.newQueue(farm)
	input := func() *deadline.StartSessionsStatisticsAggregationInput {
		return &deadline.StartSessionsStatisticsAggregationInput{
			FarmId: farm, ResourceIds: deadline.SessionsStatisticsResources{QueueIds: []string{queue}},
			StartTime: f.clock().Add(-time.Hour), EndTime: f.clock(), GroupBy: []deadline.UsageGroupByField{deadline.UsageGroupByFieldQueueId},
			Statistics: []deadline.UsageStatistic{deadline.UsageStatisticSum},
		}
	}
	tests := []struct {
		field  string
		change func(*deadline.StartSessionsStatisticsAggregationInput)
	}{
		{"startTime", func(in *deadline.StartSessionsStatisticsAggregationInput) { in.EndTime = in.StartTime }},
		{"groupBy[1]", func(in *deadline.StartSessionsStatisticsAggregationInput) {
			in.GroupBy = append(in.GroupBy, in.GroupBy[0])
		}},
		{"statistics[1]", func(in *deadline.StartSessionsStatisticsAggregationInput) {
			in.Statistics = append(in.Statistics, in.Statistics[0])
		}},
		{"timezone", func(in *deadline.StartSessionsStatisticsAggregationInput) { in.Timezone = new("UTC+05:15") }},
	}
	for _, tt := range tests {
		in := input()
		tt.change(in)
		_, err := f.StartSessionsStatisticsAggregation(ctx, in)
		failsOn(t, err, tt.field)
	}
	in := input()
	in.ResourceIds.QueueIds = append(in.ResourceIds.QueueIds, "queue-"+noID)
	_, err := f.StartSessionsStatisticsAggregation(ctx, in)
	failsMissing(t, err, "queue", "queue-"+noID)
	get := func(farm, id string) error {
		_, err := f.GetSessionsStatisticsAggregation(ctx, &deadline.GetSessionsStatisticsAggregationInput{FarmId: farm, AggregationId: id})
		return err
	}
	const kind = "sessions-statistics-aggregation"
	failsMissing(t, get(farm, noID), kind, noID)
	id := must(f.StartSessionsStatisticsAggregation(ctx, input()))(t).AggregationId
	f.service.aggregations.working.Wait()
	failsMissing(t, get(f.newFarm(), id), kind, id)
	if err := get(farm, id); err != nil {
		t.Error(err)
	}
	f.advance(aggregationLife + time.Second)
	failsMissing(t, get(farm, id), kind, id)
}

// TestOneAggregationAtATime: a second one of the same farm is throttled while the first runs.
func TestOneAggregationAtATime(t *testing.T) {
	t.Parallel()
	a := newAggregations()
	now := time.Now()
	release := make(chan struct{})
	slow := func(ctx context.Context) ([]deadline.Statistics, error) {
		select {
		case <-release:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	first, err := a.start(now, "farm-1", slow)
	if err != nil {
		t.Fatal(err)
	}
	if got := a.get(now, "farm-1", first).status; got != deadline.SessionsStatisticsAggregationStatusInProgress {
		t.Errorf("the aggregation is %s", got)
	}
	_, err = a.start(now, "farm-1", slow)
	if e := fails[*deadline.ThrottlingException](t, err); e.RetryAfterSeconds == nil {
		t.Errorf("throttled without a time: %+v", e)
	}
	second, err := a.start(now, "farm-2", slow)
	if err != nil {
		t.Fatal(err)
	}
	close(release)
	a.working.Wait()
	for farm, id := range map[string]string{"farm-1": first, "farm-2": second} {
		if got := a.get(now, farm, id).status; got != deadline.SessionsStatisticsAggregationStatusCompleted {
			t.Errorf("%s: the aggregation is %s", farm, got)
		}
	}
	stopped, err := a.start(now, "farm-1", func(ctx context.Context) ([]deadline.Statistics, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	a.close()
	if got := a.get(now, "farm-1", stopped).status; got != deadline.SessionsStatisticsAggregationStatusFailed {
		t.Errorf("after close the aggregation is %s", got)
	}
}
