-- +goose Up

-- It served searches for the tasks of queues, which look for their steps in memory.
DROP INDEX job_with_rare_tasks;
