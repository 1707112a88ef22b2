-- Bad: a version of a bar that was superseded before it was known, or that overlaps the next one.
-- reads: bar_versions
WITH followed AS (
    SELECT symbol, timeframe, ts, known_at, superseded_at,
           lead(known_at) OVER (PARTITION BY symbol, timeframe, ts ORDER BY known_at) AS next_known_at
    FROM bar_versions
)
SELECT *
FROM followed
WHERE superseded_at < known_at
   OR next_known_at < superseded_at
   OR (next_known_at IS NOT NULL AND superseded_at IS NULL);
