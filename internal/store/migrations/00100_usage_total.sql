-- +goose Up

-- What sessions cost in all, licences too. It stands with their use of a worker, which each has once, so that sessions can be added up
-- without regard to types of usage.
ALTER TABLE usage_total ADD COLUMN total BIGINT NOT NULL DEFAULT 0;
ALTER TABLE usage_total ADD COLUMN min_total BIGINT NOT NULL DEFAULT 0;
ALTER TABLE usage_total ADD COLUMN max_total BIGINT NOT NULL DEFAULT 0;
ALTER TABLE usage_job ADD COLUMN total BIGINT NOT NULL DEFAULT 0;
ALTER TABLE usage_job ADD COLUMN min_total BIGINT NOT NULL DEFAULT 0;
ALTER TABLE usage_job ADD COLUMN max_total BIGINT NOT NULL DEFAULT 0;
UPDATE usage_total SET total = cost, min_total = min_cost, max_total = max_cost WHERE usage_type = 'COMPUTE';
UPDATE usage_job SET total = cost, min_total = min_cost, max_total = max_cost WHERE usage_type = 'COMPUTE';
