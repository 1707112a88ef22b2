-- Alerts as they stand now, each with what its rule saw, who raised it first, and its delivery.
-- `status`: confirmed, provisional (of a bar that is still forming) or invalidated (by a correction).
-- grain: alert_id
-- reads: notifications
CREATE VIEW alerts AS
WITH versions AS (
    SELECT *,
           row_number() OVER history AS revision,
           first_value(origin) OVER history AS first_origin,
           first_value(fired_at) OVER history AS first_fired_at
    FROM lake.alerts
    WINDOW history AS (PARTITION BY alert_id ORDER BY known_at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
delivery AS (
    SELECT alert_id,
           min(occurred_at) FILTER (WHERE event = 'sent') AS delivered_at,
           min(occurred_at) FILTER (WHERE event = 'acknowledged') AS acknowledged_at
    FROM notifications
    GROUP BY alert_id
)
SELECT alert_id, rule, rule_version, variant, symbol, timeframe, ts, closes_at, side, price, severity, status,
       level_id, values, reason, first_origin AS origin, revision, first_fired_at AS fired_at,
       delivered_at, acknowledged_at, known_at
FROM versions
LEFT JOIN delivery USING (alert_id)
WHERE superseded_at IS NULL;
