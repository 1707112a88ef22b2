-- The run whose result counts for a strategy, a timeframe and a symbol: the newest of what is known now.
-- grain: strategy, timeframe, symbol
-- reads: sandbox_runs, sandbox_metrics
CREATE VIEW newest_results AS
SELECT r.strategy, r.timeframe, m.symbol, r.run_id, r.cash
FROM sandbox_runs AS r
JOIN sandbox_metrics AS m USING (run_id)
WHERE r.as_of IS NULL AND r.account = 'per-stock'
QUALIFY row_number() OVER (PARTITION BY r.strategy, r.timeframe, m.symbol ORDER BY r.run_at DESC, r.run_id) = 1;
