-- +goose Up

-- Who may do what where. Members of a job are rows of the job and go with it; resource_id is the id of a
-- farm, queue, fleet or job, which are unique over all kinds. queue_id is that of a job's queue.
CREATE TABLE membership (
    resource_id       TEXT NOT NULL,
    principal_id      TEXT NOT NULL,
    resource_type     TEXT NOT NULL,
    farm_id           TEXT NOT NULL,
    queue_id          TEXT NOT NULL,
    created_at        BIGINT NOT NULL,
    created_by        TEXT NOT NULL,
    updated_at        BIGINT NOT NULL,
    updated_by        TEXT NOT NULL,
    principal_type    TEXT NOT NULL,
    identity_store_id TEXT NOT NULL,
    level             TEXT NOT NULL,
    PRIMARY KEY (resource_id, principal_id)
) /* clustered */;
CREATE INDEX membership_by_age ON membership (resource_id, created_at, principal_id);
CREATE INDEX membership_by_principal ON membership (principal_id, resource_type, farm_id, resource_id);
