-- The Live candle chart as shapes in pixels: chart_shapes of 5, 15 and 30 minutes with alerts and levels.
-- Further shapes: support, resistance (a line from `x` to the right edge), and bullish, bearish, neutral,
-- the alerts of a bar. Levels are the three nearest of a kind that are in force; where the lake has none of the
-- series, those that its alerts name.
-- grain: symbol, timeframe, layer, shape, x, y
-- reads: chart_shapes, chart_bars, chart_scales, alerts_shown, levels, scaled
CREATE VIEW live_chart AS
WITH shapes AS (
    SELECT s.* FROM chart_shapes AS s WHERE s.timeframe IN ('5m', '15m', '30m')
),
last_bars AS (
    SELECT symbol, timeframe, max(ts) AS ts, arg_max(close, ts) AS close
    FROM chart_bars
    WHERE is_intraday
    GROUP BY ALL
),
known AS (
    SELECT l.level_id, l.symbol, l.timeframe, l.kind, l.price, l.confirmed_at, l.method, l.touches,
           row_number() OVER (
               PARTITION BY l.symbol, l.timeframe, l.kind ORDER BY abs(l.price - b.close), l.level_id
           ) AS place
    FROM levels AS l
    JOIN last_bars AS b USING (symbol, timeframe)
    WHERE l.outcome = 'active' AND l.method = 'fractal'
),
named AS (
    SELECT a.level_id, a.symbol, a.timeframe,
           CASE WHEN arg_max(a.level_price, a.closes_at) <= any_value(b.close) THEN 'support' ELSE 'resistance' END AS kind,
           arg_max(a.level_price, a.closes_at) AS price, min(a.ts) AS confirmed_at
    FROM alerts_shown AS a
    JOIN last_bars AS b USING (symbol, timeframe)
    SEMI JOIN chart_bars AS c ON c.symbol = a.symbol AND c.timeframe = a.timeframe AND c.ts = a.ts
    ANTI JOIN known AS k ON k.symbol = a.symbol AND k.timeframe = a.timeframe
    WHERE a.level_id IS NOT NULL AND a.level_price IS NOT NULL
    GROUP BY a.level_id, a.symbol, a.timeframe
),
lines AS (
    SELECT symbol, timeframe, kind, price, confirmed_at, method || ' level, touched ' || touches || ' times' AS hint
    FROM known
    WHERE place <= 3
    UNION ALL BY NAME
    SELECT symbol, timeframe, kind, price, confirmed_at, 'level of an alert' AS hint FROM named
),
levels_drawn AS (
    SELECT n.symbol, n.timeframe, s.page, 2 AS layer, n.kind AS shape,
           coalesce((SELECT min(b.x) FROM chart_bars AS b
                     WHERE b.symbol = n.symbol AND b.timeframe = n.timeframe AND b.ts >= n.confirmed_at), 1130) AS x,
           scaled(n.price, s.low, s.high, 40, 320) AS y,
           format('{} {:,.2f}', CASE n.kind WHEN 'support' THEN 'S' ELSE 'R' END, n.price) AS label,
           format('{} at {:,.2f}: {}', n.kind, n.price, n.hint) AS hint
    FROM lines AS n
    JOIN chart_scales AS s USING (symbol, timeframe)
    WHERE n.price BETWEEN s.low AND s.high
),
marked AS (
    SELECT b.symbol, b.timeframe, b.page, 5 AS layer, a.side AS shape, b.x,
           CASE a.side WHEN 'bullish' THEN scaled(any_value(b.low), any_value(s.low), any_value(s.high), 40, 320) + 4
                       ELSE scaled(any_value(b.high), any_value(s.low), any_value(s.high), 40, 320) - 4 END AS y,
           any_value(a.clock) || ': ' || string_agg(a.type, ', ' ORDER BY a.type) AS hint
    FROM chart_bars AS b
    JOIN alerts_shown AS a ON a.symbol = b.symbol AND a.timeframe = b.timeframe AND a.ts = b.ts
    JOIN chart_scales AS s ON s.symbol = b.symbol AND s.timeframe = b.timeframe AND s.page = b.page
    WHERE b.is_intraday
    GROUP BY b.symbol, b.timeframe, b.page, b.x, a.side
)
SELECT * FROM shapes
UNION ALL BY NAME SELECT * FROM levels_drawn
UNION ALL BY NAME SELECT * FROM marked;
