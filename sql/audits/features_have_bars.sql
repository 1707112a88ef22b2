-- Bad: features of a bar that does not exist, is incomplete, or closes at another time.
-- reads: features, bars
SELECT f.symbol, f.timeframe, f.ts
FROM features AS f
ANTI JOIN (SELECT * FROM bars WHERE is_complete) AS b
  ON b.symbol = f.symbol AND b.timeframe = f.timeframe AND b.ts = f.ts AND b.closes_at = f.closes_at;
