-- Equity of entered runs, marked at every close.
-- grain: run_id, symbol, ts
-- reads: sandbox_runs
CREATE VIEW sandbox_equity AS
SELECT d.* FROM lake.sandbox_equity AS d
SEMI JOIN sandbox_runs AS r ON r.run_id = d.run_id;
