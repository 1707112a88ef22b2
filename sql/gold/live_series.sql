-- What the candle chart of the Live dashboard can show. Before there are candles one row says so, since
-- filters without a value would keep the whole page waiting.
-- grain: symbol, timeframe
-- reads: chart_bars, symbols
CREATE VIEW live_series AS
WITH series AS (
    SELECT b.symbol, any_value(s.name) AS name, b.timeframe,
           CAST(regexp_extract(b.timeframe, '\d+') AS INTEGER) AS minutes,
           max(b.session) AS last_session, count(*) AS bars
    FROM chart_bars AS b
    JOIN symbols AS s USING (symbol)
    WHERE b.is_intraday
    GROUP BY ALL
)
SELECT * FROM series
UNION ALL BY NAME
SELECT 'no candles yet' AS symbol, '5m' AS timeframe, 5 AS minutes
WHERE NOT EXISTS (FROM series);
