-- Splits (shares after per share before) and dividends (cash per share in the terms of the ex-date), as known now.
-- One that only disagrees with its source's adjusted close is applied, any other suspect one waits for release.
-- grain: symbol, ex_date, kind
CREATE VIEW actions AS
SELECT symbol, ex_date, kind, value, currency, quality, quality_reason,
       quality = 'ok' OR starts_with(quality_reason, 'disagrees') AS is_applied, source, known_at
FROM lake.actions
WHERE superseded_at IS NULL;
