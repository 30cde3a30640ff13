package scheduler

import (
	"cmp"
	"slices"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// link is a queue-fleet association.
type link struct {
	row      row.Association
	queue    *queue
	fleet    *fleet
	lanes    []*lane // jobs of the queue with READY tasks that the fleet can run
	sessions int     // of the queue on workers of the fleet
	leaving  int     // of those, how many make way, see [Core.makesWay]
	coming   int     // sessions of the fleet that make way for work of the queue
	served   int64   // when it last got a session, see Core.serving
	given    int     // how often it was given work since a job that was overdue got some; at most turnOf
	dirty    bool
	wake     bool // in dirt.wake
}

// serves reports whether the fleet may start work of the queue now.
func (l *link) serves() bool {
	return l != nil && l.row.Status == status.AssociationActive && l.queue.reason == ""
}

func (l *link) id() string { return l.queue.id + "/" + l.fleet.id }

func (f *fleet) link(q *queue) *link {
	i, found := slices.BinarySearchFunc(f.links, q.id, func(l *link, id string) int { return cmp.Compare(l.queue.id, id) })
	if !found {
		return nil
	}
	return f.links[i]
}

func (c *Core) putAssociation(cmd PutAssociation) error {
	q, f := c.queues[cmd.QueueID], c.fleets[cmd.FleetID]
	if q == nil {
		return &NotFoundError{ResourceType: "queue", ResourceID: cmd.QueueID}
	}
	if f == nil {
		return &NotFoundError{ResourceType: "fleet", ResourceID: cmd.FleetID}
	}
	if cmd.Status == status.AssociationStopped || cmd.Status == status.AssociationNone {
		return &InvalidError{Field: "status", Message: "must be ACTIVE or one of the stopping statuses"}
	}
	l := f.link(q)
	if l == nil {
		if cmd.Status != status.AssociationActive {
			return &NotFoundError{ResourceType: "queue-fleet-association", ResourceID: cmd.QueueID + "/" + cmd.FleetID}
		}
		l = c.addLink(row.Association{
			FarmID: cmd.FarmID, QueueID: cmd.QueueID, FleetID: cmd.FleetID, Status: cmd.Status,
			Stamp: row.Stamp{CreatedAt: c.now.Wall, CreatedBy: cmd.By},
		}, q, f)
		c.dirtyLink(l)
		c.reevaluate(q)
		return nil
	}
	c.setAssociation(l, cmd.Status, cmd.By)
	return nil
}

// setAssociation changes an existing association; asking a STOPPED one to stop changes nothing.
func (c *Core) setAssociation(l *link, to status.Association, by string) {
	from := l.row.Status
	if from == status.AssociationStopped && to != status.AssociationActive {
		return
	}
	if !pass(c, linkMachine, l.id, from, to, causeTarget) {
		return
	}
	l.row.Status, l.row.UpdatedAt, l.row.UpdatedBy = to, c.now.Wall, by
	c.dirtyLink(l)
	if to == status.AssociationStopCancel {
		for _, s := range c.sessionsOf(l) {
			c.cancelSession(s, true, causeStop)
		}
	}
}

// settleLink lets a stopping association become STOPPED when nothing runs any more.
func (c *Core) settleLink(l *link) {
	stopping := l.row.Status == status.AssociationStopComplete || l.row.Status == status.AssociationStopCancel
	if stopping && l.sessions == 0 &&
		pass(c, linkMachine, l.id, l.row.Status, status.AssociationStopped, causeDerived) {
		l.row.Status = status.AssociationStopped
		c.dirtyLink(l)
	}
}

func (c *Core) addLink(r row.Association, q *queue, f *fleet) *link {
	l := &link{row: r, queue: q, fleet: f}
	q.links = append(q.links, l)
	slices.SortFunc(q.links, func(a, b *link) int { return cmp.Compare(a.fleet.id, b.fleet.id) })
	f.links = append(f.links, l)
	slices.SortFunc(f.links, func(a, b *link) int { return cmp.Compare(a.queue.id, b.queue.id) })
	return l
}

func (c *Core) deleteAssociation(cmd DeleteAssociation) error {
	q, f := c.queues[cmd.QueueID], c.fleets[cmd.FleetID]
	var l *link
	if q != nil && f != nil {
		l = f.link(q)
	}
	if l == nil {
		return &NotFoundError{ResourceType: "queue-fleet-association", ResourceID: cmd.QueueID + "/" + cmd.FleetID}
	}
	if l.row.Status != status.AssociationStopped {
		return &ConflictError{
			Reason: ReasonStatusConflict, ResourceType: "queue-fleet-association", ResourceID: l.id(),
			Status: l.row.Status.String(), Message: "only a STOPPED association can be deleted",
		}
	}
	same := func(other *link) bool { return other == l }
	q.links = slices.DeleteFunc(q.links, same)
	f.links = slices.DeleteFunc(f.links, same)
	c.refit([]*link{l})
	c.dirty.changes.DeleteAssociations = append(c.dirty.changes.DeleteAssociations,
		row.AssociationKey{FarmID: cmd.FarmID, QueueID: cmd.QueueID, FleetID: cmd.FleetID})
	c.reevaluate(q)
	return nil
}

// sessionsOf is the open sessions of an association, in order of their workers.
func (c *Core) sessionsOf(l *link) []*session {
	var list []*session
	for _, w := range l.fleet.workers {
		if w.session != nil && w.session.job.queue == l.queue {
			list = append(list, w.session)
		}
	}
	slices.SortFunc(list, func(a, b *session) int { return cmp.Compare(a.row.SessionID, b.row.SessionID) })
	return list
}
