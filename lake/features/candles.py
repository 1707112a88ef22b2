"""Candle patterns of TA-Lib, many of one series in one call. Importing this module imports numba.

A TA-Lib function lets other Python threads run while it works, and asks for its turn afterwards. With 61
short functions a series, two threads spend a fifth of their time on waiting for one another; here the turn
is given up once, and the C functions behind the Python ones are called in a loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from lake.features.ta import c_address, ta
from lake.market.bars import Floats

Strengths = NDArray[np.int16]

_INT, _REAL = ir.IntType(32), ir.DoubleType()
_PLAIN = ir.FunctionType(_INT, [_INT] * 2 + [_REAL.as_pointer()] * 4 + [_INT.as_pointer()] * 3)
"""int TA_CDL…(first, last, open, high, low, close, found_from, found_count, found)."""
_REACHING = ir.FunctionType(_INT, [_INT] * 2 + [_REAL.as_pointer()] * 4 + [_REAL] + [_INT.as_pointer()] * 3)
"""The same with how far a close must reach, between the prices and what is found."""


def candles(
    names: Sequence[str], penetrations: Sequence[float], prices: tuple[Floats, Floats, Floats, Floats]
) -> Strengths:
    """Return the strengths that CDL functions of TA-Lib find: one row a function, one column a bar.

    They are those of the Python functions, one after the other: 0 before a function has seen enough bars,
    counted from the first bar without NaN.

    Args:
        names: of TA-Lib's functions, such as CDLDOJI.
        penetrations: what each takes as penetration, NaN for one that takes none.
        prices: open, high, low, close.

    Raises:
        ValueError: prices are not equally many, or TA-Lib refuses a penetration.
    """
    out = np.zeros((len(names), len(prices[0])), dtype=np.int16)
    addresses = _addresses(tuple(names))
    if not addresses.all():  # the library is a part of the Python module
        for row, (name, reach) in enumerate(zip(names, penetrations, strict=True)):
            out[row] = ta(name, *prices, **({} if np.isnan(reach) else {"penetration": reach}))
        return out
    refused = _find(addresses, np.asarray(penetrations), np.array(prices, dtype=np.float64), out)
    if refused >= 0:
        raise ValueError(
            f"expected a penetration of 0 or more for {names[refused]}, found {penetrations[refused]:g}; "
            "see PENETRATION in lake/features/columns/talib_patterns.py"
        )
    return out


@cache
def _addresses(names: tuple[str, ...]) -> NDArray[np.int64]:
    return np.array([c_address(name) for name in names], dtype=np.int64)


def _calling(
    typing_context: Any,
    address: Any,
    last: Any,
    open_: Any,
    high: Any,
    low: Any,
    close: Any,
    penetration: Any,
    found_from: Any,
    found_count: Any,
    found: Any,
) -> Any:
    """Return how numba calls the C function at an address, with addresses of arrays; success gives 0."""
    taken = (address, last, open_, high, low, close, penetration, found_from, found_count, found)

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        function, end, *inputs, reach, at, count, strengths = values
        numbers = [ir.Constant(_INT, 0), builder.trunc(end, _INT)]
        series = [builder.inttoptr(each, _REAL.as_pointer()) for each in inputs]
        outputs = [builder.inttoptr(each, _INT.as_pointer()) for each in (at, count, strengths)]
        kinds = ((_PLAIN, [*numbers, *series, *outputs]), (_REACHING, [*numbers, *series, reach, *outputs]))
        codes = []
        with builder.if_else(builder.fcmp_unordered("uno", reach, reach)) as branches:
            for branch, (kind, arguments) in zip(branches, kinds, strict=True):
                with branch:
                    called = builder.call(builder.inttoptr(function, kind.as_pointer()), arguments)
                    codes.append((called, builder.block))
        code = builder.phi(_INT)
        for called, block in codes:
            code.add_incoming(called, block)
        return code

    return types.int32(*taken), generate


_call: Any = intrinsic(_calling)


@njit(cache=True, nogil=True)
def _find(
    addresses: NDArray[np.int64], penetrations: Floats, prices: Floats, out: Strengths
) -> int:  # pragma: no cover
    """Fill `out` and return the place of the first function that refuses its arguments, -1 for none."""
    start, bars = 0, prices.shape[1]
    while start < bars and np.isnan(prices[:, start]).any():
        start += 1
    if start == bars:
        return -1
    opens, highs, lows, closes = prices[0, start:], prices[1, start:], prices[2, start:], prices[3, start:]
    found, at = np.zeros(bars, dtype=np.int32), np.zeros(2, dtype=np.int32)
    for row in range(len(addresses)):
        refused = _call(
            addresses[row],
            bars - start - 1,
            opens.ctypes.data,
            highs.ctypes.data,
            lows.ctypes.data,
            closes.ctypes.data,
            penetrations[row],
            at.ctypes.data,
            at[1:].ctypes.data,
            found.ctypes.data,
        )
        if refused:
            return row
        first = start + at[0]
        for place in range(at[1]):
            out[row, first + place] = found[place]
    return -1
