-- +goose Up

-- What is known of all tasks of a step together: within which times they were started, ended and updated, and whether one may have a
-- target or somebody who updated it. Searches for tasks leave out steps by it.
ALTER TABLE step ADD COLUMN earliest BIGINT NOT NULL DEFAULT 0;
ALTER TABLE step ADD COLUMN latest BIGINT NOT NULL DEFAULT 0;
ALTER TABLE step ADD COLUMN targeted TEXT NOT NULL DEFAULT '';
UPDATE step SET
    earliest = COALESCE((SELECT MIN(at) FROM (
        SELECT started_at AS at FROM task WHERE task.job_id = step.job_id AND task.step_index = step.step_index
        UNION ALL SELECT ended_at FROM task WHERE task.job_id = step.job_id AND task.step_index = step.step_index
        UNION ALL SELECT updated_at FROM task WHERE task.job_id = step.job_id AND task.step_index = step.step_index
        UNION ALL SELECT rest_updated_at) AS times WHERE at > 0), 0),
    latest = COALESCE((SELECT MAX(at) FROM (
        SELECT started_at AS at FROM task WHERE task.job_id = step.job_id AND task.step_index = step.step_index
        UNION ALL SELECT ended_at FROM task WHERE task.job_id = step.job_id AND task.step_index = step.step_index
        UNION ALL SELECT updated_at FROM task WHERE task.job_id = step.job_id AND task.step_index = step.step_index
        UNION ALL SELECT rest_updated_at) AS times), 0),
    targeted = CASE WHEN rest_target <> '' OR rest_updated_by <> '' OR EXISTS (
        SELECT 1 FROM task WHERE task.job_id = step.job_id AND task.step_index = step.step_index
            AND (task.target <> '' OR task.updated_by <> '')) THEN 'YES' ELSE '' END;
