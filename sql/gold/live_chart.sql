-- The Live candle chart as shapes in pixels: chart_shapes of 5, 15 and 30 minutes with alerts and levels.
-- Further shapes: support and resistance (a line from `x` to the right edge, its label apart); bullish,
-- bearish and neutral, the alerts of a bar. Levels are the three nearest of a kind that are in force;
-- where the lake has none of the series, those that its alerts name.
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
           arg_max(a.level_price, a.closes_at) AS price, min(coalesce(a.level_confirmed_at, a.ts)) AS confirmed_at
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
placed AS (
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
levels_drawn AS (
    -- A label that would cover the one below it is left out; the line still says its price when pointed at.
    SELECT *, coalesce(lead(y) OVER higher - y < 12 AND abs(lead(x) OVER higher - x) < 70, false) AS is_crowded
    FROM placed
    WINDOW higher AS (PARTITION BY symbol, timeframe ORDER BY y, x)
),
told AS (
    SELECT b.symbol, b.timeframe, b.page, b.x, a.side, any_value(b.low) AS low, any_value(b.high) AS high,
           any_value(a.clock) || ': ' || string_agg(a.type, ', ' ORDER BY a.type) AS hint
    FROM chart_bars AS b
    JOIN alerts_shown AS a ON a.symbol = b.symbol AND a.timeframe = b.timeframe AND a.ts = b.ts
    WHERE b.is_intraday
    GROUP BY b.symbol, b.timeframe, b.page, b.x, a.side
),
marked AS (
    -- Bullish below the bar, bearish above it, neutral above that.
    SELECT t.symbol, t.timeframe, t.page, 5 AS layer, t.side AS shape, t.x,
           CASE t.side WHEN 'bullish' THEN scaled(t.low, s.low, s.high, 40, 320) + 4
                       ELSE scaled(t.high, s.low, s.high, 40, 320) - 4 END
           - CASE WHEN t.side = 'neutral' AND bool_or(t.side = 'bearish') OVER bar THEN 13 ELSE 0 END AS y,
           t.hint
    FROM told AS t
    JOIN chart_scales AS s USING (symbol, timeframe, page)
    WINDOW bar AS (PARTITION BY t.symbol, t.timeframe, t.x)
)
SELECT * FROM shapes
UNION ALL BY NAME SELECT * EXCLUDE (is_crowded) REPLACE (NULL AS label) FROM levels_drawn
UNION ALL BY NAME
SELECT * EXCLUDE (is_crowded, hint) REPLACE (6 AS layer, shape || '_label' AS shape)
FROM levels_drawn
WHERE NOT is_crowded
UNION ALL BY NAME SELECT * FROM marked;
