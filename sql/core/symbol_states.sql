-- Where every symbol stood when alerts were last raised: its best timeframe, and buy, hold or sell.
-- `state` and `best_timeframe` are null where history is missing; `close` is as traded, `standings` (JSON) what
-- each timeframe's last complete bar said, on the split basis. `lake states --as-of` says the same of any day.
-- grain: symbol
CREATE VIEW symbol_states AS
SELECT symbol, session, closes_at, close, state, best_timeframe, shortfall, standings
FROM lake.symbol_states;
