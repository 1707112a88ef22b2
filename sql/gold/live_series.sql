-- What the candle chart of the Live dashboard can show.
-- grain: symbol, timeframe
-- reads: chart_bars, symbols
CREATE VIEW live_series AS
SELECT b.symbol, any_value(s.name) AS name, b.timeframe,
       CAST(regexp_extract(b.timeframe, '\d+') AS INTEGER) AS minutes,
       max(b.session) AS last_session, count(*) AS bars
FROM chart_bars AS b
JOIN symbols AS s USING (symbol)
WHERE b.is_intraday
GROUP BY ALL;
