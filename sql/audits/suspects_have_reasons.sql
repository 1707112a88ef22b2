-- Bad: a suspect bar or action without a reason.
-- reads: bars, actions
SELECT symbol, timeframe, ts::VARCHAR AS at
FROM bars
WHERE quality = 'suspect' AND quality_reason IS NULL AND source <> 'derived'
UNION ALL
SELECT symbol, kind, ex_date::VARCHAR
FROM actions
WHERE quality = 'suspect' AND quality_reason IS NULL;
