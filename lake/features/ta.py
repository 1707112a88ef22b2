"""The door to TA-Lib, opened on first use: its import takes two seconds, since it brings pandas."""

from __future__ import annotations

from functools import cache
from typing import Any

from lake.market.bars import Floats


def ta(function: str, *inputs: Floats, **parameters: float) -> Any:
    """Return what a TA-Lib function returns: an array, or a tuple of arrays, of the inputs' length.

    Values are NaN while the function warms up, all of them where the history is shorter.
    """
    return _function(function)(*inputs, **parameters)


@cache
def _function(name: str) -> Any:
    import talib._ta_lib

    # The function itself: the package wraps each in a look for data frames among its arguments.
    function = getattr(talib._ta_lib, name)
    return getattr(function, "__wrapped__", function)
