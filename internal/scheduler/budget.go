package scheduler

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/farmhand-render/farmhand/internal/store/row"
)

// nano is how many nanodollars are a dollar: costs are counted in integers, so that sums do not depend on their order.
const nano = 1_000_000_000

// Dollars turns an amount of dollars into nanodollars.
func Dollars(amount float64) int64 {
	return int64(math.Round(min(max(amount*nano, 0), math.MaxInt64/2)))
}

// FarmScheduling is the "scheduling" member of a farm's document.
type FarmScheduling struct {
	CostScale *float64 `json:"costScale,omitempty"` // by which every cost is multiplied; nil: 1
}

// BudgetScheduling is the "scheduling" member of a budget's document.
type BudgetScheduling struct {
	QueueID string         `json:"queueId"` // whose sessions it counts; it never changes
	Active  bool           `json:"active"`
	Start   int64          `json:"start"` // microseconds since 1970 UTC
	End     int64          `json:"end"`
	Limit   int64          `json:"limit"` // nanodollars
	Actions []BudgetAction `json:"actions,omitempty"`
	// Baseline makes the budget count anew, from what was spent before this command; nil: it goes on.
	Baseline *BudgetBaseline `json:"baseline,omitempty"`
}

// BudgetAction stops the queue of a budget once Percent of its limit are spent.
type BudgetAction struct {
	Percent float64 `json:"percent"`
	Cancel  bool    `json:"cancel,omitempty"` // what runs is canceled and returns to the queue
}

// BudgetBaseline is what a queue had spent in one state of the store.
type BudgetBaseline struct {
	Within int64 `json:"within"` // inside the schedule
	Ever   int64 `json:"ever"`   // by all its sessions that had ended
}

// budget counts what a queue spends (§11.1).
type budget struct {
	id    string
	set   BudgetScheduling
	spent *spending
}

// spending is what was spent by a budget or a queue.
type spending struct {
	row   row.Spending
	dirty bool
}

func (c *Core) newSpending(id string) *spending {
	return &spending{row: row.Spending{FarmID: c.farmID, ID: id}}
}

func (c *Core) dirtySpending(s *spending) {
	if !s.dirty {
		s.dirty = true
		c.dirty.spendings = append(c.dirty.spendings, s)
	}
}

// holds reports whether the budget is ACTIVE at a moment: before its schedule begins it is, after it it is not.
func (b *budget) holds(wall int64) bool { return b.set.Active && wall < b.set.End }

// counts reports whether what is spent at a moment counts.
func (b *budget) counts(wall int64) bool { return b.holds(wall) && wall >= b.set.Start }

// reached tells whether a threshold is reached, and whether one that cancels is.
func (b *budget) reached() (reached, cancel bool) {
	for _, a := range b.set.Actions {
		if float64(b.spent.row.Amount) >= float64(b.set.Limit)*a.Percent/100 {
			reached, cancel = true, cancel || a.Cancel
		}
	}
	return reached, cancel
}

func (c *Core) learnFarm(r *row.Resource) error {
	settings, err := scheduling[FarmScheduling](r)
	if err != nil {
		return &InvalidError{Field: "scheduling", Message: err.Error()}
	}
	c.costScale = 1
	set(&c.costScale, settings.CostScale)
	return nil
}

func (c *Core) learnBudget(r *row.Resource) error {
	settings, err := scheduling[BudgetScheduling](r)
	if err != nil {
		return &InvalidError{Field: "scheduling", Message: err.Error()}
	}
	q := c.queues[settings.QueueID]
	if q == nil {
		return &NotFoundError{ResourceType: "queue", ResourceID: settings.QueueID}
	}
	b := c.budgets[r.ID]
	if b == nil {
		b = &budget{id: r.ID, spent: c.newSpending(r.ID)}
		c.budgets[r.ID] = b
		q.budgets = append(q.budgets, b)
		slices.SortFunc(q.budgets, func(a, b *budget) int { return cmp.Compare(a.id, b.id) })
	}
	b.set = settings
	if from := settings.Baseline; from != nil {
		b.set.Baseline = nil
		b.spent.row.Amount = from.Within
		if b.counts(c.now.Wall) { // what ended since the store was read, and what runs
			b.spent.row.Amount += q.spent.row.Amount - from.Ever + c.spentByOpen(q)
		}
		c.dirtySpending(b.spent)
	}
	c.reviewBudgets(q)
	return nil
}

// spentByOpen is what the open sessions of a queue were charged.
func (c *Core) spentByOpen(q *queue) int64 {
	total := int64(0)
	for _, s := range c.sessionsOfQueue(q) {
		total += s.meter.total()
	}
	return total
}

func (c *Core) deleteBudget(b *budget) {
	delete(c.budgets, b.id)
	if q := c.queues[b.set.QueueID]; q != nil {
		q.budgets = slices.DeleteFunc(q.budgets, func(other *budget) bool { return other == b })
		c.reviewBudgets(q)
	}
}

// spend charges a queue's budgets. An amount below zero is given back, as far as a budget counted any.
func (c *Core) spend(q *queue, amount int64) {
	if amount == 0 {
		return
	}
	for _, b := range q.budgets {
		if b.counts(c.now.Wall) {
			b.spent.row.Amount = max(0, b.spent.row.Amount+amount)
			c.dirtySpending(b.spent)
		}
	}
	c.reviewBudgets(q)
}

// Reasons why a queue is blocked, in the words of the API's QueueBlockedReason.
const (
	blockedNoBudget  = "NO_BUDGET_CONFIGURED"
	blockedThreshold = "BUDGET_THRESHOLD_REACHED"
)

// reviewBudgets decides whether a queue may schedule (§9.2): not while an ACTIVE budget has reached a threshold, and not without one
// where the queue needs one.
func (c *Core) reviewBudgets(q *queue) {
	reason, cancel, holds := "", false, false
	for _, b := range q.budgets {
		stops, cancels := false, false
		if b.holds(c.now.Wall) {
			holds = true
			stops, cancels = b.reached()
		}
		if stops {
			reason, cancel = blockedThreshold, cancel || cancels
		}
		if was := b.spent.row.StoppedAt != 0; was != stops {
			b.spent.row.StoppedAt = 0
			if stops {
				b.spent.row.StoppedAt = c.now.Wall
			}
			c.dirtySpending(b.spent)
		}
	}
	if reason == "" && !holds && q.needsBudget {
		reason, cancel = blockedNoBudget, q.cancelsWithout
	}
	c.block(q, reason, cancel)
}

// block stops a queue from being given out, or lets it go on with reason "". With cancel, what runs returns to the queue.
func (c *Core) block(q *queue, reason string, cancel bool) {
	stops := reason != "" && cancel && (q.reason == "" || !q.cancels)
	changed := (reason == "") != (q.reason == "")
	q.reason, q.cancels = reason, reason != "" && cancel
	if stops {
		for _, s := range c.sessionsOfQueue(q) {
			c.cancelSession(s, true, causeStop)
		}
	}
	if changed {
		for _, l := range q.links {
			c.wakeFleet(l)
		}
	}
}

// reviewAllBudgets lets schedules begin and end, queue after queue in a fixed order: what is done twice must be done alike.
func (c *Core) reviewAllBudgets() {
	for _, id := range slices.Sorted(maps.Keys(c.queues)) {
		if q := c.queues[id]; len(q.budgets) > 0 {
			c.reviewBudgets(q)
		}
	}
}

// sessionsOfQueue is the open sessions of a queue, in order of their ids.
func (c *Core) sessionsOfQueue(q *queue) []*session {
	var list []*session
	for _, l := range q.links {
		list = append(list, c.sessionsOf(l)...)
	}
	slices.SortFunc(list, func(a, b *session) int { return cmp.Compare(a.row.SessionID, b.row.SessionID) })
	return list
}
