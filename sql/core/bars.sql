-- Bars as traded, the version known now, of every timeframe.
-- grain: symbol, timeframe, ts
-- reads: bar_versions
CREATE VIEW bars AS
SELECT * EXCLUDE (superseded_at)
FROM bar_versions
WHERE superseded_at IS NULL;
