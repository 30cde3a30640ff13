package scheduler

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
	openjd "github.com/farmhand-render/farmhand/openjd/job"
)

// LimitScheduling is the "scheduling" member of a limit's document.
type LimitScheduling struct {
	AmountName string `json:"amountName"` // the amount that steps require, in lower case; it never changes
	MaxCount   int64  `json:"maxCount"`   // -1: no limit
}

// limit is how much of an amount the tasks of its queues may hold at once (§10.7).
type limit struct {
	id    string
	name  string
	most  int64 // -1: no limit
	used  int64
	links []*limitLink // by queue id
}

// limitLink is the association of a queue and a limit.
type limitLink struct {
	row   row.LimitAssociation
	queue *queue
	limit *limit
	tasks int // taskRuns of the queue that hold some of the limit
	dirty bool
}

func (l *limitLink) id() string { return l.queue.id + "/" + l.limit.id }

// take is what one task takes from one limit.
type take struct {
	from  *limitLink
	count int64
}

// demand is what each task of a step takes from the limits of its queue, all or nothing: one value for all steps of the queue that
// take the same. nil takes nothing.
type demand struct{ takes []take }

// room reports whether the limits have what one more task takes.
func (d *demand) room() bool {
	return d == nil || !slices.ContainsFunc(d.takes, func(t take) bool { return !t.room() })
}

func (t take) room() bool {
	l := t.from.limit
	return t.from.row.Status == status.AssociationActive && (l.most < 0 || l.used+t.count <= l.most)
}

// full is the limits that do not let one more task begin, by their ids and in words.
func (d *demand) full() (ids []string, why string) {
	var texts []string
	for _, t := range d.takes {
		if t.room() {
			continue
		}
		l := t.from.limit
		ids = append(ids, l.id)
		if now := t.from.row.Status; now != status.AssociationActive {
			texts = append(texts, fmt.Sprintf("the association of the queue with limit %s is not ACTIVE", l.id))
		} else {
			texts = append(texts, fmt.Sprintf("limit %s for %s is used up: %d of %d, and a task needs %d", l.id, l.name, l.used, l.most, t.count))
		}
	}
	return ids, strings.Join(texts, "; ")
}

// bounded reports whether a task keeps something from others: such tasks are not queued ahead.
func (d *demand) bounded() bool {
	return d != nil && slices.ContainsFunc(d.takes, func(t take) bool { return t.from.limit.most >= 0 })
}

// intern gives the queue's one demand with these takes.
func (q *queue) intern(takes []take) *demand {
	if len(takes) == 0 {
		return nil
	}
	slices.SortFunc(takes, func(a, b take) int { return cmp.Compare(a.from.limit.id, b.from.limit.id) })
	for _, d := range q.demands {
		if slices.Equal(d.takes, takes) {
			return d
		}
	}
	d := &demand{takes}
	q.demands = append(q.demands, d)
	return d
}

// limitOf is the queue's limit for an amount, nil when it has none.
func (q *queue) limitOf(name string) *limitLink {
	for _, l := range q.limits {
		if l.limit.name == name {
			return l
		}
	}
	return nil
}

// amountOf is how much of a limit a task takes that requires an amount: whole units, one when it does not say.
func amountOf(want openjd.AmountRequirement) int64 {
	if want.Min == nil {
		return 1
	}
	return int64(min(math.Ceil(*want.Min), math.MaxInt32))
}

// demandOf tells what each task of a class takes where the association gives it out.
func (c *Core) demandOf(l *link, k *class) *demand {
	if l == nil {
		return nil
	}
	return l.fit(k).demand
}

// acquired is what a taskRun holds of a limit, as it stands in the action's row.
type acquired struct {
	LimitID string `json:"limitId"`
	Count   int64  `json:"count"`
}

// acquireLimits takes what a taskRun needs from its limits as it enters a session.
func (c *Core) acquireLimits(a *action) {
	d := c.demandOf(a.session.link, a.session.step.class)
	if d == nil {
		return
	}
	list := make([]acquired, 0, len(d.takes))
	for _, t := range d.takes {
		t.from.limit.used += t.count
		t.from.tasks++
		list = append(list, acquired{t.from.limit.id, t.count})
	}
	a.takes = d.takes
	a.row.Limits, _ = json.Marshal(list) // texts and integers always encode
	c.dirtyAction(a)
}

// restoreLimits counts what a restored taskRun holds.
func (c *Core) restoreLimits(a *action) error {
	var list []acquired
	if err := unmarshal(a.row.Limits, &list); err != nil {
		return fmt.Errorf("limits of %s: %w", ActionID(a.row.SessionID, a.row.ActionIndex), err)
	}
	for _, held := range list {
		l := c.limits[held.LimitID].link(a.session.job.queue)
		if l == nil {
			return fmt.Errorf("%s holds some of %s, which is not a limit of its queue", ActionID(a.row.SessionID, a.row.ActionIndex), held.LimitID)
		}
		l.limit.used += held.Count
		l.tasks++
		a.takes = append(a.takes, take{l, held.Count})
	}
	return nil
}

// releaseLimits gives back what a taskRun held as it is over.
func (c *Core) releaseLimits(a *action) {
	for _, t := range a.takes {
		t.from.limit.used -= t.count
		t.from.tasks--
		c.settleLimitLink(t.from)
		c.wakeLimit(t.from.limit)
	}
	a.takes = nil
}

// wakeLimit tells the workers that may be waiting for a limit.
func (c *Core) wakeLimit(l *limit) {
	for _, of := range l.links {
		for _, link := range of.queue.links {
			c.wakeFleet(link)
		}
	}
}

func (c *Core) learnLimit(r *row.Resource) error {
	settings, err := scheduling[LimitScheduling](r)
	if err != nil {
		return &InvalidError{Field: "scheduling", Message: err.Error()}
	}
	l := c.limits[r.ID]
	if l == nil {
		l = &limit{id: r.ID, name: strings.ToLower(settings.AmountName)}
		c.limits[r.ID] = l
	}
	l.most = settings.MaxCount
	c.wakeLimit(l)
	return nil
}

func (c *Core) deleteLimit(l *limit) error {
	if len(l.links) > 0 {
		return inUse("limit", l.id, "", "queue-limit-association", l.links[0].id(), "the limit is still associated with a queue")
	}
	delete(c.limits, l.id)
	return nil
}

// link is the association of a limit with a queue, nil when there is none, also of a limit that does not exist.
func (l *limit) link(q *queue) *limitLink {
	if l == nil {
		return nil
	}
	for _, of := range l.links {
		if of.queue == q {
			return of
		}
	}
	return nil
}

func limitLinkNotFound(queueID, limitID string) error {
	return &NotFoundError{ResourceType: "queue-limit-association", ResourceID: queueID + "/" + limitID}
}

func (c *Core) putLimitAssociation(cmd PutLimitAssociation) error {
	q, l := c.queues[cmd.QueueID], c.limits[cmd.LimitID]
	switch {
	case q == nil:
		return &NotFoundError{ResourceType: "queue", ResourceID: cmd.QueueID}
	case l == nil:
		return &NotFoundError{ResourceType: "limit", ResourceID: cmd.LimitID}
	case cmd.Status == status.AssociationStopped || cmd.Status == status.AssociationNone:
		return &InvalidError{Field: "status", Message: "must be ACTIVE or one of the stopping statuses"}
	}
	if of := l.link(q); of != nil {
		c.setLimitAssociation(of, cmd.Status, cmd.By)
		return nil
	}
	if cmd.Status != status.AssociationActive {
		return limitLinkNotFound(cmd.QueueID, cmd.LimitID)
	}
	if other := q.limitOf(l.name); other != nil {
		return &InvalidError{Field: "limitId", Message: "must be for another amount: the queue has " + other.limit.id + " for " + l.name + " already"}
	}
	of := c.addLimitLink(row.LimitAssociation{
		FarmID: cmd.FarmID, QueueID: cmd.QueueID, LimitID: cmd.LimitID, Status: cmd.Status,
		Stamp: row.Stamp{CreatedAt: c.now.Wall, CreatedBy: cmd.By},
	}, q, l)
	c.dirtyLimitLink(of)
	c.refit(q.links)
	c.reevaluate(q)
	return nil
}

func (c *Core) addLimitLink(r row.LimitAssociation, q *queue, l *limit) *limitLink {
	of := &limitLink{row: r, queue: q, limit: l}
	q.limits = append(q.limits, of)
	slices.SortFunc(q.limits, func(a, b *limitLink) int { return cmp.Compare(a.limit.id, b.limit.id) })
	l.links = append(l.links, of)
	slices.SortFunc(l.links, func(a, b *limitLink) int { return cmp.Compare(a.queue.id, b.queue.id) })
	return of
}

// setLimitAssociation changes an existing association; asking a STOPPED one to stop changes nothing.
func (c *Core) setLimitAssociation(of *limitLink, to status.Association, by string) {
	from := of.row.Status
	if from == status.AssociationStopped && to != status.AssociationActive || !pass(c, linkMachine, of.id, from, to, causeTarget) {
		return
	}
	of.row.Status, of.row.UpdatedAt, of.row.UpdatedBy = to, c.now.Wall, by
	c.dirtyLimitLink(of)
	if to == status.AssociationStopCancel {
		c.cancelHolders(of)
	}
	c.settleLimitLink(of)
	if to == status.AssociationActive {
		c.wakeLimit(of.limit)
	}
}

// cancelHolders ends the sessions whose tasks hold some of a queue's limit; the tasks return to the queue.
func (c *Core) cancelHolders(of *limitLink) {
	holds := func(a *action) bool {
		return slices.ContainsFunc(a.takes, func(t take) bool { return t.from == of })
	}
	for _, s := range c.sessionsOfQueue(of.queue) {
		if slices.ContainsFunc(s.open, holds) {
			c.cancelSession(s, true, causeStop)
		}
	}
}

// settleLimitLink lets a stopping association become STOPPED when no task holds any of the limit through it.
func (c *Core) settleLimitLink(of *limitLink) {
	stopping := of.row.Status == status.AssociationStopComplete || of.row.Status == status.AssociationStopCancel
	if stopping && of.tasks == 0 && pass(c, linkMachine, of.id, of.row.Status, status.AssociationStopped, causeDerived) {
		of.row.Status = status.AssociationStopped
		c.dirtyLimitLink(of)
	}
}

func (c *Core) dirtyLimitLink(of *limitLink) {
	if !of.dirty {
		of.dirty = true
		c.dirty.limitLinks = append(c.dirty.limitLinks, of)
	}
}

// deleteLimitAssociation forgets a STOPPED association. Steps that need its amount fit nothing any more, unless a fleet has it.
func (c *Core) deleteLimitAssociation(cmd DeleteLimitAssociation) error {
	q, l := c.queues[cmd.QueueID], c.limits[cmd.LimitID]
	of := l.link(q)
	if of == nil {
		return limitLinkNotFound(cmd.QueueID, cmd.LimitID)
	}
	if of.row.Status != status.AssociationStopped {
		return &ConflictError{
			Reason: ReasonStatusConflict, ResourceType: "queue-limit-association", ResourceID: of.id(),
			Status: of.row.Status.LimitUsage(), Message: "only a STOPPED association can be deleted",
		}
	}
	same := func(other *limitLink) bool { return other == of }
	q.limits = slices.DeleteFunc(q.limits, same)
	l.links = slices.DeleteFunc(l.links, same)
	q.demands = slices.DeleteFunc(q.demands, func(d *demand) bool {
		return slices.ContainsFunc(d.takes, func(t take) bool { return t.from == of })
	})
	c.dirty.changes.DeleteLimitAssociations = append(c.dirty.changes.DeleteLimitAssociations,
		row.LimitAssociationKey{FarmID: cmd.FarmID, QueueID: cmd.QueueID, LimitID: cmd.LimitID})
	c.refit(q.links)
	c.reevaluate(q)
	return nil
}

// countLimits is how much of each limit is in use.
func (c *Core) countLimits() map[string]int64 {
	counts := make(map[string]int64, len(c.limits))
	for id, l := range c.limits {
		counts[id] = l.used
	}
	return counts
}
