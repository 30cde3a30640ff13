package schedtest

import (
	"cmp"
	"maps"
	"slices"

	"github.com/farmhand-render/farmhand/internal/status"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// Primary keys of a [MemStore].
type (
	// StepKey is that of a step.
	StepKey struct {
		JobID string
		Index int32
	}
	// TaskKey is that of a task.
	TaskKey struct {
		JobID string
		Step  int32
		Task  int64
	}
	// SessionKey is that of a session.
	SessionKey struct {
		JobID string
		Seq   int64
	}
	// ActionKey is that of a session action.
	ActionKey struct {
		JobID   string
		Session int64
		Action  int64
	}
)

// MemStore is a store of maps: what a database holds after the changes given to Write.
type MemStore struct {
	Resources         map[row.ResourceKey]row.Resource
	Associations      map[row.AssociationKey]row.Association
	LimitAssociations map[row.LimitAssociationKey]row.LimitAssociation
	Spendings         map[string]row.Spending
	Usages            []row.Usage
	Workers           map[string]row.Worker
	Jobs              map[string]row.Job
	JobDocuments      map[string]row.JobDocument
	Steps             map[StepKey]row.Step
	StepDocuments     map[StepKey]row.StepDocument
	Tasks             map[TaskKey]row.Task
	Sessions          map[SessionKey]row.Session
	Actions           map[ActionKey]row.SessionAction
	Tags              map[string]row.Tags
}

// NewMemStore returns an empty store.
func NewMemStore() *MemStore {
	return &MemStore{
		Resources:         map[row.ResourceKey]row.Resource{},
		Associations:      map[row.AssociationKey]row.Association{},
		LimitAssociations: map[row.LimitAssociationKey]row.LimitAssociation{},
		Spendings:         map[string]row.Spending{},
		Workers:           map[string]row.Worker{},
		Jobs:              map[string]row.Job{},
		JobDocuments:      map[string]row.JobDocument{},
		Steps:             map[StepKey]row.Step{},
		StepDocuments:     map[StepKey]row.StepDocument{},
		Tasks:             map[TaskKey]row.Task{},
		Sessions:          map[SessionKey]row.Session{},
		Actions:           map[ActionKey]row.SessionAction{},
		Tags:              map[string]row.Tags{},
	}
}

// Write applies changes.
func (m *MemStore) Write(c *row.Changes) {
	put(m.Resources, c.Resources, func(r *row.Resource) row.ResourceKey { return row.ResourceKey{Kind: r.Kind, ID: r.ID} })
	put(m.Associations, c.Associations, func(r *row.Association) row.AssociationKey {
		return row.AssociationKey{FarmID: r.FarmID, QueueID: r.QueueID, FleetID: r.FleetID}
	})
	put(m.LimitAssociations, c.LimitAssociations, func(r *row.LimitAssociation) row.LimitAssociationKey {
		return row.LimitAssociationKey{FarmID: r.FarmID, QueueID: r.QueueID, LimitID: r.LimitID}
	})
	put(m.Spendings, c.Spendings, func(r *row.Spending) string { return r.ID })
	m.Usages = append(m.Usages, c.Usages...)
	put(m.Workers, c.Workers, func(r *row.Worker) string { return r.WorkerID })
	put(m.Jobs, c.Jobs, func(r *row.Job) string { return r.JobID })
	put(m.JobDocuments, c.JobDocuments, func(r *row.JobDocument) string { return r.JobID })
	put(m.Steps, c.Steps, func(r *row.Step) StepKey { return StepKey{r.JobID, r.StepIndex} })
	put(m.StepDocuments, c.StepDocuments, func(r *row.StepDocument) StepKey { return StepKey{r.JobID, r.StepIndex} })
	put(m.Tasks, c.Tasks, func(r *row.Task) TaskKey { return TaskKey{r.JobID, r.StepIndex, r.TaskIndex} })
	m.sweep(c.Sweeps)
	put(m.Sessions, c.Sessions, func(r *row.Session) SessionKey { return SessionKey{r.JobID, r.Seq} })
	put(m.Actions, c.Actions, func(r *row.SessionAction) ActionKey { return ActionKey{r.JobID, r.SessionSeq, r.ActionIndex} })
	put(m.Tags, c.Tags, func(r *row.Tags) string { return r.ARN })
	m.remove(c)
}

// sweep does sweeps to the tasks that are not written later than those.
func (m *MemStore) sweep(sweeps []row.Sweep) {
	for i := range sweeps {
		s := &sweeps[i]
		for key, t := range m.Tasks {
			if key.JobID == s.JobID && key.Step == s.StepIndex && s.Apply(&t) {
				m.Tasks[key] = t
			}
		}
	}
}

func (m *MemStore) remove(c *row.Changes) {
	for _, key := range c.DeleteLimitAssociations {
		delete(m.LimitAssociations, key)
	}
	for _, key := range c.DeleteAssociations {
		delete(m.Associations, key)
	}
	for _, id := range c.DeleteWorkers {
		delete(m.Workers, id)
	}
	for _, id := range c.DeleteJobs {
		m.deleteJob(id)
	}
	for _, key := range c.DeleteResources {
		delete(m.Resources, key)
		delete(m.Spendings, key.ID)
		if key.Kind == row.KindQueue { // with its finished jobs, which the core does not hold
			for id, j := range m.Jobs {
				if j.QueueID == key.ID {
					m.deleteJob(id)
				}
			}
		}
	}
}

func (m *MemStore) deleteJob(id string) {
	delete(m.Jobs, id)
	delete(m.JobDocuments, id)
	maps.DeleteFunc(m.Steps, func(k StepKey, _ row.Step) bool { return k.JobID == id })
	maps.DeleteFunc(m.StepDocuments, func(k StepKey, _ row.StepDocument) bool { return k.JobID == id })
	maps.DeleteFunc(m.Tasks, func(k TaskKey, _ row.Task) bool { return k.JobID == id })
	maps.DeleteFunc(m.Sessions, func(k SessionKey, _ row.Session) bool { return k.JobID == id })
	maps.DeleteFunc(m.Actions, func(k ActionKey, _ row.SessionAction) bool { return k.JobID == id })
}

func put[K comparable, R any](into map[K]R, rows []R, key func(*R) K) {
	for i := range rows {
		into[key(&rows[i])] = rows[i]
	}
}

// Snapshot is what a core takes over: see [row.Snapshot].
func (m *MemStore) Snapshot(farmID string) *row.Snapshot {
	out := &row.Snapshot{
		FarmID:            farmID,
		Resources:         sorted(m.Resources, func(a, b row.Resource) int { return cmp.Compare(a.ID, b.ID) }),
		Associations:      slices.Collect(maps.Values(m.Associations)),
		LimitAssociations: slices.Collect(maps.Values(m.LimitAssociations)),
		Spendings:         slices.Collect(maps.Values(m.Spendings)),
		Workers:           slices.Collect(maps.Values(m.Workers)),
	}
	open := map[string]bool{}
	for _, s := range m.Sessions {
		if s.Lifecycle != status.SessionEnded {
			open[s.JobID] = true
		}
	}
	wanted := map[string]*row.JobSnapshot{}
	for id, j := range m.Jobs {
		out.LastNumber = max(out.LastNumber, j.Number)
		if open[id] || j.TaskStatus != status.TaskNone && !j.TaskStatus.Terminal() {
			wanted[id] = m.start(id)
		}
	}
	m.fill(wanted)
	for _, j := range wanted {
		out.Jobs = append(out.Jobs, *j)
	}
	slices.SortFunc(out.Jobs, func(a, b row.JobSnapshot) int { return cmp.Compare(a.Job.Number, b.Job.Number) })
	return out
}

// JobSnapshot is one job whole, nil when it does not exist.
func (m *MemStore) JobSnapshot(id string) *row.JobSnapshot {
	if _, ok := m.Jobs[id]; !ok {
		return nil
	}
	wanted := map[string]*row.JobSnapshot{id: m.start(id)}
	m.fill(wanted)
	return wanted[id]
}

func (m *MemStore) start(id string) *row.JobSnapshot {
	return &row.JobSnapshot{Job: m.Jobs[id], Document: m.JobDocuments[id]}
}

// fill adds the rows of jobs in the order of their keys.
func (m *MemStore) fill(wanted map[string]*row.JobSnapshot) {
	for _, r := range sorted(m.Steps, func(a, b row.Step) int { return cmp.Compare(a.StepIndex, b.StepIndex) }) {
		if j := wanted[r.JobID]; j != nil {
			j.Steps = append(j.Steps, r)
			j.StepDocuments = append(j.StepDocuments, m.StepDocuments[StepKey{r.JobID, r.StepIndex}])
		}
	}
	for _, r := range m.Tasks {
		if j := wanted[r.JobID]; j != nil {
			j.Tasks = append(j.Tasks, r)
		}
	}
	open := map[SessionKey]bool{}
	for key, r := range m.Sessions {
		if j := wanted[r.JobID]; j != nil && r.Lifecycle != status.SessionEnded {
			open[key] = true
			j.Sessions = append(j.Sessions, r)
		}
	}
	for key, r := range m.Actions {
		if j := wanted[r.JobID]; j != nil && open[SessionKey{key.JobID, key.Session}] {
			j.Actions = append(j.Actions, r)
		}
	}
	for _, j := range wanted {
		slices.SortFunc(j.Actions, func(a, b row.SessionAction) int {
			return cmp.Or(cmp.Compare(a.SessionSeq, b.SessionSeq), cmp.Compare(a.ActionIndex, b.ActionIndex))
		})
	}
}

// idsOf is the ids of all resources of a kind, in order.
func (m *MemStore) idsOf(kind row.Kind) []string {
	var ids []string
	for key := range m.Resources {
		if key.Kind == kind {
			ids = append(ids, key.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

func sorted[K comparable, R any](m map[K]R, order func(a, b R) int) []R {
	return slices.SortedFunc(maps.Values(m), order)
}
