-- Bad: an alert whose price is not the close of its bar as traded, or that fired on a suspect bar.
-- reads: alerts, bars
SELECT a.symbol, a.timeframe, a.ts, a.rule, a.alert_id
FROM alerts AS a
JOIN bars AS b ON b.symbol = a.symbol AND b.timeframe = a.timeframe AND b.ts = a.ts
WHERE a.status = 'confirmed'
  AND ((abs(a.price - b.close) > 1e-6 * abs(b.close) AND b.price_basis = 'raw') OR b.quality = 'suspect');
