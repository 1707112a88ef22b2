-- The Long term candle chart as shapes in pixels: chart_shapes with a strategy's trades and the alerts of the bars.
-- Further shapes: held (a box behind the bars of a trade), entry, exit_win, exit_loss (arrows),
-- alerts_bullish, alerts_bearish, alerts_neutral (a mark in the lanes below).
-- grain: symbol, timeframe, strategy, page, layer, shape, x, y
-- reads: chart_shapes, chart_bars, chart_scales, newest_results, sandbox_trades, long_term_series, alerts, scaled
CREATE VIEW long_term_chart AS
WITH pages AS (
    SELECT DISTINCT symbol, timeframe, strategy, page, shown FROM long_term_series
),
trades AS (
    SELECT n.strategy, n.timeframe, t.*
    FROM newest_results AS n
    JOIN sandbox_trades AS t USING (run_id, symbol)
),
held AS (
    SELECT b.symbol, b.timeframe, t.strategy, b.page, 0 AS layer, 'held' AS shape,
           round(min(b.x) - 0.5 * any_value(b.pitch), 1) AS x, 40.0 AS y,
           round(max(b.x) - min(b.x) + any_value(b.pitch), 1) AS width, 345.0 AS height,
           format('held {} bars, {:+.1f}%', any_value(t.bars_held), any_value(t.return_pct)) AS hint
    FROM trades AS t
    JOIN chart_bars AS b ON b.symbol = t.symbol AND b.timeframe = t.timeframe AND b.ts BETWEEN t.entry_ts AND t.exit_ts
    GROUP BY b.symbol, b.timeframe, t.strategy, b.page, t.entry_ts
),
entries AS (
    SELECT b.symbol, b.timeframe, t.strategy, b.page, 5 AS layer, 'entry' AS shape, b.x,
           scaled(b.low, s.low, s.high, 40, 320) + 4 AS y,
           format('bought {:,.2f} at {:,.2f} on {}', t.quantity, t.entry_price, b.said) AS hint
    FROM trades AS t
    JOIN chart_bars AS b ON b.symbol = t.symbol AND b.timeframe = t.timeframe AND b.ts = t.entry_ts
    JOIN chart_scales AS s ON s.symbol = b.symbol AND s.timeframe = b.timeframe AND s.page = b.page
),
exits AS (
    SELECT b.symbol, b.timeframe, t.strategy, b.page, 5 AS layer,
           CASE WHEN t.profit > 0 THEN 'exit_win' ELSE 'exit_loss' END AS shape, b.x,
           scaled(b.high, s.low, s.high, 40, 320) - 4 AS y,
           format('{:+.1f}%', t.return_pct) AS label,
           format('sold at {:,.2f} on {}: {:+.2f} ({:+.1f}%)', t.exit_price, b.said, t.profit, t.return_pct) AS hint
    FROM trades AS t
    JOIN chart_bars AS b ON b.symbol = t.symbol AND b.timeframe = t.timeframe AND b.ts = t.exit_ts
    JOIN chart_scales AS s ON s.symbol = b.symbol AND s.timeframe = b.timeframe AND s.page = b.page
    WHERE NOT t.is_open
),
alerted AS (
    SELECT b.symbol, b.timeframe, b.page, 5 AS layer, 'alerts_' || a.side AS shape, b.x,
           CASE a.side WHEN 'bullish' THEN 394.0 WHEN 'bearish' THEN 404.0 ELSE 399.0 END AS y,
           any_value(b.said) || ': ' || string_agg(replace(a.rule, '_', ' '), ', ' ORDER BY a.rule) AS hint
    FROM chart_bars AS b
    JOIN alerts AS a ON a.symbol = b.symbol AND a.timeframe = b.timeframe AND a.ts = b.ts
    WHERE NOT b.is_intraday AND a.status <> 'invalidated'
    GROUP BY b.symbol, b.timeframe, b.page, b.x, a.side
),
shapes AS (
    SELECT p.strategy, s.* FROM chart_shapes AS s JOIN pages AS p USING (symbol, timeframe, page)
    UNION ALL BY NAME SELECT * FROM held
    UNION ALL BY NAME SELECT * FROM entries
    UNION ALL BY NAME SELECT * FROM exits
    UNION ALL BY NAME SELECT p.strategy, a.* FROM alerted AS a JOIN pages AS p USING (symbol, timeframe, page)
)
SELECT s.*, p.shown
FROM shapes AS s
JOIN pages AS p USING (symbol, timeframe, strategy, page);
