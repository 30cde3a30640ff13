-- +goose Up

-- Jobs that were deleted and whose steps, tasks, sessions and actions, which may be very many, are being purged. Until nothing is left
-- of a job its row here hides its sessions from reads by worker.
CREATE TABLE deleted_job (
    job_id   TEXT NOT NULL,
    farm_id  TEXT NOT NULL,
    queue_id TEXT NOT NULL,
    PRIMARY KEY (job_id)
) /* clustered */;
