-- +goose Up

-- The steps that people look for among many that succeeded or wait. Queries must repeat the condition word by word to be served by it.
CREATE INDEX step_rare ON step (task_status, job_id, step_index)
    WHERE task_status IN ('FAILED', 'CANCELED', 'SUSPENDED', 'NOT_COMPATIBLE');
