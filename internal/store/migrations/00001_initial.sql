-- +goose Up

-- One text for all engines: TEXT, BIGINT, DOUBLE PRECISION, BOOLEAN and BYTEA only. Times are
-- microseconds since 1970 UTC, 0 when absent. Documents are JSON texts. Statuses are the API's
-- names, '' when absent. There are no foreign keys: the scheduler core decides what may be
-- deleted, and a check for each of thousands of rows a second would only repeat it.
--
-- "clustered" marks tables that SQLite stores in order of their primary key, so that the rows
-- of one job lie together. Tables with large documents are not clustered.

CREATE TABLE resource (
    kind        TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    farm_id     TEXT NOT NULL,
    parent_id   TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    created_by  TEXT NOT NULL,
    updated_at  BIGINT NOT NULL,
    updated_by  TEXT NOT NULL,
    doc         TEXT,
    PRIMARY KEY (kind, resource_id)
);
CREATE INDEX resource_by_age ON resource (kind, parent_id, created_at, resource_id);
CREATE INDEX resource_by_farm ON resource (farm_id, kind);

CREATE TABLE association (
    farm_id    TEXT NOT NULL,
    queue_id   TEXT NOT NULL,
    fleet_id   TEXT NOT NULL,
    status     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (farm_id, queue_id, fleet_id)
) /* clustered */;

CREATE TABLE tags (
    arn  TEXT NOT NULL PRIMARY KEY,
    tags TEXT NOT NULL
) /* clustered */;

CREATE TABLE request_token (
    principal  TEXT NOT NULL,
    operation  TEXT NOT NULL,
    token      TEXT NOT NULL,
    hash       BYTEA NOT NULL,
    response   TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (principal, operation, token)
);
CREATE INDEX request_token_by_age ON request_token (created_at);

CREATE TABLE worker (
    worker_id       TEXT NOT NULL PRIMARY KEY,
    farm_id         TEXT NOT NULL,
    fleet_id        TEXT NOT NULL,
    status          TEXT NOT NULL,
    created_at      BIGINT NOT NULL,
    created_by      TEXT NOT NULL,
    updated_at      BIGINT NOT NULL,
    updated_by      TEXT NOT NULL,
    host_properties TEXT,
    capabilities    TEXT
);
CREATE INDEX worker_by_age ON worker (fleet_id, created_at, worker_id);
CREATE INDEX worker_by_farm ON worker (farm_id, worker_id);

CREATE TABLE job (
    job_id             TEXT NOT NULL PRIMARY KEY,
    farm_id            TEXT NOT NULL,
    queue_id           TEXT NOT NULL,
    number             BIGINT NOT NULL,
    name               TEXT NOT NULL,
    description        TEXT NOT NULL,
    lifecycle          TEXT NOT NULL,
    lifecycle_message  TEXT NOT NULL,
    task_status        TEXT NOT NULL,
    target             TEXT NOT NULL,
    counts             TEXT NOT NULL,
    failure_retries    BIGINT NOT NULL,
    priority           BIGINT NOT NULL,
    max_failed_tasks   BIGINT NOT NULL,
    max_retries        BIGINT NOT NULL,
    max_workers        BIGINT NOT NULL,
    sessions           BIGINT NOT NULL,
    started_at         BIGINT NOT NULL,
    ended_at           BIGINT NOT NULL,
    created_at         BIGINT NOT NULL,
    created_by         TEXT NOT NULL,
    updated_at         BIGINT NOT NULL,
    updated_by         TEXT NOT NULL,
    storage_profile_id TEXT NOT NULL,
    source_job_id      TEXT NOT NULL
) /* clustered */;
CREATE INDEX job_by_queue ON job (queue_id, number);
CREATE INDEX job_by_farm ON job (farm_id, number);
-- The unfinished jobs. Queries must repeat the condition word by word to be served by it.
CREATE INDEX job_unfinished ON job (farm_id, job_id)
    WHERE task_status NOT IN ('', 'NOT_COMPATIBLE', 'FAILED', 'CANCELED', 'SUCCEEDED');

CREATE TABLE job_document (
    job_id                TEXT NOT NULL PRIMARY KEY,
    template_type         TEXT NOT NULL,
    template              TEXT NOT NULL,
    parameters            TEXT,
    attachments           TEXT,
    parameter_definitions TEXT,
    environments          TEXT
);

CREATE TABLE step (
    job_id            TEXT NOT NULL,
    step_index        BIGINT NOT NULL,
    step_id           TEXT NOT NULL,
    name              TEXT NOT NULL,
    description       TEXT NOT NULL,
    lifecycle         TEXT NOT NULL,
    lifecycle_message TEXT NOT NULL,
    task_status       TEXT NOT NULL,
    target            TEXT NOT NULL,
    counts            TEXT NOT NULL,
    failure_retries   BIGINT NOT NULL,
    tasks             BIGINT NOT NULL,
    next_task         BIGINT NOT NULL,
    rest              TEXT NOT NULL,
    rest_target       TEXT NOT NULL,
    rest_updated_at   BIGINT NOT NULL,
    rest_updated_by   TEXT NOT NULL,
    started_at        BIGINT NOT NULL,
    ended_at          BIGINT NOT NULL,
    created_at        BIGINT NOT NULL,
    created_by        TEXT NOT NULL,
    updated_at        BIGINT NOT NULL,
    updated_by        TEXT NOT NULL,
    PRIMARY KEY (job_id, step_index)
) /* clustered */;
CREATE UNIQUE INDEX step_by_id ON step (step_id);

CREATE TABLE step_document (
    job_id       TEXT NOT NULL,
    step_index   BIGINT NOT NULL,
    step_id      TEXT NOT NULL,
    template     TEXT,
    space        TEXT,
    requirements TEXT,
    dependencies TEXT NOT NULL,
    environments TEXT NOT NULL,
    PRIMARY KEY (job_id, step_index)
);

CREATE TABLE task (
    job_id          TEXT NOT NULL,
    step_index      BIGINT NOT NULL,
    task_index      BIGINT NOT NULL,
    status          TEXT NOT NULL,
    target          TEXT NOT NULL,
    failure_retries BIGINT NOT NULL,
    started_at      BIGINT NOT NULL,
    ended_at        BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    updated_by      TEXT NOT NULL,
    latest_action   TEXT NOT NULL,
    PRIMARY KEY (job_id, step_index, task_index)
) /* clustered */;

CREATE TABLE session (
    job_id          TEXT NOT NULL,
    seq             BIGINT NOT NULL,
    session_id      TEXT NOT NULL,
    farm_id         TEXT NOT NULL,
    queue_id        TEXT NOT NULL,
    fleet_id        TEXT NOT NULL,
    worker_id       TEXT NOT NULL,
    step_index      BIGINT NOT NULL,
    lifecycle       TEXT NOT NULL,
    target          TEXT NOT NULL,
    actions         BIGINT NOT NULL,
    started_at      BIGINT NOT NULL,
    ended_at        BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    updated_by      TEXT NOT NULL,
    host_properties TEXT,
    PRIMARY KEY (job_id, seq)
) /* clustered */;
CREATE UNIQUE INDEX session_by_id ON session (session_id);
CREATE INDEX session_by_worker ON session (worker_id, started_at, session_id);
-- The sessions that are not over. Queries must repeat the condition word by word to be served by these.
CREATE INDEX session_open_by_farm ON session (farm_id, job_id, seq) WHERE lifecycle <> 'ENDED';
CREATE INDEX session_open_by_worker ON session (worker_id, job_id, lifecycle) WHERE lifecycle <> 'ENDED';

CREATE TABLE session_action (
    job_id            TEXT NOT NULL,
    session_seq       BIGINT NOT NULL,
    action_index      BIGINT NOT NULL,
    session_id        TEXT NOT NULL,
    kind              BIGINT NOT NULL,
    environment_id    TEXT NOT NULL,
    step_index        BIGINT NOT NULL,
    task_index        BIGINT NOT NULL,
    status            TEXT NOT NULL,
    started_at        BIGINT NOT NULL,
    ended_at          BIGINT NOT NULL,
    worker_updated_at BIGINT NOT NULL,
    progress          DOUBLE PRECISION NOT NULL,
    progress_message  TEXT NOT NULL,
    exit_code         BIGINT,
    manifests         TEXT,
    PRIMARY KEY (job_id, session_seq, action_index)
) /* clustered */;
CREATE INDEX session_action_by_task ON session_action (job_id, step_index, task_index, session_seq, action_index)
    WHERE task_index >= 0;

CREATE TABLE probe (
    probe_id BIGINT NOT NULL PRIMARY KEY,
    writes   BIGINT NOT NULL
);
