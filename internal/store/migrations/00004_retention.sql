-- +goose Up

-- The jobs that retention looks for. Queries must repeat the conditions word by word to be served by these.
CREATE INDEX job_over ON job (farm_id, ended_at)
    WHERE lifecycle <> 'ARCHIVED' AND task_status IN ('NOT_COMPATIBLE', 'FAILED', 'CANCELED', 'SUCCEEDED');
CREATE INDEX job_never_made ON job (farm_id, created_at) WHERE lifecycle = 'CREATE_FAILED';
CREATE INDEX job_archived ON job (farm_id, updated_at) WHERE lifecycle = 'ARCHIVED';
