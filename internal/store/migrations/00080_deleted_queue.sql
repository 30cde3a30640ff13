-- +goose Up

-- Queues that were deleted and whose jobs, which may be very many, are being purged. Until a queue has no job any more its row here
-- hides them from every read by a job's, session's or member's id.
CREATE TABLE deleted_queue (
    queue_id TEXT NOT NULL,
    PRIMARY KEY (queue_id)
) /* clustered */;
