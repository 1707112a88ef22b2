-- Alerts in the words of the pages: exchange time with its zone, price at the level, session.
-- Those that a correction invalidated are left out.
-- grain: alert_id
-- reads: alerts, symbols, levels, zone_name
CREATE VIEW alerts_shown AS
SELECT a.alert_id, a.symbol, s.name, a.timeframe, a.ts, a.closes_at, a.rule, a.variant, a.side, a.price, a.severity,
       a.status, a.reason, a.origin, a.level_id,
       coalesce(l.price, TRY_CAST(json_extract_string(a.values, '$.level') AS DOUBLE)) AS level_price,
       to_timestamp(TRY_CAST(json_extract_string(a.values, '$.level_confirmed_at') AS DOUBLE)) AS level_confirmed_at,
       a.fired_at, a.delivered_at, s.zone,
       timezone(s.zone, a.closes_at) AS local_time,
       local_time::DATE AS session,
       strftime(local_time, '%H:%M ') || zone_name(s.zone) AS clock,
       replace(a.rule, '_', ' ') AS type
FROM alerts AS a
JOIN symbols AS s USING (symbol)
LEFT JOIN levels AS l ON l.level_id = a.level_id AND l.symbol = a.symbol AND l.timeframe = a.timeframe
WHERE a.status <> 'invalidated';
