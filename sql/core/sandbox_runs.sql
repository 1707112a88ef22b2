-- The ledger of sandbox runs: one row a distinct trial.
-- grain: run_id
CREATE VIEW sandbox_runs AS
SELECT * FROM lake.sandbox_runs;
