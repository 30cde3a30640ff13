-- +goose Up

-- What the extensions of Open Job Description add for workers: the extensions of a job's template with the symbols of its
-- environments, and the symbols of a step.
ALTER TABLE job_document ADD COLUMN extended TEXT;
ALTER TABLE step_document ADD COLUMN symbols TEXT;
