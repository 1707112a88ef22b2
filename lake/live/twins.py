"""Which columns move on bar by bar and by what step, and which see a few bars only and can stand together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from lake.features import loops
from lake.features.columns import (
    momentum,
    moving_averages,
    returns,
    shape,
    strict_patterns,
    talib_patterns,
    trend,
    volatility,
    volume,
)
from lake.features.indicator import TOLERANCE, Indicator
from lake.live import steps, window_steps

PRICE, VOLUME, PLAIN = -1, 1, 0
"""To which power of a split's ratio what a state remembers is multiplied."""


class Step(NamedTuple):
    """A compiled step, the size of its state by parameters, and what it takes besides.

    `powers` says what a split does to the state's places after the count; the last one holds for the rest.
    """

    function: Callable[..., None]
    size: Callable[..., int]
    besides: tuple[float, ...] = ()
    powers: tuple[int, ...] = (PRICE,)


STEPS: Mapping[Any, Step] = {
    moving_averages.sma: Step(steps.sma, lambda period: 1 + period),
    moving_averages.ema: Step(steps.ema, lambda period: 2),
    momentum.rsi: Step(steps.rsi, lambda period: 4, (momentum.FLAT, TOLERANCE)),
    momentum.macd: Step(steps.macd, lambda **periods: 4),
    momentum.stochastic: Step(window_steps.stochastic, lambda smoothing: 1 + 2 * smoothing, powers=(PLAIN,)),
    momentum.money_flow: Step(
        loops.money_flow, momentum.money_flow_state, (momentum.FLAT, TOLERANCE), (PRICE, PLAIN)
    ),
    momentum.commodity_channel: Step(window_steps.commodity_channel, lambda period: 1 + period, (TOLERANCE,)),
    volatility.atr: Step(steps.atr, lambda period: 3),
    volatility.mean: Step(steps.sma, lambda period: 1 + period),
    trend.directional: Step(
        loops.directional, lambda period: trend.DIRECTIONAL_STATE, (TOLERANCE,), (*[PRICE] * 6, PLAIN)
    ),
    trend.supertrend: Step(
        loops.supertrend, lambda times: trend.SUPERTREND_STATE, (TOLERANCE,), (PLAIN, PRICE)
    ),
    volume.obv: Step(loops.balance, lambda: volume.OBV_STATE, (TOLERANCE,), (PRICE, VOLUME)),
    volume.adl: Step(steps.adl, lambda: 2, powers=(VOLUME,)),
    volume.average_volume: Step(steps.sma, lambda period: 1 + period, powers=(VOLUME,)),
    volume.vwap: Step(loops.vwap, lambda: volume.VWAP_STATE, powers=(PLAIN, PLAIN, VOLUME)),
}
"""The step of a column by the column's function."""

WIDTHS: Mapping[Any, Callable[..., int]] = {
    shape.color: lambda: 1,
    shape.body: lambda: 1,
    shape.ratios: lambda: 1,
    shape.gap_pct: lambda: 1,
    shape.lags: lambda: 1 + max(shape.LAGS),
    shape.in_a_row: lambda sign: 1,
    strict_patterns.hammers: lambda **limits: 1,
    strict_patterns.thirds: lambda **limits: 1,
    strict_patterns.engulfings: lambda **limits: 2,
    momentum.below_the_high: lambda: 1,
    volatility.stdev: lambda period: period,
    volatility.channel: lambda times: 1,
    trend.golden_cross: lambda: 1,
    trend.band: lambda pct: 1,
    returns.return_pct: lambda: 2,
    returns.log_return: lambda: 2,
    returns.volatility: lambda period: 1 + period,
}
"""Bars that a column's function sees, the last one included; a missing one makes the value missing."""

TALIB_WIDTHS: Mapping[Any, Callable[..., int]] = {
    momentum.place_in_range: lambda period: period,
    momentum.roc: lambda period: 1 + period,
    volatility.true_range: lambda: 2,
    volatility.donchian: lambda period: 1 + period,
    trend.aroon: lambda period: 1 + period,
    volume.volume_ratio: lambda: 1,
}
"""Likewise, of functions that must not be shown a missing bar, and whose values hang on nothing but these."""


def handle_of(indicator: Indicator) -> str | None:
    """Return the stream of TA-Lib that an indicator is moved on by; None if it is not one."""
    function: Any = indicator.function
    if isinstance(function, partial) and function.func is talib_patterns.pattern:
        return f"CDL{function.keywords['of']}"
    return None


def width_of(indicator: Indicator, widths: Mapping[Any, Callable[..., int]]) -> int | None:
    """Return how many bars an indicator's function sees; None if it is not one of `widths`."""
    function = indicator.function
    return widths[function](**indicator.parameters) if function in widths else None
