-- What bars did at levels: touch, bounce, break, retest, role_flip; known from `closes_at` of the bar at `ts`.
-- `kind` is the level's role before the event, `side` what the event speaks for.
-- grain: level_id, ts, event
CREATE VIEW level_events AS
SELECT symbol, timeframe, ts, closes_at, level_id, event, kind, side, method, price
FROM lake.level_events;
