package scheduler

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/farmhand-render/farmhand/internal/store/row"
)

// Prices is what the time of sessions costs, in dollars. The zero value makes everything free: then run times are counted and no
// budget is ever used up.
type Prices struct {
	// PerHour is the price of a worker's hour where nothing below names another one.
	PerHour float64 `json:"perHour,omitempty"`
	// Fleets has prices of fleets by their ids, HostClasses those of host classes (see [hostClass]), which come first.
	Fleets      map[string]float64 `json:"fleets,omitempty"`
	HostClasses map[string]float64 `json:"hostClasses,omitempty"`
	// Licenses has the products that tasks use while they hold an amount of a limit, by its name.
	Licenses map[string]LicensePrice `json:"licenses,omitempty"`
	// ChargeIdle charges the time too in which a session has no action that runs.
	ChargeIdle bool `json:"chargeIdle,omitempty"`
}

// LicensePrice is the price of one licence's hour.
type LicensePrice struct {
	Product string  `json:"product"`
	PerHour float64 `json:"perHour"`
}

// Check refuses prices that cannot be.
func (p *Prices) Check() error {
	valid := func(what string, price float64) error {
		if price < 0 || math.IsNaN(price) || price > 1e6 {
			return fmt.Errorf("the price of %s must be from 0 to 1,000,000 dollars an hour, not %v", what, price)
		}
		return nil
	}
	if err := valid("an hour", p.PerHour); err != nil {
		return err
	}
	for _, prices := range []map[string]float64{p.Fleets, p.HostClasses} {
		for _, name := range slices.Sorted(maps.Keys(prices)) {
			if err := valid(name, prices[name]); err != nil {
				return err
			}
		}
	}
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(p.Licenses)) {
		lower := strings.ToLower(name)
		if seen[lower] {
			return fmt.Errorf("the licence %s is there twice: names of amounts are the same in upper and lower case", lower)
		}
		seen[lower] = true
		if err := valid(name, p.Licenses[name].PerHour); err != nil {
			return err
		}
		if p.Licenses[name].Product == "" {
			return fmt.Errorf("the licence %s has no product", name)
		}
	}
	return nil
}

// license is the price for an amount, by its name without regard to case.
func (p *Prices) license(amount string) (LicensePrice, bool) {
	for name, price := range p.Licenses {
		if strings.EqualFold(name, amount) {
			return price, true
		}
	}
	return LicensePrice{}, false
}

// meter is what a session was charged so far, as it is kept in its row.
type meter struct {
	Runtime  int64               `json:"runtime"` // microseconds in which its actions ran
	Cost     int64               `json:"cost"`    // nanodollars of the worker's time
	Licenses map[string]*license `json:"licenses,omitempty"`
	Action   int64               `json:"action"`  // the action that runs, or ran last
	Charged  int64               `json:"charged"` // microseconds of it that are in Runtime

	until time.Duration // up to when that action is charged, in the time that the core has lived
	dirty bool
}

// license is the use of one product.
type license struct {
	Runtime int64 `json:"runtime"`
	Cost    int64 `json:"cost"`
}

func (m *meter) total() int64 {
	total := m.Cost
	for _, l := range m.Licenses {
		total += l.Cost
	}
	return total
}

func (m *meter) encode() []byte {
	text, _ := json.Marshal(m) // integers and texts always encode
	return text
}

// meterInterval is how much of a running action is charged at a time, so that budgets stop long tasks too.
const meterInterval = time.Minute

// hostClass names the kind of host that a worker is: its attribute attr.host.class, else that of its fleet, else the instance type
// of its host, else "".
func hostClass(w *worker) string {
	const name = "attr.host.class"
	var told struct {
		Attributes []AttributeSet `json:"attributes"`
	}
	if unmarshal(w.row.Capabilities, &told) == nil {
		for _, a := range told.Attributes {
			if strings.EqualFold(a.Name, name) && len(a.Values) > 0 {
				return a.Values[0]
			}
		}
	}
	if values := w.fleet.offers.attributes[name]; len(values) > 0 {
		return values[0]
	}
	var host struct {
		InstanceType string `json:"ec2InstanceType"`
	}
	if unmarshal(w.row.HostProperties, &host) != nil {
		return ""
	}
	return host.InstanceType
}

// price is what an hour of the session's worker costs.
func (c *Core) price(s *session) float64 {
	p := &c.cfg.Prices
	if len(p.HostClasses) > 0 {
		if price, ok := p.HostClasses[hostClass(s.worker)]; ok {
			return price
		}
	}
	if price, ok := p.Fleets[s.row.FleetID]; ok {
		return price
	}
	return p.PerHour
}

// cost of some microseconds at a price; of less than none, what is given back.
func (c *Core) cost(perHour float64, micros int64) int64 {
	if micros < 0 {
		return -c.cost(perHour, -micros)
	}
	return Dollars(perHour * c.costScale * time.Duration(micros*1000).Hours())
}

// meterBegin notes that an action runs from now on.
func (c *Core) meterBegin(a *action) {
	m := &a.session.meter
	m.Action, m.Charged, m.until = a.row.ActionIndex, 0, c.lived
	m.dirty = true
	c.dirtySession(a.session)
}

// meterRunning charges what the worker's action ran since it was charged last, now that the worker was heard.
func (c *Core) meterRunning(w *worker) {
	s := w.session
	if s == nil || c.lived-s.meter.until < meterInterval {
		return
	}
	a := s.action(s.meter.Action)
	if a == nil || !a.started() || !c.priced(a) {
		return
	}
	ran := c.lived - s.meter.until
	s.meter.until = c.lived
	s.meter.Charged += ran.Microseconds()
	c.charge(a, ran.Microseconds())
}

// priced reports whether the time of an action costs anything.
func (c *Core) priced(a *action) bool {
	if c.price(a.session) > 0 {
		return true
	}
	return slices.ContainsFunc(a.takes, func(t take) bool {
		p, ok := c.cfg.Prices.license(t.from.limit.name)
		return ok && p.PerHour > 0
	})
}

// meterEnd charges the rest of an action that is over: up to the end that its worker told, or else up to when it was heard last. What was
// charged beyond that is given back: the report came late.
func (c *Core) meterEnd(a *action, by cause) {
	m := &a.session.meter
	if m.Action != a.row.ActionIndex {
		return
	}
	rest := a.row.EndedAt - a.row.StartedAt - m.Charged
	if by != causeReport {
		rest = (a.session.worker.heard - m.until).Microseconds()
	}
	if rest != 0 {
		m.Charged += rest
		c.charge(a, rest)
	}
}

// charge adds time of an action to what its session used, and to what its queue spends; time below zero is taken away.
func (c *Core) charge(a *action, micros int64) {
	s := a.session
	s.meter.Runtime += micros
	cost := c.cost(c.price(s), micros)
	s.meter.Cost += cost
	for _, t := range a.takes {
		p, ok := c.cfg.Prices.license(t.from.limit.name)
		if !ok {
			continue
		}
		use := s.meter.Licenses[p.Product]
		if use == nil {
			if s.meter.Licenses == nil {
				s.meter.Licenses = map[string]*license{}
			}
			use = &license{}
			s.meter.Licenses[p.Product] = use
		}
		each := c.cost(p.PerHour*float64(t.count), micros)
		use.Runtime += micros
		use.Cost += each
		cost += each
	}
	s.meter.dirty = true
	c.dirtySession(s)
	c.spend(s.job.queue, cost)
}

// closeMeter adds what a session used, now that it ended, to the sums of its period.
func (c *Core) closeMeter(s *session) {
	m, q := &s.meter, s.job.queue
	if c.cfg.Prices.ChargeIdle {
		if idle := s.row.EndedAt - s.row.StartedAt - m.Runtime; idle > 0 {
			cost := c.cost(c.price(s), idle)
			m.Runtime += idle
			m.Cost += cost
			m.dirty = true
			c.spend(q, cost)
		}
	}
	used := row.Usage{
		FarmID: c.farmID, Period: s.row.EndedAt / row.UsagePeriod * row.UsagePeriod, QueueID: s.row.QueueID, FleetID: s.row.FleetID,
		JobID: s.row.JobID, JobName: s.job.row.Name, UserID: s.job.row.CreatedBy, InstanceType: hostClass(s.worker),
		Type: row.UsageCompute, Runtime: m.Runtime, Cost: m.Cost, Total: m.total(),
	}
	c.dirty.changes.Usages = append(c.dirty.changes.Usages, used)
	used.Type, used.Total = row.UsageLicense, 0
	for _, product := range slices.Sorted(maps.Keys(m.Licenses)) {
		used.Product, used.Runtime, used.Cost = product, m.Licenses[product].Runtime, m.Licenses[product].Cost
		c.dirty.changes.Usages = append(c.dirty.changes.Usages, used)
	}
	if total := m.total(); total > 0 {
		q.spent.row.Amount += total
		c.dirtySpending(q.spent)
	}
}
