-- Bars as they were known at a moment: SELECT * FROM bars_as_of(TIMESTAMPTZ '2020-01-31 23:59:59Z').
-- Before the end of a symbol's first load nothing was known; the rows of that load which had closed
-- by then stand in and are flagged known_at_assumed.
-- grain: symbol, timeframe, ts
-- reads: bar_versions
CREATE MACRO bars_as_of(moment) AS TABLE
WITH first_loads AS (
    -- Versions of one load lie microseconds apart, loads at least a millisecond.
    SELECT symbol, timeframe, min(known_at) + INTERVAL 999 MICROSECOND AS loaded_at
    FROM bar_versions
    GROUP BY ALL
),
seen AS (
    SELECT b.*, f.loaded_at > moment AS known_at_assumed, greatest(f.loaded_at, moment) AS seen_at
    FROM bar_versions AS b
    JOIN first_loads AS f USING (symbol, timeframe)
)
SELECT * EXCLUDE (superseded_at, seen_at)
FROM seen
WHERE known_at <= seen_at
  AND (superseded_at IS NULL OR superseded_at > seen_at)
  AND (NOT known_at_assumed OR closes_at <= moment);
