-- +goose Up

-- What search terms are looked for in besides a job's name: its id, its creator and the values of its parameters, in lower case, a
-- line each. '?' is not known, or too long to be kept here: such a job has to be looked at.
ALTER TABLE job ADD COLUMN search_text TEXT NOT NULL DEFAULT '?';
CREATE INDEX job_by_text ON job (queue_id, created_at, number, name, search_text, job_id);
