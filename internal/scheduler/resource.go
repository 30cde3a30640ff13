package scheduler

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// queue is a queue of the farm.
type queue struct {
	id             string
	needsBudget    bool
	cancelsWithout bool   // what runs, when it needs a budget and has none
	reason         string // why it is blocked, "" when it is not
	cancels        bool   // what ran when it became blocked
	order          QueueOrder
	environments   []*queueEnvironment // in the order in which sessions enter them
	links          []*link             // by fleet id
	limits         []*limitLink        // by limit id
	demands        []*demand           // of its steps
	budgets        []*budget           // by id
	spent          *spending           // by its sessions that ended
	jobs           map[string]*job     // those in memory
}

// queueEnvironment is an environment that every session of a queue enters.
type queueEnvironment struct {
	id, queueID, name string
	priority          int32
	createdAt         int64
}

// fleetActive is the status of every fleet, from its creation to its deletion.
const fleetActive = "ACTIVE"

// fleet is a fleet of the farm.
type fleet struct {
	id         string
	maxWorkers int
	scaling    *FleetScaling // nil: it does not scale
	offers     capabilities
	workers    map[string]*worker
	links      []*link // by queue id
	free       int     // workers that could take a session at their next poll
}

func unmarshal(text []byte, into any) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	return json.Unmarshal(text, into)
}

// scheduling decodes the "scheduling" member of a resource's document.
func scheduling[T any](r *row.Resource) (T, error) {
	var doc struct {
		Scheduling T `json:"scheduling"`
	}
	if err := unmarshal(r.Doc, &doc); err != nil {
		return doc.Scheduling, fmt.Errorf("document of %s %s: %w", r.Kind, r.ID, err)
	}
	return doc.Scheduling, nil
}

// putResource writes a resource. A row with UpdatedAt is a change: the kinds that the
// core knows must exist for it, so that an update cannot bring back what was deleted.
func (c *Core) putResource(cmd PutResource) error {
	r := &cmd.Resource
	if r.UpdatedAt != 0 && c.knows(r.Kind) && !c.has(r.Kind, r.ID) {
		return &NotFoundError{ResourceType: string(r.Kind), ResourceID: r.ID}
	}
	if err := c.learnResource(r); err != nil {
		return err
	}
	c.dirty.changes.Resources = append(c.dirty.changes.Resources, *r)
	return nil
}

func (c *Core) knows(kind row.Kind) bool {
	switch kind {
	case row.KindQueue, row.KindQueueEnvironment, row.KindFleet, row.KindLimit, row.KindBudget:
		return true
	default:
		return false
	}
}

func (c *Core) has(kind row.Kind, id string) bool {
	switch kind {
	case row.KindQueue:
		return c.queues[id] != nil
	case row.KindQueueEnvironment:
		return c.environs[id] != nil
	case row.KindFleet:
		return c.fleets[id] != nil
	case row.KindLimit:
		return c.limits[id] != nil
	case row.KindBudget:
		return c.budgets[id] != nil
	default:
		return false
	}
}

// learnResource takes over what scheduling needs of a resource.
func (c *Core) learnResource(r *row.Resource) error {
	switch r.Kind {
	case row.KindQueue:
		return c.learnQueue(r)
	case row.KindQueueEnvironment:
		return c.learnQueueEnvironment(r)
	case row.KindFleet:
		return c.learnFleet(r)
	case row.KindFarm:
		return c.learnFarm(r)
	case row.KindLimit:
		return c.learnLimit(r)
	case row.KindBudget:
		return c.learnBudget(r)
	default:
		return nil
	}
}

func (c *Core) learnQueue(r *row.Resource) error {
	settings, err := scheduling[QueueScheduling](r)
	if err != nil {
		return &InvalidError{Field: "scheduling", Message: err.Error()}
	}
	q := c.queues[r.ID]
	if q == nil {
		q = &queue{id: r.ID, jobs: map[string]*job{}, spent: c.newSpending(r.ID)}
		c.queues[r.ID] = q
	}
	q.needsBudget, q.cancelsWithout = settings.NeedsBudget, settings.CancelTasks
	if !q.order.equal(&settings.Order) {
		q.order = settings.Order
		c.reindex(q)
		for _, l := range q.links {
			c.wakeFleet(l)
		}
	}
	c.reviewBudgets(q)
	return nil
}

func (c *Core) learnQueueEnvironment(r *row.Resource) error {
	settings, err := scheduling[QueueEnvironmentScheduling](r)
	if err != nil {
		return &InvalidError{Field: "scheduling", Message: err.Error()}
	}
	q := c.queues[r.ParentID]
	if q == nil {
		return &NotFoundError{ResourceType: "queue", ResourceID: r.ParentID}
	}
	e := c.environs[r.ID]
	if e == nil {
		e = &queueEnvironment{id: r.ID, queueID: r.ParentID}
		c.environs[r.ID] = e
		q.environments = append(q.environments, e)
	}
	e.name, e.priority, e.createdAt = settings.Name, settings.Priority, r.CreatedAt
	slices.SortFunc(q.environments, func(a, b *queueEnvironment) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(a.createdAt, b.createdAt), cmp.Compare(a.id, b.id))
	})
	return nil
}

func (c *Core) learnFleet(r *row.Resource) error {
	settings, err := scheduling[FleetScheduling](r)
	if err != nil {
		return &InvalidError{Field: "scheduling", Message: err.Error()}
	}
	f := c.fleets[r.ID]
	if f == nil {
		f = &fleet{id: r.ID, workers: map[string]*worker{}}
		c.fleets[r.ID] = f
	}
	f.maxWorkers, f.scaling = int(settings.MaxWorkers), settings.Scaling
	if f.scaling == nil {
		c.keep(f)
	}
	if changed := f.offers.set(settings); changed {
		c.refit(f.links)
		for _, l := range f.links {
			c.reevaluate(l.queue)
		}
	}
	return nil
}

func (c *Core) deleteResource(cmd DeleteResource) error {
	if c.knows(cmd.Kind) && !c.has(cmd.Kind, cmd.ID) {
		return &NotFoundError{ResourceType: string(cmd.Kind), ResourceID: cmd.ID}
	}
	var err error
	switch cmd.Kind {
	case row.KindQueue:
		err = c.deleteQueue(c.queues[cmd.ID])
	case row.KindQueueEnvironment:
		c.deleteQueueEnvironment(c.environs[cmd.ID])
	case row.KindFleet:
		err = c.deleteFleet(c.fleets[cmd.ID])
	case row.KindLimit:
		err = c.deleteLimit(c.limits[cmd.ID])
	case row.KindBudget:
		c.deleteBudget(c.budgets[cmd.ID])
	}
	if err != nil {
		return err
	}
	c.dirty.changes.DeleteResources = append(c.dirty.changes.DeleteResources, row.ResourceKey{Kind: cmd.Kind, ID: cmd.ID})
	return nil
}

// inUse refuses the deletion of a resource that another one, the user, still needs.
func inUse(kind, id, status, userType, userID, message string) error {
	return &ConflictError{
		Reason: ReasonResourceInUse, ResourceType: kind, ResourceID: id, Status: status, UserType: userType, UserID: userID, Message: message,
	}
}

func (q *queue) inUse(userType, userID, message string) error {
	return inUse("queue", q.id, q.status(), userType, userID, message)
}

// status is the queue's as the API has it.
func (q *queue) status() string {
	switch {
	case q.reason != "":
		return "SCHEDULING_BLOCKED"
	case slices.ContainsFunc(q.links, func(l *link) bool { return l.row.Status == status.AssociationActive }):
		return "SCHEDULING"
	default:
		return "IDLE"
	}
}

func (f *fleet) inUse(userType, userID, message string) error {
	return inUse("fleet", f.id, fleetActive, userType, userID, message)
}

// deleteQueue forgets a queue with its environments and jobs. The store hides the jobs of a queue that was deleted, and deletes them
// little by little. A queue that no fleet is associated with has no session.
func (c *Core) deleteQueue(q *queue) error {
	if len(q.links) > 0 {
		return q.inUse("queue-fleet-association", q.links[0].id(), "the queue is still associated with a fleet")
	}
	if len(q.limits) > 0 {
		return q.inUse("queue-limit-association", q.limits[0].id(), "the queue is still associated with a limit")
	}
	for _, e := range q.environments {
		delete(c.environs, e.id)
		c.dirty.changes.DeleteResources = append(c.dirty.changes.DeleteResources, row.ResourceKey{Kind: row.KindQueueEnvironment, ID: e.id})
	}
	for _, j := range q.jobs {
		c.forget(j)
	}
	for _, b := range q.budgets { // nothing is left that they could count
		delete(c.budgets, b.id)
		c.dirty.changes.DeleteResources = append(c.dirty.changes.DeleteResources, row.ResourceKey{Kind: row.KindBudget, ID: b.id})
	}
	delete(c.queues, q.id)
	return nil
}

func (c *Core) deleteQueueEnvironment(e *queueEnvironment) {
	delete(c.environs, e.id)
	q := c.queues[e.queueID]
	q.environments = slices.DeleteFunc(q.environments, func(other *queueEnvironment) bool { return other == e })
}

func (c *Core) deleteFleet(f *fleet) error {
	if len(f.links) > 0 {
		return f.inUse("queue-fleet-association", f.links[0].id(), "the fleet is still associated with a queue")
	}
	ids := slices.Sorted(maps.Keys(f.workers))
	for _, id := range ids {
		if s := f.workers[id].row.Status; s != status.WorkerCreated && s != status.WorkerStopped {
			return f.inUse("worker", id, fmt.Sprintf("worker %s of the fleet is %s", id, s))
		}
	}
	for _, id := range ids {
		c.forgetWorker(f.workers[id])
		c.dirty.changes.DeleteWorkers = append(c.dirty.changes.DeleteWorkers, id)
	}
	delete(c.fleets, f.id)
	return nil
}

// inOrder is the queue's jobs in memory by age.
func (q *queue) inOrder() []*job {
	return slices.SortedFunc(maps.Values(q.jobs), func(a, b *job) int { return cmp.Compare(a.row.Number, b.row.Number) })
}
