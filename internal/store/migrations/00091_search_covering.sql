-- +goose Up

-- The three indexes that searches walk through have all that filters often ask for, so that the row is read only of what is found.
DROP INDEX job_by_age;
DROP INDEX job_by_creator;
DROP INDEX job_by_creator_and_status;
DROP INDEX job_by_status;
CREATE INDEX job_by_age ON job
    (queue_id, created_at, number, job_id, task_status, created_by, lifecycle, priority, started_at, ended_at, name);
CREATE INDEX job_by_creator ON job
    (queue_id, created_by, created_at, number, job_id, task_status, lifecycle, priority, started_at, ended_at, name);
CREATE INDEX job_by_status ON job
    (queue_id, task_status, created_at, number, job_id, created_by, lifecycle, priority, started_at, ended_at, name);
