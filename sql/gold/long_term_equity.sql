-- Equity of the newest results beside buy-and-hold of the same stock, at every close.
-- grain: strategy, timeframe, symbol, day
-- reads: newest_results, sandbox_equity
CREATE VIEW long_term_equity AS
SELECT n.strategy, n.timeframe, n.symbol, timezone('UTC', e.ts) AS day, e.equity, e.buy_and_hold
FROM newest_results AS n
JOIN sandbox_equity AS e USING (run_id, symbol);
