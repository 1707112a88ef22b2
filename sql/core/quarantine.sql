-- Rows that cannot be bars, as they arrived, with the reason they were set aside.
-- grain: quarantine_id
CREATE VIEW quarantine AS
SELECT quarantine_id, symbol, timeframe, ts, source, reason, detail, row, status, known_at
FROM lake.quarantine
WHERE superseded_at IS NULL;
