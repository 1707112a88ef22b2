"""The door to TA-Lib, opened on first use: its import takes two seconds, since it brings pandas."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

from lake.market.bars import Floats


def ta(function: str, *inputs: Floats, **parameters: float) -> Any:
    """Return what a TA-Lib function returns: an array, or a tuple of arrays, of the inputs' length.

    Values are NaN while the function warms up, all of them where the history is shorter.
    """
    return _function(function)(*inputs, **parameters)


def c_address(function: str) -> int:
    """Return where the C function behind a TA-Lib function is, 0 where its library does not show it."""
    import talib._ta_lib  # brings the library into this process and sets it up

    library = ctypes.CDLL(talib._ta_lib.__file__)
    if not hasattr(library, f"TA_{function}"):
        return 0
    return ctypes.cast(getattr(library, f"TA_{function}"), ctypes.c_void_p).value or 0


@cache
def _function(name: str) -> Any:
    import talib._ta_lib

    # The function itself: the package wraps each in a look for data frames among its arguments.
    function = getattr(talib._ta_lib, name)
    return getattr(function, "__wrapped__", function)
