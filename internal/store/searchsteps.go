package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/farmhand-render/farmhand/internal/store/row"
)

// The columns of steps that searches look at.
const (
	StepID          Column = "step.step_id"
	StepJob         Column = "step.job_id"
	StepQueue       Column = "job.queue_id"
	StepName        Column = "step.name"
	StepLifecycle   Column = "step.lifecycle"
	StepMessage     Column = "step.lifecycle_message"
	StepStatus      Column = "step.task_status"
	StepTarget      Column = "step.target"
	StepCreatedBy   Column = "step.created_by"
	StepUpdatedBy   Column = "step.updated_by"
	StepCreatedAt   Column = "step.created_at"
	StepStartedAt   Column = "step.started_at"
	StepEndedAt     Column = "step.ended_at"
	StepUpdatedAt   Column = "step.updated_at"
	StepTaskRetries Column = "step.failure_retries"
)

// FoundStep is a step with its job.
type FoundStep struct {
	row.Step

	Job *row.Job
}

// rareStep is the condition of the index of rare steps.
const rareStep = `step.task_status IN ('FAILED', 'CANCELED', 'SUSPENDED', 'NOT_COMPATIBLE')`

// FindSteps implements [Reader].
//
// Steps that can have rare statuses only are found by those, when there are few, whatever queue they are of. Else the jobs of the queue are
// walked.
func (d *DB) FindSteps(
	ctx context.Context, queueID string, where *Condition, offset, size, limit int,
) (found []FoundStep, total int, err error) {
	from := stepsOfJobs
	if allRare(where.Statuses(StepStatus)) {
		b := &searchText{}
		n, err := d.count(ctx, b, `SELECT 1 FROM step WHERE `+rareStep+` AND `+admitted(b, where), limit)
		if err != nil {
			return nil, 0, err
		}
		if n < limit {
			from = jobsOfSteps
		}
	}
	b := &searchText{}
	if total, err = d.count(ctx, b, `SELECT 1`+from(b, queueID, where), limit); err != nil {
		return nil, 0, err
	}
	if total < limit && offset >= total {
		return nil, total, nil
	}
	b = &searchText{}
	all, err := list(ctx, d.engine, steps, steps.selectAll+` WHERE (job_id, step_index) IN (SELECT step.job_id, step.step_index`+
		from(b, queueID, where)+` ORDER BY job.number DESC, step.step_index LIMIT `+b.arg(int64(size))+` OFFSET `+b.arg(int64(offset))+`)`,
		b.args...)
	if err != nil {
		return nil, 0, fmt.Errorf("find steps: %w", err)
	}
	found, err = d.withJobs(ctx, all)
	return found, total, err
}

// stepsOfJobs walks the jobs of a queue, and their steps. SQLite keeps to the order of tables that are crossed. PostgreSQL takes a
// comparison with > for one that a third of the rows meets, and so walks, too.
func stepsOfJobs(b *searchText, queueID string, where *Condition) string {
	return ` FROM job CROSS JOIN step WHERE step.job_id = job.job_id AND ` + b.queues("job", []string{queueID}) +
		` AND CASE WHEN ` + b.condition(where) + ` THEN 1 ELSE 0 END > 0`
}

// jobsOfSteps looks at the steps of rare statuses, and to which queue they belong.
func jobsOfSteps(b *searchText, queueID string, where *Condition) string {
	return ` FROM step CROSS JOIN job WHERE ` + rareStep + ` AND ` + admitted(b, where) +
		` AND job.job_id = step.job_id AND (job.queue_id || '') = ` + b.arg(queueID) + ` AND ` + b.condition(where)
}

// admitted is the condition that a step has one of the statuses that another condition allows.
func admitted(b *searchText, where *Condition) string {
	values := []any{""} // no step has it
	for _, s := range where.Statuses(StepStatus) {
		values = append(values, s.String())
	}
	return `step.task_status IN (` + b.list(values) + `)`
}

// withJobs puts steps beside their jobs, newest jobs first, each in the order of its template. What was deleted meanwhile is left out.
func (d *DB) withJobs(ctx context.Context, all []row.Step) ([]FoundStep, error) {
	var ids []string
	for i := range all {
		ids = append(ids, all[i].JobID)
	}
	slices.Sort(ids)
	jobs, err := d.jobsByID(ctx, slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	at := make(map[string]*row.Job, len(jobs))
	for i := range jobs {
		at[jobs[i].JobID] = &jobs[i]
	}
	var found []FoundStep
	for i := range all {
		if job := at[all[i].JobID]; job != nil {
			found = append(found, FoundStep{all[i], job})
		}
	}
	slices.SortFunc(found, func(a, b FoundStep) int {
		return cmp.Or(cmp.Compare(b.Job.Number, a.Job.Number), cmp.Compare(a.StepIndex, b.StepIndex))
	})
	return found, nil
}
