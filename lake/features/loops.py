"""Columns that numpy and TA-Lib have no function for, compiled. Importing this module imports numba.

Callers import it inside the function that needs it. Other threads run meanwhile. No fastmath: the order
of operations is part of the result, and no window's value depends on where a history started.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from lake.market.bars import Floats


@njit(cache=True, nogil=True, error_model="numpy")
def deviation(values: Floats, period: int) -> Floats:  # pragma: no cover
    """Return the population standard deviation of the last `period` values.

    Squares are counted from each window's first value, so equal values deviate by exactly 0. Counted
    from 0 they would keep half of their digits where values hardly move, and what TA-Lib's running
    sums lose depends on where the history started.
    """
    out = np.full(len(values), np.nan)
    windows = len(values) - period + 1
    if windows <= 0:
        return out
    total, squares = np.zeros(windows), np.zeros(windows)
    # One lag a pass: neighbouring windows do not wait for one another, so the passes are vectors.
    for lag in range(1, period):
        for row in range(windows):
            gap = values[row + lag] - values[row]
            total[row] += gap
            squares[row] += gap * gap
    mean = total / period
    # The first value's own share is mean² / period, so no more than a factor of `period` cancels.
    out[period - 1 :] = np.sqrt(np.maximum(squares / period - mean * mean, 0.0))
    return out


@njit(cache=True, nogil=True, error_model="numpy")
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


@njit(cache=True, nogil=True, error_model="numpy")
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


@njit(cache=True, error_model="numpy")
def money_flow(
    typical: Floats, volume: Floats, period: int, flat: float, tolerance: float
) -> Floats:  # pragma: no cover
    """Return the share of turnover on bars that rose, in percent; `flat` where no typical price moved."""
    count = len(typical)
    out, flow = np.full(count, np.nan), np.zeros(count)
    for row in range(1, count):
        change = typical[row] - typical[row - 1]
        if abs(change) > tolerance * abs(typical[row]):
            flow[row] = np.sign(change) * typical[row] * volume[row]
    for row in range(period, count):
        up, down = 0.0, 0.0
        for each in range(row - period + 1, row + 1):
            if flow[each] > 0:
                up += flow[each]
            else:
                down -= flow[each]
        out[row] = 100.0 * (up / (up + down)) if up + down > 0 else flat
    return out
