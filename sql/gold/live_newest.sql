-- The newest alert of every symbol, and how many it had today; an alert of an earlier session shows its date.
-- grain: symbol
-- reads: alerts_shown, last_session
CREATE VIEW live_newest AS
SELECT a.symbol, a.name, a.local_time,
       CASE WHEN a.session = t.session THEN a.clock ELSE strftime(a.session, '%-d %b %Y') END AS clock,
       a.timeframe, a.type, a.side, a.price,
       count(*) FILTER (WHERE a.session = t.session) OVER (PARTITION BY a.symbol) AS today
FROM alerts_shown AS a
CROSS JOIN last_session AS t
QUALIFY row_number() OVER (PARTITION BY a.symbol ORDER BY a.closes_at DESC, a.alert_id) = 1;
