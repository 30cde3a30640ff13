-- +goose Up

-- EVENTUAL or IMMEDIATE while the worker is to get no more work, '' else.
ALTER TABLE worker ADD COLUMN drain TEXT NOT NULL DEFAULT '';
