-- Registered columns of every complete bar, on the split basis; `lake columns` explains each.
-- grain: symbol, timeframe, ts
CREATE VIEW features AS
SELECT * EXCLUDE (inputs) FROM lake.features;
