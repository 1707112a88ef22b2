-- What every candle chart draws, in pixels on 1200 x 430: prices from 40 to 320, volume from 330 to 385.
-- `shape`: grid, date, session, volume_up, volume_down, ema_8, ema_13, ema_144, ema_169, up, down, last.
-- A candle's body is the box x, y, width, height and its wick runs from `top` to `bottom`.
-- grain: symbol, timeframe, page, layer, shape, x, y
-- reads: chart_bars, chart_scales, scaled, tick_step
CREATE VIEW chart_shapes AS
WITH placed AS (
    SELECT b.*, s.low AS scale_low, s.high AS scale_high,
           scaled(greatest(b.open, b.close), s.low, s.high, 40, 320) AS body_top,
           scaled(least(b.open, b.close), s.low, s.high, 40, 320) AS body_bottom,
           round(b.x - 0.35 * b.pitch, 1) AS body_left, round(0.7 * b.pitch, 1) AS body_width,
           scaled(b.volume, 0, s.volume, 330, 385) AS volume_top
    FROM chart_bars AS b
    JOIN chart_scales AS s USING (symbol, timeframe, page)
),
ticks AS (
    SELECT symbol, timeframe, page, low, high, tick_step(low, high) AS step,
           unnest(range(ceil(low / step)::BIGINT, floor(high / step)::BIGINT + 1)) * step AS price
    FROM chart_scales
    WHERE high > low
),
grids AS (
    SELECT symbol, timeframe, page, 0 AS layer, 'grid' AS shape, NULL::DOUBLE AS x,
           scaled(price, low, high, 40, 320) AS y, NULL::DOUBLE AS width, NULL::DOUBLE AS height,
           NULL::DOUBLE AS top, NULL::DOUBLE AS bottom, NULL AS points,
           format(CASE WHEN step < 0.01 THEN '{:,.4f}' WHEN step < 1 THEN '{:,.2f}' ELSE '{:,.0f}' END, price) AS label,
           NULL AS hint
    FROM ticks
),
dates AS (
    SELECT symbol, timeframe, page, 0 AS layer,
           CASE WHEN is_intraday AND place_in_session = 0 THEN 'session' ELSE 'date' END AS shape,
           x, NULL AS y, NULL AS width, NULL AS height, NULL AS top, NULL AS bottom, NULL AS points,
           CASE WHEN NOT is_intraday THEN strftime(ts AT TIME ZONE 'UTC', '%-d %b %Y')
                WHEN place_in_session = 0 THEN strftime(local_ts, '%a %-d %b, %H:%M')
                ELSE strftime(local_ts, '%H:%M') END AS label,
           NULL AS hint
    FROM placed
    WHERE (NOT is_intraday AND age % 13 = 6)
       OR (is_intraday AND place_in_session = 0)
       OR (timeframe = '5m' AND place_in_session % 12 = 0)
       OR (timeframe = '15m' AND place_in_session % 8 = 0)
),
volumes AS (
    SELECT symbol, timeframe, page, 1 AS layer,
           CASE WHEN close >= open THEN 'volume_up' ELSE 'volume_down' END AS shape, body_left AS x,
           volume_top AS y, body_width AS width, round(385 - volume_top, 1) AS height,
           NULL AS top, NULL AS bottom, NULL AS points, NULL AS label,
           said || ', volume ' || format('{:,.0f}', volume) AS hint
    FROM placed
),
averages AS (
    UNPIVOT (
        SELECT symbol, timeframe, page, ts, x, scale_low, scale_high, ema_8, ema_13, ema_144, ema_169
        FROM placed
        WHERE NOT is_intraday
    )
    ON ema_8, ema_13, ema_144, ema_169 INTO NAME shape VALUE price
),
lines AS (
    SELECT symbol, timeframe, page, 2 AS layer, shape, NULL AS x, NULL AS y, NULL AS width, NULL AS height,
           NULL AS top, NULL AS bottom,
           string_agg(x || ',' || scaled(price, scale_low, scale_high, 40, 320), ' ' ORDER BY ts) AS points,
           NULL AS label, NULL AS hint
    FROM averages
    GROUP BY ALL
),
candles AS (
    SELECT symbol, timeframe, page, 3 AS layer, CASE WHEN close >= open THEN 'up' ELSE 'down' END AS shape,
           body_left AS x, body_top AS y, body_width AS width, greatest(round(body_bottom - body_top, 1), 1) AS height,
           scaled(high, scale_low, scale_high, 40, 320) AS top,
           scaled(low, scale_low, scale_high, 40, 320) AS bottom,
           x AS middle, NULL AS points, NULL AS label,
           format('{}: open {:,.2f}, high {:,.2f}, low {:,.2f}, close {:,.2f}', said, open, high, low, close) AS hint
    FROM placed
),
last_prices AS (
    SELECT symbol, timeframe, page, 4 AS layer, 'last' AS shape, NULL AS x,
           scaled(close, scale_low, scale_high, 40, 320) AS y, NULL AS width, NULL AS height,
           NULL AS top, NULL AS bottom, NULL AS points, format('{:,.2f}', close) AS label, said AS hint
    FROM placed
    WHERE age = 0
)
SELECT *, NULL::DOUBLE AS middle FROM grids
UNION ALL BY NAME SELECT * FROM dates
UNION ALL BY NAME SELECT * FROM volumes
UNION ALL BY NAME SELECT * FROM lines
UNION ALL BY NAME SELECT * FROM candles
UNION ALL BY NAME SELECT * FROM last_prices;
