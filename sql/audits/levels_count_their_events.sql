-- Bad: a certificate that does not say what the level's events say.
-- reads: levels, level_events
WITH counted AS (
    SELECT level_id,
           count(*) FILTER (event IN ('touch', 'retest')) AS touches,
           max(closes_at) FILTER (event IN ('touch', 'retest')) AS last_touch_at,
           count(*) FILTER (event = 'role_flip') AS role_flips,
           max(closes_at) FILTER (event = 'break') AS broken_at,
           max(closes_at) FILTER (event = 'role_flip') AS flipped_at
    FROM level_events
    GROUP BY level_id
)
SELECT l.symbol, l.timeframe, l.level_id
FROM levels AS l
LEFT JOIN counted AS c ON c.level_id = l.level_id
WHERE l.touches <> coalesce(c.touches, 0)
   OR l.role_flips <> coalesce(c.role_flips, 0)
   OR l.last_touch_at IS DISTINCT FROM c.last_touch_at
   OR l.broken_at IS DISTINCT FROM CASE WHEN c.flipped_at > c.broken_at THEN NULL ELSE c.broken_at END
   OR (l.broken_at IS NOT NULL) <> (l.outcome = 'broken');
