"""Sums over the trades of one account, compiled. Importing this module imports numba."""

from __future__ import annotations

from math import inf, nan

from numba import njit

from lake.market.bars import Floats
from lake.sandbox.outcome import Rows


@njit(cache=True, error_model="numpy")
def tally(
    exit_row: Rows,
    bars_held: Rows,
    entry_price: Floats,
    exit_price: Floats,
    quantity: Floats,
    split_ratio: Floats,
    commission: Floats,
    dividends: Floats,
    profit: Floats,
) -> tuple[int, int, int, float, float, float, float, float, float, float, float, float, int]:
    """Return sums over the trades of an account, an open one counting in the last five only.

    Count, wins, losses, won, lost, sum of squared profits, best and worst; value bought and sold (never
    of an open trade), commission, dividends and bars held.
    """
    closed, wins, losses, won, lost, squares = 0, 0, 0, 0.0, 0.0, 0.0
    best, worst = -inf, inf
    bought, sold, fees, received, held = 0.0, 0.0, 0.0, 0.0, 0
    for trade in range(len(quantity)):
        bought += quantity[trade] * entry_price[trade]
        fees, received, held = fees + commission[trade], received + dividends[trade], held + bars_held[trade]
        if exit_row[trade] < 0:
            continue
        sold += quantity[trade] * split_ratio[trade] * exit_price[trade]
        closed += 1
        squares += profit[trade] ** 2
        best, worst = max(best, profit[trade]), min(worst, profit[trade])
        if profit[trade] > 0.0:
            wins, won = wins + 1, won + profit[trade]
        elif profit[trade] < 0.0:
            losses, lost = losses + 1, lost - profit[trade]
    if closed == 0:
        best, worst = nan, nan
    return closed, wins, losses, won, lost, squares, best, worst, bought, sold, fees, received, held
