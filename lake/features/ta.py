"""The door to TA-Lib, opened on first use: its import takes two seconds, since it brings pandas."""

from __future__ import annotations

from typing import Any

import numpy as np

from lake.market.bars import Floats


def ta(function: str, *inputs: Floats, **parameters: float) -> Any:
    """Return what a TA-Lib function returns: an array, or a tuple of arrays, of the inputs' length.

    Values are NaN while the function warms up, all of them where the history is shorter.
    """
    import talib

    arrays = (np.ascontiguousarray(values, dtype=np.float64) for values in inputs)
    return getattr(talib, function)(*arrays, **parameters)
