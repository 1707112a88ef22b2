"""Which values of columns say something, as Arrow wants to know it. Importing this module imports numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Bits = NDArray[np.uint8]

_GATHER = np.uint64(0x0102040810204080)
"""Times eight bytes of 0 or 1: brings them, the first as the lowest bit, into the highest byte."""
_HIGHEST = np.uint64(56)


@njit(cache=True, nogil=True)
def validity(columns: NDArray[Any], zero_says: bool) -> tuple[Bits, NDArray[np.int64]]:  # pragma: no cover
    """Return a bit for each value that says something, lowest first, and how many of each column do not.

    They are those of `has_value`: NaN says nothing, nor does 0 unless `zero_says`. In one pass, and other
    threads run meanwhile.

    Args:
        columns: one column a row.
    """
    count = columns.shape[1]
    length = (count + 7) // 8
    bits, missing = np.empty((len(columns), length), np.uint8), np.empty(len(columns), np.int64)
    marks = np.zeros(8 * length, np.uint8)
    eights = marks.view(np.uint64)
    for row in range(len(columns)):
        column, own = columns[row], bits[row]
        said = np.int64(0)
        for place in range(count):
            value = column[place]
            mark = np.uint8((value == value) & ((value != 0) | zero_says))
            marks[place] = mark
            said += mark
        for place in range(length):
            own[place] = np.uint8((eights[place] * _GATHER) >> _HIGHEST)
        missing[row] = count - said
    return bits, missing
