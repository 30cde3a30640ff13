-- +goose Up

-- What searches for jobs filter and sort by. Jobs of one value lie in the order of their creation, the default order of a search.
CREATE INDEX job_by_age ON job (queue_id, created_at, number);
CREATE INDEX job_by_name ON job (queue_id, name, created_at, number);
CREATE INDEX job_by_creator ON job (queue_id, created_by, created_at, number);
CREATE INDEX job_by_status ON job (queue_id, task_status, created_at, number);
CREATE INDEX job_by_lifecycle ON job (queue_id, lifecycle, created_at, number);
CREATE INDEX job_by_priority ON job (queue_id, priority, created_at, number);
CREATE INDEX job_by_start ON job (queue_id, started_at, created_at, number);
CREATE INDEX job_by_end ON job (queue_id, ended_at, created_at, number);
CREATE INDEX job_by_update ON job (queue_id, updated_at, created_at, number);
CREATE INDEX job_by_source ON job (queue_id, source_job_id, created_at, number);
