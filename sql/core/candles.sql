-- Closed intraday bars as traded, the version known now.
-- grain: symbol, timeframe, ts
-- reads: bars
CREATE VIEW candles AS
SELECT * FROM bars
WHERE timeframe IN ('1m', '5m', '15m', '30m');
