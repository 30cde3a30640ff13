package farm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// How long an aggregation may take, and how long its result is kept.
const (
	aggregationTimeout = time.Minute
	aggregationLife    = time.Hour
)

// maxAggregationRows bounds what an aggregation may answer: its result is kept in memory.
const maxAggregationRows = 1_000_000

// aggregations are the statistics that were asked for, in memory: they last an hour. One runs in a farm at a time.
type aggregations struct {
	stop    context.CancelFunc
	ctx     context.Context //nolint:containedctx // that of the work in the background, ended by close
	working sync.WaitGroup

	mu  sync.Mutex // protects all
	all map[string]*aggregation
}

type aggregation struct {
	farmID  string
	status  deadline.SessionsStatisticsAggregationStatus
	message string
	rows    []deadline.Statistics
	expires time.Time
}

func newAggregations() *aggregations {
	a := &aggregations{all: map[string]*aggregation{}}
	a.ctx, a.stop = context.WithCancel(context.Background())
	return a
}

// close ends what runs and waits for it.
func (a *aggregations) close() {
	a.stop()
	a.working.Wait()
}

// start runs an aggregation in the background. ThrottlingException while another one of the farm runs.
func (a *aggregations) start(now time.Time, farmID string, compute func(context.Context) ([]deadline.Statistics, error)) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, other := range a.all {
		switch {
		case now.After(other.expires):
			delete(a.all, id)
		case other.farmID == farmID && other.status == deadline.SessionsStatisticsAggregationStatusInProgress:
			return "", &deadline.ThrottlingException{
				Message:     "another aggregation of the farm is running; wait for it",
				ServiceCode: new(serviceCode), RetryAfterSeconds: deadline.Ptr[int32](retryAfterSeconds),
			}
		}
	}
	id := newID("")
	running := &aggregation{farmID: farmID, status: deadline.SessionsStatisticsAggregationStatusInProgress, expires: now.Add(aggregationLife)}
	a.all[id] = running
	a.working.Go(func() {
		ctx, cancel := context.WithTimeout(a.ctx, aggregationTimeout)
		defer cancel()
		rows, err := compute(ctx)
		a.mu.Lock()
		defer a.mu.Unlock()
		switch {
		case err == nil:
			running.status, running.rows = deadline.SessionsStatisticsAggregationStatusCompleted, rows
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			running.status, running.message = deadline.SessionsStatisticsAggregationStatusTimeout, "it took too long: ask for less time or fewer groups"
		case errors.Is(err, errTooManyGroups):
			running.status, running.message = deadline.SessionsStatisticsAggregationStatusFailed, err.Error()
		default:
			running.status, running.message = deadline.SessionsStatisticsAggregationStatusFailed, "usage could not be read; try again"
		}
	})
	return id, nil
}

// get gives a copy of an aggregation of a farm, nil when there is none.
func (a *aggregations) get(now time.Time, farmID, id string) *aggregation {
	a.mu.Lock()
	defer a.mu.Unlock()
	found := a.all[id]
	if found == nil || found.farmID != farmID || now.After(found.expires) {
		return nil
	}
	result := *found
	return &result
}

// StartSessionsStatisticsAggregation begins to add up what sessions of up to ten queues or fleets ran and cost. A session counts in
// the half hour in which it ended, so the time range is widened to whole half hours. Errors: ResourceNotFoundException,
// ValidationException, ThrottlingException while another aggregation of the farm runs.
func (s *Service) StartSessionsStatisticsAggregation(
	ctx context.Context, in *deadline.StartSessionsStatisticsAggregationInput,
) (*deadline.StartSessionsStatisticsAggregationOutput, error) {
	if _, err := s.farm(ctx, in.FarmId); err != nil {
		return nil, err
	}
	for _, id := range in.ResourceIds.QueueIds {
		if _, err := s.queue(ctx, in.FarmId, id); err != nil {
			return nil, err
		}
	}
	for _, id := range in.ResourceIds.FleetIds {
		if _, err := s.fleet(ctx, in.FarmId, id); err != nil {
			return nil, err
		}
	}
	g, err := newGrouping(in)
	if err != nil {
		return nil, err
	}
	farmID := in.FarmId
	id, err := s.aggregations.start(s.now(), farmID, func(ctx context.Context) ([]deadline.Statistics, error) {
		byJob := slices.Contains(g.by, deadline.UsageGroupByFieldJobId)
		if err := s.store.UsageSums(ctx, farmID, byJob, g.from, g.to, g.add); err != nil {
			return nil, err
		}
		return g.statistics()
	})
	if err != nil {
		return nil, err
	}
	return &deadline.StartSessionsStatisticsAggregationOutput{AggregationId: id}, nil
}

// GetSessionsStatisticsAggregation gives the state of an aggregation and, once it is COMPLETED, a page of its rows: by period, then by
// group.
func (s *Service) GetSessionsStatisticsAggregation(
	ctx context.Context, in *deadline.GetSessionsStatisticsAggregationInput,
) (*deadline.GetSessionsStatisticsAggregationOutput, error) {
	if _, err := s.farm(ctx, in.FarmId); err != nil {
		return nil, err
	}
	a := s.aggregations.get(s.now(), in.FarmId, in.AggregationId)
	if a == nil {
		return nil, notFound("sessions-statistics-aggregation", in.AggregationId)
	}
	rows, next, err := list(ctx, s, listing[int, place[deadline.Statistics]]{
		operation: "GetSessionsStatisticsAggregation", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
		read: readSlice(a.rows), cursor: nextPlace[deadline.Statistics],
	})
	if err != nil {
		return nil, err
	}
	out := &deadline.GetSessionsStatisticsAggregationOutput{Status: a.status, StatusMessage: text(a.message), NextToken: next}
	for i := range rows {
		out.Statistics = append(out.Statistics, rows[i].value)
	}
	return out, nil
}

var errTooManyGroups = fmt.Errorf("there are more than %d rows: ask for less time, longer periods or fewer groups", maxAggregationRows)

// grouping adds sums of half hours up into groups.
type grouping struct {
	by         []deadline.UsageGroupByField
	wanted     []deadline.UsageStatistic
	from, to   int64
	period     deadline.Period
	zone       *time.Location
	resources  map[string]bool
	byFleet    bool // resources are fleets
	byType     bool // each use of a worker and of a licence counts by itself, not the session that they belong to
	groups     map[groupKey]*row.UsageSum
	overflowed bool
}

// groupKey is a period and the values of up to two fields.
type groupKey struct {
	start         int64
	first, second string
}

func newGrouping(in *deadline.StartSessionsStatisticsAggregationInput) (*grouping, error) {
	g := &grouping{
		by: in.GroupBy, wanted: in.Statistics, period: in.Period, zone: time.UTC,
		resources: map[string]bool{}, byFleet: len(in.ResourceIds.FleetIds) > 0, groups: map[groupKey]*row.UsageSum{},
		byType: slices.Contains(in.GroupBy, deadline.UsageGroupByFieldUsageType) || slices.Contains(in.GroupBy, deadline.UsageGroupByFieldLicenseProduct),
	}
	for _, id := range append(slices.Clone(in.ResourceIds.QueueIds), in.ResourceIds.FleetIds...) {
		g.resources[id] = true
	}
	switch {
	case len(g.resources) == 0:
		return nil, invalid("resourceIds", "must have the member queueIds or fleetIds")
	case !in.StartTime.Before(in.EndTime):
		return nil, invalid("startTime", "must be before endTime")
	}
	if in.Timezone != nil {
		zone, err := parseZone(*in.Timezone)
		if err != nil {
			return nil, err
		}
		g.zone = zone
	}
	g.from = in.StartTime.UnixMicro() / row.UsagePeriod * row.UsagePeriod
	g.to = in.EndTime.UnixMicro()
	return g, nil
}

// parseZone reads "UTC±hh:mm".
func parseZone(text string) (*time.Location, error) {
	var hours, minutes int
	var sign byte
	if n, err := fmt.Sscanf(text, "UTC%c%02d:%02d", &sign, &hours, &minutes); err != nil || n != 3 || sign != '+' && sign != '-' {
		return nil, invalid("timezone", `must be like "UTC+05:30"`)
	}
	offset := hours*3600 + minutes*60
	if sign == '-' {
		offset = -offset
	}
	return time.FixedZone(text, offset), nil
}

// bounds gives the period that a moment belongs to; the whole range without a period.
func (g *grouping) bounds(micros int64) (start, end time.Time) {
	t := time.UnixMicro(micros).In(g.zone)
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, g.zone)
	switch g.period {
	case deadline.PeriodHourly:
		start = day.Add(time.Duration(t.Hour()) * time.Hour)
		return start, start.Add(time.Hour)
	case deadline.PeriodDaily:
		return day, day.AddDate(0, 0, 1)
	case deadline.PeriodWeekly: // from Monday, as ISO 8601 counts
		start = day.AddDate(0, 0, -(int(t.Weekday())+6)%7)
		return start, start.AddDate(0, 0, 7)
	case deadline.PeriodMonthly:
		start = time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, g.zone)
		return start, start.AddDate(0, 1, 0)
	default:
		return time.UnixMicro(g.from), time.UnixMicro(g.to)
	}
}

// add takes in the sum of one half hour. Where types of usage do not matter, sessions are added up: each has one use of a worker, which
// tells too what the session cost in all.
func (g *grouping) add(sum row.UsageSum) {
	if !g.byType {
		if sum.Type != row.UsageCompute {
			return
		}
		sum.Cost, sum.MinCost, sum.MaxCost = sum.Total, sum.MinTotal, sum.MaxTotal
	}
	resource := sum.QueueID
	if g.byFleet {
		resource = sum.FleetID
	}
	if !g.resources[resource] {
		return
	}
	start, _ := g.bounds(sum.Period)
	key := groupKey{start: start.UnixMicro(), first: field(&sum, g.by[0])}
	if len(g.by) > 1 {
		key.second = field(&sum, g.by[1])
	}
	total := g.groups[key]
	if total == nil {
		if len(g.groups) >= maxAggregationRows {
			g.overflowed = true
			return
		}
		first := sum
		first.Period = key.start
		g.groups[key] = &first
		return
	}
	total.Sessions += sum.Sessions
	total.Runtime += sum.Runtime
	total.Cost += sum.Cost
	total.MinRuntime, total.MaxRuntime = min(total.MinRuntime, sum.MinRuntime), max(total.MaxRuntime, sum.MaxRuntime)
	total.MinCost, total.MaxCost = min(total.MinCost, sum.MinCost), max(total.MaxCost, sum.MaxCost)
}

func field(sum *row.UsageSum, by deadline.UsageGroupByField) string {
	switch by {
	case deadline.UsageGroupByFieldQueueId:
		return sum.QueueID
	case deadline.UsageGroupByFieldFleetId:
		return sum.FleetID
	case deadline.UsageGroupByFieldJobId:
		return sum.JobID
	case deadline.UsageGroupByFieldUserId:
		return sum.UserID
	case deadline.UsageGroupByFieldUsageType:
		return string(sum.Type)
	case deadline.UsageGroupByFieldInstanceType:
		return sum.InstanceType
	case deadline.UsageGroupByFieldLicenseProduct:
		return sum.Product
	default:
		return ""
	}
}

// statistics gives the groups in order of their periods and values.
func (g *grouping) statistics() ([]deadline.Statistics, error) {
	if g.overflowed {
		return nil, errTooManyGroups
	}
	keys := make([]groupKey, 0, len(g.groups))
	for key := range g.groups {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b groupKey) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.first, b.first), cmp.Compare(a.second, b.second))
	})
	rows := make([]deadline.Statistics, 0, len(keys))
	for _, key := range keys {
		rows = append(rows, g.row(g.groups[key]))
	}
	return rows, nil
}

func (g *grouping) row(sum *row.UsageSum) deadline.Statistics {
	start, end := g.bounds(sum.Period)
	start, end = start.UTC(), end.UTC()
	r := deadline.Statistics{
		Count: held(sum.Sessions), AggregationStartTime: &start, AggregationEndTime: &end,
		CostInUsd:        g.stats(sum.Sessions, dollars(sum.Cost), dollars(sum.MinCost), dollars(sum.MaxCost)),
		RuntimeInSeconds: g.stats(sum.Sessions, seconds(sum.Runtime), seconds(sum.MinRuntime), seconds(sum.MaxRuntime)),
	}
	for _, by := range g.by {
		switch v := text(field(sum, by)); by {
		case deadline.UsageGroupByFieldQueueId:
			r.QueueId = v
		case deadline.UsageGroupByFieldFleetId:
			r.FleetId = v
		case deadline.UsageGroupByFieldJobId:
			r.JobId, r.JobName = v, text(sum.JobName)
		case deadline.UsageGroupByFieldUserId:
			r.UserId = v
		case deadline.UsageGroupByFieldUsageType:
			r.UsageType = deadline.UsageType(sum.Type)
		case deadline.UsageGroupByFieldInstanceType:
			r.InstanceType = v
		case deadline.UsageGroupByFieldLicenseProduct:
			r.LicenseProduct = v
		}
	}
	return r
}

func seconds(micros int64) float64 { return float64(micros) / 1e6 }

// stats fills in the statistics that were asked for.
func (g *grouping) stats(n int64, sum, least, most float64) deadline.Stats {
	var s deadline.Stats
	for _, want := range g.wanted {
		switch want {
		case deadline.UsageStatisticSum:
			s.Sum = &sum
		case deadline.UsageStatisticMin:
			s.Min = &least
		case deadline.UsageStatisticMax:
			s.Max = &most
		case deadline.UsageStatisticAvg:
			avg := sum / float64(max(n, 1))
			s.Avg = &avg
		}
	}
	return s
}
