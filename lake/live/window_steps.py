"""One bar more for columns over windows of many series, compiled. Importing this module imports numba.

As in `steps`; the values of a window stand in the state as a ring, and its sums are made anew on every
bar, so that no rounding is carried along.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from lake.market.bars import Floats
from lake.rules.memory import Numbers


@njit(cache=True, error_model="numpy")
def stochastic(
    series: Numbers, place: Floats, state: Floats, smoothing: int, out: Floats
) -> None:  # pragma: no cover
    """Mean place, and the mean of that; state: count, the last places, the last means."""
    for row in range(len(series)):
        own = state[series[row]]
        out[row] = np.nan
        if np.isnan(place[row]):
            continue
        seen = int(own[0])
        own[0] = seen + 1
        at = seen % smoothing
        own[1 + at] = place[row]
        if seen + 1 < smoothing:
            continue
        total, totals = 0.0, 0.0
        for each in range(smoothing):
            total += own[1 + each]
        own[1 + smoothing + at] = out[row, 0] = total / smoothing
        if seen + 1 >= 2 * smoothing - 1:
            for each in range(smoothing):
                totals += own[1 + smoothing + each]
            out[row, 1] = totals / smoothing


@njit(cache=True, error_model="numpy")
def commodity_channel(
    series: Numbers,
    high: Floats,
    low: Floats,
    close: Floats,
    state: Floats,
    period: int,
    tolerance: float,
    out: Floats,
) -> None:  # pragma: no cover
    """Distance of the typical price from its mean, 0 where it did not move; state: count, the last prices."""
    for row in range(len(series)):
        own = state[series[row]]
        typical = (high[row] + low[row] + close[row]) / 3.0
        seen = int(own[0])
        own[0] = seen + 1
        own[1 + seen % period] = typical
        out[row, 0] = np.nan
        if seen + 1 < period:
            continue
        prices = own[1 : 1 + period]
        mean, distance = prices.sum() / period, 0.0
        for price in prices:
            distance += abs(price - mean)
        if prices.max() - prices.min() <= tolerance * abs(typical) or distance == 0:
            out[row, 0] = 0.0
        else:
            out[row, 0] = (typical - mean) / (0.015 * (distance / period))


@njit(cache=True, error_model="numpy")
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


@njit(cache=True, error_model="numpy")
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


@njit(cache=True, error_model="numpy")
def directional(
    series: Numbers,
    high: Floats,
    low: Floats,
    close: Floats,
    average_range: Floats,
    state: Floats,
    period: int,
    tolerance: float,
    out: Floats,
) -> None:  # pragma: no cover
    """Wilder's ADX, +DI and -DI, 0 where the average range is none.

    State: count, last high, low and close, the sums of moves up, down and of ranges, sum or average.
    """
    for row in range(len(series)):
        own = state[series[row]]
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
