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
        up, down = high[row] - own[1], own[2] - low[row]
        width = max(high[row] - low[row], abs(high[row] - own[3]), abs(low[row] - own[3]))
        own[0] += 1
        own[1], own[2], own[3] = high[row], low[row], close[row]
        out[row] = np.nan
        if own[0] == 1:
            continue
        if own[0] > period:
            own[4] -= own[4] / period
            own[5] -= own[5] / period
            own[6] -= own[6] / period
        if down > 0 and up < down:
            own[5] += down
        elif up > 0 and up > down:
            own[4] += up
        own[6] += width
        if own[0] <= period:
            continue
        plus, minus, strength = 0.0, 0.0, 0.0
        has_strength = False
        if own[6] > 0:
            plus, minus = 100.0 * (own[4] / own[6]), 100.0 * (own[5] / own[6])
            if plus + minus > 0:
                has_strength, strength = True, 100.0 * abs(minus - plus) / (plus + minus)
        if own[0] <= 2 * period:
            own[7] += strength
            if own[0] == 2 * period:
                own[7] /= period
        elif has_strength:
            own[7] = (own[7] * (period - 1) + strength) / period
        is_flat = average_range[row] < tolerance * abs(close[row])
        if own[0] >= 2 * period:
            out[row, 0] = 0.0 if is_flat else own[7]
        out[row, 1] = 0.0 if is_flat else plus
        out[row, 2] = 0.0 if is_flat else minus
