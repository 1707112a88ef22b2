-- Bad: an event at a level that does not exist, or on a bar that started before the level was confirmed.
-- reads: level_events, levels
SELECT e.symbol, e.timeframe, e.ts, e.level_id, e.event, l.confirmed_at
FROM level_events AS e
LEFT JOIN levels AS l ON l.level_id = e.level_id
WHERE l.level_id IS NULL OR e.ts < l.confirmed_at;
