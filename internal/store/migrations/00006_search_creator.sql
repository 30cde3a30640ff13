-- +goose Up

-- What people ask for most: their own jobs that failed, or still run.
CREATE INDEX job_by_creator_and_status ON job (queue_id, created_by, task_status, created_at, number);
