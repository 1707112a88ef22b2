-- Result of entered runs, a column a metric.
-- grain: run_id, symbol
-- reads: sandbox_runs
CREATE VIEW sandbox_metrics AS
SELECT d.* FROM lake.sandbox_metrics AS d
SEMI JOIN sandbox_runs AS r ON r.run_id = d.run_id;
