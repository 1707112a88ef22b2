-- Active levels counted in steps of 0.1% of each series' last close; steps without levels are left out.
-- `strength` adds up that of the step's levels, 0 where nothing has touched them yet.
-- grain: symbol, timeframe, kind, low
-- reads: levels, bars
CREATE VIEW level_histogram AS
WITH last_bars AS (
    SELECT symbol, timeframe, max(ts) AS ts, max_by(close, ts) AS close
    FROM bars
    WHERE is_complete
    GROUP BY ALL
),
steps AS (
    -- An edge belongs to the step above it, also where rounding put the price just below.
    SELECT l.symbol, l.timeframe, b.ts, l.kind, b.close / 1000 AS width,
           floor(l.price / (b.close / 1000) + 1e-9) AS step, l.strength
    FROM levels AS l
    JOIN last_bars AS b ON b.symbol = l.symbol AND b.timeframe = l.timeframe
    WHERE l.outcome = 'active'
)
SELECT symbol, timeframe, ts, kind, step * width AS low, (step + 1) * width AS high,
       count(*) AS levels, sum(strength) AS strength
FROM steps
GROUP BY symbol, timeframe, ts, kind, step, width;
