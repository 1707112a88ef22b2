-- Splits and dividends as they were known at the catalog's moment.
-- Before the end of a symbol's first load the actions with an ex-date up to that moment stand in. A first
-- load of days without any action counts: what came later was not known then.
-- grain: symbol, ex_date, kind
CREATE VIEW actions AS
WITH first_loads AS (
    SELECT symbol, min(known_at) + INTERVAL 999 MICROSECOND AS loaded_at
    FROM (
        SELECT symbol, known_at FROM lake.actions
        UNION ALL
        SELECT symbol, known_at FROM lake.bars WHERE source <> 'derived'
    )
    GROUP BY ALL
),
seen AS (
    SELECT a.*, f.loaded_at > getvariable('as_of') AS known_at_assumed,
           greatest(f.loaded_at, getvariable('as_of')) AS seen_at
    FROM lake.actions AS a
    JOIN first_loads AS f USING (symbol)
)
SELECT symbol, ex_date, kind, value, currency, quality, quality_reason,
       quality = 'ok' OR starts_with(quality_reason, 'disagrees') AS is_applied, source, known_at, known_at_assumed
FROM seen
WHERE known_at <= seen_at
  AND (superseded_at IS NULL OR superseded_at > seen_at)
  AND (NOT known_at_assumed OR ex_date <= getvariable('as_of')::DATE);
