"""The door to TA-Lib, opened on first use: its import takes two seconds, since it brings pandas."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from lake.market.bars import Floats


def ta(function: str, *inputs: Floats, **parameters: float) -> Any:
    """Return what a TA-Lib function returns: an array, or a tuple of arrays, of the inputs' length.

    Values are NaN while the function warms up, all of them where the history is shorter.
    """
    return getattr(_library(), function)(
        *[np.ascontiguousarray(values, dtype=np.float64) for values in inputs], **parameters
    )


@cache
def _library() -> Any:
    import talib._ta_lib  # the functions themselves: the package's own look for data frames at every call

    return talib._ta_lib
