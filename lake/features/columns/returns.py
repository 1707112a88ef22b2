"""Returns from close to close, on the split basis: dividends are not in them."""

from __future__ import annotations

import numpy as np

from lake.features.indicator import Indicator, settle_window
from lake.market.bars import Floats


def return_pct(close: Floats) -> Floats:
    """Return the change of the close since the previous bar, in percent."""
    return 100.0 * (_growth(close) - 1.0)


def log_return(close: Floats) -> Floats:
    """Return the natural logarithm of the close over the previous close."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(_growth(close))


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
)
