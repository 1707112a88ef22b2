"""Momentum: how fast the close moves, and which way."""

from __future__ import annotations

import numpy as np

from lake.features.indicator import ROUNDING, TOLERANCE, Indicator, settle_smoothing
from lake.features.ta import ta
from lake.market.bars import Floats

RSI_PERIODS = (7, 14)
MACD_FAST, MACD_SLOW, MACD_SIGNAL = 12, 26, 9


def rsi(close: Floats, period: int) -> Floats:
    """Return Wilder's relative strength index, 0 to 100; 50 where nothing moves.

    Nothing moves where the average move is below 1e-9 of the close. TA-Lib has 0 where nothing has
    moved yet, and in a market gone flat keeps the last strength for ever, so that a value would
    hang on moves of any age.
    """
    strength: Floats = ta("RSI", close, timeperiod=period)
    # With high = low = close the true range is |change|, so its ATR is the average move.
    average_move: Floats = ta("ATR", close, close, close, timeperiod=period)
    return np.where(average_move < TOLERANCE * np.abs(close), 50.0, strength)


def macd(close: Floats, fast: int, slow: int, signal: int) -> tuple[Floats, Floats, Floats]:
    """Return the difference of two EMAs, its own EMA, and the difference of these."""
    line, average, histogram = ta("MACD", close, fastperiod=fast, slowperiod=slow, signalperiod=signal)
    return line, average, histogram


INDICATORS = (
    *(
        Indicator(
            columns=(f"rsi_{period}",),
            function=rsi,
            inputs=("close",),
            parameters={"period": period},
            scale="percent",
            # What is left of the start competes with moves down to 1e-9 of the close.
            settle_bars=settle_smoothing(1 / period, period, residue=ROUNDING * TOLERANCE),
            description=f"Relative strength index of {period} bars, 0 to 100; 50 in a flat market",
            source="TA-Lib RSI (Wilder), except that a flat market has 50",
        )
        for period in RSI_PERIODS
    ),
    Indicator(
        columns=("macd", "macd_signal", "macd_hist"),
        function=macd,
        inputs=("close",),
        parameters={"fast": MACD_FAST, "slow": MACD_SLOW, "signal": MACD_SIGNAL},
        scale="price",
        settle_bars=settle_smoothing(2 / (MACD_SLOW + 1), MACD_SLOW + MACD_SIGNAL),
        description="EMA 12 less EMA 26 of the close; its EMA 9; the first less the second",
        source="TA-Lib MACD, both averages starting at bar 26",
    ),
)
