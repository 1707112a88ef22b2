-- Trades of entered runs; an open one is marked at the last close.
-- grain: run_id, symbol, entry_ts
-- reads: sandbox_runs
CREATE VIEW sandbox_trades AS
SELECT d.* FROM lake.sandbox_trades AS d
SEMI JOIN sandbox_runs AS r ON r.run_id = d.run_id;
