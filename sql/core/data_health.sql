-- How far each series can be trusted: what it has, lacks and sets aside.
-- sessions_behind counts from the newest bar of the same timeframe and exchange. quarantined is what is held,
-- quarantined_by_reason counts it; revisions are versions beyond the first.
-- grain: symbol, timeframe
-- reads: bars, bar_versions, symbols, gaps, quarantine
CREATE VIEW data_health AS
WITH held AS (
    SELECT symbol, timeframe, sum(rows)::BIGINT AS quarantined,
           map_from_entries(list((reason, rows) ORDER BY reason)) AS quarantined_by_reason
    FROM (
        SELECT symbol, timeframe, reason, count(*) AS rows
        FROM quarantine
        WHERE status = 'held' AND symbol IS NOT NULL
        GROUP BY ALL
    )
    GROUP BY ALL
),
series AS (
    SELECT b.symbol, b.timeframe, any_value(s.exchange) AS exchange, count(*) AS bars,
           min(b.session) AS first_session, max(b.session) AS last_session,
           count(*) FILTER (WHERE b.quality = 'suspect') AS suspect
    FROM bars AS b
    JOIN symbols AS s USING (symbol)
    GROUP BY ALL
),
sessions AS (
    SELECT DISTINCT s.exchange, b.timeframe, b.session
    FROM bars AS b
    JOIN symbols AS s USING (symbol)
),
ranked AS (
    SELECT *, row_number() OVER (PARTITION BY exchange, timeframe ORDER BY session DESC) - 1 AS sessions_behind
    FROM sessions
),
missing AS (
    SELECT symbol, timeframe, count(*) AS gaps, sum(sessions)::BIGINT AS missing_sessions
    FROM gaps
    GROUP BY ALL
),
changed AS (
    SELECT symbol, timeframe, (count(*) - count(DISTINCT ts)) AS revisions
    FROM bar_versions
    GROUP BY ALL
)
SELECT coalesce(s.symbol, h.symbol) AS symbol, coalesce(s.timeframe, h.timeframe) AS timeframe,
       coalesce(s.bars, 0) AS bars, s.first_session, s.last_session, r.sessions_behind,
       coalesce(m.gaps, 0) AS gaps, coalesce(m.missing_sessions, 0) AS missing_sessions,
       coalesce(s.suspect, 0) AS suspect,
       coalesce(h.quarantined, 0) AS quarantined, h.quarantined_by_reason,
       coalesce(c.revisions, 0) AS revisions
FROM series AS s
FULL JOIN held AS h ON h.symbol = s.symbol AND h.timeframe = s.timeframe
LEFT JOIN ranked AS r ON r.exchange = s.exchange AND r.timeframe = s.timeframe AND r.session = s.last_session
LEFT JOIN missing AS m ON m.symbol = s.symbol AND m.timeframe = s.timeframe
LEFT JOIN changed AS c ON c.symbol = s.symbol AND c.timeframe = s.timeframe;
