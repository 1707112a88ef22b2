-- Alerts of today counted by rule and side.
-- grain: type, side
-- reads: live_alerts
CREATE VIEW live_counts AS
SELECT type, side, count(*) AS alerts
FROM live_alerts
GROUP BY ALL;
