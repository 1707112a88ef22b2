-- Trades of the newest results, fills as traded; an open one shows what it would bring at the last close.
-- `profit` is net of commission and without dividends.
-- grain: strategy, timeframe, symbol, entered
-- reads: newest_results, sandbox_trades
CREATE VIEW long_term_trades AS
SELECT n.strategy, n.timeframe, n.symbol, t.entry_ts::DATE AS entered, t.entry_price,
       CASE WHEN t.is_open THEN 'still held' ELSE strftime(t.exit_ts, '%Y-%m-%d') END AS sold, t.exit_price,
       t.quantity, t.bars_held, t.profit, t.return_pct, t.dividends,
       CASE WHEN t.is_open THEN 'open' WHEN t.profit > 0 THEN 'win' ELSE 'loss' END AS outcome, t.exit_reason
FROM newest_results AS n
JOIN sandbox_trades AS t USING (run_id, symbol);
