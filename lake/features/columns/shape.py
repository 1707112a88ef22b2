"""Shape: what one bar looks like."""

from __future__ import annotations

import numpy as np

from lake.features.indicator import Indicator, settle_window
from lake.market.bars import Floats


def color(open_: Floats, close: Floats) -> Floats:
    """Return 1 where the bar closed above its open (green), -1 below (red), else 0."""
    return np.sign(close - open_)


INDICATORS = (
    Indicator(
        columns=("color",),
        function=color,
        inputs=("open", "close"),
        scale="flag",
        settle_bars=settle_window(1),
        description="1 if the bar closed above its open (green), -1 if below (red), else 0",
        source="sign of close - open",
    ),
)
