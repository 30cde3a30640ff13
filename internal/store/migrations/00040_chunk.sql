-- +goose Up

-- The tasks of a taskRun that runs a chunk, as ranges of indexes such as 3-9,12; '' for one task. task_index is the first of them.
ALTER TABLE session_action ADD COLUMN chunk TEXT NOT NULL DEFAULT '';
