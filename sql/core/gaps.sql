-- Sessions of the exchange for which a symbol has no bar, between its first and its last one.
-- grain: symbol, timeframe, first_missing
CREATE VIEW gaps AS
SELECT symbol, timeframe, first_missing, last_missing, sessions, known_at
FROM lake.gaps
WHERE superseded_at IS NULL;
