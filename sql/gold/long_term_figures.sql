-- What each strategy made of each stock: the newest sandbox result, an account of its own for every stock.
-- `win_rate`, `max_drawdown` are fractions, columns ending in _pct percent.
-- grain: strategy, timeframe, symbol
-- reads: newest_results, sandbox_metrics
CREATE VIEW long_term_figures AS
SELECT n.strategy, n.timeframe, n.symbol, n.run_id, n.cash, m.first_ts::DATE AS first_day, m.last_ts::DATE AS last_day,
       m.profit, m.profit_pct, m.final_equity, m.buy_and_hold_profit_pct,
       m.buy_and_hold_profit_pct / 100 * n.cash AS buy_and_hold_profit,
       m.trades, m.wins, m.losses, m.open_trades, m.win_rate, m.max_drawdown, m.cagr, m.sharpe, m.exposure
FROM newest_results AS n
JOIN sandbox_metrics AS m USING (run_id, symbol);
