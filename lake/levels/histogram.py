"""Histogram of levels: how many, and how strong, lie in each step of price."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lake.errors import BadInput
from lake.market.bars import Floats

WIDTH_PCT = 0.1
"""How wide a bin is, in percent of the price: that of the view `level_histogram`."""


class Bin(NamedTuple):
    """Levels at a price from `low` to before `high`."""

    low: float
    high: float
    levels: int
    strength: float


def bin_width(price: float, tick: float | None = None) -> float:
    """Return 0.1% of the price, where the tick is known in whole ticks and at least one."""
    width = price * WIDTH_PCT / 100
    if tick is None:
        return width
    return max(round(width / tick), 1) * tick


def histogram(prices: Floats, strengths: Floats, width: float) -> list[Bin]:
    """Return the bins that hold levels, lowest first; edges are whole multiples of `width`.

    Raises:
        BadInput: the width is not positive.
    """
    if not width > 0:
        raise BadInput(f"expected a positive width of price bins, found {width:g}; give one above 0")
    # An edge belongs to the bin above it, also where rounding put the price just below.
    numbers = np.floor(prices / width + 1e-9).astype(np.int64)
    found = []
    for number in np.unique(numbers):
        inside = numbers == number
        low, high = float(number * width), float((number + 1) * width)
        found.append(Bin(low, high, int(inside.sum()), float(strengths[inside].sum())))
    return found
