-- Support and resistance levels that are in force or had an event, as of each series' last bar.
-- `kind` is the role now; `price` is on the split basis of the last bar; use a level from `confirmed_at` on.
-- `outcome`: active, broken, replaced (by the next session's, week's or leg's) or crowded_out (by 50 newer).
-- grain: level_id
CREATE VIEW levels AS
SELECT symbol, timeframe, formed_at AS ts, level_id, method, name, kind, price, formed_at, confirmed_at,
       touches, last_touch_at, strength, role_flips, broken_at, outcome
FROM lake.levels;
