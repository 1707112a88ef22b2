-- Versions of bars that were known more than one way: what a vendor restated, and when we learned it.
-- Versions of equal values differ in what is thought of them (a doubt, whether the bar is complete), or in
-- their source: what a better one says too is its own from then on.
-- grain: symbol, timeframe, ts, revision
-- reads: bar_versions
CREATE VIEW revisions AS
WITH numbered AS (
    SELECT *,
           row_number() OVER (PARTITION BY symbol, timeframe, ts ORDER BY known_at) AS revision,
           count(*) OVER (PARTITION BY symbol, timeframe, ts) AS revisions
    FROM bar_versions
)
SELECT symbol, timeframe, ts, revision, open, high, low, close, volume, is_complete, quality, quality_reason,
       price_basis, source, known_at, superseded_at
FROM numbered
WHERE revisions > 1;
