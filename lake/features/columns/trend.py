"""Trend: which way the price goes, how clearly, and where it stands against its long average."""

from __future__ import annotations

import numpy as np

from lake.features.columns.momentum import MACD_SIGNAL, MACD_SLOW
from lake.features.columns.moving_averages import EMA_PERIODS
from lake.features.indicator import ROUNDING, TOLERANCE, Indicator, settle_smoothing, settle_window
from lake.features.settings import COLUMNS
from lake.features.ta import ta
from lake.market.bars import Floats

ADX_PERIOD, AROON_PERIOD = COLUMNS.trend.adx, COLUMNS.trend.aroon
SUPERTREND_ATR, SUPERTREND_TIMES = COLUMNS.trend.supertrend.atr, COLUMNS.trend.supertrend.times
DIRECTIONAL_STATE, SUPERTREND_STATE = 8, 5
"""Numbers that ADX and supertrend remember."""
BAND_OF = max(EMA_PERIODS)
BAND_PCT = COLUMNS.trend.band_pct


def directional(
    high: Floats, low: Floats, close: Floats, average_range: Floats, split: Floats, period: int
) -> tuple[Floats, Floats, Floats]:
    """Return Wilder's ADX, +DI and -DI; 0 where the average range is below 1e-9 of the close.

    In a market gone flat TA-Lib keeps the last direction for ever.
    """
    from lake.features import loops

    inputs = (high, low, close, average_range, split)
    adx, plus, minus = loops.along(
        loops.directional, DIRECTIONAL_STATE, inputs, (period, TOLERANCE), columns=3
    )
    return adx, plus, minus


def aroon(high: Floats, low: Floats, period: int) -> tuple[Floats, Floats]:
    """Return how lately the highest high and the lowest low were, 100 for this bar, 0 `period` ago."""
    down, up = ta("AROON", high, low, timeperiod=period)
    return up, down


def supertrend(high: Floats, low: Floats, close: Floats, average_range: Floats, times: float) -> Floats:
    """Return the line that trails the price at `times` the average range, turning where it is reached."""
    from lake.features import loops

    inputs = (high, low, close, average_range)
    line: Floats = loops.along(loops.supertrend, SUPERTREND_STATE, inputs, (times, TOLERANCE))[0]
    return line


def golden_cross(line: Floats, signal: Floats, close: Floats) -> Floats:
    """Return 1 where MACD is above its signal and below 0, else 0."""
    tolerance = TOLERANCE * np.abs(close)
    holds = (line - signal > tolerance) & (line < -tolerance)
    return np.where(np.isnan(signal), np.nan, holds)


def band(average: Floats, pct: float) -> tuple[Floats, Floats]:
    """Return the values `pct` percent above and below an average."""
    return average * (1.0 + pct / 100.0), average * (1.0 - pct / 100.0)


INDICATORS = (
    Indicator(
        columns=(f"adx_{ADX_PERIOD}", f"plus_di_{ADX_PERIOD}", f"minus_di_{ADX_PERIOD}"),
        function=directional,
        inputs=("high", "low", "close", f"atr_{ADX_PERIOD}", "split"),
        parameters={"period": ADX_PERIOD},
        scale="percent",
        # As for RSI; the ADX averages the quotient once more.
        settle_bars=2 * settle_smoothing(1 / ADX_PERIOD, ADX_PERIOD, residue=ROUNDING * TOLERANCE),
        description="Strength of the trend and of its up and down parts, 0 to 100; 0 in a flat market",
        source="TA-Lib ADX, PLUS_DI, MINUS_DI (Wilder), except that a flat market has 0",
        compares_exactly=True,  # moves up and down of one size cancel: rounding would let one of them count
    ),
    Indicator(
        columns=(f"aroon_up_{AROON_PERIOD}", f"aroon_down_{AROON_PERIOD}"),
        function=aroon,
        inputs=("high", "low"),
        parameters={"period": AROON_PERIOD},
        scale="percent",
        settle_bars=settle_window(AROON_PERIOD + 1),
        description=f"How lately the high and the low of {AROON_PERIOD} bars were, 0 to 100",
        source="TA-Lib AROON",
        compares_exactly=True,  # of two equal highs the later one counts
    ),
    Indicator(
        columns=("supertrend",),
        function=supertrend,
        inputs=("high", "low", "close", f"atr_{SUPERTREND_ATR}"),
        parameters={"times": SUPERTREND_TIMES},
        scale="price",
        # Two starts agree from the first turn that both make; no history known takes this long.
        settle_bars=4096,
        description="Line that trails the price: support below it while the trend is up, resistance above",
        source=f"Middle of the bar + or - {SUPERTREND_TIMES:g} * atr_{SUPERTREND_ATR} (Stock.Indicators)",
    ),
    Indicator(
        columns=("macd_golden_cross",),
        function=golden_cross,
        inputs=("macd", "macd_signal", "close"),
        scale="flag",
        settle_bars=settle_smoothing(2 / (MACD_SLOW + 1), MACD_SLOW + MACD_SIGNAL),
        description="1 where MACD is above its signal and below 0, else 0",
        source="macd > macd_signal and macd < 0",
    ),
    Indicator(
        columns=(f"ema_{BAND_OF}_upper", f"ema_{BAND_OF}_lower"),
        function=band,
        inputs=(f"ema_{BAND_OF}",),
        parameters={"pct": BAND_PCT},
        scale="price",
        settle_bars=settle_smoothing(2 / (BAND_OF + 1), BAND_OF),
        description=f"Band of {BAND_PCT:g}% above and below ema_{BAND_OF}",
        source=f"ema_{BAND_OF} times 1 + {BAND_PCT:g}% and 1 - {BAND_PCT:g}%",
    ),
)
