-- The head of the Live dashboard: which session it shows, how far the data reaches, what came of it.
-- grain: one row
-- reads: last_session, candles, symbols, live_alerts, zone_name
CREATE VIEW live_now AS
WITH newest AS (
    SELECT max(c.closes_at) AS closes_at, arg_max(s.zone, c.closes_at) AS zone, count(DISTINCT c.symbol) AS symbols
    FROM candles AS c
    JOIN symbols AS s USING (symbol)
    JOIN last_session AS t USING (session)
),
counted AS (
    SELECT count(*) AS alerts, count(*) FILTER (WHERE side = 'bullish') AS bullish,
           count(*) FILTER (WHERE side = 'bearish') AS bearish, count(*) FILTER (WHERE side = 'neutral') AS neutral,
           arg_max(clock, local_time) AS newest_alert
    FROM live_alerts
)
SELECT strftime(t.session, '%A, %-d %B %Y') AS session, c.alerts, c.bullish, c.bearish, c.neutral, c.newest_alert,
       n.symbols,
       strftime(timezone(n.zone, n.closes_at), '%H:%M ') || zone_name(n.zone) AS newest_bar
FROM last_session AS t
CROSS JOIN counted AS c
CROSS JOIN newest AS n
WHERE t.session IS NOT NULL;
