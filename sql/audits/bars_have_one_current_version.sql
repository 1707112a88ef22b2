-- Bad: a bar with more than one version that counts now.
-- reads: bars
SELECT symbol, timeframe, ts, count(*) AS versions
FROM bars
GROUP BY ALL
HAVING count(*) > 1;
