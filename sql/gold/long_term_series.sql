-- What the Long term dashboard can show: series of daily and longer bars, with the strategies and pages of each.
-- `shown` names a page of the chart. Strategies that were never run leave the name `none`.
-- grain: symbol, timeframe, strategy, page
-- reads: chart_bars, symbols, sandbox_runs
CREATE VIEW long_term_series AS
WITH strategies AS (
    SELECT DISTINCT strategy FROM sandbox_runs
    UNION ALL
    SELECT 'none' WHERE NOT EXISTS (FROM sandbox_runs)
)
SELECT b.symbol, any_value(s.name) AS name, b.timeframe, p.strategy, b.page,
       CASE b.page WHEN 1 THEN 'newest 130 bars'
                   ELSE format('bars {} to {} back', 130 * (b.page - 1) + 1, 130 * b.page) END AS shown,
       CASE b.timeframe WHEN '1wk' THEN 6 ELSE CAST(regexp_extract(b.timeframe, '\d+') AS INTEGER) END AS length,
       min(b.session) AS first_session, max(b.session) AS last_session, count(*) AS bars
FROM chart_bars AS b
JOIN symbols AS s USING (symbol)
CROSS JOIN strategies AS p
WHERE NOT b.is_intraday
GROUP BY ALL;
