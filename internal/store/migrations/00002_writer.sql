-- +goose Up

-- Who may write: see package postgres. The term grows with every server that takes the database over.
CREATE TABLE writer (
    writer_id BIGINT NOT NULL PRIMARY KEY,
    term      BIGINT NOT NULL
);
