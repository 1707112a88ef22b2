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
