package store

import (
	"context"
	"fmt"

	"github.com/farmhand-render/farmhand/internal/store/row"
)

// unfinishedJob is the condition of the index job_unfinished.
const unfinishedJob = `task_status NOT IN ('', 'NOT_COMPATIBLE', 'FAILED', 'CANCELED', 'SUCCEEDED')`

// The jobs of a snapshot, by farm: unfinished ones, and finished ones whose sessions still leave their environments.
const ofActiveJobs = ` WHERE job_id IN (
	SELECT job_id FROM job WHERE farm_id = $1 AND ` + unfinishedJob + `
	UNION SELECT job_id FROM session WHERE farm_id = $1 AND ` + openSession + `)`

// The job of a job snapshot.
const ofJob = ` WHERE job_id = $1`

const (
	andOpen        = ` AND ` + openSession
	ofOpenSessions = ` AND (job_id, session_seq) IN (SELECT job_id, seq FROM session`
)

// jobQueries read the rows of some jobs whole.
type jobQueries struct{ jobs, documents, steps, stepDocuments, tasks, sessions, actions string }

func newJobQueries(condition string) jobQueries {
	return jobQueries{
		jobs:          jobs.selectAll + condition + ` ORDER BY number`,
		documents:     jobDocuments.selectAll + condition,
		steps:         steps.selectAll + condition + ` ORDER BY job_id, step_index`,
		stepDocuments: stepDocuments.selectAll + condition + ` ORDER BY job_id, step_index`,
		tasks:         tasks.selectAll + condition + ` ORDER BY job_id, step_index, task_index`,
		sessions:      sessions.selectAll + condition + andOpen + ` ORDER BY job_id, seq`,
		actions: actions.selectAll + condition + ofOpenSessions + condition + andOpen + `)
			ORDER BY job_id, session_seq, action_index`,
	}
}

var (
	sqlActiveJobs = newJobQueries(ofActiveJobs)
	sqlWholeJob   = newJobQueries(ofJob)
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
	// Rows whose job is missing cannot be: all queries see one state, and jobs are deleted whole.
	for _, read := range []func() error{
		func() error {
			return each(ctx, q, jobDocuments, sql.documents, func(r row.JobDocument) { byID[r.JobID].Document = r }, key)
		},
		func() error {
			return each(ctx, q, steps, sql.steps, func(r row.Step) {
				job := byID[r.JobID]
				job.Steps = append(job.Steps, r)
			}, key)
		},
		func() error {
			return each(ctx, q, stepDocuments, sql.stepDocuments, func(r row.StepDocument) {
				job := byID[r.JobID]
				job.StepDocuments = append(job.StepDocuments, r)
			}, key)
		},
		func() error {
			return each(ctx, q, tasks, sql.tasks, func(r row.Task) {
				job := byID[r.JobID]
				job.Tasks = append(job.Tasks, r)
			}, key)
		},
		func() error {
			return each(ctx, q, sessions, sql.sessions, func(r row.Session) {
				job := byID[r.JobID]
				job.Sessions = append(job.Sessions, r)
			}, key)
		},
		func() error {
			return each(ctx, q, actions, sql.actions, func(r row.SessionAction) {
				job := byID[r.JobID]
				job.Actions = append(job.Actions, r)
			}, key)
		},
	} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	return found, nil
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
		WHERE farm_id = $1 AND kind IN ('queue', 'queue-environment', 'fleet') ORDER BY kind, created_at, resource_id`
	sqlFarmAssociations = associations.selectAll + ` WHERE farm_id = $1 ORDER BY queue_id, fleet_id`
	sqlFarmWorkers      = workers.selectAll + ` WHERE farm_id = $1 ORDER BY worker_id`
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
