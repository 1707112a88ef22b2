"""Columns that numpy and TA-Lib have no function for, compiled. Importing this module imports numba.

Callers import it inside the function that needs it. No fastmath: the order of operations is part of
the result, and no window's value depends on where a history started.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from lake.market.bars import Floats


@njit(cache=True, error_model="numpy")
def deviation(values: Floats, period: int) -> Floats:  # pragma: no cover
    """Return the population standard deviation of the last `period` values, by two passes.

    The one-pass form, E[x²] - E[x]², keeps only half of the digits where values hardly move, and
    what it loses depends on where the history started.
    """
    count = len(values)
    out = np.full(count, np.nan)
    windows = count - period + 1
    if windows <= 0:
        return out
    mean, squares = np.zeros(windows), np.zeros(windows)
    # Counted from each window's first value, so that equal values deviate by exactly 0.
    # One lag a pass: neighbouring windows do not wait for one another, so the passes are vectors.
    for lag in range(period):
        for row in range(windows):
            mean[row] += values[row + lag] - values[row]
    mean /= period
    for lag in range(period):
        for row in range(windows):
            gap = (values[row + lag] - values[row]) - mean[row]
            squares[row] += gap * gap
    out[period - 1 :] = np.sqrt(squares / period)
    return out


@njit(cache=True, error_model="numpy")
def supertrend(
    high: Floats, low: Floats, close: Floats, atr: Floats, multiplier: float, tolerance: float
) -> Floats:  # pragma: no cover
    """Return the line that trails the price: below it while the trend is up, above while down.

    It turns where the close reaches it, to `tolerance` of the close.
    """
    out = np.full(len(close), np.nan)
    is_up, upper, lower = True, np.nan, np.nan
    for row in range(len(close)):
        if np.isnan(atr[row]):
            continue
        middle = (high[row] + low[row]) / 2
        top, bottom = middle + multiplier * atr[row], middle - multiplier * atr[row]
        if np.isnan(upper):
            is_up, upper, lower = close[row] >= middle, top, bottom
        if top < upper or close[row - 1] > upper:
            upper = top
        if bottom > lower or close[row - 1] < lower:
            lower = bottom
        is_up = close[row] - (lower if is_up else upper) > tolerance * close[row]
        out[row] = lower if is_up else upper
    return out


@njit(cache=True, error_model="numpy")
def session_vwap(price: Floats, volume: Floats, session: Floats) -> Floats:  # pragma: no cover
    """Return the mean price by volume since the session's first bar; NaN until something traded."""
    out = np.full(len(price), np.nan)
    turnover, traded = 0.0, 0.0
    for row in range(len(price)):
        if row == 0 or session[row] != session[row - 1]:
            turnover, traded = 0.0, 0.0
        turnover += price[row] * volume[row]
        traded += volume[row]
        if traded > 0:
            out[row] = turnover / traded
    return out
