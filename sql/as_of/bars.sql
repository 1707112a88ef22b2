-- Bars as traded, as they were known at the catalog's moment.
-- grain: symbol, timeframe, ts
-- reads: bars_as_of
CREATE VIEW bars AS
SELECT * FROM bars_as_of(getvariable('as_of'));
