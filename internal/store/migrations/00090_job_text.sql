-- +goose Up

DROP INDEX job_by_text;
ALTER TABLE job DROP COLUMN search_text;

-- What search terms and filters on parameters are looked for in. content is a job's name, id, creator and the values of its
-- parameters, in lower case, a line each; parameters are those as filters compare them. Each text has an index of its parts, which
-- every engine has in its own form: the parts are numbers that package store makes.
CREATE TABLE job_text (
    -- sqlite: text_id INTEGER PRIMARY KEY,
    -- postgres: parts INTEGER[] NOT NULL,
    job_id     TEXT NOT NULL UNIQUE,
    queue_id   TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    number     BIGINT NOT NULL,
    content    TEXT NOT NULL,
    parameters TEXT NOT NULL
);
CREATE INDEX job_text_by_age ON job_text (queue_id, created_at, number);

-- A list of parts that waits to be sorted into the index is looked through by every search, so it is short.
-- postgres: CREATE INDEX job_text_by_parts ON job_text USING gin (parts) WITH (gin_pending_list_limit = 512);

-- sqlite: CREATE VIRTUAL TABLE job_part USING fts5(parts, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii');
-- sqlite: -- +goose StatementBegin
-- sqlite: CREATE TRIGGER job_text_gone AFTER DELETE ON job_text BEGIN DELETE FROM job_part WHERE rowid = old.text_id; END;
-- sqlite: -- +goose StatementEnd

-- The jobs that are older than these tables. They get their texts while the server runs.
CREATE TABLE job_without_text (
    job_id TEXT NOT NULL PRIMARY KEY
) /* clustered */;
INSERT INTO job_without_text SELECT job_id FROM job;
