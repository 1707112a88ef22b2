"""Moving averages of the close."""

from __future__ import annotations

from lake.features.indicator import Indicator, settle_smoothing, settle_window
from lake.features.settings import COLUMNS
from lake.features.ta import ta
from lake.market.bars import Floats

SMA_PERIODS = COLUMNS.moving_averages.sma
EMA_PERIODS = COLUMNS.moving_averages.ema


def sma(values: Floats, period: int) -> Floats:
    """Return the mean of the last `period` values."""
    from lake.features import loops

    average: Floats = loops.mean(values, period)
    return average


def ema(values: Floats, period: int) -> Floats:
    """Return the exponential average of weight 2 / (period + 1), seeded with the first mean."""
    average: Floats = ta("EMA", values, timeperiod=period)
    return average


INDICATORS = (
    *(
        Indicator(
            columns=(f"sma_{period}",),
            function=sma,
            inputs=("close",),
            parameters={"period": period},
            scale="price",
            settle_bars=settle_window(period),
            description=f"Mean of the last {period} closes",
            source="Sum of the closes over their number; TA-Lib SMA to its rounding",
        )
        for period in SMA_PERIODS
    ),
    *(
        Indicator(
            columns=(f"ema_{period}",),
            function=ema,
            inputs=("close",),
            parameters={"period": period},
            scale="price",
            settle_bars=settle_smoothing(2 / (period + 1), period),
            description=f"Exponential average of the close over {period} bars",
            source="TA-Lib EMA, seeded with the mean of the first bars",
        )
        for period in EMA_PERIODS
    ),
)
