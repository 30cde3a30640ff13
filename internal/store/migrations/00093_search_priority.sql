-- +goose Up

-- Searches walk through it too, so it has what the other three have.
DROP INDEX job_by_priority;
CREATE INDEX job_by_priority ON job
    (queue_id, priority, created_at, number, job_id, task_status, created_by, lifecycle, started_at, ended_at, name);
