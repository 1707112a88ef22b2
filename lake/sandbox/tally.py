"""Sums over the trades of one account, compiled. Importing this module imports numba."""

from __future__ import annotations

from math import inf, nan

from numba import njit

from lake.market.bars import Floats
from lake.sandbox.outcome import Rows


@njit(cache=True, error_model="numpy")
def tally(profit: Floats, exit_row: Rows) -> tuple[int, int, int, float, float, float, float, float]:
    """Return of closed trades: count, wins, losses, won, lost, sum of squared profits, best and worst."""
    count, wins, losses, won, lost, squares = 0, 0, 0, 0.0, 0.0, 0.0
    best, worst = -inf, inf
    for trade in range(len(profit)):
        if exit_row[trade] < 0:
            continue
        count += 1
        squares += profit[trade] ** 2
        best, worst = max(best, profit[trade]), min(worst, profit[trade])
        if profit[trade] > 0.0:
            wins, won = wins + 1, won + profit[trade]
        elif profit[trade] < 0.0:
            losses, lost = losses + 1, lost - profit[trade]
    if count == 0:
        best, worst = nan, nan
    return count, wins, losses, won, lost, squares, best, worst


@njit(cache=True, error_model="numpy")
def add_up(
    entry_price: Floats,
    exit_price: Floats,
    quantity: Floats,
    split_ratio: Floats,
    commission: Floats,
    dividends: Floats,
    exit_row: Rows,
    bars_held: Rows,
) -> tuple[float, float, float, float, int]:
    """Return the value bought and sold, commission and dividends of all trades, and their bars held."""
    bought, sold, fees, received, held = 0.0, 0.0, 0.0, 0.0, 0
    for trade in range(len(quantity)):
        bought += quantity[trade] * entry_price[trade]
        if exit_row[trade] >= 0:
            sold += quantity[trade] * split_ratio[trade] * exit_price[trade]
        fees, received, held = fees + commission[trade], received + dividends[trade], held + bars_held[trade]
    return bought, sold, fees, received, held
