-- Alerts of daily and longer bars, the newest 200 of each series; `day` is the session at whose close they were known.
-- grain: alert_id
-- reads: alerts, symbols
CREATE VIEW long_term_alerts AS
SELECT a.alert_id, a.symbol, a.timeframe, timezone(s.zone, a.closes_at)::DATE AS day, a.rule, a.variant, a.side,
       a.price, a.severity, a.status, a.reason
FROM alerts AS a
JOIN symbols AS s USING (symbol)
WHERE a.timeframe NOT IN ('1m', '5m', '15m', '30m') AND a.status <> 'invalidated'
QUALIFY row_number() OVER (PARTITION BY a.symbol, a.timeframe ORDER BY a.closes_at DESC, a.alert_id) <= 200;
