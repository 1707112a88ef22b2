"""Momentum: how fast the close moves, and which way."""

from __future__ import annotations

import numpy as np

from lake.features.indicator import ROUNDING, TOLERANCE, Indicator, settle_smoothing, settle_window
from lake.features.settings import COLUMNS
from lake.features.ta import ta
from lake.market.bars import Floats

RSI_PERIODS = COLUMNS.momentum.rsi
MACD = COLUMNS.momentum.macd
MACD_FAST, MACD_SLOW, MACD_SIGNAL = MACD.fast, MACD.slow, MACD.signal
STOCH_PERIOD, STOCH_SMOOTHING = COLUMNS.momentum.stochastic.period, COLUMNS.momentum.stochastic.smoothing
MFI_PERIOD, CCI_PERIOD, ROC_PERIOD = COLUMNS.momentum.mfi, COLUMNS.momentum.cci, COLUMNS.momentum.roc
FLAT = 50.0
"""What RSI, MFI and the stochastic are where nothing moves."""


def rsi(close: Floats, period: int) -> Floats:
    """Return Wilder's relative strength index, 0 to 100; 50 where nothing moves.

    Nothing moves where the average move is below 1e-9 of the close. TA-Lib has 0 where nothing has
    moved yet, and in a market gone flat keeps the last strength for ever, so that a value would
    hang on moves of any age.
    """
    strength: Floats = ta("RSI", close, timeperiod=period)
    # With high = low = close the true range is |change|, so its ATR is the average move.
    average_move: Floats = ta("ATR", close, close, close, timeperiod=period)
    return np.where(average_move < TOLERANCE * np.abs(close), FLAT, strength)


def macd(close: Floats, fast: int, slow: int, signal: int) -> tuple[Floats, Floats, Floats]:
    """Return the difference of two EMAs, its own EMA, and the difference of these."""
    line, average, histogram = ta("MACD", close, fastperiod=fast, slowperiod=slow, signalperiod=signal)
    return line, average, histogram


def place_in_range(high: Floats, low: Floats, close: Floats, period: int) -> Floats:
    """Return where the close stands in the range of the last bars, 0 to 100; 50 where there is none."""
    lowest: Floats = ta("MIN", low, timeperiod=period)
    width = ta("MAX", high, timeperiod=period) - lowest
    with np.errstate(divide="ignore", invalid="ignore"):
        place = 100.0 * (close - lowest) / width
    return np.where(width <= TOLERANCE * np.abs(close), FLAT, place)


def stochastic(place: Floats, smoothing: int) -> tuple[Floats, Floats]:
    """Return the mean place in the range over `smoothing` bars, and the mean of that again."""
    slow: Floats = ta("SMA", place, timeperiod=smoothing)
    signal: Floats = ta("SMA", slow, timeperiod=smoothing)
    return slow, signal


def below_the_high(place: Floats) -> Floats:
    """Return Williams' %R: the place in the range counted from its high, -100 to 0."""
    return place - 100.0


def roc(close: Floats, period: int) -> Floats:
    """Return the change of the close over `period` bars, in percent."""
    change: Floats = ta("ROC", close, timeperiod=period)
    return change


def money_flow(high: Floats, low: Floats, close: Floats, volume: Floats, period: int) -> Floats:
    """Return the money flow index, 0 to 100; 50 where no typical price of the window moved.

    Moves below 1e-9 of the price are none: TA-Lib takes what rounding leaves of equal typical prices for
    one, and a split changes what it leaves.
    """
    from lake.features import loops

    inputs, parameters = (high, low, close, volume), (period, FLAT, TOLERANCE)
    index: Floats = loops.along(loops.money_flow, money_flow_state(period), inputs, parameters)[0]
    return index


def money_flow_state(period: int) -> int:
    """Return how many numbers the money flow index remembers."""
    return 2 + period


def commodity_channel(high: Floats, low: Floats, close: Floats, period: int) -> Floats:
    """Return the commodity channel index; 0 where the typical price of the window did not move.

    There TA-Lib divides what rounding left by what rounding left.
    """
    index: Floats = ta("CCI", high, low, close, timeperiod=period)
    price = (high + low + close) / 3.0
    width = ta("MAX", price, timeperiod=period) - ta("MIN", price, timeperiod=period)
    return np.where(width <= TOLERANCE * np.abs(price), 0.0, index)


PLACE = f"place_in_range_{STOCH_PERIOD}"

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
        description=f"EMA {MACD_FAST} less EMA {MACD_SLOW} of the close; its EMA {MACD_SIGNAL}; "
        "the first less the second",
        source=f"TA-Lib MACD, both averages starting at bar {MACD_SLOW}",
    ),
    Indicator(
        columns=(PLACE,),
        function=place_in_range,
        inputs=("high", "low", "close"),
        parameters={"period": STOCH_PERIOD},
        scale="percent",
        settle_bars=settle_window(STOCH_PERIOD),
        description=f"Place of the close in the range of {STOCH_PERIOD} bars, 0 to 100; 50 without range",
        source="100 * (close - lowest low) / (highest high - lowest low)",
        is_helper=True,
    ),
    Indicator(
        columns=("stoch_k", "stoch_d"),
        function=stochastic,
        inputs=(PLACE,),
        parameters={"smoothing": STOCH_SMOOTHING},
        scale="percent",
        settle_bars=settle_window(STOCH_PERIOD + 2 * STOCH_SMOOTHING - 2),
        description=f"Slow stochastic: mean of {STOCH_SMOOTHING} places in the range of {STOCH_PERIOD} bars; "
        f"mean of {STOCH_SMOOTHING} of that",
        source="TA-Lib STOCH with simple averages, except that a flat market has 50",
    ),
    Indicator(
        columns=(f"roc_{ROC_PERIOD}",),
        function=roc,
        inputs=("close",),
        parameters={"period": ROC_PERIOD},
        scale="percent",
        settle_bars=settle_window(ROC_PERIOD + 1),
        description=f"Change of the close over {ROC_PERIOD} bars, in percent",
        source="TA-Lib ROC",
    ),
    Indicator(
        columns=(f"mfi_{MFI_PERIOD}",),
        function=money_flow,
        inputs=("high", "low", "close", "volume"),
        parameters={"period": MFI_PERIOD},
        scale="percent",
        settle_bars=settle_window(MFI_PERIOD + 1),
        description=f"Money flow index of {MFI_PERIOD} bars, 0 to 100; 50 in a flat market",
        source="TA-Lib MFI, except that a flat market has 50 and rounding is no move",
    ),
    Indicator(
        columns=(f"willr_{STOCH_PERIOD}",),
        function=below_the_high,
        inputs=(PLACE,),
        scale="percent",
        settle_bars=settle_window(STOCH_PERIOD),
        description=f"Williams %R of {STOCH_PERIOD} bars, -100 to 0; -50 in a flat market",
        source="TA-Lib WILLR, except that a flat market has -50, as the stochastic has 50",
    ),
    Indicator(
        columns=(f"cci_{CCI_PERIOD}",),
        function=commodity_channel,
        inputs=("high", "low", "close"),
        parameters={"period": CCI_PERIOD},
        scale="percent",
        settle_bars=settle_window(CCI_PERIOD),
        description=f"Commodity channel index of {CCI_PERIOD} bars; 0 in a flat market",
        source="TA-Lib CCI",
    ),
)
