package scheduler_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// This file has the commands of scripts about limits, budgets and usage.

func (s *script) limit(id string, a args) scheduler.Command {
	return put(row.KindLimit, id, farm, scheduler.LimitScheduling{AmountName: a["name"], MaxCount: a.number("max", -1)})
}

func (s *script) limitAssociation(id string, a args) scheduler.Command {
	queue, limit, _ := strings.Cut(id, "/")
	to := status.AssociationActive
	if a["status"] != "" {
		var err error
		if to, err = status.ParseAssociation(a["status"]); err != nil {
			s.t.Fatal(err)
		}
	}
	return scheduler.PutLimitAssociation{FarmID: farm, QueueID: queue, LimitID: limit, Status: to, By: "admin"}
}

// budget reads limit=10 in dollars, actions=(80,100:cancel) in percent, start=5m and end=1h from now, inactive, and
// baseline=2:3, what was spent within the schedule and ever.
func (s *script) budget(id string, a args) scheduler.Command {
	set := scheduler.BudgetScheduling{
		QueueID: a["queue"], Active: a["inactive"] == "", Limit: s.dollars(cmp.Or(a["limit"], "1")),
		Start: s.later(a["start"], 0), End: s.later(a["end"], 1000*time.Hour),
	}
	for _, text := range a.list("actions") {
		percent, how, _ := strings.Cut(text, ":")
		n, err := strconv.ParseFloat(percent, 64)
		if err != nil {
			s.t.Fatal(err)
		}
		set.Actions = append(set.Actions, scheduler.BudgetAction{Percent: n, Cancel: how == "cancel"})
	}
	if within, ever, ok := strings.Cut(a["baseline"], ":"); ok {
		set.Baseline = &scheduler.BudgetBaseline{Within: s.dollars(within), Ever: s.dollars(ever)}
	}
	return put(row.KindBudget, id, farm, set)
}

// dollars reads an amount of dollars.
func (s *script) dollars(text string) int64 {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return scheduler.Dollars(n)
}

func (s *script) later(text string, otherwise time.Duration) int64 {
	after := otherwise
	if text != "" {
		after = duration(s.t, text)
	}
	return s.now.Wall + after.Microseconds()
}

// price sets what sessions cost from now on, in dollars an hour, and starts the core anew with it.
func (s *script) price(d *datadriven.TestData) {
	s.prices = scheduler.Prices{Fleets: map[string]float64{}, HostClasses: map[string]float64{}, Licenses: map[string]scheduler.LicensePrice{}}
	for _, arg := range d.CmdArgs {
		kind, name, _ := strings.Cut(arg.Key, "/")
		dollars := float64(args{"n": strings.Join(arg.Vals, "")}.number("n", 0))
		switch kind {
		case "hour":
			s.prices.PerHour = dollars
		case "fleet":
			s.prices.Fleets[name] = dollars
		case "class":
			s.prices.HostClasses[name] = dollars
		case "licence":
			s.prices.Licenses[name] = scheduler.LicensePrice{Product: "product of " + name, PerHour: dollars}
		case "idle":
			s.prices.ChargeIdle = true
		}
	}
	s.restart()
}

// spent prints what is stored of limits, budgets and usage.
func (s *script) spent(out *strings.Builder) {
	counts := s.apply(out, scheduler.CountLimits{}).LimitCounts
	for _, id := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(out, "limit %s: %d in use\n", id, counts[id])
	}
	associations := slices.SortedFunc(maps.Values(s.store.LimitAssociations), func(a, b row.LimitAssociation) int {
		return strings.Compare(a.QueueID+"/"+a.LimitID, b.QueueID+"/"+b.LimitID)
	})
	for _, a := range associations {
		fmt.Fprintf(out, "association %s/%s: %s\n", a.QueueID, a.LimitID, a.Status)
	}
	for _, id := range slices.Sorted(maps.Keys(s.store.Spendings)) {
		r := s.store.Spendings[id]
		fmt.Fprintf(out, "%s spent %s", id, dollars(r.Amount))
		if r.StoppedAt != 0 {
			fmt.Fprint(out, ", stopped its queue")
		}
		fmt.Fprintln(out)
	}
	for _, u := range s.store.Usages {
		fmt.Fprintf(out, "%s of %s by %s on %s: %s, %s", strings.ToLower(string(u.Type)), u.JobID, u.UserID, u.FleetID,
			time.Duration(u.Runtime)*time.Microsecond, dollars(u.Cost))
		for _, detail := range []string{u.InstanceType, u.Product} {
			if detail != "" {
				fmt.Fprintf(out, ", %s", detail)
			}
		}
		fmt.Fprintln(out)
	}
}

func dollars(nanos int64) string { return fmt.Sprintf("$%.4g", float64(nanos)/1e9) }
