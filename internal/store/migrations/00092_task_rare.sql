-- +goose Up

-- The tasks that people look for among many that succeeded or wait. Queries must repeat the condition word by word to be served by it.
-- A task that goes its usual way is never in it.
CREATE INDEX task_rare ON task (job_id, step_index, status, task_index)
    WHERE status IN ('FAILED', 'CANCELED', 'SUSPENDED', 'NOT_COMPATIBLE');
