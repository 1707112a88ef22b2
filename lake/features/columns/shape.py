"""Shape: what one bar, or the last few, look like.

A closing auction may leave open or close slightly outside high and low; shapes take the range that
holds all four.
"""

from __future__ import annotations

import numpy as np

from lake.features.indicator import TOLERANCE, Indicator, settle_window
from lake.market.bars import Floats

LAGS = (1, 2, 3)


def color(open_: Floats, close: Floats) -> Floats:
    """Return 1 where the bar closed above its open (green), -1 below (red), else 0."""
    return np.sign(close - open_)


def body(open_: Floats, close: Floats) -> Floats:
    """Return the distance from open to close."""
    return np.abs(close - open_)


def shadows(open_: Floats, high: Floats, low: Floats, close: Floats) -> tuple[Floats, Floats]:
    """Return how far the bar reached above its body, and below it."""
    top, bottom = np.maximum(open_, close), np.minimum(open_, close)
    return np.maximum(high, top) - top, bottom - np.minimum(low, bottom)


def ratios(
    open_: Floats, high: Floats, low: Floats, close: Floats, length: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return body, upper and lower shadow as shares of the range; all 0 where there is none."""
    upper, lower = shadows(open_, high, low, close)
    width = length + upper + lower
    has_range = width > TOLERANCE * np.abs(close)
    width = np.where(has_range, width, 1.0)
    of_body, of_upper, of_lower = (np.where(has_range, part / width, 0.0) for part in (length, upper, lower))
    return of_body, of_upper, of_lower


def gap_pct(open_: Floats, before: Floats) -> Floats:
    """Return the open's distance from the previous close, in percent."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return 100.0 * (open_ / before - 1.0)


def lags(close: Floats) -> tuple[Floats, ...]:
    """Return the closes of 1, 2 and 3 bars before."""
    return tuple(_lag(close, bars) for bars in LAGS)


def in_a_row(close: Floats, first: Floats, second: Floats, third: Floats, sign: int) -> Floats:
    """Return 1 where each of the last three closes moved the way of `sign`, else 0."""
    tolerance = TOLERANCE * np.abs(close)
    steps = (close - first, first - second, second - third)
    moved = np.logical_and.reduce([sign * step > tolerance for step in steps])
    return np.where(np.isnan(third), np.nan, moved)


def _lag(values: Floats, bars: int) -> Floats:
    earlier = np.full(len(values), np.nan)
    earlier[bars:] = values[:-bars]
    return earlier


LAG_COLUMNS = tuple(f"close_lag_{bars}" for bars in LAGS)

INDICATORS = (
    Indicator(
        columns=("color",),
        function=color,
        inputs=("open", "close"),
        scale="flag",
        settle_bars=settle_window(1),
        description="1 if the bar closed above its open (green), -1 if below (red), else 0",
        source="sign of close - open",
    ),
    Indicator(
        columns=("body",),
        function=body,
        inputs=("open", "close"),
        scale="price",
        settle_bars=settle_window(1),
        description="Distance from open to close",
        source="|close - open|",
    ),
    Indicator(
        columns=("body_ratio", "upper_shadow_ratio", "lower_shadow_ratio"),
        function=ratios,
        inputs=("open", "high", "low", "close", "body"),
        scale="ratio",
        settle_bars=settle_window(1),
        description="Body, upper and lower shadow as shares of the range; 0 where the bar has no range",
        source="body, high - max(open, close), min(open, close) - low, each over high - low",
    ),
    Indicator(
        columns=LAG_COLUMNS,
        function=lags,
        inputs=("close",),
        scale="price",
        settle_bars=settle_window(max(LAGS) + 1),
        description="Closes of 1, 2 and 3 bars before",
        source="close, 1, 2 and 3 bars earlier",
    ),
    Indicator(
        columns=("gap_pct",),
        function=gap_pct,
        inputs=("open", LAG_COLUMNS[0]),
        scale="percent",
        settle_bars=settle_window(2),
        description="Distance of the open from the previous close, in percent, without dividends",
        source="100 * (open / previous close - 1)",
    ),
    *(
        Indicator(
            columns=(f"{name}_{len(LAGS)}",),
            function=in_a_row,
            inputs=("close", *LAG_COLUMNS),
            parameters={"sign": sign},
            scale="flag",
            settle_bars=settle_window(len(LAGS) + 1),
            description=f"1 where each of the last three closes was {than} the one before it, else 0",
            source=f"close {order} close_lag_1 {order} close_lag_2 {order} close_lag_3",
        )
        for name, sign, than, order in (("rising", 1, "above", ">"), ("falling", -1, "below", "<"))
    ),
)
