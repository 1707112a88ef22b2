-- Every version of every bar that was ever known, daily and longer ones and candles together.
-- grain: symbol, timeframe, ts, known_at
CREATE VIEW bar_versions AS
SELECT symbol, timeframe, ts, open, high, low, close, volume, is_complete, closes_at, session,
       quality, quality_reason, price_basis, source, known_at, superseded_at
FROM lake.bars
UNION ALL
SELECT symbol, timeframe, ts, open, high, low, close, volume, is_complete, closes_at, session,
       quality, quality_reason, price_basis, source, known_at, superseded_at
FROM lake.candles;
