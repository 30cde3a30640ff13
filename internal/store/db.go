package store

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/farmhand-render/farmhand/internal/store/row"
	"github.com/farmhand-render/farmhand/internal/store/search"
)

// DB is the [Store] on an [Engine]: the portable SQL and the mapping of rows. The SQL of
// each resource stands beside the methods that run it, one file per resource.
type DB struct {
	engine Engine
	index  *search.Index // what searches look at; every commit is applied to it

	// sweeping says that there may be sweeps. It is set and reset within writing transactions, of which there is one at a time.
	sweeping atomic.Bool
}

var _ Store = (*DB)(nil)

// New makes a store on an engine whose schema is migrated. Closing the store closes the engine.
func New(engine Engine) *DB {
	d := &DB{engine: engine, index: search.New(searched{engine})}
	d.sweeping.Store(true) // until it was looked
	return d
}

// Close closes the engine.
func (d *DB) Close() error {
	d.index.Close()
	return d.engine.Close()
}

const sqlProbe = `INSERT INTO probe (probe_id, writes) VALUES (1, 1)
	ON CONFLICT (probe_id) DO UPDATE SET writes = probe.writes + 1`

// Check writes a row and makes it durable.
func (d *DB) Check(ctx context.Context) error {
	err := d.engine.Update(ctx, func(tx Tx) error {
		_, err := tx.Exec(ctx, sqlProbe)
		return err
	})
	if err != nil {
		return fmt.Errorf("check that the store can write: %w", err)
	}
	return nil
}

// Commit implements [Store]. Deletes happen before writes, so a key that is in both is replaced.
func (d *DB) Commit(ctx context.Context, c *row.Changes) error {
	err := d.engine.Update(ctx, func(tx Tx) error {
		if err := deleteRows(ctx, tx, c); err != nil {
			return err
		}
		if len(c.Sweeps) > 0 {
			d.sweeping.Store(true)
		}
		return writeRows(ctx, tx, c)
	})
	if err != nil {
		d.index.Forget()
		return fmt.Errorf("commit: %w", err)
	}
	d.index.Apply(c)
	return nil
}

const (
	sqlDeleteResource    = `DELETE FROM resource WHERE kind = $1 AND resource_id = $2`
	sqlDeleteVolumes     = `DELETE FROM resource WHERE kind = 'volume' AND parent_id = $1`
	sqlDeleteAssociation = `DELETE FROM association WHERE farm_id = $1 AND queue_id = $2 AND fleet_id = $3`
	sqlDeleteWorker      = `DELETE FROM worker WHERE worker_id = $1`
	sqlDeleteTags        = `DELETE FROM tags WHERE arn = $1`
)

func deleteRows(ctx context.Context, tx Tx, c *row.Changes) error {
	var failed error
	exec := func(sql string, args ...any) {
		if failed == nil {
			_, failed = tx.Exec(ctx, sql, args...)
		}
	}
	for _, key := range c.DeleteResources {
		exec(sqlDeleteResource, string(key.Kind), key.ID)
		exec(sqlDeleteMembers, key.ID)
		if key.Kind == row.KindFleet {
			exec(sqlDeleteVolumes, key.ID)
		}
		if key.Kind == row.KindBudget || key.Kind == row.KindQueue {
			exec(sqlDeleteSpending, key.ID)
		}
		if key.Kind == row.KindQueue {
			exec(sqlDeleteQueue, key.ID)
		}
	}
	for _, key := range c.DeleteLimitAssociations {
		exec(sqlDeleteLimitAssociation, key.FarmID, key.QueueID, key.LimitID)
	}
	for _, key := range c.DeleteAssociations {
		exec(sqlDeleteAssociation, key.FarmID, key.QueueID, key.FleetID)
	}
	for _, id := range c.DeleteWorkers {
		exec(sqlDeleteWorker, id)
	}
	for _, key := range c.DeleteMemberships {
		exec(sqlDeleteMembership, key.ResourceID, key.PrincipalID)
	}
	for _, id := range c.DeleteJobs {
		exec(sqlDeleteJob, id)
		for _, sql := range sqlDeleteJobRows {
			exec(sql, id)
		}
	}
	for i := range c.Tags {
		if len(c.Tags[i].Tags) == 0 {
			exec(sqlDeleteTags, c.Tags[i].ARN)
		}
	}
	if failed != nil {
		return fmt.Errorf("delete rows: %w", failed)
	}
	return nil
}

func writeRows(ctx context.Context, tx Tx, c *row.Changes) error {
	var tagged []row.Tags
	for _, t := range c.Tags {
		if len(t.Tags) > 0 {
			tagged = append(tagged, t)
		}
	}
	for _, write := range []func() error{
		func() error { return upsert(ctx, tx, resources, c.Resources) },
		func() error { return upsert(ctx, tx, associations, c.Associations) },
		func() error { return upsert(ctx, tx, limitAssociations, c.LimitAssociations) },
		func() error { return upsert(ctx, tx, spendings, c.Spendings) },
		func() error { return addUsages(ctx, tx, c.Usages) },
		func() error { return upsert(ctx, tx, memberships, c.Memberships) },
		func() error { return upsert(ctx, tx, workers, c.Workers) },
		func() error { return upsert(ctx, tx, jobs, c.Jobs) },
		func() error { return upsert(ctx, tx, jobDocuments, c.JobDocuments) },
		func() error { return upsert(ctx, tx, steps, c.Steps) },
		func() error { return upsert(ctx, tx, stepDocuments, c.StepDocuments) },
		func() error { return upsert(ctx, tx, tasks, c.Tasks) },
		func() error { return upsert(ctx, tx, sweeps, c.Sweeps) },
		func() error { return upsert(ctx, tx, sessions, c.Sessions) },
		func() error { return upsert(ctx, tx, actions, c.Actions) },
		func() error { return upsert(ctx, tx, tagsTable, tagged) },
		func() error { return upsert(ctx, tx, requestTokens, c.Tokens) },
	} {
		if err := write(); err != nil {
			return err
		}
	}
	return nil
}
