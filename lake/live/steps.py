"""One bar more for recursive columns of many series, compiled. Importing this module imports numba.

Each function takes bars in order, oldest first for each series, and the state of every series, which it
moves on: state[s, 0] counts the bars seen. The order of operations is TA-Lib's, seeds included, so that
the values are those of the columns over a whole history.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from lake.market.bars import Floats
from lake.rules.memory import Numbers


@njit(cache=True, error_model="numpy")
def sma(series: Numbers, close: Floats, state: Floats, period: int, out: Floats) -> None:  # pragma: no cover
    """Mean of the last `period` values, which the state holds after the count; missing ones do not count."""
    for row in range(len(series)):
        own = state[series[row]]
        if np.isnan(close[row]):
            out[row, 0] = np.nan
            continue
        seen = int(own[0])
        own[1 + seen % period] = close[row]
        own[0] = seen + 1
        out[row, 0] = np.nan
        if seen + 1 >= period:
            total = 0.0
            for place in range(seen + 1, seen + 1 + period):  # oldest first
                total += own[1 + place % period]
            out[row, 0] = total / period


@njit(cache=True, error_model="numpy")
def ema(series: Numbers, close: Floats, state: Floats, period: int, out: Floats) -> None:  # pragma: no cover
    """Exponential average, seeded with the first mean; state: count, sum or average."""
    weight = 2.0 / (period + 1)
    for row in range(len(series)):
        own = state[series[row]]
        own[0] += 1
        out[row, 0] = np.nan
        if own[0] <= period:
            own[1] += close[row]
            if own[0] == period:
                own[1] /= period
                out[row, 0] = own[1]
        else:
            own[1] = (close[row] - own[1]) * weight + own[1]
            out[row, 0] = own[1]


@njit(cache=True, error_model="numpy")
def rsi(
    series: Numbers, close: Floats, state: Floats, period: int, flat: float, tolerance: float, out: Floats
) -> None:  # pragma: no cover
    """Wilder's strength, `flat` where nothing moves; state: count, last close, gain, loss."""
    for row in range(len(series)):
        own = state[series[row]]
        change = close[row] - own[1]
        own[0] += 1
        own[1] = close[row]
        out[row, 0] = np.nan
        if own[0] == 1:
            continue
        if own[0] > period + 1:
            own[2] *= period - 1
            own[3] *= period - 1
        if change < 0:
            own[3] -= change
        else:
            own[2] += change
        if own[0] >= period + 1:
            own[2] /= period
            own[3] /= period
            moved = own[2] + own[3]
            out[row, 0] = flat if moved < tolerance * abs(close[row]) else 100.0 * (own[2] / moved)


@njit(cache=True, error_model="numpy")
def macd(
    series: Numbers, close: Floats, state: Floats, fast: int, slow: int, signal: int, out: Floats
) -> None:  # pragma: no cover
    """Line, signal, difference; both averages start at bar `slow`. State: count, fast, slow, signal."""
    for row in range(len(series)):
        own = state[series[row]]
        own[0] += 1
        out[row] = np.nan
        if own[0] <= slow:
            own[2] += close[row]
            if own[0] > slow - fast:
                own[1] += close[row]
            if own[0] < slow:
                continue
            own[1] /= fast
            own[2] /= slow
        else:
            own[1] = (close[row] - own[1]) * (2.0 / (fast + 1)) + own[1]
            own[2] = (close[row] - own[2]) * (2.0 / (slow + 1)) + own[2]
        line = own[1] - own[2]
        lines = own[0] - slow + 1
        if lines <= signal:
            own[3] += line
            if lines < signal:
                continue
            own[3] /= signal
        else:
            own[3] = (line - own[3]) * (2.0 / (signal + 1)) + own[3]
        out[row, 0], out[row, 1], out[row, 2] = line, own[3], line - own[3]


@njit(cache=True, error_model="numpy")
def atr(
    series: Numbers, high: Floats, low: Floats, close: Floats, state: Floats, period: int, out: Floats
) -> None:  # pragma: no cover
    """Wilder's average of the true range; state: count, last close, sum or average."""
    for row in range(len(series)):
        own = state[series[row]]
        last = own[1]
        own[0] += 1
        own[1] = close[row]
        out[row, 0] = np.nan
        if own[0] == 1:
            continue
        width = max(high[row] - low[row], abs(last - high[row]), abs(last - low[row]))
        if own[0] <= period + 1:
            own[2] += width
            if own[0] <= period:
                continue
            own[2] /= period
        else:
            own[2] = (own[2] * (period - 1) + width) / period
        out[row, 0] = own[2]


@njit(cache=True, error_model="numpy")
def adl(
    series: Numbers, high: Floats, low: Floats, close: Floats, volume: Floats, state: Floats, out: Floats
) -> None:  # pragma: no cover
    """Running sum of volume times the close's place in its bar; state: count, sum."""
    for row in range(len(series)):
        own = state[series[row]]
        own[0] += 1
        width = high[row] - low[row]
        if width > 0:
            own[1] += ((close[row] - low[row]) - (high[row] - close[row])) / width * volume[row]
        out[row, 0] = own[1]
