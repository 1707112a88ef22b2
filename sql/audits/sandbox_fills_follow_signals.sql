-- Bad: a trade entered at or before the bar whose close gave its signal, or left before it was entered.
-- reads: sandbox_trades
SELECT run_id, symbol, signal_ts, entry_ts, exit_ts
FROM sandbox_trades
WHERE entry_ts <= signal_ts OR exit_ts < entry_ts;
