-- Splits (shares after per share before) and dividends (cash per share in the terms of the ex-date), as known now.
-- grain: symbol, ex_date, kind
CREATE VIEW actions AS
SELECT symbol, ex_date, kind, value, currency, quality, quality_reason, source, known_at
FROM lake.actions
WHERE superseded_at IS NULL;
