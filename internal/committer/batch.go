package committer

import (
	"slices"

	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// batch is commands that were applied and wait to be durable together.
type batch struct {
	waiting []answer
	wakes   []scheduler.Wake
	tokens  []*remembered
	loads   []*load // that begin when it is durable

	resources         rows[row.ResourceKey, row.Resource]
	associations      rows[row.AssociationKey, row.Association]
	limitAssociations rows[row.LimitAssociationKey, row.LimitAssociation]
	spendings         rows[string, row.Spending]
	usages            []row.Usage
	memberships       rows[row.MembershipKey, row.Membership]
	workers           rows[string, row.Worker]
	jobs              rows[string, row.Job]
	jobDocuments      rows[string, row.JobDocument]
	steps             rows[stepKey, row.Step]
	stepDocuments     rows[stepKey, row.StepDocument]
	tasks             rows[taskKey, row.Task]
	sweeps            []row.Sweep
	sessions          rows[sessionKey, row.Session]
	actions           rows[actionKey, row.SessionAction]
	tags              rows[string, row.Tags]
	requestTokens     rows[tokenKey, row.RequestToken]
}

// answer is what a caller gets once the batch is durable.
type answer struct {
	to *pending
	outcome
}

type (
	stepKey struct {
		job  string
		step int32
	}
	taskKey struct {
		job  string
		step int32
		task int64
	}
	sessionKey struct {
		job string
		seq int64
	}
	actionKey struct {
		job        string
		seq, index int64
	}
)

// rows collects the last change of each primary key. A key may be deleted and then written:
// the store deletes before it writes.
type rows[K comparable, V any] struct {
	written []V
	keys    []K       // of written
	at      map[K]int // index in written
	deleted []K
	gone    map[K]struct{} // set of deleted
}

func (r *rows[K, V]) put(key K, v V) {
	if i, ok := r.at[key]; ok {
		r.written[i] = v
		return
	}
	if r.at == nil {
		r.at = map[K]int{}
	}
	r.at[key] = len(r.written)
	r.written = append(r.written, v)
	r.keys = append(r.keys, key)
}

// drop forgets that a key was written.
func (r *rows[K, V]) drop(key K) {
	i, ok := r.at[key]
	if !ok {
		return
	}
	last := len(r.written) - 1
	r.written[i], r.keys[i] = r.written[last], r.keys[last]
	r.at[r.keys[i]] = i
	r.written, r.keys = r.written[:last], r.keys[:last]
	delete(r.at, key)
}

func (r *rows[K, V]) delete(key K) {
	r.drop(key)
	if _, ok := r.gone[key]; ok {
		return
	}
	if r.gone == nil {
		r.gone = map[K]struct{}{}
	}
	r.gone[key] = struct{}{}
	r.deleted = append(r.deleted, key)
}

// dropIf forgets the keys that match.
func (r *rows[K, V]) dropIf(match func(K) bool) {
	for _, v := range slices.Backward(r.keys) {
		if match(v) {
			r.drop(v)
		}
	}
}

func (b *batch) answer(p *pending, o outcome) {
	if p != nil {
		b.waiting = append(b.waiting, answer{p, o})
	}
}

// remember writes the token of a command together with its changes.
func (b *batch) remember(r *remembered) {
	b.tokens = append(b.tokens, r)
	b.requestTokens.put(r.key, row.RequestToken{
		Principal: r.key.principal, Operation: r.key.operation, Token: r.key.token,
		Hash: r.hash, Response: r.response, CreatedAt: r.at,
	})
}

// merge adds the changes of a command to those before it: the later row of a key wins.
func (b *batch) merge(c *row.Changes) {
	if c == nil {
		return
	}
	b.mergeDeletes(c)
	for _, r := range c.Resources {
		b.resources.put(row.ResourceKey{Kind: r.Kind, ID: r.ID}, r)
	}
	for _, r := range c.Associations {
		b.associations.put(row.AssociationKey{FarmID: r.FarmID, QueueID: r.QueueID, FleetID: r.FleetID}, r)
	}
	for _, r := range c.LimitAssociations {
		b.limitAssociations.put(row.LimitAssociationKey{FarmID: r.FarmID, QueueID: r.QueueID, LimitID: r.LimitID}, r)
	}
	for _, r := range c.Spendings {
		b.spendings.put(r.ID, r)
	}
	b.usages = append(b.usages, c.Usages...)
	for _, r := range c.Memberships {
		b.memberships.put(row.MembershipKey{ResourceID: r.ResourceID, PrincipalID: r.PrincipalID}, r)
	}
	for _, r := range c.Workers {
		b.workers.put(r.WorkerID, r)
	}
	for _, r := range c.Jobs {
		b.jobs.put(r.JobID, r)
	}
	for _, r := range c.JobDocuments {
		b.jobDocuments.put(r.JobID, r)
	}
	for _, r := range c.Steps {
		b.steps.put(stepKey{r.JobID, r.StepIndex}, r)
	}
	for _, r := range c.StepDocuments {
		b.stepDocuments.put(stepKey{r.JobID, r.StepIndex}, r)
	}
	for _, r := range c.Tasks {
		b.tasks.put(taskKey{r.JobID, r.StepIndex, r.TaskIndex}, r)
	}
	b.sweeps = append(b.sweeps, c.Sweeps...)
	for _, r := range c.Sessions {
		b.sessions.put(sessionKey{r.JobID, r.Seq}, r)
	}
	for _, r := range c.Actions {
		b.actions.put(actionKey{r.JobID, r.SessionSeq, r.ActionIndex}, r)
	}
	for _, r := range c.Tags {
		b.tags.put(r.ARN, r)
	}
	for _, r := range c.Tokens {
		b.requestTokens.put(tokenKey{r.Principal, r.Operation, r.Token}, r)
	}
}

func (b *batch) mergeDeletes(c *row.Changes) {
	for _, key := range c.DeleteResources {
		b.resources.delete(key)
		b.spendings.drop(key.ID)
		b.memberships.dropIf(func(k row.MembershipKey) bool { return k.ResourceID == key.ID })
	}
	for _, key := range c.DeleteLimitAssociations {
		b.limitAssociations.delete(key)
	}
	for _, key := range c.DeleteAssociations {
		b.associations.delete(key)
	}
	for _, key := range c.DeleteMemberships {
		b.memberships.delete(key)
	}
	for _, id := range c.DeleteWorkers {
		b.workers.delete(id)
	}
	if len(c.DeleteJobs) > 0 {
		gone := make(map[string]bool, len(c.DeleteJobs))
		for _, id := range c.DeleteJobs {
			gone[id] = true
			b.jobs.delete(id)
		}
		b.dropJobs(gone)
	}
}

// dropJobs forgets all rows of jobs.
func (b *batch) dropJobs(gone map[string]bool) {
	b.memberships.dropIf(func(k row.MembershipKey) bool { return gone[k.ResourceID] })
	b.jobDocuments.dropIf(func(id string) bool { return gone[id] })
	b.steps.dropIf(func(k stepKey) bool { return gone[k.job] })
	b.stepDocuments.dropIf(func(k stepKey) bool { return gone[k.job] })
	b.tasks.dropIf(func(k taskKey) bool { return gone[k.job] })
	b.sweeps = slices.DeleteFunc(b.sweeps, func(s row.Sweep) bool { return gone[s.JobID] })
	b.sessions.dropIf(func(k sessionKey) bool { return gone[k.job] })
	b.actions.dropIf(func(k actionKey) bool { return gone[k.job] })
}

// changes is the batch as one transaction.
func (b *batch) changes() *row.Changes {
	return &row.Changes{
		Resources:               b.resources.written,
		DeleteResources:         b.resources.deleted,
		Associations:            b.associations.written,
		DeleteAssociations:      b.associations.deleted,
		LimitAssociations:       b.limitAssociations.written,
		DeleteLimitAssociations: b.limitAssociations.deleted,
		Spendings:               b.spendings.written,
		Usages:                  b.usages,
		Memberships:             b.memberships.written,
		DeleteMemberships:       b.memberships.deleted,
		Workers:                 b.workers.written,
		DeleteWorkers:           b.workers.deleted,
		Jobs:                    b.jobs.written,
		JobDocuments:            b.jobDocuments.written,
		Steps:                   b.steps.written,
		StepDocuments:           b.stepDocuments.written,
		Tasks:                   b.tasks.written,
		Sweeps:                  b.sweeps,
		Sessions:                b.sessions.written,
		Actions:                 b.actions.written,
		Tags:                    b.tags.written,
		DeleteJobs:              b.jobs.deleted,
		Tokens:                  b.requestTokens.written,
	}
}

// size is the number of rows to write and delete.
func (b *batch) size() int {
	return len(b.resources.written) + len(b.resources.deleted) + len(b.associations.written) +
		len(b.associations.deleted) + len(b.memberships.written) + len(b.memberships.deleted) + len(b.workers.written) + len(b.workers.deleted) + len(b.jobs.written) +
		len(b.jobs.deleted) + len(b.jobDocuments.written) + len(b.steps.written) + len(b.stepDocuments.written) +
		len(b.tasks.written) + len(b.sessions.written) + len(b.actions.written) + len(b.tags.written) +
		len(b.requestTokens.written) + len(b.limitAssociations.written) + len(b.limitAssociations.deleted) +
		len(b.spendings.written) + len(b.usages) + len(b.sweeps)
}

// settle answers the callers: each with its own outcome, or all with err.
func (b *batch) settle(err error) {
	for _, w := range b.waiting {
		if err != nil {
			w.outcome = outcome{err: err}
		}
		w.to.done <- w.outcome
	}
}
