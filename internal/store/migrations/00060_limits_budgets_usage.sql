-- +goose Up

-- Statuses are those of queue-fleet associations.
CREATE TABLE limit_association (
    farm_id    TEXT NOT NULL,
    queue_id   TEXT NOT NULL,
    limit_id   TEXT NOT NULL,
    status     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (farm_id, queue_id, limit_id)
) /* clustered */;

ALTER TABLE session_action ADD COLUMN limits TEXT;
ALTER TABLE session ADD COLUMN metered TEXT;

-- Costs are nanodollars, run times microseconds.
CREATE TABLE spending (
    spender_id TEXT NOT NULL PRIMARY KEY,
    farm_id    TEXT NOT NULL,
    amount     BIGINT NOT NULL,
    stopped_at BIGINT NOT NULL
) /* clustered */;
CREATE INDEX spending_by_farm ON spending (farm_id);

-- What sessions took, added up by the half hour in which they ended: usage_total over all jobs, so that a year of a
-- farm is read without reading its sessions; usage_job by job.
CREATE TABLE usage_total (
    farm_id       TEXT NOT NULL,
    period        BIGINT NOT NULL,
    queue_id      TEXT NOT NULL,
    fleet_id      TEXT NOT NULL,
    job_id        TEXT NOT NULL,
    job_name      TEXT NOT NULL,
    user_id       TEXT NOT NULL,
    usage_type    TEXT NOT NULL,
    product       TEXT NOT NULL,
    instance_type TEXT NOT NULL,
    sessions      BIGINT NOT NULL,
    runtime       BIGINT NOT NULL,
    min_runtime   BIGINT NOT NULL,
    max_runtime   BIGINT NOT NULL,
    cost          BIGINT NOT NULL,
    min_cost      BIGINT NOT NULL,
    max_cost      BIGINT NOT NULL,
    PRIMARY KEY (farm_id, period, queue_id, fleet_id, job_id, user_id, usage_type, product, instance_type)
) /* clustered */;

CREATE TABLE usage_job (
    farm_id       TEXT NOT NULL,
    period        BIGINT NOT NULL,
    queue_id      TEXT NOT NULL,
    fleet_id      TEXT NOT NULL,
    job_id        TEXT NOT NULL,
    job_name      TEXT NOT NULL,
    user_id       TEXT NOT NULL,
    usage_type    TEXT NOT NULL,
    product       TEXT NOT NULL,
    instance_type TEXT NOT NULL,
    sessions      BIGINT NOT NULL,
    runtime       BIGINT NOT NULL,
    min_runtime   BIGINT NOT NULL,
    max_runtime   BIGINT NOT NULL,
    cost          BIGINT NOT NULL,
    min_cost      BIGINT NOT NULL,
    max_cost      BIGINT NOT NULL,
    PRIMARY KEY (farm_id, period, queue_id, fleet_id, job_id, user_id, usage_type, product, instance_type)
) /* clustered */;
