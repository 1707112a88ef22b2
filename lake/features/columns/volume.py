"""Volume: how much was traded, and on which side."""

from __future__ import annotations

import numpy as np

from lake.features.indicator import TOLERANCE, Indicator, settle_window
from lake.features.settings import COLUMNS
from lake.features.ta import ta
from lake.market.bars import Floats

VOLUME_PERIOD = COLUMNS.volume.average
LONGEST_SESSION = 24 * 60
"""Bars of the shortest timeframe in a day."""
OBV_STATE, VWAP_STATE = 3, 4
"""Numbers that on-balance volume and the session's mean price remember."""


def obv(close: Floats, volume: Floats) -> Floats:
    """Return the running sum of volume, added where the close rose and taken off where it fell.

    Moves below 1e-9 of the close are none: what a split's division leaves of equal closes is one to TA-Lib,
    and the sum keeps it for ever.
    """
    from lake.features import loops

    line: Floats = loops.along(loops.balance, OBV_STATE, (close, volume), (TOLERANCE,))[0]
    return line


def adl(high: Floats, low: Floats, close: Floats, volume: Floats) -> Floats:
    """Return the running sum of volume times the close's place in the bar, -1 at its low, 1 at its high."""
    line: Floats = ta("AD", high, low, close, volume)
    return line


def average_volume(volume: Floats, period: int) -> Floats:
    """Return the mean of the last `period` volumes."""
    from lake.features import loops

    average: Floats = loops.mean(volume, period)
    return average


def volume_ratio(volume: Floats, average: Floats) -> Floats:
    """Return volume over its average; NaN where nothing was traded in the whole window."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(average == 0, np.nan, volume / average)


def vwap(high: Floats, low: Floats, close: Floats, volume: Floats, session: Floats) -> Floats:
    """Return the mean typical price by volume since the session's first bar; NaN until something traded."""
    from lake.features import loops

    price: Floats = loops.along(loops.vwap, VWAP_STATE, (high, low, close, volume, session), ())[0]
    return price


INDICATORS = (
    Indicator(
        columns=("obv",),
        function=obv,
        inputs=("close", "volume"),
        scale="volume",
        settle_bars=settle_window(2),
        description="On-balance volume since the symbol's first bar",
        source="TA-Lib OBV, except that a move below 1e-9 is none",
        is_cumulative=True,
    ),
    Indicator(
        columns=("adl",),
        function=adl,
        inputs=("high", "low", "close", "volume"),
        scale="volume",
        settle_bars=settle_window(1),
        description="Accumulation and distribution line since the symbol's first bar",
        source="TA-Lib AD (Chaikin)",
        is_cumulative=True,
    ),
    Indicator(
        columns=(f"volume_sma_{VOLUME_PERIOD}",),
        function=average_volume,
        inputs=("volume",),
        parameters={"period": VOLUME_PERIOD},
        scale="volume",
        settle_bars=settle_window(VOLUME_PERIOD),
        description=f"Mean of the last {VOLUME_PERIOD} volumes",
        source="Sum of the volumes over their number; TA-Lib SMA to its rounding",
    ),
    Indicator(
        columns=("volume_ratio",),
        function=volume_ratio,
        inputs=("volume", f"volume_sma_{VOLUME_PERIOD}"),
        scale="ratio",
        settle_bars=settle_window(VOLUME_PERIOD),
        description=f"Volume over volume_sma_{VOLUME_PERIOD}; missing where all of it is 0",
        source=f"volume / volume_sma_{VOLUME_PERIOD}",
    ),
    Indicator(
        columns=("vwap",),
        function=vwap,
        inputs=("high", "low", "close", "volume", "session"),
        scale="price",
        settle_bars=settle_window(LONGEST_SESSION),
        description="Mean typical price by volume since the session began; missing on daily and longer bars",
        source="sum of (high + low + close) / 3 * volume over sum of volume, per session",
        is_intraday=True,
    ),
)
