"""Returns from close to close, on the split basis: dividends are not in them."""

from __future__ import annotations

import numpy as np

from lake.features.indicator import Indicator, settle_window
from lake.features.settings import COLUMNS
from lake.market.bars import Floats

VOLATILITY_PERIOD = COLUMNS.returns.volatility


def return_pct(close: Floats) -> Floats:
    """Return the change of the close since the previous bar, in percent."""
    return 100.0 * (_growth(close) - 1.0)


def log_return(close: Floats) -> Floats:
    """Return the natural logarithm of the close over the previous close."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(_growth(close))


def volatility(returns: Floats, period: int) -> Floats:
    """Return the population standard deviation of the last `period` returns, not annualised."""
    from lake.features.loops import deviation

    spread = np.full(len(returns), np.nan)
    spread[1:] = deviation(returns[1:], period)
    return spread


def _growth(close: Floats) -> Floats:
    growth = np.full(len(close), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        np.divide(close[1:], close[:-1], out=growth[1:])
    return growth


INDICATORS = (
    Indicator(
        columns=("return_pct",),
        function=return_pct,
        inputs=("close",),
        scale="percent",
        settle_bars=settle_window(2),
        description="Change of the close since the previous bar, in percent, without dividends",
        source="100 * (close / previous close - 1)",
    ),
    Indicator(
        columns=("log_return",),
        function=log_return,
        inputs=("close",),
        scale="ratio",
        settle_bars=settle_window(2),
        description="Natural logarithm of close over previous close, without dividends",
        source="ln(close / previous close)",
    ),
    Indicator(
        columns=(f"volatility_{VOLATILITY_PERIOD}",),
        function=volatility,
        inputs=("log_return",),
        parameters={"period": VOLATILITY_PERIOD},
        scale="ratio",
        settle_bars=settle_window(VOLATILITY_PERIOD + 1),
        description=f"Population standard deviation of the last {VOLATILITY_PERIOD} log returns, a bar",
        source="Square root of the mean squared distance of log_return from its mean; not annualised",
    ),
)
