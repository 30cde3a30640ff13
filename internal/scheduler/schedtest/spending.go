package schedtest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// This file has what sessions cost, what budgets make of it, and how both are held to what they should be.

func budgetID(i int) string { return fmt.Sprintf("b%d", i+1) }

// prices makes up what sessions cost: a dollar a second, or nothing; tasks that hold some of the first limit pay for a licence, too.
func (s *simulation) prices() scheduler.Prices {
	r := s.random
	if r.IntN(4) == 0 {
		return scheduler.Prices{}
	}
	p := scheduler.Prices{PerHour: 3600, ChargeIdle: r.IntN(2) == 0}
	if r.IntN(2) == 0 {
		p.Licenses = map[string]scheduler.LicensePrice{amountName(0): {Product: "product of " + amountName(0), PerHour: 1800}}
	}
	return p
}

// notePrices writes the prices into the script.
func (s *simulation) notePrices() {
	p := &s.shape.config.Prices
	if p.PerHour == 0 {
		return
	}
	text := fmt.Sprintf("price hour=%v", p.PerHour)
	if l, ok := p.Licenses[amountName(0)]; ok {
		text += fmt.Sprintf(" licence/%s=%v", amountName(0), l.PerHour)
	}
	if p.ChargeIdle {
		text += " idle"
	}
	s.note("%s", text)
}

// budget makes up a budget, changes one or deletes it. A new one, and one with a new schedule, counts anew.
func (s *simulation) budget() scheduler.Command {
	r := s.random
	i := r.IntN(s.shape.budgets)
	id, queue := budgetID(i), queueID(i%s.shape.queues)
	old, exists := s.store.Resources[row.ResourceKey{Kind: row.KindBudget, ID: id}]
	if exists && r.IntN(4) == 0 {
		return scheduler.DeleteResource{FarmID: farmID, Kind: row.KindBudget, ID: id}
	}
	set := scheduler.BudgetScheduling{QueueID: queue, Active: r.IntN(6) > 0, Limit: scheduler.Dollars(float64(1 + r.IntN(300)))}
	for range r.IntN(3) {
		set.Actions = append(set.Actions, scheduler.BudgetAction{Percent: float64(r.IntN(101)), Cancel: r.IntN(2) == 0})
	}
	if exists && r.IntN(2) == 0 {
		before := settings[scheduler.BudgetScheduling](&old)
		set.Start, set.End = before.Start, before.End
	} else {
		set.Start = s.now.Wall + (time.Duration(r.IntN(60)-30) * time.Second).Microseconds()
		set.End = set.Start + (time.Duration(1+r.IntN(600)) * time.Second).Microseconds()
		ever := s.store.Spendings[queue].Amount
		set.Baseline = &scheduler.BudgetBaseline{Within: ever / int64(1+r.IntN(3)), Ever: ever}
	}
	return putResource(row.KindBudget, id, farmID, set)
}

// noteBudget writes a budget into the script.
func (s *simulation) noteBudget(r *row.Resource) {
	set := settings[scheduler.BudgetScheduling](r)
	after := func(wall int64) time.Duration { return time.Duration(wall-s.now.Wall) * time.Microsecond }
	text := fmt.Sprintf("budget %s queue=%s limit=%v start=%s end=%s", r.ID, set.QueueID, float64(set.Limit)/1e9, after(set.Start), after(set.End))
	var actions []string
	for _, a := range set.Actions {
		how := ""
		if a.Cancel {
			how = ":cancel"
		}
		actions = append(actions, fmt.Sprintf("%v%s", a.Percent, how))
	}
	if len(actions) > 0 {
		text += " actions=(" + strings.Join(actions, ",") + ")"
	}
	if !set.Active {
		text += " inactive"
	}
	if b := set.Baseline; b != nil {
		text += fmt.Sprintf(" baseline=%v:%v", float64(b.Within)/1e9, float64(b.Ever)/1e9)
	}
	s.note("%s", text)
}

// charged is what the meter in a session's row says.
type charged struct {
	Runtime  int64 `json:"runtime"`
	Cost     int64 `json:"cost"`
	Licenses map[string]struct {
		Cost int64 `json:"cost"`
	} `json:"licenses"`
}

func meterOf(s *row.Session) (m charged) {
	mustDecode(s.Usage, &m)
	return m
}

func (c charged) total() int64 {
	total := c.Cost
	for _, l := range c.Licenses {
		total += l.Cost
	}
	return total
}

// Books is what was spent in one state of a store: what the sessions of each queue were charged, those that run too, and what each
// budget counted.
type Books struct{ queues, budgets map[string]int64 }

// Books adds up what was spent; nothing where no budget counts.
func (m *MemStore) Books() Books {
	b := Books{map[string]int64{}, map[string]int64{}}
	if len(m.idsOf(row.KindBudget)) == 0 {
		return b
	}
	for key := range m.Resources {
		switch key.Kind {
		case row.KindQueue:
			b.queues[key.ID] = m.Spendings[key.ID].Amount
		case row.KindBudget:
			b.budgets[key.ID] = m.Spendings[key.ID].Amount
		}
	}
	for _, s := range m.Sessions {
		if s.Lifecycle != status.SessionEnded {
			b.queues[s.QueueID] += meterOf(&s).total()
		}
	}
	return b
}

// CheckSpending holds the books after a command to those before it: a budget counts exactly what its queue was charged while its schedule
// lasts, a new one what it is told to begin with; and a budget of which a threshold is reached has stopped its queue.
func (m *MemStore) CheckSpending(before Books, now int64, command scheduler.Command) error {
	after := m.Books()
	changed := ""
	if put, ok := command.(scheduler.PutResource); ok && put.Resource.Kind == row.KindBudget {
		changed = put.Resource.ID
	}
	for _, id := range m.idsOf(row.KindBudget) {
		r := m.Resources[row.ResourceKey{Kind: row.KindBudget, ID: id}]
		set := settings[scheduler.BudgetScheduling](&r)
		want, counts := before.budgets[id], set.Active && set.Start <= now && now < set.End
		if from := set.Baseline; id == changed && from != nil {
			if want = from.Within; counts {
				want += after.queues[set.QueueID] - from.Ever
			}
		} else if counts {
			want = max(0, want+after.queues[set.QueueID]-before.queues[set.QueueID])
		}
		if got := after.budgets[id]; got != want {
			return fmt.Errorf("budget %s counted %d, should have %d: its queue went from %d to %d", id, got, want,
				before.queues[set.QueueID], after.queues[set.QueueID])
		}
		stopped := m.Spendings[id].StoppedAt != 0
		if now < set.End && stopped != (set.Active && reached(&set, want)) {
			return fmt.Errorf("budget %s stopped its queue: %t, having counted %d of %d with %v", id, stopped, want, set.Limit, set.Actions)
		}
		set.Actions = slices.DeleteFunc(set.Actions, func(a scheduler.BudgetAction) bool { return !a.Cancel })
		if stopped && reached(&set, want) {
			if err := m.checkCanceled(set.QueueID); err != nil {
				return fmt.Errorf("budget %s cancels: %w", id, err)
			}
		}
	}
	return nil
}

// reached reports whether a budget that counted so much is to stop its queue.
func reached(set *scheduler.BudgetScheduling, amount int64) bool {
	least := math.Inf(1)
	for _, a := range set.Actions {
		least = min(least, a.Percent)
	}
	return 100*float64(amount) >= least*float64(set.Limit)
}

// checkCanceled makes sure that all tasks of a queue are over or being taken back.
func (m *MemStore) checkCanceled(queue string) error {
	for key, a := range m.Actions {
		if m.Jobs[key.JobID].QueueID != queue || a.Kind != row.ActionTaskRun || a.Status.Terminal() {
			continue
		}
		if a.Status != status.ActionCanceling && a.Status != status.ActionReclaiming {
			return fmt.Errorf("action %d of %s is still %s", a.ActionIndex, a.SessionID, a.Status)
		}
	}
	return nil
}

// checkStopped makes sure that no task begins in a queue that a budget has stopped, and none goes on that was to be canceled.
func (m *MemStore) checkStopped(c *row.Changes) error {
	stopped := map[string]string{} // queue -> budget
	spendings := map[string]row.Spending{}
	for _, r := range c.Spendings {
		spendings[r.ID] = r
	}
	changed := map[row.ResourceKey]bool{}
	for _, key := range c.DeleteResources {
		changed[key] = true
	}
	for _, r := range c.Resources {
		changed[row.ResourceKey{Kind: r.Kind, ID: r.ID}] = true
	}
	for _, id := range m.idsOf(row.KindBudget) {
		r := m.Resources[row.ResourceKey{Kind: row.KindBudget, ID: id}]
		now, fresh := spendings[id]
		if !fresh {
			now = m.Spendings[id]
		}
		if now.StoppedAt != 0 && !changed[row.ResourceKey{Kind: row.KindBudget, ID: id}] {
			stopped[settings[scheduler.BudgetScheduling](&r).QueueID] = id
		}
	}
	if len(stopped) == 0 {
		return nil
	}
	for _, a := range c.Actions {
		_, existed := m.Actions[ActionKey{a.JobID, a.SessionSeq, a.ActionIndex}]
		if by := stopped[m.Jobs[a.JobID].QueueID]; by != "" && a.Kind == row.ActionTaskRun && !existed {
			return fmt.Errorf("action %d of %s begins in a queue that budget %s stopped", a.ActionIndex, a.SessionID, by)
		}
	}
	return nil
}

// scheduleEnded reports whether a budget's schedule ended since the core last looked at the time: until it does, it decides otherwise
// than one that begins now.
func (s *simulation) scheduleEnded() bool {
	return slices.ContainsFunc(s.store.idsOf(row.KindBudget), func(id string) bool {
		r := s.store.Resources[row.ResourceKey{Kind: row.KindBudget, ID: id}]
		end := settings[scheduler.BudgetScheduling](&r).End
		return s.ticked < end && end <= s.now.Wall
	})
}

// checkUsage makes sure that every session that ended was accounted for once: as one use of a worker for no shorter than its actions
// ran, and with all that it cost.
func (m *MemStore) checkUsage() error {
	type sum struct{ sessions, least, runtime, cost, total int64 }
	ended, used := map[string]sum{}, map[string]sum{}
	for _, s := range m.Sessions {
		if s.Lifecycle != status.SessionEnded {
			continue
		}
		e := ended[s.JobID]
		e.sessions++
		e.runtime += meterOf(&s).Runtime
		e.cost += meterOf(&s).total()
		e.total = e.cost
		ended[s.JobID] = e
	}
	for key, a := range m.Actions {
		switch s := m.Sessions[SessionKey{key.JobID, key.Session}]; a.Status {
		case status.ActionSucceeded, status.ActionFailed, status.ActionCanceled:
			if s.Lifecycle == status.SessionEnded && a.StartedAt != 0 {
				e := ended[key.JobID]
				e.least += a.EndedAt - a.StartedAt
				ended[key.JobID] = e
			}
		}
	}
	queues := map[string]int64{}
	for _, u := range m.Usages {
		e := used[u.JobID]
		if u.Type == row.UsageCompute {
			e.sessions++
			e.runtime += u.Runtime
		}
		e.cost += u.Cost
		e.total += u.Total
		used[u.JobID] = e
		queues[u.QueueID] += u.Cost
	}
	for id, e := range ended {
		u := used[id]
		if u.sessions != e.sessions || u.runtime != e.runtime || u.cost != e.cost || u.total != e.total || u.runtime < e.least {
			return fmt.Errorf("job %s: its sessions that ended add up to %+v, its usage to %+v", id, e, u)
		}
	}
	for _, id := range m.idsOf(row.KindQueue) {
		if got := m.Spendings[id].Amount; got != queues[id] {
			return fmt.Errorf("queue %s spent %d, the usage of its sessions is %d", id, got, queues[id])
		}
	}
	return nil
}

// checkSpans makes sure that no session was charged for longer than it lasted. Only in simulations the clocks of workers are ours.
func (s *simulation) checkSpans() error {
	for _, session := range s.store.Sessions {
		until := s.now.Wall
		if session.Lifecycle == status.SessionEnded {
			until = session.EndedAt
		}
		if ran, lasted := meterOf(&session).Runtime, until-session.StartedAt; ran > lasted {
			return fmt.Errorf("session %s was charged for %d, it lasted %d", session.SessionID, ran, lasted)
		}
	}
	return nil
}
