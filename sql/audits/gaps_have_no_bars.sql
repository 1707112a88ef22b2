-- Bad: a gap in which there is a bar, or that ends before it begins.
-- reads: gaps, bars
SELECT g.symbol, g.timeframe, g.first_missing, g.last_missing
FROM gaps AS g
WHERE g.last_missing < g.first_missing
   OR EXISTS (
       SELECT 1 FROM bars AS b
       WHERE b.symbol = g.symbol AND b.timeframe = g.timeframe
         AND b.session IN (g.first_missing, g.last_missing)
   );
