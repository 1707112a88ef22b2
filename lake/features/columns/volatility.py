"""Volatility: how far prices range."""

from __future__ import annotations

import numpy as np

from lake.features.indicator import Indicator, settle_smoothing, settle_window
from lake.features.settings import COLUMNS
from lake.features.ta import ta
from lake.market.bars import Floats

ATR_PERIODS = COLUMNS.volatility.atr
ATR_PERIOD, KELTNER_ATR = ATR_PERIODS[0], COLUMNS.volatility.keltner_atr
"""The first is stored, the others serve channels."""

ATR_MEAN_OF = COLUMNS.volatility.atr_mean
BAND_PERIOD, BAND_WIDTH = COLUMNS.volatility.bands.period, COLUMNS.volatility.bands.width
DONCHIAN_PERIODS = COLUMNS.volatility.donchian
"""The first is stored."""


def true_range(high: Floats, low: Floats, close: Floats) -> Floats:
    """Return the range of the bar together with the previous close; NaN for the first bar."""
    ranges: Floats = ta("TRANGE", high, low, close)
    return ranges


def atr(high: Floats, low: Floats, close: Floats, period: int) -> Floats:
    """Return Wilder's average of the true range."""
    average: Floats = ta("ATR", high, low, close, timeperiod=period)
    return average


def mean(values: Floats, period: int) -> Floats:
    """Return the mean of the last `period` values."""
    from lake.features import loops

    average: Floats = loops.mean(values, period)
    return average


def stdev(values: Floats, period: int) -> Floats:
    """Return the population standard deviation of the last `period` values."""
    from lake.features.loops import deviation

    spread: Floats = deviation(values, period)
    return spread


def channel(middle: Floats, width: Floats, times: float) -> tuple[Floats, Floats, Floats]:
    """Return a middle line plus `times` a width, itself, and minus as much."""
    return middle + times * width, middle.copy(), middle - times * width


def donchian(high: Floats, low: Floats, period: int) -> tuple[Floats, Floats]:
    """Return the highest high and the lowest low of the `period` bars before this one."""
    return _before(ta("MAX", high, timeperiod=period)), _before(ta("MIN", low, timeperiod=period))


def _before(values: Floats) -> Floats:
    return np.concatenate((np.full(min(1, len(values)), np.nan), values[:-1]))


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
    *(
        Indicator(
            columns=(f"atr_{period}",),
            function=atr,
            inputs=("high", "low", "close"),
            parameters={"period": period},
            scale="price",
            settle_bars=settle_smoothing(1 / period, period),
            description=f"Wilder's average of the true range over {period} bars",
            source="TA-Lib ATR (Wilder)",
            is_helper=period != ATR_PERIOD,
        )
        for period in ATR_PERIODS
    ),
    Indicator(
        columns=(f"atr_{ATR_PERIOD}_mean_{ATR_MEAN_OF}",),
        function=mean,
        inputs=(f"atr_{ATR_PERIOD}",),
        parameters={"period": ATR_MEAN_OF},
        scale="price",
        settle_bars=settle_smoothing(1 / ATR_PERIOD, ATR_PERIOD + ATR_MEAN_OF),
        description=f"Mean of the last {ATR_MEAN_OF} values of atr_{ATR_PERIOD}",
        source=f"Sum of atr_{ATR_PERIOD} over their number; TA-Lib SMA to its rounding",
    ),
    Indicator(
        columns=(f"stdev_{BAND_PERIOD}",),
        function=stdev,
        inputs=("close",),
        parameters={"period": BAND_PERIOD},
        scale="price",
        settle_bars=settle_window(BAND_PERIOD),
        description=f"Population standard deviation of the last {BAND_PERIOD} closes",
        source="Square root of the mean squared distance from the mean; TA-Lib STDDEV to its rounding",
    ),
    Indicator(
        columns=("bb_upper", "bb_middle", "bb_lower"),
        function=channel,
        inputs=(f"sma_{BAND_PERIOD}", f"stdev_{BAND_PERIOD}"),
        parameters={"times": BAND_WIDTH},
        scale="price",
        settle_bars=settle_window(BAND_PERIOD),
        description=f"Bollinger bands: sma_{BAND_PERIOD} and {BAND_WIDTH:g} standard deviations either side",
        source="TA-Lib BBANDS (population deviation)",
    ),
    Indicator(
        columns=("keltner_upper", "keltner_middle", "keltner_lower"),
        function=channel,
        inputs=(f"ema_{BAND_PERIOD}", f"atr_{KELTNER_ATR}"),
        parameters={"times": BAND_WIDTH},
        scale="price",
        settle_bars=settle_smoothing(1 / KELTNER_ATR, BAND_PERIOD),
        description=f"Keltner channel: ema_{BAND_PERIOD} and {BAND_WIDTH:g} times the ATR of {KELTNER_ATR} "
        "either side",
        source=f"ema_{BAND_PERIOD} + and - {BAND_WIDTH:g} * atr_{KELTNER_ATR}",
    ),
    *(
        Indicator(
            columns=tuple(f"donchian_{side}{suffix}" for side in ("upper", "lower")),
            function=donchian,
            inputs=("high", "low"),
            parameters={"period": period},
            scale="price",
            settle_bars=settle_window(period + 1),
            description=f"Highest high and lowest low of the {period} bars before this one",
            source="TA-Lib MAX and MIN, one bar later",
            is_helper=bool(suffix),
        )
        for period, suffix in zip(
            DONCHIAN_PERIODS, ("", *(f"_{period}" for period in DONCHIAN_PERIODS[1:])), strict=True
        )
    ),
)
