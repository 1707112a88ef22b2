-- Bad: a bar in the lake that ingestion would have set aside.
-- reads: bars
SELECT symbol, timeframe, ts, open, high, low, close, volume
FROM bars
WHERE NOT (isfinite(open) AND isfinite(high) AND isfinite(low) AND isfinite(close) AND isfinite(volume))
   OR open <= 0 OR high <= 0 OR low <= 0 OR close <= 0 OR volume < 0 OR high < low
   OR ((greatest(open, close) > high + 0.01 * low OR least(open, close) < low - 0.01 * low)
       AND coalesce(quality_reason, '') NOT LIKE '%released: outside_range%' AND source <> 'derived')
   OR closes_at <= ts OR open IS NULL OR high IS NULL OR low IS NULL OR close IS NULL;
