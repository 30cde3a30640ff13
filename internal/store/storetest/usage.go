package storetest

import (
	"context"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

func pagesOfLimitAssociations(ctx context.Context, r *Random, s store.Store, farmID string, limit int) {
	key := func(a row.LimitAssociation) string { return a.QueueID + "/" + a.LimitID }
	after := func(a row.LimitAssociation) row.LimitAssociationKey {
		return row.LimitAssociationKey{FarmID: a.FarmID, QueueID: a.QueueID, LimitID: a.LimitID}
	}
	own := r.ID(farmID)
	c := &row.Changes{}
	for _, queue := range []string{"queue-1", "queue-2"} {
		for _, id := range []string{"limit-1", "limit-2", "limit-3"} {
			c.LimitAssociations = append(c.LimitAssociations, r.LimitAssociation(row.LimitAssociationKey{FarmID: own, QueueID: queue, LimitID: id}))
		}
	}
	commit(r, s, c)
	for _, filter := range [][2]string{{"", ""}, {"queue-2", ""}, {"", "limit-2"}, {"queue-1", "limit-3"}, {"queue-3", ""}} {
		want := slices.DeleteFunc(slices.Clone(c.LimitAssociations), func(a row.LimitAssociation) bool {
			return filter[0] != "" && a.QueueID != filter[0] || filter[1] != "" && a.LimitID != filter[1]
		})
		same(r, "LimitAssociations", keys(want, key), collect(r, limit, row.LimitAssociationKey{},
			func(after row.LimitAssociationKey, limit int) ([]row.LimitAssociation, error) {
				return s.LimitAssociations(ctx, own, filter[0], filter[1], after, limit)
			}, after, key))
	}
}

// Usage draws what a session took, out of few values, so that some belong to the same sums.
func (r *Random) Usage(farmID string) row.Usage {
	pick := func(what string, values ...string) string { return rapid.SampledFrom(values).Draw(r.T, what) }
	u := row.Usage{
		FarmID: farmID, Period: row.UsagePeriod * rapid.Int64Range(0, 3).Draw(r.T, "period"),
		QueueID: pick("queue", "queue-1", "queue-2"), FleetID: pick("fleet", "fleet-1", "fleet-2"), JobID: pick("job", "job-1", "job-2"),
		UserID: pick("user", "", "user-1"), InstanceType: pick("host class", "", "big"), Type: row.UsageCompute,
		Runtime: rapid.Int64Range(0, 1e9).Draw(r.T, "runtime"), Cost: rapid.Int64Range(0, 1e12).Draw(r.T, "cost"),
		Total: rapid.Int64Range(0, 1e12).Draw(r.T, "total"),
	}
	u.JobName = "name of " + u.JobID
	if rapid.Bool().Draw(r.T, "licence") {
		u.Type, u.Product, u.Total = row.UsageLicense, "product", 0
	}
	return u
}

// testUsage: usage of sessions is added up by period, by job and over all jobs, and queues are charged with it.
func testUsage(t *testing.T, s store.Store) {
	t.Helper()
	ctx := t.Context()
	check(t, func(r *Random) {
		farmID, ever := r.ID("farm"), map[string]int64{}
		var all []row.Usage
		for range rapid.IntRange(1, 3).Draw(r.T, "commits") {
			c := &row.Changes{}
			for range rapid.IntRange(0, 8).Draw(r.T, "sessions") {
				u := r.Usage(farmID)
				u.QueueID = farmID + u.QueueID // spendings are found by id alone
				c.Usages = append(c.Usages, u)
				ever[u.QueueID] += u.Cost
			}
			for id, amount := range ever {
				c.Spendings = append(c.Spendings, row.Spending{FarmID: farmID, ID: id, Amount: amount})
			}
			commit(r, s, c)
			all = append(all, c.Usages...)
		}
		from, to := row.UsagePeriod*rapid.Int64Range(0, 2).Draw(r.T, "from"), row.UsagePeriod*rapid.Int64Range(2, 4).Draw(r.T, "to")
		for _, byJob := range []bool{false, true} {
			got := map[row.Usage]row.UsageSum{}
			err := s.UsageSums(ctx, farmID, byJob, from, to, func(sum row.UsageSum) { got[sumKey(sum.Usage)] = sum })
			must(r, got, err)
			same(r, "UsageSums", sumUsage(all, byJob, from, to), got)
		}
		for id, amount := range ever {
			var want int64
			for _, u := range all {
				if u.QueueID == id && u.Period >= from && u.Period < to {
					want += u.Cost
				}
			}
			within, total, err := s.SpentBy(ctx, farmID, id, from, to)
			same(r, "SpentBy", []int64{want, amount}, []int64{must(r, within, err), total})
		}
		spent, err := s.Spendings(ctx, farmID)
		same(r, "Spendings", len(ever), len(must(r, spent, err)))
	})
}

func sumKey(u row.Usage) row.Usage {
	u.Runtime, u.Cost, u.Total = 0, 0, 0
	return u
}

// sumUsage is the naive evaluation.
func sumUsage(all []row.Usage, byJob bool, from, to int64) map[row.Usage]row.UsageSum {
	sums := map[row.Usage]row.UsageSum{}
	for _, u := range all {
		if u.Period < from || u.Period >= to {
			continue
		}
		if !byJob {
			u.JobID, u.JobName = "", ""
		}
		sum, seen := sums[sumKey(u)]
		if !seen {
			sum = row.UsageSum{Usage: sumKey(u), MinRuntime: u.Runtime, MinCost: u.Cost, MinTotal: u.Total}
		}
		sum.Sessions++
		sum.Runtime += u.Runtime
		sum.Cost += u.Cost
		sum.Total += u.Total
		sum.MinRuntime, sum.MaxRuntime = min(sum.MinRuntime, u.Runtime), max(sum.MaxRuntime, u.Runtime)
		sum.MinCost, sum.MaxCost = min(sum.MinCost, u.Cost), max(sum.MaxCost, u.Cost)
		sum.MinTotal, sum.MaxTotal = min(sum.MinTotal, u.Total), max(sum.MaxTotal, u.Total)
		sums[sumKey(u)] = sum
	}
	return sums
}
