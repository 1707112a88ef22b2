-- Symbols the lake knows; a symbol that is not here is refused everywhere.
-- grain: symbol
CREATE VIEW symbols AS
SELECT symbol, name, exchange, currency, zone, listed, delisted, aliases
FROM lake.symbols
WHERE superseded_at IS NULL;
