-- Bad: a confirmed alert that was raised before its bar closed, or about a level that came later.
-- Simulated minutes may be played before their time, so of theirs only the level is judged.
-- reads: alerts, bars
WITH simulated AS (
    SELECT DISTINCT symbol, session FROM bars WHERE source = 'simulated'
)
SELECT a.symbol, a.timeframe, a.ts, a.rule, a.alert_id
FROM alerts AS a
LEFT JOIN bars AS b ON b.symbol = a.symbol AND b.timeframe = a.timeframe AND b.ts = a.ts
LEFT JOIN simulated AS s ON s.symbol = b.symbol AND s.session = b.session
WHERE a.status = 'confirmed'
  AND (a.closes_at <= a.ts
    OR (a.fired_at < a.closes_at AND s.symbol IS NULL)
    OR (a.level_id IS NOT NULL
        AND coalesce((a.values::JSON ->> 'level_confirmed_at')::DOUBLE > epoch(a.closes_at), true)));
