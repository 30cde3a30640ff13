package scheduler_test

import (
	"strings"
	"testing"
	"time"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// TestHostClass: what a session is called and charged by is what its worker says of itself, else its fleet, else the host.
func TestHostClass(t *testing.T) {
	t.Parallel()
	class := func(value string) []scheduler.AttributeSet {
		return []scheduler.AttributeSet{{Name: "attr.Host.Class", Values: []string{value}}}
	}
	worker := row.Worker{HostProperties: []byte(`{"ec2InstanceType":"m5.large"}`)}
	loud := worker
	loud.Capabilities = []byte(`{"attributes":[{"name":"attr.Host.Class","values":["Loud"]}]}`)
	tests := []struct {
		name   string
		worker row.Worker
		fleet  []scheduler.AttributeSet
		want   string
		cost   int64 // of ten seconds, in dollars
	}{
		{"worker", loud, class("fleet"), "Loud", 30},
		{"fleet", worker, class("fleet"), "fleet", 20},
		{"host", worker, nil, "m5.large", 40},
		{"nobody", row.Worker{}, nil, "", 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x := newBench(t, 0, nil)
			x.core = scheduler.New(scheduler.Config{Prices: scheduler.Prices{
				PerHour: 3600, HostClasses: map[string]float64{"fleet": 7200, "Loud": 10800, "m5.large": 14400},
			}}, [32]byte{1})
			x.do(t, put(row.KindQueue, "q", farm, scheduler.QueueScheduling{}))
			x.do(t, put(row.KindFleet, "f", farm, scheduler.FleetScheduling{MaxWorkers: 1, Attributes: tt.fleet}))
			x.do(t, scheduler.PutAssociation{FarmID: farm, QueueID: "q", FleetID: "f", Status: status.AssociationActive})
			w := tt.worker
			w.FarmID, w.FleetID, w.WorkerID = farm, "f", "w"
			x.do(t, scheduler.CreateWorker{Worker: w})
			x.do(t, scheduler.UpdateWorker{FleetID: "f", WorkerID: "w", Status: status.WorkerStarted})
			x.do(t, jobOf(1, 1))
			got := x.useFor(t, 10*time.Second)
			if got.InstanceType != tt.want || got.Cost != scheduler.Dollars(float64(tt.cost)) {
				t.Errorf("the session was one of %q for %d, want %q for %d", got.InstanceType, got.Cost, tt.want, scheduler.Dollars(float64(tt.cost)))
			}
			if want := x.now.Wall / row.UsagePeriod * row.UsagePeriod; got.Period != want {
				t.Errorf("it counts in the half hour from %d, want %d in which it ended", got.Period, want)
			}
		})
	}
}

// useFor lets worker w run one task that takes so long as its clock says, over half an hour of ours, and gives the usage of its session.
func (x *bench) useFor(t *testing.T, d time.Duration) row.Usage {
	t.Helper()
	session := x.do(t, scheduler.UpdateWorkerSchedule{FleetID: "f", WorkerID: "w"}).Schedule.Sessions[0].SessionID
	x.now.Wall += 2 * row.UsagePeriod
	_, changes, err := x.core.Apply(x.now, scheduler.UpdateWorkerSchedule{FleetID: "f", WorkerID: "w", Reports: []scheduler.ActionReport{{
		SessionID: session, Completed: status.ActionSucceeded, StartedAt: x.now.Wall - d.Microseconds(), EndedAt: x.now.Wall,
	}}})
	if err != nil || len(changes.Usages) != 1 {
		t.Fatalf("the session has %d usages, %v", len(changes.Usages), err)
	}
	return changes.Usages[0]
}

// TestPricesAreChecked: prices that cannot be, or that could be read in two ways, are refused.
func TestPricesAreChecked(t *testing.T) {
	t.Parallel()
	licence := func(names ...string) map[string]scheduler.LicensePrice {
		all := map[string]scheduler.LicensePrice{}
		for _, name := range names {
			all[name] = scheduler.LicensePrice{Product: "p", PerHour: 1}
		}
		return all
	}
	for _, tt := range []struct {
		prices scheduler.Prices
		want   string
	}{
		{scheduler.Prices{PerHour: 1, Licenses: licence("amount.a", "amount.b")}, ""},
		{scheduler.Prices{PerHour: -1}, "the price of an hour"},
		{scheduler.Prices{Fleets: map[string]float64{"fleet-1": 2e6}}, "the price of fleet-1"},
		{scheduler.Prices{Licenses: map[string]scheduler.LicensePrice{"amount.a": {}}}, "has no product"},
		{scheduler.Prices{Licenses: licence("amount.a", "Amount.A")}, "amount.a is there twice"},
	} {
		if err := tt.prices.Check(); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %q", tt.prices, err, tt.want)
		}
	}
}
