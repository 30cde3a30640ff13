-- +goose Up

-- The jobs that have tasks which people look for among many that succeeded or wait. Queries must repeat the condition word by word to be
-- served by it.
CREATE INDEX job_with_rare_tasks ON job (queue_id, number)
    WHERE counts LIKE '%FAILED=%' OR counts LIKE '%CANCELED=%' OR counts LIKE '%SUSPENDED=%' OR counts LIKE '%NOT_COMPATIBLE=%';
