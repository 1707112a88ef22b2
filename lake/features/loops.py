"""Columns that numpy and TA-Lib have no function for, compiled. Importing this module imports numba.

Callers import it inside the function that needs it. Other threads run meanwhile. No fastmath: the order
of operations is part of the result, and no window's value depends on where a history started.

A function that takes a `state` moves many series on by bars, oldest first for each: state[s, 0] counts
the bars seen. The live state calls it with the newest bars, `along` with one whole history, so the formula
stands here once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lake.market.bars import Floats

Numbers = NDArray[np.int64]


def along(
    step: Callable[..., None],
    size: int,
    inputs: Sequence[Floats],
    parameters: Sequence[float],
    columns: int = 1,
) -> Floats:
    """Return the columns that a step with a state of `size` numbers makes of one series from its first bar.

    One array a column, one value a bar.
    """
    count = len(inputs[0])
    out = np.empty((count, columns))
    step(np.zeros(count, dtype=np.int64), *inputs, np.zeros((1, size)), *parameters, out)
    return np.ascontiguousarray(out.T)


@njit(cache=True, nogil=True, error_model="numpy")
def mean(values: Floats, period: int) -> Floats:  # pragma: no cover
    """Return the mean of the last `period` values; missing ones may stand at the start only.

    A window is the end of one block of `period` values and the start of the next, so nothing outside it
    leaves a trace. TA-Lib's running sum keeps one: after larger values it is off, and not 0 where all are 0.
    """
    out, tails = np.full(len(values), np.nan), np.empty(len(values))
    start = 0
    while start < len(values) and np.isnan(values[start]):
        start += 1
    for block in range(start, len(values), period):
        total = 0.0
        for row in range(min(block + period, len(values)) - 1, block - 1, -1):
            total += values[row]
            tails[row] = total
    head = 0.0
    for row in range(start, len(values)):
        place = (row - start) % period
        head = values[row] if place == 0 else head + values[row]
        if row - start >= period - 1:
            total = head if place == period - 1 else tails[row - period + 1] + head
            out[row] = total / period
    return out


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
    series: Numbers,
    high: Floats,
    low: Floats,
    close: Floats,
    average_range: Floats,
    state: Floats,
    times: float,
    tolerance: float,
    out: Floats,
) -> None:  # pragma: no cover
    """Line that trails the price; state: count since the range is known, whether up, upper, lower, close."""
    for row in range(len(series)):
        own = state[series[row]]
        out[row, 0] = np.nan
        last, nothing = own[4], tolerance * close[row]
        own[4] = close[row]
        if np.isnan(average_range[row]):
            continue
        middle = (high[row] + low[row]) / 2
        top, bottom = middle + times * average_range[row], middle - times * average_range[row]
        own[0] += 1
        if own[0] == 1:
            own[1] = 1.0 if close[row] - middle >= -nothing else 0.0
            own[2], own[3] = top, bottom
        if top < own[2] or last - own[2] > nothing:
            own[2] = top
        if bottom > own[3] or own[3] - last > nothing:
            own[3] = bottom
        trail = own[3] if own[1] > 0 else own[2]
        own[1] = 1.0 if close[row] - trail > nothing else 0.0
        out[row, 0] = own[3] if own[1] > 0 else own[2]


@njit(cache=True, nogil=True, error_model="numpy")
def vwap(
    series: Numbers,
    high: Floats,
    low: Floats,
    close: Floats,
    volume: Floats,
    session: Floats,
    state: Floats,
    out: Floats,
) -> None:  # pragma: no cover
    """Mean typical price by volume in the session; state: count, session, turnover, volume."""
    for row in range(len(series)):
        own = state[series[row]]
        if own[0] == 0 or own[1] != session[row]:
            own[2], own[3] = 0.0, 0.0
        own[0] += 1
        own[1] = session[row]
        own[2] += (high[row] + low[row] + close[row]) / 3.0 * volume[row]
        own[3] += volume[row]
        out[row, 0] = own[2] / own[3] if own[3] > 0 else np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def balance(
    series: Numbers, close: Floats, volume: Floats, state: Floats, tolerance: float, out: Floats
) -> None:  # pragma: no cover
    """Running sum of volume, by the way the close moved; state: count, last close, sum."""
    for row in range(len(series)):
        own = state[series[row]]
        change = close[row] - own[1]
        if own[0] == 0 or change > tolerance * abs(close[row]):
            own[2] += volume[row]
        elif change < -tolerance * abs(close[row]):
            own[2] -= volume[row]
        own[0] += 1
        own[1] = close[row]
        out[row, 0] = own[2]


@njit(cache=True, nogil=True, error_model="numpy")
def money_flow(
    series: Numbers,
    high: Floats,
    low: Floats,
    close: Floats,
    volume: Floats,
    state: Floats,
    period: int,
    flat: float,
    tolerance: float,
    out: Floats,
) -> None:  # pragma: no cover
    """Share of turnover on bars that rose, `flat` where nothing moved.

    State: count, last typical price, and the turnover of the last bars, with the sign of the move.
    """
    for row in range(len(series)):
        own = state[series[row]]
        typical = (high[row] + low[row] + close[row]) / 3.0
        change = typical - own[1]
        seen = int(own[0])
        own[0] = seen + 1
        own[1] = typical
        out[row, 0] = np.nan
        if seen == 0:
            continue
        moved = abs(change) > tolerance * abs(typical)
        own[2 + seen % period] = np.sign(change) * typical * volume[row] if moved else 0.0
        if seen < period:
            continue
        up, down = 0.0, 0.0
        oldest = (seen + 1) % period
        for back in range(period):
            place = oldest + back
            flow = own[2 + place if place < period else 2 + place - period]
            if flow > 0:
                up += flow
            else:
                down -= flow
        out[row, 0] = 100.0 * (up / (up + down)) if up + down > 0 else flat


@njit(cache=True, nogil=True, error_model="numpy")
def _directional_sums(
    own: Floats, high: float, low: float, close: float, period: int
) -> None:  # pragma: no cover
    """Take a bar into the state of `directional`, all but its last entry."""
    up, down = high - own[1], own[2] - low
    width = max(high - low, abs(high - own[3]), abs(low - own[3]))
    own[0] += 1
    own[1], own[2], own[3] = high, low, close
    if own[0] == 1:
        return
    if own[0] > period:
        own[4] -= own[4] / period
        own[5] -= own[5] / period
        own[6] -= own[6] / period
    if down > 0 and up < down:
        own[5] += down
    elif up > 0 and up > down:
        own[4] += up
    own[6] += width


@njit(cache=True, nogil=True, error_model="numpy")
def _average_strength(own: Floats, plus: float, minus: float, period: int) -> float:  # pragma: no cover
    """Return the ADX of the state of `directional` after a bar; where nothing moved it stays."""
    moved = plus + minus > 0
    strength = 100.0 * abs(minus - plus) / (plus + minus) if moved else 0.0
    if own[0] <= 2 * period:
        own[7] += strength
        if own[0] == 2 * period:
            own[7] /= period
    elif moved:
        own[7] = (own[7] * (period - 1) + strength) / period
    average: float = own[7] if own[0] >= 2 * period else np.nan
    return average


@njit(cache=True, nogil=True, error_model="numpy")
def directional(
    series: Numbers,
    high: Floats,
    low: Floats,
    close: Floats,
    average_range: Floats,
    split: Floats,
    state: Floats,
    period: int,
    tolerance: float,
    out: Floats,
) -> None:  # pragma: no cover
    """Wilder's ADX, +DI and -DI of prices as traded, 0 where the average range is none.

    State: count, last high, low and close, the sums of moves up, down and of ranges, sum or average.
    """
    for row in range(len(series)):
        own = state[series[row]]
        if split[row] != 1.0:
            own[1:7] /= split[row]
        _directional_sums(own, high[row], low[row], close[row], period)
        out[row] = np.nan
        if own[0] <= period:
            continue
        plus, minus = 0.0, 0.0
        if own[6] > 0:
            plus, minus = 100.0 * (own[4] / own[6]), 100.0 * (own[5] / own[6])
        average = _average_strength(own, plus, minus, period)
        if average_range[row] < tolerance * abs(close[row]):
            average, plus, minus = (average if np.isnan(average) else 0.0), 0.0, 0.0
        out[row, 0], out[row, 1], out[row, 2] = average, plus, minus
