-- Bad: bars of a symbol that is not in symbols.
-- reads: bars, symbols
SELECT symbol, count(*) AS bars
FROM bars
ANTI JOIN symbols USING (symbol)
GROUP BY symbol;
