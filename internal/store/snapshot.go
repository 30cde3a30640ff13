package store

import (
	"context"
	"fmt"

	"github.com/farmhand-render/farmhand/internal/store/row"
)

// unfinishedJob is the condition of the index job_unfinished.
const unfinishedJob = `task_status NOT IN ('', 'NOT_COMPATIBLE', 'FAILED', 'CANCELED', 'SUCCEEDED')`

const (
	ofJob = ` WHERE job_id = $1`

	openOfJob  = ` WHERE job_id = $1 AND ` + openSession
	openOfFarm = ` WHERE farm_id = $1 AND ` + openSession

	// The jobs of a snapshot: unfinished ones, and finished ones whose sessions still leave their environments.
	ofActiveJobs = ` WHERE job_id IN (
		SELECT job_id FROM job WHERE farm_id = $1 AND ` + unfinishedJob + ` AND ` + jobIsThere + `
		UNION SELECT job_id FROM session` + openOfFarm + `)`
)

// jobQueries read the rows of some jobs whole.
type jobQueries struct{ jobs, documents, steps, stepDocuments, tasks, sweeps, sessions, actions string }

// newJobQueries takes the conditions for rows of jobs and for their open sessions.
func newJobQueries(ofJobs, open string) jobQueries {
	return jobQueries{
		jobs:          jobs.selectAll + ofJobs + ` AND ` + jobIsThere + ` ORDER BY number`,
		documents:     jobDocuments.selectAll + ofJobs,
		steps:         steps.selectAll + ofJobs + ` ORDER BY job_id, step_index`,
		stepDocuments: stepDocuments.selectAll + ofJobs + ` ORDER BY job_id, step_index`,
		tasks:         tasks.selectAll + ofJobs + ` ORDER BY job_id, step_index, task_index`,
		sweeps:        sweeps.selectAll + ofJobs + inTurn,
		sessions:      sessions.selectAll + open + ` ORDER BY job_id, seq`,
		actions: actions.selectAll + ` WHERE (job_id, session_seq) IN (SELECT job_id, seq FROM session` + open + `)
			ORDER BY job_id, session_seq, action_index`,
	}
}

var (
	sqlActiveJobs = newJobQueries(ofActiveJobs, openOfFarm)
	sqlWholeJob   = newJobQueries(ofJob, openOfJob)
)

// readJobs reads jobs in order of their numbers; key is the farm or job of the queries.
func readJobs(ctx context.Context, q Querier, sql *jobQueries, key string) ([]row.JobSnapshot, error) {
	var found []row.JobSnapshot
	err := each(ctx, q, jobs, sql.jobs, func(r row.Job) { found = append(found, row.JobSnapshot{Job: r}) }, key)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	byID := make(map[string]*row.JobSnapshot, len(found))
	for i := range found {
		byID[found[i].Job.JobID] = &found[i]
	}
	for _, read := range []func() error{
		func() error {
			return eachOf(ctx, q, byID, jobDocuments, sql.documents, key, func(r *row.JobDocument) string { return r.JobID },
				func(j *row.JobSnapshot, r row.JobDocument) { j.Document = r })
		},
		func() error {
			return eachOf(ctx, q, byID, steps, sql.steps, key, func(r *row.Step) string { return r.JobID },
				func(j *row.JobSnapshot, r row.Step) { j.Steps = append(j.Steps, r) })
		},
		func() error {
			return eachOf(ctx, q, byID, stepDocuments, sql.stepDocuments, key, func(r *row.StepDocument) string { return r.JobID },
				func(j *row.JobSnapshot, r row.StepDocument) { j.StepDocuments = append(j.StepDocuments, r) })
		},
		func() error {
			return eachOf(ctx, q, byID, tasks, sql.tasks, key, func(r *row.Task) string { return r.JobID },
				func(j *row.JobSnapshot, r row.Task) { j.Tasks = append(j.Tasks, r) })
		},
		func() error {
			return eachOf(ctx, q, byID, sweeps, sql.sweeps, key, func(r *row.Sweep) string { return r.JobID },
				func(j *row.JobSnapshot, r row.Sweep) { sweepAll(j.Tasks, &r) })
		},
		func() error {
			return eachOf(ctx, q, byID, sessions, sql.sessions, key, func(r *row.Session) string { return r.JobID },
				func(j *row.JobSnapshot, r row.Session) { j.Sessions = append(j.Sessions, r) })
		},
		func() error {
			return eachOf(ctx, q, byID, actions, sql.actions, key, func(r *row.SessionAction) string { return r.JobID },
				func(j *row.JobSnapshot, r row.SessionAction) { j.Actions = append(j.Actions, r) })
		},
	} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// eachOf adds every row of a query to its job. All queries see one state and jobs are deleted
// whole, so no row is without a job; one that is all the same belongs to nobody.
func eachOf[T any](
	ctx context.Context, q Querier, jobs map[string]*row.JobSnapshot, t *table[T], sql, key string,
	job func(*T) string, add func(*row.JobSnapshot, T),
) error {
	return each(ctx, q, t, sql, func(r T) {
		if j := jobs[job(&r)]; j != nil {
			add(j, r)
		}
	}, key)
}

// JobSnapshot implements [Reader].
func (d *DB) JobSnapshot(ctx context.Context, jobID string) (*row.JobSnapshot, error) {
	var found []row.JobSnapshot
	err := d.engine.View(ctx, func(q Querier) (err error) {
		found, err = readJobs(ctx, q, &sqlWholeJob, jobID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read job %s: %w", jobID, err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("job %s: %w", jobID, ErrNotFound)
	}
	return &found[0], nil
}

var (
	sqlFarmResources = resources.selectAll + `
		WHERE farm_id = $1 AND kind IN ('queue', 'queue-environment', 'fleet', 'limit', 'budget') OR kind = 'farm' AND resource_id = $1
		ORDER BY kind, created_at, resource_id`
	sqlFarmAssociations      = associations.selectAll + ` WHERE farm_id = $1 ORDER BY queue_id, fleet_id`
	sqlFarmLimitAssociations = limitAssociations.selectAll + ` WHERE farm_id = $1 ORDER BY queue_id, limit_id`
	sqlFarmSpendings         = spendings.selectAll + ` WHERE farm_id = $1 ORDER BY spender_id`
	sqlFarmWorkers           = workers.selectAll + ` WHERE farm_id = $1 ORDER BY worker_id`
)

const sqlLastNumber = `SELECT COALESCE(max(number), 0) FROM job WHERE farm_id = $1`

// Snapshot implements [Reader].
func (d *DB) Snapshot(ctx context.Context, farmID string) (*row.Snapshot, error) {
	snapshot := &row.Snapshot{FarmID: farmID}
	err := d.engine.View(ctx, func(q Querier) (err error) {
		if snapshot.Resources, err = list(ctx, q, resources, sqlFarmResources, farmID); err != nil {
			return err
		}
		if snapshot.Associations, err = list(ctx, q, associations, sqlFarmAssociations, farmID); err != nil {
			return err
		}
		if snapshot.LimitAssociations, err = list(ctx, q, limitAssociations, sqlFarmLimitAssociations, farmID); err != nil {
			return err
		}
		if snapshot.Spendings, err = list(ctx, q, spendings, sqlFarmSpendings, farmID); err != nil {
			return err
		}
		if snapshot.Workers, err = list(ctx, q, workers, sqlFarmWorkers, farmID); err != nil {
			return err
		}
		if snapshot.LastNumber, err = number(ctx, q, sqlLastNumber, farmID); err != nil {
			return err
		}
		snapshot.Jobs, err = readJobs(ctx, q, &sqlActiveJobs, farmID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read farm %s: %w", farmID, err)
	}
	return snapshot, nil
}
