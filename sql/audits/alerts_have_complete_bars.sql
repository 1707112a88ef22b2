-- Bad: a confirmed alert of a bar that is not in the lake, is not complete, or closes at another time.
-- Alerts of bars after the newest one are not judged: the stream keeps alerts before it lands their bars.
-- reads: alerts, bars
WITH newest AS (
    SELECT symbol, timeframe, max(ts) AS ts FROM bars GROUP BY ALL
)
SELECT a.symbol, a.timeframe, a.ts, a.rule, a.alert_id
FROM alerts AS a
JOIN newest AS n ON n.symbol = a.symbol AND n.timeframe = a.timeframe AND a.ts <= n.ts
ANTI JOIN (SELECT * FROM bars WHERE is_complete) AS b
  ON b.symbol = a.symbol AND b.timeframe = a.timeframe AND b.ts = a.ts AND b.closes_at = a.closes_at
WHERE a.status = 'confirmed';
