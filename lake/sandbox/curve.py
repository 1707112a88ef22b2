"""Sums over an equity curve and over trades, compiled. Importing this module imports numba."""

from __future__ import annotations

from math import inf, nan

from numba import njit

from lake.market.bars import Floats
from lake.sandbox.outcome import Rows

_ROUNDING = 1e-14  # of the mean square: a smaller variance is the rounding of equal values


@njit(cache=True, error_model="numpy")
def walk_down(equity: Floats) -> tuple[float, float, float, float, int, float]:
    """Return of bar returns the mean, deviation and downside deviation, and of the curve its largest
    drawdown, that one's bars and its mean."""
    total, squares, below, area = 0.0, 0.0, 0.0, equity[0]
    peak, trough, peak_row, deepest, bars = equity[0], equity[0], 0, 0.0, 0
    for row in range(1, len(equity)):
        area += equity[row]
        if equity[row] != equity[row - 1]:
            change = equity[row] / equity[row - 1] - 1.0
            total += change
            squares += change * change
            below += min(change, 0.0) * change
        if equity[row] < peak:
            trough = min(trough, equity[row])
        else:
            if 1.0 - trough / peak > deepest:
                deepest, bars = 1.0 - trough / peak, row - peak_row
            peak, trough, peak_row = equity[row], equity[row], row
    if 1.0 - trough / peak > deepest:
        deepest, bars = 1.0 - trough / peak, len(equity) - 1 - peak_row
    count = len(equity) - 1
    if count < 2:
        return nan, nan, nan, deepest, bars, area / len(equity)
    deviation = _deviation(count, total, squares)
    return total / count, deviation, (below / count) ** 0.5, deepest, bars, area / len(equity)


@njit(cache=True, error_model="numpy")
def _deviation(count: int, total: float, squares: float) -> float:
    """Return the standard deviation (n - 1) of values with this sum and sum of squares."""
    if count < 2:
        return nan
    variance = (squares - total * total / count) / (count - 1)
    return variance**0.5 if variance > _ROUNDING * squares / count else 0.0


@njit(cache=True, error_model="numpy")
def tally(profit: Floats, exit_row: Rows) -> tuple[int, int, int, float, float, float, float, float]:
    """Return of closed trades: count, wins, losses, won, lost, best, worst and deviation of profit."""
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
    return count, wins, losses, won, lost, best, worst, _deviation(count, won - lost, squares)


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
