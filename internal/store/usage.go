package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/farmhand-render/farmhand/internal/store/row"
)

var spendings = newTable("spending", 1, 1, "spender_id, farm_id, amount, stopped_at",
	func(v []any, r *row.Spending) []any { return append(v, r.ID, r.FarmID, r.Amount, r.StoppedAt) },
	func(r *row.Spending) []any { return []any{&r.ID, &r.FarmID, &r.Amount, &r.StoppedAt} })

const sqlDeleteSpending = `DELETE FROM spending WHERE spender_id = $1`

// Spendings implements [Reader].
func (d *DB) Spendings(ctx context.Context, farmID string) (map[string]row.Spending, error) {
	spent := map[string]row.Spending{}
	err := each(ctx, d.engine, spendings, sqlFarmSpendings, func(r row.Spending) { spent[r.ID] = r }, farmID)
	return spent, err
}

// usageTable is one of the two tables of sums. Both have the same columns.
type usageTable struct{ add, read string }

func newUsageTable(name string) usageTable {
	const key = "farm_id, period, queue_id, fleet_id, job_id, user_id, usage_type, product, instance_type"
	const columns = key + ", job_name, sessions, runtime, min_runtime, max_runtime, cost, min_cost, max_cost, total, min_total, max_total"
	smaller := func(column string) string { return extreme(name, column, "<") }
	larger := func(column string) string { return extreme(name, column, ">") }
	added := func(column string) string { return column + " = " + name + "." + column + " + excluded." + column }
	return usageTable{
		add: "INSERT INTO " + name + " (" + columns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
			ON CONFLICT (` + key + ") DO UPDATE SET job_name = excluded.job_name, " + strings.Join([]string{
			added("sessions"), added("runtime"), smaller("min_runtime"), larger("max_runtime"),
			added("cost"), smaller("min_cost"), larger("max_cost"),
			added("total"), smaller("min_total"), larger("max_total"),
		}, ", "),
		read: "SELECT " + columns + " FROM " + name + " WHERE farm_id = $1 AND period >= $2 AND period < $3",
	}
}

// extreme keeps the smaller or larger of the old and the new value.
func extreme(table, column, order string) string {
	return fmt.Sprintf("%[2]s = CASE WHEN excluded.%[2]s %[3]s %[1]s.%[2]s THEN excluded.%[2]s ELSE %[1]s.%[2]s END", table, column, order)
}

var (
	usageTotals = newUsageTable("usage_total")
	usageJobs   = newUsageTable("usage_job")
)

// addUsages adds what sessions took to the sums of their periods.
func addUsages(ctx context.Context, tx Tx, usages []row.Usage) error {
	for i := range usages {
		u := usages[i]
		if err := usageJobs.insert(ctx, tx, &u); err != nil {
			return err
		}
		u.JobID, u.JobName = "", ""
		if err := usageTotals.insert(ctx, tx, &u); err != nil {
			return err
		}
	}
	return nil
}

func (t *usageTable) insert(ctx context.Context, tx Tx, u *row.Usage) error {
	_, err := tx.Exec(ctx, t.add, u.FarmID, u.Period, u.QueueID, u.FleetID, u.JobID, u.UserID, string(u.Type), u.Product, u.InstanceType,
		u.JobName, int64(1), u.Runtime, u.Runtime, u.Runtime, u.Cost, u.Cost, u.Cost, u.Total, u.Total, u.Total)
	if err != nil {
		return fmt.Errorf("add usage: %w", err)
	}
	return nil
}

// UsageSums implements [Reader].
func (d *DB) UsageSums(ctx context.Context, farmID string, byJob bool, from, to int64, f func(row.UsageSum)) error {
	table := &usageTotals
	if byJob {
		table = &usageJobs
	}
	err := d.engine.Query(ctx, table.read, []any{farmID, from, to}, func(s Scanner) error {
		var r row.UsageSum
		err := s.Scan(&r.FarmID, &r.Period, &r.QueueID, &r.FleetID, &r.JobID, &r.UserID, &r.Type, &r.Product, &r.InstanceType, &r.JobName,
			&r.Sessions, &r.Runtime, &r.MinRuntime, &r.MaxRuntime, &r.Cost, &r.MinCost, &r.MaxCost,
			&r.Total, &r.MinTotal, &r.MaxTotal)
		if err == nil {
			f(r)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("read usage: %w", err)
	}
	return nil
}

const (
	sqlSpentWithin = `SELECT COALESCE(sum(cost), 0) FROM usage_total WHERE farm_id = $1 AND queue_id = $2 AND period >= $3 AND period < $4`
	sqlSpentEver   = `SELECT COALESCE(sum(amount), 0) FROM spending WHERE spender_id = $1`
)

// SpentBy implements [Reader].
func (d *DB) SpentBy(ctx context.Context, farmID, queueID string, from, to int64) (within, ever int64, err error) {
	err = d.engine.View(ctx, func(q Querier) (err error) {
		if within, err = number(ctx, q, sqlSpentWithin, farmID, queueID, from, to); err != nil {
			return err
		}
		ever, err = number(ctx, q, sqlSpentEver, queueID)
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("read what queue %s spent: %w", queueID, err)
	}
	return within, ever, nil
}
