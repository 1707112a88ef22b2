-- Bad: equity that is not cash plus position, or cash below zero by more than rounding.
-- reads: sandbox_equity
SELECT run_id, symbol, ts, cash, position_value, equity
FROM sandbox_equity
WHERE abs(cash + position_value - equity) > 1e-6 * greatest(1.0, abs(equity))
   OR cash < -1e-6;
