-- Alerts of today, the last session that the data has; `clock` is exchange time with its zone.
-- grain: alert_id
-- reads: alerts_shown, last_session
CREATE VIEW live_alerts AS
SELECT a.alert_id, a.local_time, a.clock, a.symbol, a.name, a.timeframe, a.side, a.type, a.variant, a.price,
       a.level_price, coalesce(format('{:,.2f}', a.level_price), '') AS level, a.severity, a.status, a.reason, a.origin, a.session
FROM alerts_shown AS a
JOIN last_session AS t USING (session);
