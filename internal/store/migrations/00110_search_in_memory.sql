-- +goose Up

-- Searches for jobs and steps look at columns in memory. What served them here is not needed any more, and need not be written.
-- sqlite: DROP TABLE job_part;
DROP TABLE job_text;
DROP TABLE job_without_text;
DROP INDEX job_by_age;
DROP INDEX job_by_name;
DROP INDEX job_by_creator;
DROP INDEX job_by_status;
DROP INDEX job_by_lifecycle;
DROP INDEX job_by_priority;
DROP INDEX job_by_start;
DROP INDEX job_by_end;
DROP INDEX job_by_update;
DROP INDEX job_by_source;
DROP INDEX step_rare;
