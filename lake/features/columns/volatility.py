"""Volatility: how far prices range."""

from __future__ import annotations

from lake.features.indicator import Indicator, settle_smoothing, settle_window
from lake.features.ta import ta
from lake.market.bars import Floats

ATR_PERIOD = 14


def true_range(high: Floats, low: Floats, close: Floats) -> Floats:
    """Return the range of the bar together with the previous close; NaN for the first bar."""
    ranges: Floats = ta("TRANGE", high, low, close)
    return ranges


def atr(high: Floats, low: Floats, close: Floats, period: int) -> Floats:
    """Return Wilder's average of the true range."""
    average: Floats = ta("ATR", high, low, close, timeperiod=period)
    return average


INDICATORS = (
    Indicator(
        columns=("true_range",),
        function=true_range,
        inputs=("high", "low", "close"),
        scale="price",
        settle_bars=settle_window(2),
        description="Larger of high and previous close, less smaller of low and previous close",
        source="TA-Lib TRANGE",
    ),
    Indicator(
        columns=(f"atr_{ATR_PERIOD}",),
        function=atr,
        inputs=("high", "low", "close"),
        parameters={"period": ATR_PERIOD},
        scale="price",
        settle_bars=settle_smoothing(1 / ATR_PERIOD, ATR_PERIOD),
        description=f"Wilder's average of the true range over {ATR_PERIOD} bars",
        source="TA-Lib ATR (Wilder)",
    ),
)
