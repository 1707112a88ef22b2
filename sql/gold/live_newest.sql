-- The newest alert of every symbol, and how many it had today.
-- grain: symbol
-- reads: alerts_shown, last_session
CREATE VIEW live_newest AS
SELECT a.symbol, any_value(a.name) AS name,
       max(a.local_time) AS local_time,
       CASE WHEN max(a.session) = any_value(t.session) THEN arg_max(a.clock, a.closes_at)
            ELSE strftime(max(a.session), '%-d %b %Y') END AS clock,
       arg_max(a.timeframe, (a.closes_at, a.alert_id)) AS timeframe,
       arg_max(a.type, (a.closes_at, a.alert_id)) AS type,
       arg_max(a.side, (a.closes_at, a.alert_id)) AS side,
       arg_max(a.price, (a.closes_at, a.alert_id)) AS price,
       count(*) FILTER (WHERE a.session = t.session) AS today
FROM alerts_shown AS a
CROSS JOIN last_session AS t
GROUP BY a.symbol;
