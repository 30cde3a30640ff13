-- +goose Up

-- A change of many touched tasks of a step is one row of task_sweep until the rows of the tasks are changed too, which happens some at a
-- time. task.sweep is the last sweep of its step that a row knows of, step.sweeps the last one that there was.
ALTER TABLE task ADD COLUMN sweep BIGINT NOT NULL DEFAULT 0;
ALTER TABLE step ADD COLUMN sweeps BIGINT NOT NULL DEFAULT 0;
CREATE TABLE task_sweep (
    job_id      TEXT NOT NULL,
    step_index  BIGINT NOT NULL,
    seq         BIGINT NOT NULL,
    statuses    TEXT NOT NULL, -- JSON list: tasks that have one of them
    status      TEXT NOT NULL, -- get this one
    target      TEXT NOT NULL, -- and this target; '': they keep theirs
    updated_by  TEXT NOT NULL,
    updated_at  BIGINT NOT NULL,
    max_retries BIGINT NOT NULL,
    next_task   BIGINT NOT NULL, -- the rows of tasks below it are done
    PRIMARY KEY (job_id, step_index, seq)
) /* clustered */;
