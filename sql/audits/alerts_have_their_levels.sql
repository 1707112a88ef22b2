-- Bad: an alert at a level that table levels does not have, or without its event on the alert's bar.
-- Only bars up to a series' newest event are judged: `lake levels` has not seen what came after.
-- reads: alerts, levels, level_events
WITH seen AS (
    SELECT symbol, timeframe, max(ts) AS ts
    FROM level_events
    GROUP BY ALL
)
SELECT a.symbol, a.timeframe, a.ts, a.rule, a.alert_id, a.level_id
FROM alerts AS a
JOIN seen AS s ON s.symbol = a.symbol AND s.timeframe = a.timeframe AND a.ts <= s.ts
LEFT JOIN levels AS l ON l.level_id = a.level_id
LEFT JOIN level_events AS e ON e.level_id = a.level_id AND e.timeframe = a.timeframe AND e.ts = a.ts
WHERE a.status = 'confirmed' AND a.level_id IS NOT NULL AND (l.level_id IS NULL OR e.level_id IS NULL);
