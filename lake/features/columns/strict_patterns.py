"""Strict candle patterns: 1 on the bar that completes one, 0 elsewhere.

Limits count as met within 1e-9 of the close, so that rounding decides nothing. A bar whose four
prices are equal makes no pattern. Shadows and range hold open and close, as in `shape`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lake.features.columns.shape import shadows
from lake.features.indicator import TOLERANCE, Indicator, settle_window
from lake.features.settings import COLUMNS
from lake.market.bars import Bools, Floats

Flags = NDArray[np.int8]

LIMITS = COLUMNS.strict_patterns
BODY_MOST, SHADOW_LEAST = LIMITS.hammer.body_most, LIMITS.hammer.shadow_least
OTHER_SHADOW_MOST = LIMITS.hammer.other_shadow_most
THIRD = LIMITS.third
BODY_TIMES, CLOSE_NEAR_HIGH = LIMITS.engulfing.body_times, LIMITS.engulfing.close_near_high


def hammers(
    open_: Floats, high: Floats, low: Floats, close: Floats, body: float, shadow: float, other: float
) -> tuple[Flags, Flags]:
    """Return hammers (long lower shadow) and inverted hammers (long upper shadow)."""
    upper, lower = shadows(open_, high, low, close)
    length = np.abs(close - open_)
    width = length + upper + lower
    slack = TOLERANCE * np.abs(close)
    small = (width > slack) & (length <= body * width + slack)

    def is_long(one: Floats, opposite: Floats) -> Flags:
        return _flags(small & (one >= shadow * width - slack) & (opposite <= other * width + slack))

    return is_long(lower, upper), is_long(upper, lower)


def thirds(open_: Floats, high: Floats, low: Floats, close: Floats, share: float) -> tuple[Flags, Flags]:
    """Return green bars whose body lies in the upper `share` of the range, and red ones in the lower."""
    upper, lower = shadows(open_, high, low, close)
    depth = share * (np.abs(close - open_) + upper + lower)
    slack = TOLERANCE * np.abs(close)
    top, bottom = np.maximum(open_, close) + upper, np.minimum(open_, close) - lower
    bullish = (close - open_ > slack) & (open_ >= top - depth - slack)
    bearish = (open_ - close > slack) & (open_ <= bottom + depth + slack)
    return _flags(bullish), _flags(bearish)


def engulfings(
    open_: Floats, high: Floats, low: Floats, close: Floats, times: float, near: float
) -> tuple[Flags, Flags]:
    """Return bars whose body reaches beyond the previous body on both sides, green and red ones.

    The green one is also more than `times` as long, and closes near its high.
    """
    slack = TOLERANCE * np.abs(close)
    length = np.abs(close - open_)
    top = _previous(np.maximum(open_, close))
    bottom = _previous(np.minimum(open_, close))
    before = _previous(length)
    upper, _ = shadows(open_, high, low, close)
    bullish = (close - open_ > slack) & (open_ < bottom - slack) & (close > top + slack)
    bullish &= (length > times * before + slack) & (near * upper <= length + slack)
    bearish = (open_ - close > slack) & (open_ > top + slack) & (close < bottom - slack)
    return _flags(bullish), _flags(bearish)


def _previous(values: Floats) -> Floats:
    return np.concatenate((np.full(min(1, len(values)), np.nan), values[:-1]))


def _flags(holds: Bools) -> Flags:
    return holds.astype(np.int8)


INDICATORS = (
    Indicator(
        columns=("hammer", "inverted_hammer"),
        function=hammers,
        inputs=("open", "high", "low", "close"),
        parameters={"body": BODY_MOST, "shadow": SHADOW_LEAST, "other": OTHER_SHADOW_MOST},
        scale="flag",
        settle_bars=settle_window(1),
        description="1 where a small body stands at one end of the range, a long shadow at the other",
        source=f"body <= {BODY_MOST:g} range, lower shadow >= {SHADOW_LEAST:g} range, "
        f"upper <= {OTHER_SHADOW_MOST:g} range; inverted: mirrored",
        type="int8",
    ),
    Indicator(
        columns=("bullish_382", "bearish_382"),
        function=thirds,
        inputs=("open", "high", "low", "close"),
        parameters={"share": THIRD},
        scale="flag",
        settle_bars=settle_window(1),
        description=f"1 where a green body lies in the upper {THIRD:.1%} of the range; "
        "bearish: red, in the lower",
        source=f"close > open >= high - {THIRD:g} range; bearish: close < open <= low + {THIRD:g} range",
        type="int8",
    ),
    Indicator(
        columns=("bullish_engulfing", "bearish_engulfing"),
        function=engulfings,
        inputs=("open", "high", "low", "close"),
        parameters={"times": BODY_TIMES, "near": CLOSE_NEAR_HIGH},
        scale="flag",
        settle_bars=settle_window(2),
        description="1 where the body reaches beyond the previous body on both sides, green or red",
        source=f"open < min and close > max of the previous body, body > {BODY_TIMES:g} of it, "
        f"{CLOSE_NEAR_HIGH:g} (high - close) <= body; bearish: open > max and close < min",
        type="int8",
    ),
)
