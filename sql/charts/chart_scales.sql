-- The range of prices and volumes that a page of a chart shows, with room above and below the candles.
-- grain: symbol, timeframe, page
-- reads: chart_bars
CREATE VIEW chart_scales AS
WITH ranges AS (
    SELECT symbol, timeframe, page, is_intraday,
           min(least(low, CASE WHEN NOT is_intraday THEN least(ema_8, ema_13, ema_144, ema_169) END)) AS low,
           max(greatest(high, CASE WHEN NOT is_intraday THEN greatest(ema_8, ema_13, ema_144, ema_169) END)) AS high,
           max(volume) AS volume, max(session) AS last_session
    FROM chart_bars
    GROUP BY ALL
)
SELECT symbol, timeframe, page, is_intraday, volume, last_session,
       low - 0.08 * greatest(high - low, 0.001 * high) AS low,
       high + 0.08 * greatest(high - low, 0.001 * high) AS high
FROM ranges;
